// Package lifecycle says where in their relation with a shop customers are: new, active, passive,
// held by a lock-in, gone quiet; how loyal; who buys regularly; and when a life changed.
//
//	def := lifecycle.Definition{Version: "2026-1", Window: 365}
//	state, why, err := def.State(customer, today)
//	rate, err := lifecycle.Rate(states, 0.4) // share of the active, beside a target
//
// Every customer is in exactly one state of a definition, and each answer carries the version of the
// definition: figures of two versions are not compared.
//
// A customer's own rhythm decides where it can: a customer who buys a watch every four years is
// not passive after one. Rhythm estimates it from what is known about all, so that two
// purchases are not taken for a law; Regular tests whether purchases are regular at all.
//
// Shifts finds when a count or an amount changed its level, such as purchases for a baby, with
// the probability of such a change by chance and until when it may be believed: events for rules.
//
// Time is in days, from any day on that the caller chooses. The package imports nothing of this
// module.
package lifecycle
