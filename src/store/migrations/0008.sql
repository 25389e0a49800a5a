-- What others than the daemon did to the books and to letters, until its log
-- has told it. Not an archive: what was told is gone.
CREATE TABLE news (
    -- Never used twice, so that what was told is known by its number alone.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    deed TEXT NOT NULL,
    letter INTEGER,
    about TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
