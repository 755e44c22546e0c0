package smppsender_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
	"github.com/vefacrm/vefa/messaging/smppsender"
)

// A sender hands a message to an SMSC and is told of its delivery. A host gives the
// sender to a messaging.Outbox.
func Example() {
	smsc := smpptest.New(smpptest.Options{})
	defer smsc.Close()
	reports := make(chan messaging.Report, 1)
	sender, err := smppsender.New(smppsender.Config{
		Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}, Window: 20}, Dial: smsc.Dial},
		Feedback: func(_ context.Context, f messaging.Feedback) error {
			reports <- f.Reports[0]
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer sender.Close(ctx)
	receipts, err := sender.Send(ctx, []messaging.Message{messagingtest.Message(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(receipts[0].Status, receipts[0].Provider)
	r := <-reports
	fmt.Println(r.Provider, r.State, r.Code)
	// Output:
	// accepted 1
	// 1 delivered 000
}
