/**
 * When many incidents are one event: a mass event is rarely that many local faults, so nothing acts on its own while it lasts. The one place
 * for the numbers that the correlator announces by, the executor's policy decides by and the console shows.
 */
export const STORM = {
  /** So many incidents opened within the window. */
  incidents: 10,
  windowSeconds: 300,
  /** In the lab, where one drill follows the other on purpose, the policy acts up to here. */
  labIncidents: 25,
} as const;
