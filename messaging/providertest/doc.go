// Package providertest has simulators of providers: Verimor, Netgsm, Twilio and Kannel for
// SMS, and the WhatsApp Cloud API, each an http.Handler that behaves as its provider's documents say, its traps
// among them. They are written from the documents and know nothing of the senders, so
// that a sender that agrees with one agrees with the documents.
//
//	sim := providertest.NewVerimor(providertest.Config{Seed: 1})
//	server := httptest.NewServer(sim)
//	sender, err := verimor.New(verimor.Config{URL: server.URL, Username: sim.Username, Password: sim.Password, Header: "VEFA"})
//	sim.PushTo(sender.Webhook(take), "/sms/"+secret)
//	… // send
//	sim.Deliver() // every message comes to its end, and is reported
//
// Faults are switched on by SetFaults with the share of requests or messages that they
// befall. Which these are depends on the seed and on the messages, and not on the order
// in which goroutines come.
//
// A simulator says nothing about a provider that its documents do not say.
package providertest
