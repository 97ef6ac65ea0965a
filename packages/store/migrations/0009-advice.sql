-- What a model said in a round, as it was checked and applied: `advice` once before the plan, `narration` once after it. Both are beside
-- the diagnosis and the analysis; nothing that acts reads them.
ALTER TABLE investigations ADD COLUMN advice jsonb;
ALTER TABLE investigations ADD COLUMN narration jsonb;
