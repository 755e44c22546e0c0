// Package verimor sends short messages by Verimor's SMS API, version 2, and learns what
// became of them.
//
//	sender, err := verimor.New(verimor.Config{Username: "908501234567", Password: password, Header: "VEFA"})
//	outbox := messaging.Outbox{Sender: sender, …}
//	mux.Handle("POST /sms/", sender.Webhook(take)) // Config.Guard must be set
//
// The address of the host must be on the account's list, or everything is refused with
// 401. Numbers go out as 905… within Turkey and 00… abroad.
//
// # Fates
//
// Each request has a custom id, by which Reconcile asks whether it arrived. Of messages
// that this process sent it knows the request; of those of a process before it, only
// those that went alone (Config.Batch of 1) can be found, and the rest stays
// crm.Uncertain until a report settles it.
//
// Verimor drops a message whose text, header and number it has had that day: at once
// (MUKERRER_RAPORLAMA) or in its report (DOUBLE_SEND_ERROR). Texts with links of their
// own are never alike, so that this is no protection from sending twice.
//
// # Reports and inbound messages
//
// Verimor pushes both to one address, unsigned. It wants the answer 200, tries three times
// more at intervals of five minutes and never again: what a host misses, Poll brings. A
// push is confirmed by asking Verimor before it counts, which costs one of 20 questions a
// minute; an answer has up to 100 messages of a campaign and confirms those that are pushed
// later, too. Where the questions are used up a push is answered 503, and may not come
// again: so Poll every minute as well, or set Config.Unconfirmed, which trusts Config.Guard
// alone.
//
// What is said here of Verimor's behaviour is from its user guide of 2025-09-19.
// The package was tested against providertest.Verimor, not against Verimor.
package verimor
