export type { PoolLike, Store } from "./database.ts";
export {
  appendEvents,
  EVENT_LOG_CHANNEL,
  type EventLogQuery,
  type LoggedEvent,
  lastEventSeq,
  outboxBacklog,
  readEventLog,
} from "./event-log.ts";
export { assertFence, claimIncident } from "./fence.ts";
export { claimEvents } from "./inbox.ts";
export type { JobRun, Jobs, NewJob, OnJobWorked, WorkOptions } from "./jobs.ts";
export { dropLease, takeLease } from "./lease.ts";
export { migrate } from "./migrate.ts";
export { openStore, type StoreOptions } from "./open-store.ts";
export { type Relay, type RelayOptions, startRelay } from "./relay.ts";
export {
  type AlertChange,
  type AlertRow,
  type AlertTransition,
  findAlerts,
  insertTransitions,
  knownTransitions,
  transitionsBetween,
  updateAlerts,
  upsertAlerts,
} from "./repositories/alerts.ts";
export {
  type ApprovalDecision,
  type ApprovalOutcome,
  type ApprovalRow,
  approvalOfRun,
  decideApproval,
  expireApprovals,
  findApproval,
  insertApproval,
  listApprovals,
  type NewApproval,
} from "./repositories/approvals.ts";
export {
  type AutonomyChange,
  type AutonomyChangeKind,
  autonomyChanges,
  insertAutonomyChange,
  lastAutonomyChange,
} from "./repositories/autonomy.ts";
export { appendToInbox, type InboxEvent, inboxDepth, readInbox, removeFromInbox } from "./repositories/bridge-inbox.ts";
export { changesBetween, insertChanges } from "./repositories/changes.ts";
export {
  type DeadLetterEntry,
  decideDeadLetter,
  keepDeadLetter,
  listDeadLetters,
  takeDeadLetter,
} from "./repositories/dead-letters.ts";
export {
  type DrillIncident,
  findDrill,
  incidentOfDrill,
  insertDrill,
  listDrills,
  lockRunningDrills,
  updateDrill,
} from "./repositories/drills.ts";
export { type GuidanceRow, guidanceOf, insertGuidance, type NewGuidance, tickGuidance } from "./repositories/guidance.ts";
export { forgetHeartbeat, type Heartbeat, listHeartbeats, recordHeartbeats } from "./repositories/heartbeats.ts";
export { type IncidentMove, moveIncident } from "./repositories/incident-moves.ts";
export {
  type AlertFilter,
  type IncidentFilter,
  type ListPosition,
  listAlerts,
  listIncidents,
  type Page,
  saveFeedback,
  viewIncident,
} from "./repositories/incident-views.ts";
export {
  CORRELATION_QUEUE,
  type CorrelatedIncident,
  type CorrelationDecision,
  type CorrelationWish,
  closeMerged,
  decisionsOf,
  deleteSplitOff,
  incidentStates,
  incidentsOpenedSince,
  insertDecisions,
  type LiveIncidentRow,
  type LiveMemberRow,
  liveIncidents,
  liveMembers,
  lockIncidents,
  lockScopes,
  type NewMember,
  personDecisions,
  ROLE_REASON_PREFIX,
  raiseScopes,
  readPairs,
  requestCorrelation,
  type StoredDecision,
  type StoredPair,
  scopeOfIncident,
  scopesToRelease,
  undoDecision,
  updateRoles,
  upsertIncidents,
  upsertMembers,
  upsertPairs,
} from "./repositories/incidents.ts";
export {
  diagnosisOf,
  earlierIncidents,
  finishInvestigation,
  type IncidentWork,
  type InvestigationRow,
  incidentsUnderWork,
  incidentWork,
  insertInvestigation,
  investigationsOf,
  latestInvestigation,
  readGathered,
  saveAdvice,
  saveAnalysis,
  saveDiagnosis,
  saveEvidence,
  saveGathered,
  saveNarration,
  saveOutcome,
  saveVerification,
} from "./repositories/investigations.ts";
export {
  appendJournal,
  JOURNAL_GENESIS,
  type JournalEntry,
  type JournalHead,
  type JournalRow,
  type JournalVerdict,
  journalHead,
  readJournal,
  verifyJournal,
} from "./repositories/journal.ts";
export { llmLedger } from "./repositories/llm-calls.ts";
export { lockHolders, lockTargets, releaseLocks, renewLocks } from "./repositories/locks.ts";
export {
  countQuarantined,
  decideQuarantined,
  findQuarantined,
  insertQuarantined,
  listQuarantined,
  type NewQuarantineEntry,
  type QuarantineEntry,
  type QuarantineState,
} from "./repositories/quarantine.ts";
export {
  EMBEDDING_DIMENSIONS,
  type IncidentTrace,
  type RememberedIncident,
  recallIncidents,
  rememberIncident,
  saveRecall,
} from "./repositories/recall.ts";
export {
  findRun,
  finishRunStep,
  holdsRun,
  insertRequestedRun,
  insertRunStep,
  leftRevisions,
  moveRun,
  type NewRun,
  noteRunStep,
  type PastRun,
  type RunRow,
  type RunStepRow,
  runningRuns,
  runsStartedSince,
  runViews,
  setRunTargets,
  stepsOfRun,
  takeRun,
} from "./repositories/runs.ts";
export { readStats, readStatsHistory, type ServiceStats, type Stats, type StatsBucket, type StatsHistory } from "./repositories/stats.ts";
export {
  countSuppressed,
  endSuppression,
  findSuppression,
  heldBackAlerts,
  insertSuppression,
  listSuppressions,
  liveSuppressions,
  type NewSuppression,
  type SuppressionRow,
} from "./repositories/suppressions.ts";
export { getSwitch, RED_BUTTON, STORM_MODE, type Switch, setSwitch } from "./repositories/switches.ts";
export {
  findTicket,
  openTicket,
  saveTicketError,
  saveTicketRef,
  saveTicketSynced,
  type TicketNeed,
  type TicketRow,
  ticketNeed,
  ticketsBehind,
  withIssue,
} from "./repositories/tickets.ts";
export { prune, type Retention } from "./upkeep.ts";
export { cleanText, jsonText } from "./values.ts";
