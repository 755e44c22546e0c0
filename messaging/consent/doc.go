// Package consent decides whether somebody may be written to, and reads the
// replies by which people say that they no longer want to be.
//
// Consent belongs to an address, not to a person. The record keeps an
// append-only ledger per address and folds it into a crm.AddressState; Decide
// answers from that state, a key (whose brand, which kind of recipient, which
// purpose) and an instant. A refusal always wins over a grant that is not
// younger.
//
// A Parser reads a reply to a message. A clear opt-out word counts however it
// is typed (RET, İptal, "dur", ÇIK, Stop); a text that only might be one is
// Ambiguous: suppress the address and let a person look, and never answer as if
// the sender had opted out.
package consent
