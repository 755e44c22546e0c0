// Package vefa binds the engines of this library to the record: it is the
// evening of a retailer.
//
// An Engine has the rules, segments, campaigns and surveys of a Config and a
// crm.Store. Night does one evening: it imports what the sources deliver, finds
// out who is the same person, refreshes tags and segments, runs the rules over
// everybody, carries out what is due, draws campaigns with their held-out
// groups (also those that people make at Engine.Desk), sends, and judges the clicks. Deliver sends what is due in between.
// Handler serves tracked links and surveys; a bad answer opens a ticket in the
// transaction that takes it, and an open ticket silences every address of the
// customer until it is solved.
//
//	eng, err := vefa.New(vefa.Config{
//		Store: memstore.New(), Sender: sender, BaseURL: "https://s.example", Keys: keys,
//		Rules: books, Surveys: surveys, Home: istanbul,
//	})
//	go eng.Clicks().Run(ctx)
//	mux.Handle("/", eng.Handler())
//	report, err := eng.Night(ctx, vefa.Night{Source: deliveries})
//
// What visitors do is bounded: Config.ClicksPerLink for the clicks of a link,
// the time-outs and numbers of survey/web for forms, and the size of the click
// log, which refuses and counts what is beyond and logs how much that was. The
// host's http.Server must have time-outs of its own (ReadHeaderTimeout,
// ReadTimeout, WriteTimeout, IdleTimeout), and a limit of requests by client
// belongs in front of it. Addresses of visitors are hashed under a random key of
// the day, which is in the record until the day after the next one begins and
// then deleted; backups of the record keep it as long as they are kept.
//
// Everything may be stopped anywhere and run again. What a night plans has
// deterministic ids; running it twice does nothing twice. Guards are asked when
// a message is planned and again in the transaction that claims it, under the
// lock of the address.
//
// Why explains what a customer got or did not get. Audit counts, from the
// stored record alone, what must never happen.
//
// Rules read Facts; its fields are the names that rule files may use. A host
// that wants other facts, other steps or another order composes the engines
// itself: this package uses nothing that is not exported.
package vefa
