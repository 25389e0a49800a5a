-- redirected: no attempt went to the customer, all to one of our own people,
-- to try it out.
ALTER TABLE letters ADD COLUMN redirected INTEGER NOT NULL DEFAULT 0;
CREATE INDEX letters_redirected ON letters (id) WHERE redirected = 1;
