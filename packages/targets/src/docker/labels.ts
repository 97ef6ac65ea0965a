/** Container labels by which the adapter knows what it may act on and what it made. */
export const LABELS = {
  /** `true` allows acting. */
  managed: "tocsin.managed",
  service: "tocsin.service",
  composeService: "com.docker.compose.service",
  /** The image that ran before this one: where a rollback goes. */
  previousImage: "tocsin.previous-image",
  /** After a rollback, the image it came from: where the rollback's undo goes. */
  rolledBackFrom: "tocsin.rolled-back-from",
  /** Names of what may be set, separated by commas: environment variables, and `memory`, `cpus`, `pids`. */
  config: "tocsin.config",
  composeProject: "com.docker.compose.project",
  composeNumber: "com.docker.compose.container-number",
  composeOneOff: "com.docker.compose.oneoff",
  /** Which operation made this container. */
  operation: "tocsin.operation",
  /** `true` on one-off containers. */
  oneOff: "tocsin.one-off",
  /** RFC 3339: when a one-off is over at the latest. */
  deadline: "tocsin.deadline",
} as const;
