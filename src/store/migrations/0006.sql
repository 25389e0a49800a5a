-- The text of a letter goes when nobody needs it any more; what was sent to
-- whom about what, when, and what came of it stays. emptied_at,
-- emptied_because: when and why. kept_from: the age of a text that is still
-- needed counts from here; beyond all time where there is none.
ALTER TABLE letters ADD COLUMN emptied_at INTEGER;
ALTER TABLE letters ADD COLUMN emptied_because TEXT;
ALTER TABLE letters ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0;
CREATE INDEX letters_with_text ON letters (MAX(finished_at, kept_from))
WHERE finished_at IS NOT NULL AND emptied_at IS NULL;

-- Nobody is looked at again for it.
DROP TRIGGER letters_update;
CREATE TRIGGER letters_update AFTER UPDATE ON letters
WHEN NEW.state <> OLD.state OR (NEW.emptied_at IS OLD.emptied_at AND NEW.kept_from = OLD.kept_from) BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
DROP TRIGGER digests_update;
CREATE TRIGGER digests_update AFTER UPDATE ON letters
WHEN NEW.customer IS NULL
     AND (NEW.state <> OLD.state OR (NEW.emptied_at IS OLD.emptied_at AND NEW.kept_from = OLD.kept_from)) BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE name = 'our own people';
END;
