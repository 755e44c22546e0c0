// Package route sends each message by the cheapest way that serves its number, may carry
// it by law and is healthy.
//
//	router, err := route.New(route.Config{Routes: []route.Route{
//		{Name: "verimor", Sender: verimorSender, Country: "+90", Profile: verimor.Profile(), Prices: map[string]int64{"+90": 120}},
//		{Name: "netgsm", Sender: netgsmSender, Country: "+90", Profile: netgsm.Profile(), Prices: map[string]int64{"+90": 150}},
//		{Name: "twilio", Sender: twilioSender, Country: "+1", Profile: twilio.Profile(), Prices: map[string]int64{"+49": 900, "": 1500}},
//	}})
//	outbox := messaging.Outbox{Sender: router, …}
//
// A message that no route may carry is refused when Plan is asked, which an
// Outbox.Render does, or measured by Script.Measure with Router.Channel, and again when it is
// sent. The law that is known here is Turkish:
// since 2026-04-01 operators drop messages from abroad with a web address, so that
// TurkishLinks refuses routes of other countries for them. Config.Rules holds what else a host must
// observe.
//
// Another route is tried only if the one before certainly has not taken the message
// (crm.Throttled). What is crm.Uncertain stays where it is, so that no second copy leaves
// by another way. For the same reason a Router of several routes is not
// messaging.Idempotent, even if all of its senders are.
package route
