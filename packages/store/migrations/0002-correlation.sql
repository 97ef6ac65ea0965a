-- What correlation remembers besides alerts and incidents.

-- One row for each scope, locked by whoever correlates it: two correlators that share a scope take turns, and each sees by the
-- revision whether what it holds in memory is still what is stored.
CREATE TABLE correlation_scopes (
  scope    text   PRIMARY KEY,
  revision bigint NOT NULL DEFAULT 0
);

-- How often two rules on two workloads began together; a pair of a key with itself counts its beginnings. Counts fade from `seen_at` on.
CREATE TABLE alert_pairs (
  scope   text             NOT NULL,
  a       text             NOT NULL,
  b       text             NOT NULL,
  count   double precision NOT NULL,
  seen_at timestamptz      NOT NULL,
  PRIMARY KEY (scope, a, b)
);

-- Merges and splits, by the correlator or by a person. A person's decision binds the correlator until it is undone.
CREATE TABLE correlation_decisions (
  id                text        PRIMARY KEY,
  scope             text        NOT NULL,
  kind              text        NOT NULL CHECK (kind IN ('merge', 'split')),
  incident_id       text        NOT NULL, -- the one that stays
  other_incident_id text        NOT NULL, -- the one that ended by the merge, or began by the split
  fingerprints      jsonb       NOT NULL, -- what moved
  reasons           jsonb       NOT NULL DEFAULT '[]',
  decided_by        text        NOT NULL, -- `correlator`, or a person
  decided_at        timestamptz NOT NULL DEFAULT now(),
  undone_by         text,
  undone_at         timestamptz
);
CREATE INDEX correlation_decisions_incident ON correlation_decisions (incident_id);
CREATE INDEX correlation_decisions_other ON correlation_decisions (other_incident_id);

ALTER TABLE alerts ADD COLUMN flapping boolean NOT NULL DEFAULT false;
-- Event times of the latest transitions in Unix milliseconds, as far back as flapping looks.
ALTER TABLE alerts ADD COLUMN transitions jsonb NOT NULL DEFAULT '[]';
CREATE INDEX alerts_held ON alerts (ends_at) WHERE flapping AND status = 'resolved';
