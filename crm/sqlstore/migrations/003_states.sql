-- What engines and the host keep about one subject for themselves; part is the subject's.
CREATE TABLE {p}states (
    part smallint NOT NULL, tenant {short} NOT NULL, subject_kind {short} NOT NULL, subject_a {key} NOT NULL, subject_b {key} NOT NULL, kind {key} NOT NULL,
    rev bigint NOT NULL, data text NOT NULL,
    PRIMARY KEY (part, tenant, subject_kind, subject_a, subject_b, kind)
){end};
