-- What keeps the store from being taken for what it is not. One row.
-- seen_at: the latest moment that was seen. witnessed: whether a record of
-- attempts stands beside the store. resumed_at: when a person released a
-- HOLD last. allowed: how many letters a person has agreed to on allowed_on.
CREATE TABLE guard (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seen_at INTEGER,
    witnessed INTEGER NOT NULL DEFAULT 0,
    resumed_at INTEGER,
    allowed_on TEXT,
    allowed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO guard (only) VALUES (1);

-- How many letters each rule has queued on each of the business's days.
CREATE TABLE volumes (
    day TEXT NOT NULL,
    rule TEXT NOT NULL,
    letters INTEGER NOT NULL,
    PRIMARY KEY (day, rule)
) STRICT, WITHOUT ROWID;
INSERT INTO volumes
SELECT date(queued_at / 1000000, 'unixepoch'), rule, COUNT(*) FROM letters GROUP BY 1, 2;

-- When nothing left, and why; until is NULL while it lasts. The cause of a
-- HOLD by its name, or the mail server.
CREATE TABLE troubles (
    what TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    detail TEXT NOT NULL,
    PRIMARY KEY (what, since)
) STRICT, WITHOUT ROWID;
