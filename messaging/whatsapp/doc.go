// Package whatsapp sends messages by the WhatsApp Cloud API and takes its webhook.
//
//	sender, err := whatsapp.New(whatsapp.Config{PhoneNumberID: "106…", Token: token, AppSecret: secret, VerifyToken: verify})
//	outbox := messaging.Outbox{Sender: messaging.ByChannel{whatsapp.Name: sender}, …}
//	mux.Handle("/whatsapp", sender.Webhook(take))
//
// Addresses are the telephone numbers of text messages (Channel.To): what is refused there
// is refused here, and nothing that WhatsApp says of a number is a bounce of it, because
// text messages may well arrive.
//
// # Templates and the window
//
// A business writes first by a template that Meta has approved, with its parameters as the
// parts of a content: named "1", "2", … they are given in that order, otherwise by their
// names. A text of one's own is only taken within 24 hours of the customer's last message,
// which Config.LastInbound tells: a message with both is sent as text within the window and
// as template outside it.
//
// # Fates
//
// WhatsApp recognises no id of the host's, so that a message whose answer was lost stays
// crm.Uncertain and is not sent again; but its statuses bring the host's id back
// (biz_opaque_callback_data), and the first settles what became of it.
//
// What is said here is from Meta's documents as of November 2026. The package was tested
// against providertest.WhatsApp, not against Meta.
package whatsapp
