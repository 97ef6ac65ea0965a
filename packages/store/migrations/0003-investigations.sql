-- A round of work on an incident: what was looked at, what was concluded, and how far its verification is. A re-fire or a run that did not
-- help begins the next round.
CREATE TABLE investigations (
  incident_id   text        NOT NULL REFERENCES incidents (id),
  round         integer     NOT NULL,
  reason        text        NOT NULL,  -- why this round began
  started_at    timestamptz NOT NULL DEFAULT now(),
  finished_at   timestamptz,           -- when its graph came to its end
  gathered      bytea,                 -- gzip of the JSON that the diagnosis was made from: the same input gives the same causes
  findings      jsonb,                 -- what was ruled out, and which signals show that the cause is gone
  outcome       jsonb,                 -- what the plan came to: a run, an escalation, or nothing to do
  verify_since  timestamptz,           -- since when the result is being checked
  healthy_since timestamptz,           -- since when every check has been good
  PRIMARY KEY (incident_id, round)
);
