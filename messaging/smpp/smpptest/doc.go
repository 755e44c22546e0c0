// Package smpptest is an SMSC in memory: what a host's tests talk to instead of a
// provider.
//
//	smsc := smpptest.New(smpptest.Options{})
//	defer smsc.Close()
//	client, err := smpp.NewClient(smpp.ClientConfig{
//		Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}},
//		Dial:    smsc.Dial,
//	})
//
// Without further options it takes every message, numbers it from 1 and, where one is
// wanted, sends a receipt of delivery. Options.Answer says for each message what
// happens instead: a status, a delay, an answer that is lost, a connection that ends in
// the middle of the answer, a receipt that comes before the answer or twice. Random draws such
// answers from a seed. Nothing depends on the time of day, so that a test
// may run within testing/synctest.
package smpptest
