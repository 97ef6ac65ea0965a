-- One dialect for PostgreSQL 15 and later and for PGlite. Times are the database's own clock or an event's time; order is decided by
-- sequences, never by a wall clock.

-- ── Bridge ────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Events that the bus did not take; relayed later, in order.
CREATE TABLE bridge_inbox (
  seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event       jsonb       NOT NULL, -- an OutgoingEvent
  received_at timestamptz NOT NULL DEFAULT now()
);

-- What was acknowledged and could not be understood, with its raw bytes.
CREATE TABLE quarantine (
  id          text        PRIMARY KEY,
  source      text        NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  code        text        NOT NULL,
  reason      text        NOT NULL,
  headers     jsonb       NOT NULL DEFAULT '{}',
  body        bytea       NOT NULL,
  body_digest text        NOT NULL, -- the same rejected body is kept once and counted
  times       integer     NOT NULL DEFAULT 1,
  state       text        NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'replayed', 'dropped')),
  decided_at  timestamptz
);
CREATE UNIQUE INDEX quarantine_held_body ON quarantine (source, body_digest) WHERE state = 'held';
CREATE INDEX quarantine_received ON quarantine (received_at DESC);

-- ── Correlator ────────────────────────────────────────────────────────────────────────────────────────────────────
-- The current state of every alert by scope and fingerprint, and what became of it.
CREATE TABLE alerts (
  scope         text        NOT NULL,
  fingerprint   text        NOT NULL,
  name          text        NOT NULL,
  service       text,
  severity      text        NOT NULL,
  source        text        NOT NULL,
  labels        jsonb       NOT NULL,
  annotations   jsonb       NOT NULL,
  status        text        NOT NULL CHECK (status IN ('firing', 'resolved')),
  starts_at     timestamptz NOT NULL,
  ends_at       timestamptz,
  received_at   timestamptz NOT NULL,
  generator_url text,
  group_key     text,
  outcome       text        NOT NULL CHECK (outcome IN ('incident', 'suppressed')),
  incident_id   text,
  reason        text,
  PRIMARY KEY (scope, fingerprint)
);
CREATE INDEX alerts_received ON alerts (received_at DESC, fingerprint);
CREATE INDEX alerts_incident ON alerts (incident_id);
CREATE INDEX alerts_firing ON alerts (scope) WHERE status = 'firing';

-- Every transition that was acknowledged, once, with its outcome.
CREATE TABLE alert_transitions (
  dedupe_key  text        PRIMARY KEY,
  scope       text        NOT NULL,
  fingerprint text        NOT NULL,
  status      text        NOT NULL,
  starts_at   timestamptz NOT NULL,
  ends_at     timestamptz,
  received_at timestamptz NOT NULL,
  outcome     text        NOT NULL CHECK (outcome IN ('incident', 'suppressed')),
  incident_id text,
  reason      text
);
CREATE INDEX alert_transitions_received ON alert_transitions (received_at);

-- ── Incidents ─────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE incidents (
  id              text        PRIMARY KEY,
  scope           text        NOT NULL,
  title           text        NOT NULL,
  state           text        NOT NULL,
  severity        text        NOT NULL,
  service         text,
  started_at      timestamptz NOT NULL,  -- event time: the earliest member
  opened_at       timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  resolved_at     timestamptz,
  closed_at       timestamptz,
  recovered_at    timestamptz,           -- since when no member fires; null while one does
  last_alert_at   timestamptz NOT NULL,  -- event time: the latest transition of a member
  alert_count     integer     NOT NULL DEFAULT 0,
  verdict         text        NOT NULL DEFAULT 'pending' CHECK (verdict IN ('pending', 'cause', 'inconclusive')),
  diagnosis       jsonb,                 -- a Diagnosis
  analysis        text        NOT NULL DEFAULT '',
  escalation      text,
  acknowledged_by text,
  acknowledged_at timestamptz,
  merged_into     text,
  -- The fencing token: whoever works on the incident raises it and writes only while it is still theirs.
  fence           bigint      NOT NULL DEFAULT 0,
  revision        bigint      NOT NULL DEFAULT 0
);
CREATE INDEX incidents_live ON incidents (scope) WHERE state <> 'closed';
CREATE INDEX incidents_listed ON incidents (started_at DESC, id DESC);

CREATE TABLE incident_members (
  incident_id text        NOT NULL REFERENCES incidents (id),
  scope       text        NOT NULL,
  fingerprint text        NOT NULL,
  role        text        NOT NULL CHECK (role IN ('root', 'symptom', 'member')),
  reasons     jsonb       NOT NULL,
  joined_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (incident_id, fingerprint)
);
CREATE INDEX incident_members_fingerprint ON incident_members (scope, fingerprint);

-- Evidence is kept apart from the diagnosis so that thoughts and causes can point at it by id.
CREATE TABLE evidence (
  id          text        PRIMARY KEY,
  incident_id text        NOT NULL REFERENCES incidents (id),
  body        jsonb       NOT NULL, -- an Evidence
  recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX evidence_incident ON evidence (incident_id);

-- ── The event log: outbox and live stream in one ─────────────────────────────────────────────────────────────────
-- A change of state and the event that tells of it are written in one transaction. A relay publishes rows to the bus in order of `seq`;
-- the live stream reads them by `seq`, its durable id. Rows are inserted under one advisory lock, so that a lower `seq` never
-- becomes visible after a higher one.
CREATE TABLE event_log (
  seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id           text        NOT NULL UNIQUE, -- the CloudEvent's id: an effect repeated is an event ignored
  topic        text        NOT NULL,
  key          text        NOT NULL,
  type         text        NOT NULL,
  source       text        NOT NULL,
  at           timestamptz NOT NULL,
  traceparent  text,
  incident_id  text,
  data         jsonb       NOT NULL,
  published_at timestamptz,
  publish_error text                        -- why the bus refused it for good
);
CREATE INDEX event_log_unpublished ON event_log (seq) WHERE published_at IS NULL;
CREATE INDEX event_log_incident ON event_log (incident_id, seq);

-- Which events a consumer group has handled: written in the same transaction as the effect.
CREATE TABLE handled_events (
  consumer   text        NOT NULL,
  event_id   text        NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);
CREATE INDEX handled_events_age ON handled_events (handled_at);

-- Who does what only one process may do at a time, e.g. the relay.
CREATE TABLE leases (
  name         text        PRIMARY KEY,
  holder       text        NOT NULL,
  leased_until timestamptz NOT NULL
);

-- ── Embedded bus ──────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE bus_partitions (
  topic       text    NOT NULL,
  partition   integer NOT NULL,
  next_offset bigint  NOT NULL DEFAULT 0, -- its row lock serialises appends, so offsets become visible in order
  PRIMARY KEY (topic, partition)
);
CREATE TABLE bus_log (
  topic        text        NOT NULL,
  partition    integer     NOT NULL,
  "offset"     bigint      NOT NULL,
  key          text        NOT NULL,
  headers      jsonb       NOT NULL,
  value        text        NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX bus_log_age ON bus_log (published_at);
CREATE TABLE bus_claims (
  consumer     text        NOT NULL, -- the consumer group
  topic        text        NOT NULL,
  partition    integer     NOT NULL,
  committed    bigint      NOT NULL DEFAULT 0, -- the next offset to read
  member       text,                            -- who reads it now
  epoch        bigint      NOT NULL DEFAULT 0,  -- fences a member that lost the claim
  leased_until timestamptz,
  PRIMARY KEY (consumer, topic, partition)
);
CREATE TABLE bus_members (
  consumer   text        NOT NULL,
  member     text        NOT NULL,
  topics     text[]      NOT NULL,
  seen_until timestamptz NOT NULL,
  PRIMARY KEY (consumer, member)
);

-- ── Runs, approvals, journal ──────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE runs (
  id           text        PRIMARY KEY,
  incident_id  text        NOT NULL REFERENCES incidents (id),
  runbook      text        NOT NULL,
  title        text        NOT NULL,
  digest       text        NOT NULL, -- over the runbook's text and the parameters
  parameters   jsonb       NOT NULL,
  cause        jsonb,                -- the Cause it answers
  state        text        NOT NULL,
  reason       text,
  requested_by text        NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at   timestamptz,
  finished_at  timestamptz,
  targets      text[]      NOT NULL DEFAULT '{}', -- what it acts on, written when it is admitted: limits count it from then on
  regressed    boolean     NOT NULL DEFAULT false, -- it failed because its target got worse
  fence        bigint      NOT NULL DEFAULT 0
);
CREATE INDEX runs_incident ON runs (incident_id);
CREATE INDEX runs_recent ON runs (started_at DESC) WHERE started_at IS NOT NULL;

CREATE TABLE run_steps (
  run_id      text        NOT NULL REFERENCES runs (id),
  position    integer     NOT NULL,
  step_id     text        NOT NULL,
  verb        text        NOT NULL,
  role        text        NOT NULL CHECK (role IN ('act', 'undo')),
  state       text        NOT NULL,
  target      text,
  undo        jsonb,      -- what would reverse it, recorded before it acts
  output      text,
  started_at  timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (run_id, position)
);

CREATE TABLE target_locks (
  target     text        PRIMARY KEY,
  run_id     text        NOT NULL,
  locked_until timestamptz NOT NULL
);

CREATE TABLE approvals (
  id           text        PRIMARY KEY,
  run_id       text        NOT NULL REFERENCES runs (id),
  incident_id  text        NOT NULL REFERENCES incidents (id),
  digest       text        NOT NULL,
  effect       text        NOT NULL,
  reason       text        NOT NULL,
  risk         text        NOT NULL DEFAULT 'medium' CHECK (risk IN ('low', 'medium', 'high')),
  proposed_by  text        NOT NULL DEFAULT '',
  emergency_only boolean   NOT NULL DEFAULT false, -- only a yes for an emergency is enough
  emergency    boolean     NOT NULL DEFAULT false, -- the yes was given for an emergency
  state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'denied', 'expired')),
  requested_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  decided_by   text,
  decided_at   timestamptz
);
CREATE UNIQUE INDEX approvals_pending_run ON approvals (run_id) WHERE state = 'pending';

-- Append-only, hash-chained: hash = sha256(prev_hash || canonical JSON of the entry). Written before the act it tells of.
CREATE TABLE journal (
  seq       bigint      PRIMARY KEY, -- without gaps, assigned under an advisory lock
  at        timestamptz NOT NULL,
  actor     text        NOT NULL,
  action    text        NOT NULL,
  subject   text        NOT NULL,
  body      jsonb       NOT NULL,
  prev_hash text        NOT NULL,
  hash      text        NOT NULL
);

-- Switches that people throw, e.g. the red button.
CREATE TABLE switches (
  name       text        PRIMARY KEY,
  is_on      boolean     NOT NULL,
  reason     text        NOT NULL DEFAULT '',
  changed_by text        NOT NULL DEFAULT '',
  changed_at timestamptz NOT NULL DEFAULT now()
);

-- ── Tickets, drills, changes ──────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE tickets (
  incident_id text        PRIMARY KEY REFERENCES incidents (id),
  project     text        NOT NULL,
  iid         integer,               -- null until created
  issue_id    bigint,
  web_url     text,
  synced      jsonb       NOT NULL DEFAULT '{}', -- digests of what GitLab last got, by part
  synced_at   timestamptz,
  last_error  text
);

CREATE TABLE drills (
  id          text        PRIMARY KEY,
  fault       text        NOT NULL,
  target      text        NOT NULL,
  seconds     integer     NOT NULL,
  state       text        NOT NULL CHECK (state IN ('running', 'passed', 'failed')),
  incident_id text,
  injected_at timestamptz NOT NULL DEFAULT now(),
  report      jsonb       NOT NULL, -- a DrillView
  updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX drills_listed ON drills (injected_at DESC, id DESC);
-- Two faults in one service at a time would be scored against each other.
CREATE UNIQUE INDEX drills_running ON drills (target) WHERE state = 'running';

CREATE TABLE changes (
  id       text        PRIMARY KEY,
  at       timestamptz NOT NULL,
  service  text        NOT NULL,
  body     jsonb       NOT NULL -- a Change
);
CREATE INDEX changes_at ON changes (at);
