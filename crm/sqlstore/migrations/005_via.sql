-- The channel that a message goes by, where it is not that of its address.
ALTER TABLE {p}effects ADD COLUMN via text NOT NULL DEFAULT '';
