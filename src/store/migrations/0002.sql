-- A promise that was beyond the limits when it was made is kept, and pauses
-- nothing. ended_on: its last day, where a newer one or a person ended it.
ALTER TABLE pauses ADD COLUMN binding INTEGER NOT NULL DEFAULT 1;
ALTER TABLE pauses ADD COLUMN ended_on TEXT;
