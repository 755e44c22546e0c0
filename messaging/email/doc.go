// Package email sends e-mail over SMTP and reads what comes back: bounces, complaints and
// the mail of customers.
//
//	verp, err := email.NewVERP("bounce", "mail.shop.example", key)
//	sender, err := email.New(email.Config{Addr: "smtp.shop.example:587", Username: "crm", Password: password,
//		From: "Shop <news@shop.example>", VERP: verp, Unsubscribe: unsubscribe})
//	outbox := messaging.Outbox{Sender: sender, …}
//	reader := &email.Reader{VERP: verp}
//	feedback, err := reader.ReadMessage(ctx, body) // of each mail to bounce+…@mail.shop.example, news@shop.example
//
// Channel describes what a campaign says by e-mail.
//
// # Sending
//
// Each message is one transaction with one recipient: a batch has one connection, opened
// again where the server closes it between messages. Connections are encrypted, and those
// to a loopback address where the server offers it. A message whose answer is lost after
// its last byte is crm.Uncertain and is not sent again; its bounce or a reply settles it.
//
// Every message has a Message-ID and a return path made of the effect's id (VERP),
// Auto-Submitted (RFC 3834) unless a person wrote it, and, if it is commercial,
// List-Unsubscribe with the one click of RFC 8058, without which it is refused.
//
// # What comes back
//
// Reader reads delivery status notifications (RFC 3464) and what mail servers write
// instead, abuse reports (RFC 5965) and mail of people. Of a bounce only a permanent fault
// of the address itself is a messaging.Report.Bounce: never a full mailbox, never the
// recipient's policy. Which message it is about is told by codes that only the key makes.
//
// AutoReply decides whether mail is answered by a program so that no two programs write to one
// another for ever.
//
// SPF, DKIM and DMARC records are published in the DNS by the owner of the domain; Config.DKIM signs.
package email
