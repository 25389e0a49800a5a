-- The tables of the first release. Instants are microseconds since 1970 UTC,
-- dates are ISO text, amounts are decimals as text.

-- Customers who share an address. wake_at: when to look at it again, NULL is
-- never. version: grows with every write about it, by the triggers below.
CREATE TABLE relationships (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    wake_at INTEGER,
    looked_at INTEGER,
    version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX relationships_due ON relationships (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE customers (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    relationship INTEGER NOT NULL REFERENCES relationships (key),
    name TEXT NOT NULL,
    email TEXT,
    contact_name TEXT,
    greeting TEXT,
    cc TEXT,
    locale TEXT,
    country TEXT,
    timezone TEXT,
    segment TEXT,
    tags TEXT,
    owner_name TEXT,
    owner_email TEXT,
    attributes TEXT,
    blocked TEXT
) STRICT;
CREATE INDEX customers_of_relationship ON customers (relationship);

-- imported_status: what the last file said; status: what counts, for a
-- person may know better until the file says something new. closed_on: the
-- day it was over before our eyes. reach_on: facts that go back to this day
-- or an earlier one contain it; '9999-12-31' while anything is open, '' for
-- what was over when it was first seen. listed: whether the last file had it.
CREATE TABLE receivables (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    customer INTEGER NOT NULL REFERENCES customers (key),
    kind TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    due_on TEXT NOT NULL,
    round_on TEXT NOT NULL,
    postponements INTEGER NOT NULL DEFAULT 0,
    number TEXT,
    issued_on TEXT,
    contract TEXT,
    description TEXT,
    status TEXT NOT NULL,
    imported_status TEXT NOT NULL,
    guarantor_name TEXT,
    guarantor_email TEXT,
    limitation_on TEXT,
    pay_url TEXT,
    attachment TEXT,
    first_seen INTEGER NOT NULL,
    closed_on TEXT,
    reach_on TEXT NOT NULL,
    listed INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX receivables_in_reach ON receivables (customer, reach_on);

-- receivable NULL: money on account of the customer. import_id: the number
-- the books gave to a payment that a person had recorded before them.
CREATE TABLE payments (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    import_id TEXT,
    customer INTEGER NOT NULL REFERENCES customers (key),
    receivable INTEGER REFERENCES receivables (key),
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    received_on TEXT NOT NULL,
    recorded INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX payments_imported ON payments (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX payments_to_adopt ON payments (customer) WHERE recorded = 1 AND import_id IS NULL;
CREATE INDEX payments_of_receivable ON payments (receivable) WHERE receivable IS NOT NULL;
CREATE INDEX payments_of_customer ON payments (customer);
CREATE INDEX payments_on_account ON payments (customer) WHERE receivable IS NULL;

CREATE TABLE events (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    customer INTEGER NOT NULL REFERENCES customers (key),
    kind TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    outcome TEXT,
    product TEXT,
    note TEXT
) STRICT;
CREATE INDEX events_in_reach ON events (customer, occurred_at);
CREATE INDEX events_purchases ON events (customer) WHERE kind = 'purchase';

-- Promises, disputes and holds. receivable NULL: on the customer as a whole.
-- source: 'person', 'import' (the status in the books) or 'missing' (the last
-- file no longer had it).
CREATE TABLE pauses (
    key INTEGER PRIMARY KEY,
    cause TEXT NOT NULL,
    customer INTEGER NOT NULL REFERENCES customers (key),
    receivable INTEGER REFERENCES receivables (key),
    from_on TEXT NOT NULL,
    until_on TEXT,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    amount TEXT,
    promised_on TEXT,
    source TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pauses_of_customer ON pauses (customer);

-- The customer agreed that it owes: for one claim, or for its whole balance.
CREATE TABLE acknowledgements (
    key INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (key),
    receivable INTEGER REFERENCES receivables (key),
    acknowledged_on TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX acknowledgements_of_customer ON acknowledgements (customer);
CREATE INDEX pauses_of_receivable ON pauses (receivable) WHERE receivable IS NOT NULL;

-- address: folded. classes: their words with commas, '' is all.
CREATE TABLE suppressions (
    address TEXT NOT NULL,
    classes TEXT NOT NULL,
    cause TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (address, classes)
) STRICT, WITHOUT ROWID;

CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    customer INTEGER NOT NULL REFERENCES customers (key),
    rule TEXT NOT NULL,
    stage TEXT NOT NULL,
    class TEXT NOT NULL,
    template TEXT NOT NULL,
    recipients TEXT NOT NULL,
    copies TEXT NOT NULL,
    deadline TEXT,
    approve INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    budget TEXT,
    not_before INTEGER NOT NULL,
    passed_over TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    queued_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    first_attempt_at INTEGER,
    finished_at INTEGER,
    approved INTEGER NOT NULL DEFAULT 0,
    day TEXT NOT NULL
) STRICT;
CREATE INDEX letters_waiting ON letters (next_attempt_at) WHERE state IN ('queued', 'retry');
CREATE INDEX letters_sending ON letters (id) WHERE state = 'sending';
CREATE INDEX letters_of_customer ON letters (customer);

-- live: no other letter may carry the notice. dropped: an operator cancelled
-- its letter, which consumes the stage, so that it stays live.
CREATE TABLE notices (
    letter INTEGER NOT NULL REFERENCES letters (id),
    position INTEGER NOT NULL,
    customer INTEGER NOT NULL REFERENCES customers (key),
    rule TEXT NOT NULL,
    stage TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    round TEXT NOT NULL,
    repetition INTEGER NOT NULL,
    offset TEXT NOT NULL,
    planned_on TEXT NOT NULL,
    leading INTEGER NOT NULL,
    live INTEGER NOT NULL DEFAULT 1,
    dropped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (letter, position)
) STRICT, WITHOUT ROWID;
-- No two live letters carry one notice, whatever the program does.
CREATE UNIQUE INDEX notices_once
    ON notices (subject_id, subject_kind, rule, stage, round, repetition) WHERE live = 1;
CREATE INDEX notices_ledger ON notices (customer) WHERE live = 1;

-- A letter as it was made for its last attempt.
CREATE TABLE made (
    letter INTEGER PRIMARY KEY REFERENCES letters (id),
    locale TEXT NOT NULL,
    subject TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    mail_from TEXT NOT NULL,
    mail_to TEXT NOT NULL,
    mail_cc TEXT NOT NULL,
    message_id TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE attempts (
    letter INTEGER NOT NULL REFERENCES letters (id),
    number INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    state TEXT,
    reason TEXT,
    left_out TEXT,
    PRIMARY KEY (letter, number)
) STRICT, WITHOUT ROWID;

-- audiences: [[filter, microseconds], …], oldest first.
CREATE TABLE rules (
    name TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    audiences TEXT NOT NULL,
    in_force INTEGER NOT NULL
) STRICT;

CREATE TABLE imports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    file TEXT NOT NULL,
    rows INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE changes (
    key INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (key),
    receivable INTEGER NOT NULL REFERENCES receivables (key),
    what TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_of_customer ON changes (customer);

-- A payment, a pause and what was said about it follow a receivable to
-- another customer, so that nothing is said again there.
CREATE TRIGGER receivables_move AFTER UPDATE OF customer ON receivables
WHEN OLD.customer <> NEW.customer BEGIN
    UPDATE payments SET customer = NEW.customer WHERE receivable = NEW.key;
    UPDATE pauses SET customer = NEW.customer WHERE receivable = NEW.key;
    UPDATE acknowledgements SET customer = NEW.customer WHERE receivable = NEW.key;
    UPDATE notices SET customer = NEW.customer WHERE live = 1 AND subject_kind = 'receivable' AND subject_id = NEW.id;
    UPDATE notices SET customer = NEW.customer
    WHERE live = 1 AND subject_kind = 'payment' AND subject_id IN (SELECT id FROM payments WHERE receivable = NEW.key);
END;
CREATE TRIGGER events_move AFTER UPDATE OF customer ON events
WHEN OLD.customer <> NEW.customer BEGIN
    UPDATE notices SET customer = NEW.customer WHERE live = 1 AND subject_kind = 'event' AND subject_id = NEW.id;
END;

-- Whatever is written about a customer, by whomever, makes its relationship
-- due to be looked at. That these are triggers is what makes it complete.
CREATE TRIGGER customers_insert AFTER INSERT ON customers BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE key = NEW.relationship;
END;
CREATE TRIGGER customers_update AFTER UPDATE ON customers BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (OLD.relationship, NEW.relationship);
END;
CREATE TRIGGER customers_delete AFTER DELETE ON customers BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE key = OLD.relationship;
END;
CREATE TRIGGER suppressions_insert AFTER INSERT ON suppressions BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE name = NEW.address;
END;
CREATE TRIGGER suppressions_update AFTER UPDATE ON suppressions BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE name IN (OLD.address, NEW.address);
END;
CREATE TRIGGER suppressions_delete AFTER DELETE ON suppressions BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1 WHERE name = OLD.address;
END;
CREATE TRIGGER receivables_insert AFTER INSERT ON receivables BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER receivables_update AFTER UPDATE ON receivables BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER receivables_delete AFTER DELETE ON receivables BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
CREATE TRIGGER payments_insert AFTER INSERT ON payments BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER payments_update AFTER UPDATE ON payments BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER payments_delete AFTER DELETE ON payments BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
CREATE TRIGGER events_insert AFTER INSERT ON events BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER events_update AFTER UPDATE ON events BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER events_delete AFTER DELETE ON events BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
CREATE TRIGGER pauses_insert AFTER INSERT ON pauses BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER pauses_update AFTER UPDATE ON pauses BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER pauses_delete AFTER DELETE ON pauses BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
CREATE TRIGGER acknowledgements_insert AFTER INSERT ON acknowledgements BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER acknowledgements_update AFTER UPDATE ON acknowledgements BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER acknowledgements_delete AFTER DELETE ON acknowledgements BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
CREATE TRIGGER letters_insert AFTER INSERT ON letters BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER letters_update AFTER UPDATE ON letters BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER letters_delete AFTER DELETE ON letters BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
CREATE TRIGGER notices_insert AFTER INSERT ON notices BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = NEW.customer);
END;
CREATE TRIGGER notices_update AFTER UPDATE ON notices BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key IN (SELECT relationship FROM customers WHERE key IN (OLD.customer, NEW.customer));
END;
CREATE TRIGGER notices_delete AFTER DELETE ON notices BEGIN
    UPDATE relationships SET wake_at = 0, version = version + 1
    WHERE key = (SELECT relationship FROM customers WHERE key = OLD.customer);
END;
