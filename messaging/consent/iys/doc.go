// Package iys speaks with İleti Yönetim Sistemi, the Turkish registry in which senders must
// enter consents within three business days, and in which people change them.
//
// Rules says before anything is sent what the registry will refuse, and by which rule.
// Client speaks the registry's HTTP API within its limits: tokens that last two hours, ten
// requests for one in an hour, fifty single entries in a minute. It never waits: what has to
// is a ThrottledError with the time after which to come again.
//
// Outbox keeps what must be entered as effects of the record, planned in the transaction of
// the consent they tell of; a crm.Worker with Outbox.Handler carries them out, and
// Outbox.Late says what has been waiting for 24 or 48 hours, or is over its deadline.
//
// Puller takes what people changed at the registry into the ledger, each change once: the
// cursor moves in the transaction of the entries. Of two dates the later wins, at the same
// second the refusal.
//
// What the registry does is known from its public pages (dev.iys.org.tr) only; it has no
// test environment. Package iystest simulates it. Have counsel confirm what the law asks.
package iys
