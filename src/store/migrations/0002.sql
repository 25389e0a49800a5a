-- A promise that was beyond the limits when it was made is kept, and pauses
-- nothing. ended_on: its last day, where a newer one or a person ended it.
ALTER TABLE pauses ADD COLUMN binding INTEGER NOT NULL DEFAULT 1;
ALTER TABLE pauses ADD COLUMN ended_on TEXT;

-- Letters to our own people about many customers belong to none.
ALTER TABLE letters ALTER COLUMN customer DROP NOT NULL;
ALTER TABLE notices ALTER COLUMN customer DROP NOT NULL;
CREATE INDEX letters_finished ON letters (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX letters_parked ON letters (id) WHERE state IN ('held', 'uncertain');
CREATE INDEX letters_expired ON letters (customer) WHERE state = 'expired';
-- bad: rows that were left out. Payments are read when none was.
ALTER TABLE imports ADD COLUMN bad INTEGER NOT NULL DEFAULT 0;
CREATE INDEX imports_of_kind ON imports (kind, at) WHERE bad = 0;
CREATE INDEX customers_of_owner ON customers (owner_email);

-- Our own people are one relationship, which is looked at when a digest is
-- due. Its name is no address.
INSERT INTO relationships (name, wake_at) VALUES ('our own people', NULL);
CREATE TRIGGER digests_insert AFTER INSERT ON letters WHEN NEW.customer IS NULL BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE name = 'our own people';
END;
CREATE TRIGGER digests_update AFTER UPDATE ON letters WHEN NEW.customer IS NULL BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE name = 'our own people';
END;

-- What plans found that a person should know of, for as long as it is so.
CREATE TABLE findings (
    relationship INTEGER NOT NULL REFERENCES relationships (key),
    customer INTEGER NOT NULL REFERENCES customers (key),
    rule TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (relationship, customer, rule, subject_kind, subject_id, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_since ON findings (since);
