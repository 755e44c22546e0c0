// Package consent decides whether somebody may be written to, reads the replies by which
// people say that they no longer want to be, and keeps proof of what was said.
//
// Consent belongs to an address, not to a person. The record keeps consent facts per
// address and folds them into a crm.AddressState; Policy.Decide answers from that state, a
// key (whose brand, which kind of recipient, which purpose) and an instant. A refusal
// always wins over a grant that is not younger.
//
// A Parser reads a reply to a message. A clear opt-out word counts however it is typed
// (RET, İptal, "dur", ÇIK, Stop); a text that only might be one is Ambiguous: suppress the
// address and let a person look, and never answer as if the sender had opted out.
//
// # Proof
//
// A Ledger keeps beside each consent fact an Entry in a chain of hashes: what was said and
// when, when it was recorded, the hash of the text agreed to, and evidence. Ledger.Append
// records what somebody says, the fact and its entry in one transaction; Ledger.Handle
// gives entries to what came into the record otherwise. The fold of the ledger gives the
// record's own answers, as of any time of saying and any time of knowing (Ledger.State).
//
//	store := memstore.New(consent.Kind()) // the store and the service must know the kind
//	svc := crm.New(store, crm.Config{Kinds: []crm.Kind{consent.Kind()}}) // or vefa.Config.Kinds and Engine.Service
//	ledger, err := consent.New(svc, consent.Config{Key: key})
//	_, err = ledger.Append(ctx, address, consent.Said{Status: crm.Granted, Source: "HS_WEB", Text: consent.HashText(text)})
//
// Ledger.Verify says which chain is broken and at which entry. That the end of a chain was
// cut, or all of it written anew, shows only against a Checkpoint kept elsewhere, of which a
// Head of 56 bytes may be signed and printed. Ledger.Prove exports what there is of one
// address; CheckProof checks it without the ledger.
//
// Ledger.Erase and Ledger.Retain take the address and the evidence away: the chain stays,
// and verifies as before, on a keyed hash.
//
// Package consent/iys speaks with the Turkish registry of consents.
package consent
