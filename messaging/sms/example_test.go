package sms_test

import (
	"fmt"

	"github.com/vefacrm/vefa/messaging/sms"
)

func ExampleProfile_Plan() {
	text := "Değerli müşterimiz, pil değişiminizin üzerinden iki yıl geçti. Randevu: https://s.tc/0123456789abcd RET 4609"
	for _, p := range []sms.Profile{sms.Domestic(), {Name: "abroad"}} {
		plan, err := p.Plan(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(plan)
	}
	// Output:
	// GSM-7 Turkish locking shift: 1 segment, 42 units free
	// U+011F at 2 forces UCS-2: 2 segments instead of 1 (and 3 more such characters)
}
