// Package netgsm sends short messages by Netgsm's REST API, version 2, and asks what
// became of them.
//
//	sender, err := netgsm.New(netgsm.Config{Username: "850…", Password: password, Header: "VEFA"})
//	outbox := messaging.Outbox{Sender: sender, …}
//	feedback, next, err := sender.Poll(ctx, cursor) // once a minute, say
//	_, err = eng.Feedback(ctx, feedback)            // of a vefa.Engine; keep next as the cursor afterwards
//
// Numbers go out in 10 digits, 5XXXXXXXXX: nothing is sent abroad. Commercial messages
// are checked with the consent registry (iysfilter 11 for consumers, 12 for merchants).
//
// # Fates
//
// Netgsm keeps no id of the host's. A message is known by its job and its number, so that
// one request never has a number twice, and what became of a message whose answer was lost
// cannot be found out: it stays crm.Uncertain and is not sent again. A number may have 20
// jobs a minute; the 21st is refused (85) and comes again a minute later.
//
// # Reports and inbound messages
//
// No push is documented, so there is no webhook: Poll asks, at most 10 times a minute for
// reports. Its inbox lists each message once only when it is asked without dates, which
// loses messages whenever a process ends in between. Poll asks by dates, each time from
// before the last ones, and tells what it has told by the cursor. Inbound messages have no id; theirs
// is made of sender, receiver, second and text.
//
// What is said here of Netgsm's behaviour is from the openapi.json and enumerations of
// netgsm-sms-js of 2025-12-30 and the README of netgsm/sms. The package was tested against
// providertest.Netgsm, not against Netgsm.
package netgsm
