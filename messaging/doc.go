// Package messaging sends messages to customers who may be written to, and
// knows afterwards what became of each.
//
// Three things stand apart and meet in values. Check decides about one
// Candidate: suppression, consent, open tickets, excluded tags, a usable
// address, caps, quiet hours, the control group, in this order and always with
// all reasons. A Campaign turns an audience into planned crm.Effect values, each
// with a deterministic id, withheld and held-out ones included. An Outbox
// carries planned effects out: it asks the guard again in the transaction that
// claims them, hands them to a Sender outside of any transaction and records
// the answers; what cannot be told is crm.Uncertain, never guessed and never silently
// sent twice.
//
// A Sender is one provider: verimor, netgsm, twilio and kannel below, with simulators in
// providertest, MemorySender for tests, HTTPSender for a JSON API,
// and whatever passes messagingtest.Run. ByChannel joins the senders of several channels. A
// Campaign says something on each in its Contents; a Channel describes what texts there are:
//
//	mail := messaging.Channel{Name: crm.Email, Slots: []messaging.Slot{{Name: "subject", Form: messaging.LineForm},
//		{Name: "text"}, {Name: "html", Form: messaging.HTMLForm, Optional: true}}}
//
// What a provider tells later is Feedback, from its webhook or, if it is a Poller, by asking.
//
// Below are the parts that are useful alone: sms (encodings, segments, prices),
// link (signed links, redirect, click verdicts), delivery (what became of
// messages), consent (decisions, replies, proof), experiment (holdouts and what
// they measure), offer (choice of offers, relevance), route (the cheapest route) and webhook.
package messaging
