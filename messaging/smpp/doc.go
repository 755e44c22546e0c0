// Package smpp is a client of SMPP 3.4, the protocol by which short message service
// centres (SMSC) take messages and report what became of them.
//
//	client, err := smpp.NewClient(smpp.ClientConfig{
//		Session: smpp.Config{
//			Bind:    smpp.Bind{SystemID: "shop", Password: "…"},
//			Handler: func(ctx context.Context, p smpp.PDU) smpp.Status { … },
//		},
//		Dial: func(ctx context.Context) (net.Conn, error) {
//			return new(tls.Dialer).DialContext(ctx, "tcp", "smsc.example:3550")
//		},
//	})
//	id, err := client.Submit(ctx, &smpp.Message{…})
//
// Who wants to send messages of package messaging uses smppsender, which builds on this
// package, and who tests uses smpptest, an SMSC in memory. The package imports the
// standard library only.
//
// # Layers
//
// PDU, its Body types and TLVs are the codec: PDU.Append, Decode, Stream. What it does not
// know it keeps, so that it is written as it was read. Session is one bound connection;
// Client keeps one up. ReceiptForm reads delivery receipts, Reassembler puts the parts
// of long messages together, ParseAddress tells types of numbers apart.
//
// # What became of a request
//
// A request ends in one of four ways, and callers must tell them apart:
//
//	nil             the other side did it
//	*StatusError    it refused; Status.Class says whether the same may come again
//	ErrNotSent      nothing of it was written: it may be sent again
//	ErrUnknown      it was written, or may have been, and no answer came: it must not
//	                be sent again where the other side does not recognise repetitions
//
// Receipts may come before the response of the message that they are about, out of
// order, twice, and for each part of a long message.
//
// # The window
//
// At most Config.Window requests are without an answer; others wait in turn, as long as
// their contexts last. Throughput is windows divided by the time of a round trip.
// What is queued together is written together. A throttled answer halves the window,
// successes give it back one by one, and at a window of one throttling holds everything
// back for a while that doubles.
package smpp
