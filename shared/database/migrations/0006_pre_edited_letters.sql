-- What a dead letter was replayed with, where a person had edited it: the letter itself keeps the payload that failed.
ALTER TABLE dead_letters ADD COLUMN replayed_payload bytea;
COMMENT ON COLUMN dead_letters.replayed_payload IS 'payload as it was edited for its replay; null if it was not';
