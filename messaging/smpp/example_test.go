package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
)

// A client submits a message and is told of its delivery. In place of the SMSC in memory
// a host dials its provider.
func Example() {
	smsc := smpptest.New(smpptest.Options{SystemID: "shop"})
	defer smsc.Close()
	reports := make(chan smpp.Receipt, 1)
	client, err := smpp.NewClient(smpp.ClientConfig{
		Session: smpp.Config{
			Bind: smpp.Bind{SystemID: "shop"},
			Handler: func(_ context.Context, p smpp.PDU) smpp.Status {
				if m, ok := p.Body.(*smpp.Message); ok && smpp.IsReceipt(m) {
					if r, ok := (smpp.ReceiptForm{}).Parse(m); ok {
						reports <- r
					}
				}
				return smpp.OK
			},
		},
		Dial: smsc.Dial,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer client.Close(ctx)

	from, _ := smpp.ParseAddress("VEFA")
	to, _ := smpp.ParseAddress("+905320000000")
	id, err := client.Submit(ctx, &smpp.Message{Source: from, Destination: to, RegisteredDelivery: 1, Text: []byte("Merhaba")})
	var refused *smpp.StatusError
	switch {
	case err == nil:
		fmt.Println("taken as", id)
	case errors.As(err, &refused):
		fmt.Println("refused:", refused.Status.Class())
	case errors.Is(err, smpp.ErrNotSent):
		fmt.Println("may be sent again")
	default:
		fmt.Println("nobody can tell")
	}
	r := <-reports
	fmt.Println(r.ID, r.State, r.State.Final())
	// Output:
	// taken as 1
	// 1 DELIVRD true
}

// A receipt's text is read whatever its order, and its id in the form of the responses.
func ExampleReceiptForm() {
	form := smpp.ReceiptForm{Responses: smpp.IDDecimal, Receipts: smpp.IDHex}
	r, ok := form.Parse(&smpp.Message{ESMClass: 0x04, Text: []byte("ID:0A STAT:UNDELIV ERR:027 done_date:2503041305")})
	fmt.Println(ok, r.ID, r.State, r.Error, r.Done.Format(time.DateTime))
	// Output: true 10 UNDELIV 027 2025-03-04 13:05:00
}

// Parts come in any order.
func ExampleReassembler() {
	var r smpp.Reassembler
	now := time.Date(2025, 3, 4, 13, 5, 0, 0, time.UTC)
	for _, text := range []string{"\x05\x00\x03\x07\x02\x02world", "\x05\x00\x03\x07\x02\x01hello "} {
		ready, err := r.Add(now, &smpp.Message{ESMClass: smpp.UDHI, Text: []byte(text)})
		if err != nil {
			fmt.Println(err)
		}
		for _, whole := range ready {
			for _, part := range whole.Parts {
				_, text, _ := smpp.SplitHeader(part.ESMClass, part.UserData())
				fmt.Printf("%s", text)
			}
			fmt.Println(whole.Missing)
		}
	}
	// Output: hello world0
}
