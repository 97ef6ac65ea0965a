-- A storm writes each alert into three tables; an index that no query uses costs as much there as one that does.

-- The members of an incident are found by the incident, and alerts by their own key.
DROP INDEX incident_members_fingerprint;
DROP INDEX alerts_incident;
-- Asked for only in the scope of Tocsin's own alerts, where the key finds the few.
DROP INDEX alerts_firing;

-- An incident's row changes with every delivery that brings it something, and none of its indexed columns does: with room left in the page
-- a new version stays beside the old one and no index is written.
ALTER TABLE incidents SET (fillfactor = 70);
