// Package delivery keeps what became of messages after a provider took them.
//
// A provider's reports come late, twice, out of order, for each part of a long message by
// itself, and before the answer that says under which id it took the message. A Fate is
// what they add up to: adding the same reports in any order, any number of times, gives
// the same Fate, and its State only ever goes forward.
//
// A Log finds the message of each report by its id or by the provider's, keeps the Fate as
// a fact about the address, and stops writing to an address that a report says does not
// exist:
//
//	log := &delivery.Log{Service: svc}
//	stats, err := log.Take(ctx, reports...)
//
// What cannot be matched yet waits in the record: Settle tries again, and Take does so for
// the same message. package vefa does all of it in Engine.Feedback.
package delivery
