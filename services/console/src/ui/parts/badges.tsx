import type { Severity } from "@tocsin/contracts";

const WORDS: Readonly<Record<string, string>> = { "awaiting-approval": "awaiting approval" };
const TONES: Readonly<Record<string, string>> = {
  open: "bad",
  investigating: "busy",
  mitigating: "busy",
  running: "busy",
  requested: "busy",
  verifying: "busy",
  "awaiting-approval": "ask",
  pending: "ask",
  escalated: "warn",
  refused: "warn",
  unknown: "warn",
  skipped: "calm",
  held: "warn",
  undone: "warn",
  expired: "warn",
  failed: "bad",
  denied: "bad",
  firing: "bad",
  down: "bad",
  incident: "warn",
  resolved: "good",
  succeeded: "good",
  approved: "good",
  passed: "good",
  replayed: "good",
  ok: "good",
  closed: "calm",
  dropped: "calm",
};

/** A state in a word, with a dot so that colour is not all that tells it. */
export const Badge = ({ state }: { state: string }) => (
  <span className="badge" data-tone={TONES[state] ?? "calm"}>
    {WORDS[state] ?? state}
  </span>
);

const SEVERITY_MARKS: Readonly<Record<Severity, string>> = { critical: "▲", warning: "◆", info: "●" };
export const SeverityMark = ({ severity }: { severity: Severity }) => (
  <span className="severity" data-severity={severity} title={severity}>
    <span aria-hidden="true">{SEVERITY_MARKS[severity]}</span>
    <span className="away">{severity}</span>
  </span>
);
