-- What an incident was like, as numbers that can be compared: the memory in which later incidents look for their like. How it ended is not
-- kept here but read from the incident and its runs, so that it is never out of date.
CREATE TABLE incident_memory (
  incident_id text        PRIMARY KEY REFERENCES incidents (id) ON DELETE CASCADE,
  embedding   real[]      NOT NULL, -- of length 1; compared by pgvector where the server has it, otherwise in plain SQL
  marks       text[]      NOT NULL, -- the structured features in words: alert:…, service:…, cause:…
  at          timestamptz NOT NULL DEFAULT now()
);
-- What a round remembered: hypotheses, never evidence.
ALTER TABLE investigations ADD COLUMN recall jsonb;
