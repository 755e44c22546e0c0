-- How much there is of what can run out, how much of it is reserved and how much is
-- used. part is that of kind and id.
CREATE TABLE {p}counters (
    part smallint NOT NULL, tenant {short} NOT NULL, kind {key} NOT NULL, id {key} NOT NULL,
    most bigint NOT NULL, reserved bigint NOT NULL, used bigint NOT NULL,
    PRIMARY KEY (part, tenant, kind, id)
){end};

-- What was reserved of a counter, under the caller's id. lapses is when a reservation
-- that is neither confirmed nor given back expires, and empty for all others.
CREATE TABLE {p}reservations (
    part smallint NOT NULL, tenant {short} NOT NULL, kind {key} NOT NULL, counter {key} NOT NULL, id {key} NOT NULL,
    amount bigint NOT NULL, confirmed bigint NOT NULL, state text NOT NULL, lapses bigint, changed bigint NOT NULL,
    PRIMARY KEY (part, tenant, kind, counter, id)
){end};
CREATE INDEX {i}reservations_lapses ON {p}reservations (part, tenant, kind, counter, lapses) WHERE lapses IS NOT NULL;
