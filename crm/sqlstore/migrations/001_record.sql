-- The record.
--
-- Every primary key begins with part (0 to 1023, a hash of what the row belongs to) and
-- the tenant. Times are microseconds since 1970-01-01 UTC; a time that was never
-- set is -62135596800000000 (year 1). 0 is no, 1 is yes. Data columns hold JSON.

-- What one source says about one party. customer is where the profile belongs
-- now, home the customer id that was made for it.
CREATE TABLE {p}profiles (
    part smallint NOT NULL, tenant {short} NOT NULL, source {key} NOT NULL, id {key} NOT NULL,
    kind text NOT NULL, given text NOT NULL, family text NOT NULL, full_name text NOT NULL, birth text NOT NULL, gender text NOT NULL,
    locale text NOT NULL, city text NOT NULL, country text NOT NULL, customer {key} NOT NULL, home {key} NOT NULL,
    links bigint NOT NULL, rev bigint NOT NULL, at bigint NOT NULL, since bigint NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, source, id)
){end};

-- The addresses of a profile, as its source knows them.
CREATE TABLE {p}contacts (
    part smallint NOT NULL, tenant {short} NOT NULL, source {key} NOT NULL, id {key} NOT NULL, channel {key} NOT NULL, value {key} NOT NULL,
    verified smallint NOT NULL, masked smallint NOT NULL,
    PRIMARY KEY (part, tenant, source, id, channel, value)
){end};

-- The profiles of each customer; part is the customer id's.
CREATE TABLE {p}members (
    part smallint NOT NULL, tenant {short} NOT NULL, customer {key} NOT NULL, source {key} NOT NULL, id {key} NOT NULL,
    PRIMARY KEY (part, tenant, customer, source, id)
){end};

-- The profile that each customer id was made for; never changed.
CREATE TABLE {p}customers (
    part smallint NOT NULL, tenant {short} NOT NULL, id {key} NOT NULL, home_source {key} NOT NULL, home_id {key} NOT NULL,
    PRIMARY KEY (part, tenant, id)
){end};

-- Who was believed to be who, when and why; append-only.
CREATE TABLE {p}links (
    part smallint NOT NULL, tenant {short} NOT NULL, source {key} NOT NULL, id {key} NOT NULL, seq bigint NOT NULL,
    customer {key} NOT NULL, kind text NOT NULL, actor text NOT NULL, at bigint NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, source, id, seq)
){end};

-- Facts. They hang on a profile (subject_kind p, then source and id), on an
-- address (subject_kind a, then channel and value) or on a record (subject_kind r,
-- then kind/source and id of a fact that exists once in the world).
CREATE TABLE {p}orders (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    source {key} NOT NULL, id {key} NOT NULL,
    at bigint NOT NULL, version bigint NOT NULL, hash bigint NOT NULL, recorded bigint NOT NULL, place {key} NOT NULL, data text NOT NULL,
    number text NOT NULL, status text NOT NULL, channel text NOT NULL, amount bigint NOT NULL, currency text NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, source, id)
){end};

CREATE TABLE {p}visits (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    source {key} NOT NULL, id {key} NOT NULL,
    at bigint NOT NULL, version bigint NOT NULL, hash bigint NOT NULL, recorded bigint NOT NULL, place {key} NOT NULL, data text NOT NULL,
    number text NOT NULL, service text NOT NULL, serial text NOT NULL, status text NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, source, id)
){end};

CREATE TABLE {p}tickets (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    source {key} NOT NULL, id {key} NOT NULL,
    at bigint NOT NULL, version bigint NOT NULL, hash bigint NOT NULL, recorded bigint NOT NULL, place {key} NOT NULL, data text NOT NULL,
    state text NOT NULL, reason text NOT NULL, assignee text NOT NULL, opened bigint NOT NULL, solved bigint NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, source, id)
){end};

-- Tags set (cleared 0) and cleared (cleared 1).
CREATE TABLE {p}tags (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    source {key} NOT NULL, id {key} NOT NULL,
    at bigint NOT NULL, version bigint NOT NULL, hash bigint NOT NULL, recorded bigint NOT NULL, place {key} NOT NULL, data text NOT NULL,
    tag {key} NOT NULL, cleared smallint NOT NULL, actor text NOT NULL, expires bigint NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, source, id)
){end};

-- The ledger of consents; subject_a is the channel, subject_b the address.
CREATE TABLE {p}consents (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    source {key} NOT NULL, id {key} NOT NULL,
    at bigint NOT NULL, version bigint NOT NULL, hash bigint NOT NULL, recorded bigint NOT NULL, place {key} NOT NULL, data text NOT NULL,
    brand text NOT NULL, recipient text NOT NULL, purpose text NOT NULL, status text NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, source, id)
){end};

-- Facts of all other kinds: answers, clicks, interactions, notes, suppressions,
-- holds and the host's own.
CREATE TABLE {p}facts (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    kind {key} NOT NULL, source {key} NOT NULL, id {key} NOT NULL,
    at bigint NOT NULL, version bigint NOT NULL, hash bigint NOT NULL, recorded bigint NOT NULL, place {key} NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, kind, source, id)
){end};

-- Where the facts hang that exist once in the world: orders, visits, tickets. One
-- that others hang on and that is not there yet hangs on itself.
CREATE TABLE {p}anchors (
    part smallint NOT NULL, tenant {short} NOT NULL, id {key} NOT NULL, kind {key} NOT NULL, source {key} NOT NULL,
    subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    PRIMARY KEY (part, tenant, id, kind, source)
){end};

-- What may be sent to an address now. A row of version 0 was only ever locked.
CREATE TABLE {p}addresses (
    part smallint NOT NULL, tenant {short} NOT NULL, channel {key} NOT NULL, value {key} NOT NULL,
    version bigint NOT NULL, suppressions bigint NOT NULL, holds bigint NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, channel, value)
){end};

-- Indexes by which records are looked up; part and hash are that of kind and
-- ref. The key holds numbers first, because this table has the most rows and they
-- come in no order: kind and ref are compared on a hit. ord orders the rows of a ref.
CREATE TABLE {p}refs (
    part smallint NOT NULL, tenant {short} NOT NULL, hash bigint NOT NULL, ord bigint NOT NULL,
    subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL, target {key} NOT NULL,
    kind {key} NOT NULL, ref {key} NOT NULL,
    PRIMARY KEY (part, hash, ord, subject_kind, subject_a, subject_b, target, tenant)
){end};

-- What is to be done in the world. waiting is 1 for planned, 2 for sent, 3 for
-- unknown, and empty when nothing more will happen.
CREATE TABLE {p}effects (
    part smallint NOT NULL, tenant {short} NOT NULL, id {key} NOT NULL,
    kind {key} NOT NULL, cause text NOT NULL, version bigint NOT NULL,
    subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL,
    about_kind text NOT NULL, about_source text NOT NULL, about_id text NOT NULL, occurrence text NOT NULL,
    due bigint NOT NULL, state text NOT NULL, waiting smallint, to_channel text NOT NULL, to_value text NOT NULL,
    created bigint NOT NULL, changed bigint NOT NULL, sent_at bigint NOT NULL, attempts bigint NOT NULL, lease bigint NOT NULL,
    rev bigint NOT NULL, reasons text NOT NULL, guards text NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, id)
){end};
CREATE INDEX {i}effects_subject ON {p}effects (part, tenant, subject_kind, subject_a, subject_b);
-- Not by part: what is due is few among many that wait, and a worker asks often.
CREATE INDEX {i}effects_due ON {p}effects (tenant, waiting, kind, due, part, id) WHERE waiting IS NOT NULL;

-- The host's and the engines' configuration and progress; part is the kind's.
CREATE TABLE {p}documents (
    part smallint NOT NULL, tenant {short} NOT NULL, kind {key} NOT NULL, id {key} NOT NULL,
    rev bigint NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, kind, id)
){end};

-- The change feed: per part 1, 2, … in the order of the commits, without a gap.
CREATE TABLE {p}changes (
    part smallint NOT NULL, tenant {short} NOT NULL, seq bigint NOT NULL,
    kind text NOT NULL, subject_kind text NOT NULL, subject_a text NOT NULL, subject_b text NOT NULL,
    fact_kind text NOT NULL, fact_source text NOT NULL, fact_id text NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (part, tenant, seq)
){end};

-- The last number given out in each part of the feed.
CREATE TABLE {p}part_seq (
    part smallint NOT NULL, tenant {short} NOT NULL, n bigint NOT NULL,
    PRIMARY KEY (part, tenant)
){end};

-- How far each consumer of the feed has read.
CREATE TABLE {p}cursors (
    part smallint NOT NULL, tenant {short} NOT NULL, consumer {key} NOT NULL, position text NOT NULL,
    PRIMARY KEY (part, tenant, consumer)
){end};
