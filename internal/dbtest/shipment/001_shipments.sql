-- Parcels, by which hosts count carriers.
CREATE TABLE {p}shipments ({fact},
    tracking {key} NOT NULL, carrier text NOT NULL, express smallint NOT NULL, grams bigint NOT NULL, delivered bigint NOT NULL,
    PRIMARY KEY ({fact_key})
){end};
