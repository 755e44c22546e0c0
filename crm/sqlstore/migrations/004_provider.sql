-- The provider's own id of an effect, by which its reports name it.
ALTER TABLE {p}effects ADD COLUMN provider text NOT NULL DEFAULT '';
