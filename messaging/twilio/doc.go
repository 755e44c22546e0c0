// Package twilio sends short messages by Twilio's Messages API and takes its callbacks.
//
//	sender, err := twilio.New(twilio.Config{AccountSID: "AC…", AuthToken: token, From: "VEFA",
//		WebhookURL: "https://hooks.example.com/twilio"})
//	outbox := messaging.Outbox{Sender: sender, …}
//	mux.Handle("POST /twilio", sender.Webhook(take))
//
// # Fates
//
// Each message is a request of its own, and Twilio recognises no id of the host's: one
// whose answer was lost stays crm.Uncertain and is not sent again. But its status callback
// has the host's id in its address, which Twilio signs, so that the first callback settles
// what became of it.
//
// # Reports and inbound messages
//
// Webhook takes both. A callback is signed over the address that Twilio knows, which
// is Config.WebhookURL whatever proxies make of it, with or without its port. Twilio does
// not repeat a callback that fails: Poll lists what was sent and received since its
// cursor and brings the rest. Reports of the time since the oldest message on its way may come again.
//
// Twilio stops writing to who answered STOP (21610) and refuses prefixes for a while when it sees
// pumping (30450). To Turkey it carries no promotional messages, registered alphanumeric senders
// only, and no replies; since 2026-04-01 Turkish operators drop messages from abroad that have a
// web address: package route refuses them beforehand.
//
// What is said here of Twilio's behaviour is from its documents as of November 2026. The
// package was tested against providertest.Twilio and the public vector of signatures, not
// against Twilio.
package twilio
