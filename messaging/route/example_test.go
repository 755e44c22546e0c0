package route_test

import (
	"context"
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/route"
	"github.com/vefacrm/vefa/messaging/verimor"
)

// The route from abroad is cheaper, but may not carry a web address to Turkey.
func Example() {
	abroad, home := messaging.NewMemorySender(nil), messaging.NewMemorySender(nil)
	router, err := route.New(route.Config{Routes: []route.Route{
		{Name: "abroad", Sender: abroad, Country: "+1", Prices: map[string]int64{"": 80}},
		{Name: "home", Sender: home, Country: "+90", Profile: verimor.Profile(), Prices: map[string]int64{"+90": 120}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := messaging.Message{ID: "e1", To: crm.Address{Channel: crm.Phone, Value: "+905321234567"}, Text: "Randevu: https://s.tc/0123"}
	plan, err := router.Plan(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Choices[0].Route, plan.Choices[0].Cost)
	fmt.Println(plan.Refused[0].Route+":", plan.Refused[0].Reason)
	if _, err := router.Send(context.Background(), []messaging.Message{m}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(abroad.Messages()), len(home.Messages()))
	// Output:
	// home 120
	// abroad: operators in Turkey drop messages from abroad that have a web address
	// 0 1
}
