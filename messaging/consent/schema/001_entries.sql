-- The ledger of consents, by which hosts count what stands and when it was recorded.
CREATE TABLE {p}consent_entries ({fact},
    brand text NOT NULL, recipient text NOT NULL, purpose text NOT NULL, status text NOT NULL, seq bigint NOT NULL, recorded_at bigint NOT NULL,
    PRIMARY KEY ({fact_key})
){end};
