// Package kannel sends short messages through the smsbox of a Kannel gateway and takes
// its delivery reports.
//
//	sender, err := kannel.New(kannel.Config{URL: "https://sms.example.com:13013", Username: "vefa", Password: password, From: "VEFA",
//		WebhookURL: "https://hooks.example.com/kannel", Guard: webhook.Guard{Secret: secret}})
//	outbox := messaging.Outbox{Sender: sender, …}
//	mux.Handle("GET /kannel/", sender.Webhook(take))
//
// Messages go out as POST with X-Kannel headers, so that neither the password nor a text
// stands in an address, which smsbox would log.
//
// # Fates
//
// Each message is a request of its own. Kannel recognises no id of the host's and cannot
// be asked: what was lost stays crm.Uncertain. Its reports come by a GET of an address that
// the message named, in which the host's id is, so that the first one settles it.
//
// # Reports and inbound messages
//
// Webhook takes both: the address ends in Guard's secret, since Kannel signs nothing. A report
// says 1 delivered, 2 failed, 4 buffered, 8 taken by the SMSC, 16 refused by it; of a long
// message one may come for each part. For inbound messages give Kannel a service whose address is
// what Sender.InboundURL returns, as get-url. Kannel does not come again after a failure unless
// its smsbox is told to with http-request-retry; nothing can be polled.
//
// The package was tried with Kannel 1.4.5: messages, reports and inbound messages went
// through its bearerbox, smsbox and fakesmsc. An id in the answer is of its 1.5, which was
// not tried.
package kannel
