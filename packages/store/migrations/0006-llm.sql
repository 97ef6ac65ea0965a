-- Every request to a language model: written before it is made, with the most it may cost, and again after it. A row without an end is one
-- whose maker died in between: it may have been paid for, and is never made again.
CREATE TABLE llm_calls (
  call_id          text        NOT NULL, -- one question of the product; its attempts are retries and fallbacks
  attempt          integer     NOT NULL,
  incident_id      text,                 -- no reference: what was spent outlives what it was spent on
  tenant           text        NOT NULL,
  subject          text,
  provider         text        NOT NULL,
  model            text        NOT NULL,
  prompt           jsonb       NOT NULL, -- {name, version, hash}
  request_digest   text        NOT NULL,
  begun_at         timestamptz NOT NULL,
  ended_at         timestamptz,
  outcome          text        CHECK (outcome IN ('replied', 'failed')),
  code             text,
  reason           text,
  -- What is reserved until it has ended, what it used from then on.
  tokens           bigint      NOT NULL,
  usd              numeric     NOT NULL,
  seconds          numeric     NOT NULL,
  input_tokens     bigint,
  output_tokens    bigint,
  priced           boolean,              -- false: the price table does not know the model, and usd is 0
  reply            jsonb,
  PRIMARY KEY (call_id, attempt)
);
CREATE INDEX llm_calls_begun ON llm_calls (begun_at, tenant);
CREATE INDEX llm_calls_incident ON llm_calls (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX llm_calls_subject ON llm_calls (tenant, subject, begun_at) WHERE subject IS NOT NULL;
