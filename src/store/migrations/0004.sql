-- on_uncertain: what the letter does where nobody can know whether it
-- arrived. maybe_sent: an attempt may have been accepted, so that only the
-- same bytes may go again and nothing frees its notices by itself.
ALTER TABLE letters ADD COLUMN on_uncertain TEXT NOT NULL DEFAULT 'park';
ALTER TABLE letters ADD COLUMN maybe_sent INTEGER NOT NULL DEFAULT 0;

-- Mail that comes back names a letter by its Message-ID.
CREATE INDEX made_message_id ON made (message_id);

-- What came back: one row for each mail and address. what: 'bounced',
-- 'delayed', 'delivered', 'complaint' or 'unsubscribed'. copy: the address
-- was not the letter's main recipient. Told, not planned from: what follows
-- is written to letters and suppressions.
CREATE TABLE returns (
    key INTEGER PRIMARY KEY,
    mail TEXT NOT NULL,
    address TEXT NOT NULL,
    what TEXT NOT NULL,
    letter INTEGER REFERENCES letters (id),
    customer INTEGER REFERENCES customers (key),
    copy INTEGER NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX returns_once ON returns (mail, address);
CREATE INDEX returns_of_letter ON returns (letter) WHERE letter IS NOT NULL;
CREATE INDEX returns_of_customer ON returns (customer) WHERE customer IS NOT NULL;
CREATE INDEX returns_at ON returns (at);
CREATE INDEX attempts_left_out ON attempts (ended_at) WHERE left_out IS NOT NULL;

-- Who suppressed an address; '' is the mail system itself. A suppression
-- that was lifted is kept for history.
ALTER TABLE suppressions ADD COLUMN who TEXT NOT NULL DEFAULT '';
CREATE TABLE lifted (
    key INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    classes TEXT NOT NULL,
    cause TEXT NOT NULL,
    who TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    lifted_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    lifted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX lifted_of_address ON lifted (address);

-- A guarantor's address concerns the relationships of the claims as well.
CREATE INDEX receivables_of_guarantor ON receivables (lower(guarantor_email)) WHERE guarantor_email IS NOT NULL;
DROP TRIGGER suppressions_insert;
DROP TRIGGER suppressions_update;
DROP TRIGGER suppressions_delete;
CREATE TRIGGER suppressions_insert AFTER INSERT ON suppressions BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE name = NEW.address OR key IN (
        SELECT c.relationship FROM receivables AS r JOIN customers AS c ON c.key = r.customer
        WHERE lower(r.guarantor_email) = NEW.address AND r.guarantor_email IS NOT NULL);
END;
CREATE TRIGGER suppressions_update AFTER UPDATE ON suppressions BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE name IN (OLD.address, NEW.address) OR key IN (
        SELECT c.relationship FROM receivables AS r JOIN customers AS c ON c.key = r.customer
        WHERE lower(r.guarantor_email) IN (OLD.address, NEW.address) AND r.guarantor_email IS NOT NULL);
END;
CREATE TRIGGER suppressions_delete AFTER DELETE ON suppressions BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE name = OLD.address OR key IN (
        SELECT c.relationship FROM receivables AS r JOIN customers AS c ON c.key = r.customer
        WHERE lower(r.guarantor_email) = OLD.address AND r.guarantor_email IS NOT NULL);
END;
