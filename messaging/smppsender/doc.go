// Package smppsender sends messages of package messaging over SMPP: a
// messaging.Sender on top of package smpp.
//
//	sender, err := smppsender.New(smppsender.Config{
//		Client:  smpp.ClientConfig{Session: smpp.Config{Bind: …, Window: 20}, Dial: dial},
//		Profile: sms.Domestic(),
//		Feedback: func(ctx context.Context, f messaging.Feedback) error {
//			_, err := engine.Feedback(ctx, f)
//			return err
//		},
//	})
//	defer sender.Close(ctx)
//	outbox := messaging.Outbox{Sender: sender, …}
//
// A text is encoded as package sms plans it for the route and cut into parts by a user
// data header, by parameters, or not at all (Long). Of a message of several parts those
// that were refused for now are sent again while others are taken already; a message
// of which some parts were taken and others were not is crm.Uncertain, as is one
// whose answer was lost. A message of which nothing was taken is crm.Throttled or
// crm.Declined, by the class of the status:
//
//	retry       0x08 0x14 0x58 0x64                  crm.Throttled
//	session     0x04 0x05 0x0D 0x0E 0x0F, no session   crm.Throttled, Unreached
//	permanent   the rest of the specification          crm.Declined
//	vendor      0x400 and above, reserved              crm.Declined; Config.Class knows better
//
// An answer that comes after the context of Send has ended is told to Config.Feedback, as long as
// the session waits for it (smpp.Config.ResponseTimeout).
//
// SMPP has no ids of the sender's, so a Sender is neither messaging.Idempotent nor a
// messaging.Reconciler: what is uncertain stays so until a report tells.
//
// A receipt names the SMSC's id of one part. crm.Receipt.Provider has the ids of all
// parts, by which package delivery finds the message, also if the receipt came first.
// Inbound messages are read in the alphabet of their data_coding and put together;
// binary ones come without a text, those whose other parts did not come in time with
// what there is.
package smppsender
