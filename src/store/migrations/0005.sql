-- backed_up_at: when the last backup was made and read back. restored_at:
-- when a backup was put in this store's place, until a person has looked.
ALTER TABLE guard ADD COLUMN backed_up_at INTEGER;
ALTER TABLE guard ADD COLUMN restored_at INTEGER;
