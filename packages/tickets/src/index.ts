export {
  type EscalationStatus,
  type GitlabSeverity,
  type GitlabTickets,
  type NewTicket,
  type OpenGitlabOptions,
  openGitlab,
  type TicketChange,
  type TicketRef,
} from "./gitlab-tickets.ts";
export { incidentMarker, markerLabel, noteMarker } from "./marker.ts";
export { neutralise, neutraliseLine, neutraliseMarkdown, neutraliseTitle } from "./neutralise.ts";
