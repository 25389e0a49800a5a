-- Customers who asked to be forgotten. What is personal is gone from their
-- rows; ids, amounts, dates and the ledger of what was sent stay.
ALTER TABLE customers ADD COLUMN forgotten_at INTEGER;
CREATE INDEX customers_forgotten ON customers (key) WHERE forgotten_at IS NOT NULL;

-- That it was done, when, by whom and why; and taken back, if so.
CREATE TABLE forgotten (
    key INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (key),
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    because TEXT NOT NULL,
    taken_back_at INTEGER,
    taken_back_by TEXT,
    taken_back_because TEXT
) STRICT;
CREATE INDEX forgotten_of_customer ON forgotten (customer);

-- Suppressions of addresses that are not kept: SHA-256 of guard.pepper and
-- the address in lower case. One whose address comes back is a suppression
-- again.
CREATE TABLE suppressed_unseen (
    hash BLOB NOT NULL,
    classes TEXT NOT NULL,
    cause TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (hash, classes)
) STRICT, WITHOUT ROWID;
ALTER TABLE guard ADD COLUMN pepper BLOB;
UPDATE guard SET pepper = randomblob(32);
