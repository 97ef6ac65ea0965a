/** The label that finds our issue again. A label filter answers at once, where GitLab's search may lag behind. */
export const markerLabel = (incidentId: string): string => `tocsin::${shortOf(incidentId)}`;

/** In the description: proves that an issue with the label is this incident's. Telemetry cannot forge it, since its `<` is escaped. */
export const incidentMarker = (incidentId: string): string => `<!-- tocsin:incident:${safe(incidentId)} -->`;

/** In a note: finds it again when the answer to its creation was lost. */
export const noteMarker = (name: string): string => `<!-- tocsin:note:${safe(name)} -->`;

/** The end of an id is random, its beginning is the time. */
const shortOf = (incidentId: string): string => safe(incidentId).slice(-12);
const safe = (text: string): string => text.replaceAll(/[^\w.-]/g, "_");
