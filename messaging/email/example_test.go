package email_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/email"
)

// What comes back names its message by an address that only the key's holder can make.
func ExampleVERP() {
	key, err := crm.ParseSecret("c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMsIGRyYXdu") // draw your own
	if err != nil {
		fmt.Println(err)
		return
	}
	verp, err := email.NewVERP("bounce", "mail.shop.example", key)
	if err != nil {
		fmt.Println(err)
		return
	}
	path := verp.ReturnPath("0a1c38074c7b1f328e9dee39f387b01")
	id, ok := verp.Effect(path)
	fmt.Println(len(path), id, ok)
	_, ok = verp.Effect("bounce+0a1c38074c7b1f328e9dee39f387b01.aaaaaaaaaaaaaaaa@mail.shop.example")
	fmt.Println(ok)
	// Output:
	// 73 0a1c38074c7b1f328e9dee39f387b01 true
	// false
}

// A customer's answer is read without what he quotes.
func ExampleReader() {
	key, err := crm.ParseSecret("c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMsIGRyYXdu") // draw your own
	if err != nil {
		fmt.Println(err)
		return
	}
	verp, err := email.NewVERP("bounce", "mail.shop.example", key)
	if err != nil {
		fmt.Println(err)
		return
	}
	reader := &email.Reader{VERP: verp}
	feedback, err := reader.ReadMessage(context.Background(), strings.NewReader("From: Ayse <ayse@customer.example>\r\n"+
		"In-Reply-To: <"+verp.MessageID("0a1c38074c7b1f328e9dee39f387b01")+">\r\n\r\n"+
		"When do you open?\r\n\r\nOn Monday, Shop wrote:\r\n> To unsubscribe answer STOP\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	in := feedback.Inbound[0]
	fmt.Printf("%s: %q, automatic %t\n", in.From.Value, in.Text, in.Automatic)
	// Output:
	// ayse@customer.example: "When do you open?", automatic false
}
