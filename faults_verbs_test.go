package vefa_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// errPage is a page that says "not now", whatever the reason.
type errPage int

func (e errPage) Error() string { return fmt.Sprint("status ", int(e)) }

func (e errPage) Is(target error) bool {
	return target == crmtest.ErrFault || target == context.Canceled
}

// drain counts what an iterator yields until its error.
func drain[T any](seq iter.Seq2[T, error]) (any, error) {
	n := 0
	for _, err := range seq {
		if err != nil {
			return nil, err
		}
		n++
	}
	return n, nil
}

// only is for verbs that return an error and nothing else.
func only(err error) (any, error) { return nil, err }

func verbs() []verb {
	key, phone := nighttest.Key, nighttest.Phone
	var all []verb
	add := func(name string, call func(context.Context, *lab) (any, error)) *verb {
		all = append(all, verb{name: name, call: call})
		return &all[len(all)-1]
	}
	// The record.
	add("*crm.Service.Import", func(ctx context.Context, l *lab) (any, error) {
		b := nighttest.People(7)
		_, err := l.svc.Import(ctx, b)
		return nil, err
	})
	add("*crm.Service.PutProfile", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.PutProfile(ctx, &crm.Profile{ProfileKey: key(9), Name: crm.Name{Given: "Eda"}, At: l.now, Contacts: []crm.Contact{{Address: phone(9)}}}))
	})
	add("*crm.Service.Record", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Record(ctx, nighttest.Order(3, "new", l.now), nighttest.Consent(3, "new", crm.Refused, l.now)))
	})
	add("*crm.Service.Update", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Update(ctx, func(tx crm.Tx) error { return l.svc.In(tx).Record(ctx, nighttest.Order(3, "new", l.now)) }))
	})
	add("crm.Retry.Update", func(ctx context.Context, l *lab) (any, error) {
		return only(crm.Retry{}.Update(ctx, l.faulty, func(tx crm.Tx) error { return l.svc.In(tx).Record(ctx, nighttest.Order(3, "new", l.now)) }))
	})
	add("crm.Retry.Do", func(ctx context.Context, l *lab) (any, error) {
		return only(crm.Retry{}.Do(ctx, func(error) bool { return false }, func(int) error {
			return l.svc.Record(ctx, nighttest.Order(3, "new", l.now))
		}))
	})
	add("*crm.Service.OpenTicket", func(ctx context.Context, l *lab) (any, error) {
		return l.svc.OpenTicket(ctx, key(3), "desk", "t3", crm.Ticket{Title: "y"})
	})
	add("*crm.Service.ChangeTicket", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.ChangeTicket(ctx, l.ticket, crm.TicketChange{Assignee: new("ayse"), Level: new(1), Actor: "desk"})
		return nil, err
	}).counts = true
	add("*crm.Service.OpenTickets", func(ctx context.Context, l *lab) (any, error) {
		return drain(l.svc.OpenTickets(ctx, crm.TicketQuery{}))
	})
	add("*crm.Service.UnknownEffects", func(ctx context.Context, l *lab) (any, error) { return drain(l.svc.UnknownEffects(ctx)) }).prepare = lostForGood
	add("*crm.Service.SettleEffect", func(ctx context.Context, l *lab) (any, error) {
		return l.svc.SettleEffect(ctx, l.lost[0].ID, crm.Settlement{State: crm.Done, Actor: "desk"})
	}).prepare = lostForGood
	add("*crm.Service.Profile", func(ctx context.Context, l *lab) (any, error) { return l.svc.Profile(ctx, key(3)) })
	add("*crm.Service.Facts", func(ctx context.Context, l *lab) (any, error) { return l.svc.Facts(ctx, l.customer(3)) })
	add("*crm.Service.Address", func(ctx context.Context, l *lab) (any, error) { return l.svc.Address(ctx, phone(3)) })
	add("*crm.Service.Consent", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Consent(ctx, phone(3), crm.Consent{Status: crm.Refused, Actor: "desk"}))
	})
	add("*crm.Service.Suppress", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Suppress(ctx, phone(3), crm.Suppression{Reason: "moved", Actor: "desk"}))
	})
	add("*crm.Service.Note", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Note(ctx, key(3), crm.Note{Text: "called", Actor: "desk"}))
	})
	add("*crm.Service.SetTicket", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.SetTicket(ctx, l.ticket, crm.TicketSolved, "desk", "sorry"))
	}).counts = true
	spring := crm.CounterKey{Kind: "budget", ID: "spring"}
	taken := crm.Take{ReservationKey: crm.ReservationKey{Counter: spring, ID: "1"}, Amount: 2, Limit: 5}
	add("*crm.Service.SetLimit", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.SetLimit(ctx, spring, 7))
	})
	add("*crm.Service.Reserve", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Reserve(ctx, taken))
	})
	reserved := func(l *lab) {
		must(l, l.under.Update(l.t.Context(), func(tx crm.Tx) error { _, err := tx.Reserve(l.t.Context(), taken); return err }))
	}
	add("*crm.Service.Counter", func(ctx context.Context, l *lab) (any, error) { return l.svc.Counter(ctx, spring) }).prepare = reserved
	add("*crm.Service.Confirm", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Confirm(ctx, taken))
	}).prepare = reserved
	add("*crm.Service.Release", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Release(ctx, taken.ReservationKey))
	}).prepare = reserved
	add("*crm.Service.PutPlaces", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.PutPlaces(ctx, &crm.Place{ID: "tr", Kind: "country"}, &crm.Place{ID: "s9", Parent: "tr", Kind: "store"}))
	})
	add("*crm.Service.Tag", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Tag(ctx, key(1), crm.TagChange{Tag: "vip", By: "desk"}))
	})
	add("*crm.Service.Untag", func(ctx context.Context, l *lab) (any, error) {
		return only(l.svc.Untag(ctx, key(1), crm.TagChange{Tag: "buyer", By: "desk"}))
	})
	add("*crm.Service.Prune", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.Prune(ctx, l.now)
		return nil, err
	})
	add("*crm.Service.PruneWith", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.PruneWith(ctx, l.now, func(f *crm.Effect) (crm.Leftover, error) {
			f.Data = nil
			return crm.Leftover{Refs: []crm.Ref{{Kind: "link", Key: "1", Subject: f.Subject, Target: string(f.ID)}}}, nil
		})
		return nil, err
	})
	add("*crm.Service.DropCursors", func(ctx context.Context, l *lab) (any, error) { return only(l.svc.DropCursors(ctx, "x")) })
	add("*vefa.Engine.Prune", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Prune(ctx, l.now)
		return nil, err
	})
	add("*crm.Service.Regroup", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.Regroup(ctx, crm.Grouping{Profiles: []crm.ProfileKey{key(0), key(3)}, Kind: crm.LinkManual, Actor: "desk"})
		return nil, err
	})
	add("*crm.Service.Merge", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.Merge(ctx, "desk", crm.Evidence{}, key(0), key(1))
		return nil, err
	})
	add("*crm.Service.Split", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.Split(ctx, "desk", crm.Evidence{}, key(2))
		return nil, err
	})
	add("*crm.Service.KeepApart", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.KeepApart(ctx, "desk", crm.Evidence{}, key(2), key(3))
		return nil, err
	})
	add("*crm.Service.Undo", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.Undo(ctx, "desk", l.decisions...)
		return nil, err
	})
	add("*crm.Service.NotMe", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.NotMe(ctx, key(1), phone(1), "desk")
		return nil, err
	})
	add("*crm.Service.Links", func(ctx context.Context, l *lab) (any, error) { return l.svc.Links(ctx, key(1)) })
	add("*crm.Service.Resolve", func(ctx context.Context, l *lab) (any, error) { return l.svc.Resolve(ctx, l.customer(1)) })
	add("*crm.Service.Customer", func(ctx context.Context, l *lab) (any, error) { return l.svc.Customer(ctx, l.customer(1)) })
	add("*crm.Service.CustomerOf", func(ctx context.Context, l *lab) (any, error) { return l.svc.CustomerOf(ctx, key(1)) })
	add("*crm.Service.Customers", func(ctx context.Context, l *lab) (any, error) { return drain(l.svc.Customers(ctx)) })
	add("*crm.Service.CustomerPage", func(ctx context.Context, l *lab) (any, error) {
		page, next, err := l.svc.CustomerPage(ctx, crm.ProfileKey{}, 2)
		return []any{page, next}, err
	})
	named := func(l *lab, store crm.Store) *crm.Service {
		return crm.New(store, crm.Config{Now: func() time.Time { return l.now }, NameSearch: true})
	}
	add("*crm.Service.SearchName", func(ctx context.Context, l *lab) (any, error) {
		page, err := named(l, l.faulty).SearchName(ctx, crm.NameQuery{Name: "ada"})
		return len(page.Customers), err
	}).prepare = func(l *lab) {
		p := &crm.Profile{ProfileKey: crm.ProfileKey{Source: "web", ID: "named"}, At: l.now, Name: crm.Name{Given: "Ada", Family: "Kaya"}}
		must(l, named(l, l.under).PutProfile(l.t.Context(), p))
	}
	add("*crm.Service.IndexNames", func(ctx context.Context, l *lab) (any, error) { return named(l, l.faulty).IndexNames(ctx) })
	add("*crm.Service.FoldMany", func(ctx context.Context, l *lab) (out any, err error) {
		err = l.faulty.View(ctx, func(r crm.Reader) error {
			out, err = l.svc.FoldMany(ctx, r, []crm.CustomerID{l.customer(1)})
			return err
		})
		return out, err
	})
	add("*crm.Service.Find", func(ctx context.Context, l *lab) (any, error) {
		return drain(l.svc.Find(ctx, crm.Query{Address: phone(1)}))
	})
	add("*crm.Service.Find by number", func(ctx context.Context, l *lab) (any, error) {
		return drain(l.svc.Find(ctx, crm.Query{OrderNumber: "o1"}))
	})
	add("*crm.Service.Waiting", func(ctx context.Context, l *lab) (any, error) { return drain(l.svc.Waiting(ctx)) })
	add("*crm.Service.Tags", func(ctx context.Context, l *lab) (any, error) { return l.svc.Tags(ctx, l.customer(1)) })
	add("*crm.Service.Timeline", func(ctx context.Context, l *lab) (any, error) { return drain(l.svc.Timeline(ctx, l.customer(1))) })
	// What a verb of two transactions removes is counted by the one that did.
	add("*crm.Service.Prune", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.Prune(ctx, l.now)
		return nil, err
	})
	add("*crm.Service.PruneWith", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.PruneWith(ctx, l.now, nil)
		return nil, err
	})
	add("*crm.Service.DropCursors", func(ctx context.Context, l *lab) (any, error) { return only(l.svc.DropCursors(ctx, "gone")) }).prepare = func(l *lab) {
		must(l, l.under.Update(l.t.Context(), func(tx crm.Tx) error {
			at, err := tx.Cursor(l.t.Context(), "gone")
			if err != nil {
				return err
			}
			return tx.SetCursor(l.t.Context(), "gone", at)
		}))
	}
	// The feed.
	feed := func(l *lab) *crm.Feed {
		return &crm.Feed{Store: l.faulty, Consumer: "lab", Batch: 1000, Handler: func(ctx context.Context, tx crm.Tx, changes []crm.Change) error {
			// Its own note is a change, too, and of an older version.
			_, err := l.svc.In(tx).Import(ctx, crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: crm.KindNote, Source: "feed", ID: "1"}, Subject: crm.OfProfile(key(1)),
				At: l.now, Version: int64(len(changes)), Data: &crm.Note{Text: fmt.Sprint(len(changes))}}}})
			return err
		}}
	}
	add("*crm.Feed.RunOnce", func(ctx context.Context, l *lab) (any, error) {
		_, err := feed(l).RunOnce(ctx)
		return nil, err
	})
	add("*crm.Feed.Run", func(ctx context.Context, l *lab) (any, error) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		f := feed(l)
		f.Poll = time.Nanosecond
		inner, calls := f.Handler, 0
		f.Handler = func(ctx context.Context, tx crm.Tx, changes []crm.Change) error {
			if calls++; calls > 1 || l.handled > 0 && len(changes) < 3 {
				stop() // its own note came back: all was handled
				return nil
			}
			if err := inner(ctx, tx, changes); err != nil {
				return err
			}
			l.handled++
			return nil
		}
		return only(f.Run(ctx))
	}).patient = true
	// Reading without a Service.
	view := func(name string, read func(context.Context, crm.Reader, *lab) (any, error)) {
		add(name, func(ctx context.Context, l *lab) (out any, err error) {
			err = l.faulty.View(ctx, func(r crm.Reader) error {
				out, err = read(ctx, r, l)
				return err
			})
			return out, err
		})
	}
	view("crm.Digest", func(ctx context.Context, r crm.Reader, l *lab) (any, error) { return crm.Digest(ctx, r, l.now) })
	view("crm.Documents", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		return drain(crm.Documents(ctx, r, "night"))
	})
	view("crm.FactsOf", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		return drain(crm.FactsOf(ctx, r, []crm.Subject{crm.OfProfile(key(1))}))
	})
	view("crm.Profiles", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		return drain(crm.Profiles(ctx, r, crm.AllParts()))
	})
	view("crm.FactsOfKind", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		return drain(crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindOrder))
	})
	view("crm.AddressStates", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		return drain(crm.AddressStates(ctx, r, crm.AllParts()))
	})
	view("crm.AllEffects", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		return drain(crm.AllEffects(ctx, r, crm.AllParts()))
	})
	view("crm.LoadPlaces", func(ctx context.Context, r crm.Reader, l *lab) (any, error) {
		_, err := crm.LoadPlaces(ctx, r, time.UTC)
		return nil, err
	})
	add("*vefa.Engine.Learn", func(ctx context.Context, l *lab) (any, error) { return only(l.shop.Engine.Learn(ctx)) })
	view("vefa.Nights", func(ctx context.Context, r crm.Reader, l *lab) (any, error) { return drain(vefa.Nights(ctx, r)) })
	add("vefa.Audit", func(ctx context.Context, l *lab) (any, error) { return vefa.Audit(ctx, l.faulty, nighttest.Brand) })
	// The evening.
	tomorrow := func(l *lab) { l.now = labDays[1].AddDate(0, 0, 1) }
	delivery := nighttest.People(6)
	for i := range 2 { // known to another source as well
		delivery.Profiles = append(delivery.Profiles, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "web", ID: fmt.Sprint(i)}, At: nighttest.Start,
			Name: crm.Name{Given: "Ada", Family: fmt.Sprint("Kaya", 4+i)}, Contacts: []crm.Contact{{Address: phone(4 + i)}}})
	}
	night := func(ctx context.Context, l *lab) (any, error) {
		rep, err := l.shop.Engine.Night(ctx, vefa.Night{Source: nighttest.Once(delivery)})
		if err == nil && !rep.Closed {
			err = errors.New("a nil error and an evening that is not closed")
		}
		return nil, err
	}
	add("*vefa.Engine.Night", night).prepare = tomorrow
	add("*vefa.Engine.Night of a process that has just started", night).prepare = func(l *lab) { tomorrow(l); l.shop.Engine.Close() }
	add("*vefa.Engine.DrawDue", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.DrawDue(ctx)
		return nil, err
	}).prepare = atTheDesk
	add("*vefa.Engine.Deliver of a campaign of the desk", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Deliver(ctx)
		return nil, err
	}).prepare = func(l *lab) {
		atTheDesk(l)
		_, err := l.shop.Engine.DrawDue(l.t.Context())
		must(l, err)
	}
	add("*vefa.Engine.Preview", func(ctx context.Context, l *lab) (any, error) {
		p, err := l.shop.Engine.Preview(ctx, "offer", 2)
		return p, err
	}).prepare = atTheDesk
	add("*vefa.Engine.Progress", func(ctx context.Context, l *lab) (any, error) {
		p, err := l.shop.Engine.Progress(ctx, "offer")
		return p.Waiting, err
	}).prepare = atTheDesk
	add("*vefa.Engine.Deliver", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Deliver(ctx)
		return nil, err
	}).prepare = due
	add("*vefa.Engine.Resume", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Resume(ctx)
		return nil, err
	}).prepare = func(l *lab) { due(l); lose(l) }
	add("*vefa.Engine.Receive", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Receive(ctx, l.lost...)
		return nil, err
	}).prepare = func(l *lab) { due(l); lose(l) }
	add("*vefa.Engine.Occur", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Occur(ctx, l.customer(1), rules.Trigger{Kind: rules.OnTagAdded, Tag: "vip"}, crm.FactKey{})
		return nil, err
	})
	add("*vefa.Engine.Why", func(ctx context.Context, l *lab) (any, error) {
		return l.shop.Engine.Why(ctx, l.customer(1), "rule/call", vefa.WhyQuery{})
	})
	for _, start := range []string{"", " of a process that has just started"} {
		v := add("*vefa.Engine.Identify"+start, func(ctx context.Context, l *lab) (any, error) {
			return l.shop.Engine.Identify(ctx, nighttest.People(4).Profiles[3])
		})
		if start != "" {
			v.prepare = func(l *lab) { l.shop.Engine.Close() }
		}
	}
	add("*vefa.Engine.Questions", func(ctx context.Context, l *lab) (any, error) {
		return l.shop.Engine.Questions(ctx, 5)
	}).prepare = func(l *lab) { l.shop.Engine.Close() }
	add("*vefa.Engine.Results", func(ctx context.Context, l *lab) (any, error) { return l.shop.Engine.Results(ctx) })
	add("*vefa.Engine.JudgeClicksAgain", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.JudgeClicksAgain(ctx)
		return nil, err
	}).prepare = func(l *lab) {
		for n := range 3 {
			if _, err := l.svc.Import(l.t.Context(), crm.Batch{Facts: []*crm.Fact{{
				Key: crm.FactKey{Kind: crm.KindClick, Source: "link", ID: fmt.Sprintf("%s/%d", l.campaign.ID, n)}, Subject: l.campaign.Subject, At: l.now, Version: 1,
				Data: &crm.Click{Effect: l.campaign.ID, Method: "GET", Agent: "curl/8.5", Verdict: crm.Human, Classifier: "old", Signals: "1 7 language"}}}}); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	add("*vefa.Engine.Unsolved", func(ctx context.Context, l *lab) (any, error) { return l.shop.Engine.Unsolved(ctx) })
	add("*vefa.Engine.Segments", func(ctx context.Context, l *lab) (any, error) {
		v, err := l.shop.Engine.Segments(ctx)
		if err != nil {
			return nil, err
		}
		return v != nil, nil
	})
	add("*vefa.Engine.Columns", func(ctx context.Context, l *lab) (any, error) {
		c, err := l.shop.Engine.Columns(ctx)
		if err != nil {
			return nil, err
		}
		return c.Preview(ctx, rules.Rule{Name: "all", When: "Sources > 0", Then: []rules.Action{{Kind: "tag", Name: "x"}}}, 3)
	})
	add("*vefa.Engine.Segments first of all", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Segments(ctx)
		return nil, err
	}).prepare = func(l *lab) { l.shop.Engine.Close() }
	add("*vefa.Engine.SetPolarity", func(ctx context.Context, l *lab) (any, error) {
		return only(l.shop.Engine.SetPolarity(ctx, "buyer", true, "desk", "a test"))
	})
	for _, text := range []string{"STOP", "yanlış kişi", "IPTAL etmeyin lütfen"} {
		add("*vefa.Engine.Reply "+text, func(ctx context.Context, l *lab) (any, error) {
			return l.shop.Engine.Reply(ctx, phone(1), "r1", text, l.now)
		})
	}
	add("*vefa.Engine.Feedback", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Feedback(ctx, messaging.Feedback{
			Reports: []messaging.Report{{ID: l.campaign.ID, State: messaging.Delivered}, {Provider: "nobody's", State: messaging.Undelivered}},
			Inbound: []messaging.Inbound{{ID: "i1", From: phone(1), Text: "STOP", At: l.now}, {ID: "i2", From: phone(2), Text: "Hello", At: l.now}},
		})
		return nil, err
	})
	wrote := &crm.Fact{Key: crm.FactKey{Kind: crm.KindInteraction, Source: "inbound", ID: "i9"}, Subject: crm.OfAddress(phone(3)), At: labDays[0], Version: 1,
		Data: &crm.Interaction{Channel: "phone", Direction: "in", Text: "Hello", Ref: "i9"}}
	add("*vefa.Engine.Respond", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.Respond(ctx, vefa.Response{ID: "r9", Ticket: l.ticket, To: wrote.Ref(), Actor: "desk", Text: "Hi"})
		return nil, err
	}).prepare = func(l *lab) { must(l, l.svc.Record(l.t.Context(), wrote)) }
	// Kiosks.
	kiosk := func(l *lab) string {
		must(l, l.svc.PutPlaces(l.t.Context(), &crm.Place{ID: "moda", Kind: "store", Name: "Moda"}))
		link, err := l.shop.Engine.PutKiosk(l.t.Context(), vefa.Kiosk{Name: "till", Place: "moda", Survey: "visit"})
		must(l, err)
		return link
	}
	refused := func(l *lab) {
		_, err := l.request(l.t.Context(), "POST", kiosk(l)+"ask", url.Values{"_id": {nighttest.TabletID(1)}, "_def": {"gone"}})
		must(l, err)
	}
	add("*vefa.Engine.PutKiosk", func(ctx context.Context, l *lab) (any, error) {
		return l.shop.Engine.PutKiosk(ctx, vefa.Kiosk{Name: "till", Place: "moda", Survey: "visit"})
	}).prepare = func(l *lab) {
		must(l, l.svc.PutPlaces(l.t.Context(), &crm.Place{ID: "moda", Kind: "store", Name: "Moda"}))
	}
	add("*vefa.Engine.Kiosks", func(ctx context.Context, l *lab) (any, error) { return l.shop.Engine.Kiosks(ctx) }).prepare = func(l *lab) { kiosk(l) }
	add("*vefa.Engine.RefusedAnswers", func(ctx context.Context, l *lab) (any, error) {
		return drain(l.shop.Engine.RefusedAnswers(ctx))
	}).prepare = refused
	device, filled := "", url.Values{}
	add("web.KioskStore.Keep POST", func(ctx context.Context, l *lab) (any, error) { return l.request(ctx, "POST", device+"ask", filled) }).prepare = func(l *lab) {
		device = kiosk(l)
		d := nighttest.Tablet{Handler: l.pages, Path: strings.TrimPrefix(device, "https://s.example"), Now: l.shop.Clock.Now}
		filled = d.Ask(l.t, map[string]any{"nps": 2})
		filled.Set("_id", nighttest.TabletID(2))
	}
	// Its pages.
	add("web.Store.Invitation GET", func(ctx context.Context, l *lab) (any, error) { return l.request(ctx, "GET", l.page(), nil) })
	answer := url.Values{"_key": {"k1"}, "_on.nps": {"1"}, "_on.comment": {"1"}, "q.nps": {"2"}}
	add("web.Store.Submit POST", func(ctx context.Context, l *lab) (any, error) { return l.request(ctx, "POST", l.page(), answer) })
	first := url.Values{"_key": {"k1"}, "_on.nps": {"1"}, "q.nps": {"11"}} // out of range: it is asked again, and kept
	add("web.DraftStore.SaveDraft POST", func(ctx context.Context, l *lab) (any, error) { return l.request(ctx, "POST", l.page(), first) })
	add("web.DraftStore.Draft GET", func(ctx context.Context, l *lab) (any, error) { return l.request(ctx, "GET", l.page(), nil) }).prepare = func(l *lab) {
		_, err := l.request(l.t.Context(), "POST", l.page(), first)
		must(l, err)
	}
	add("*vefa.Engine.EraseDrafts", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.shop.Engine.EraseDrafts(ctx, key(0), key(1), key(2))
		return nil, err
	}).prepare = func(l *lab) {
		_, err := l.request(l.t.Context(), "POST", l.page(), first)
		must(l, err)
	}
	add("*vefa.Engine.Answers", func(ctx context.Context, l *lab) (any, error) { return drain(l.shop.Engine.Answers(ctx, "visit")) }).prepare = func(l *lab) {
		_, err := l.request(l.t.Context(), "POST", l.page(), answer)
		must(l, err)
	}
	misheard := func(l *lab) {
		_, err := l.request(l.t.Context(), "POST", l.page()+"/not-me", url.Values{})
		must(l, err)
	}
	add("*crm.Service.TakeBackNotMe", func(ctx context.Context, l *lab) (any, error) {
		_, err := l.svc.TakeBackNotMe(ctx, key(1), phone(1), "desk")
		return nil, err
	}).prepare = func(l *lab) {
		_, err := l.svc.NotMe(l.t.Context(), key(1), phone(1), "desk")
		must(l, err)
	}
	add("*vefa.Engine.TakeBackNotMe", func(ctx context.Context, l *lab) (any, error) {
		who, err := vefa.About(l.surveys[0])
		must(l, err)
		_, err = l.shop.Engine.TakeBackNotMe(ctx, who, l.surveys[0].To, "desk")
		return nil, err
	}).prepare = misheard
	add("web.NotMeStore.NotMe POST", func(ctx context.Context, l *lab) (any, error) {
		return l.request(ctx, "POST", l.page()+"/not-me", url.Values{})
	})
	add("web.NotMeUndoStore.TakeBackNotMe POST", func(ctx context.Context, l *lab) (any, error) {
		return l.request(ctx, "POST", l.page()+"/mistake", url.Values{})
	}).prepare = misheard
	add("web.FollowUpStore.FollowUp POST", func(ctx context.Context, l *lab) (any, error) {
		return l.request(ctx, "POST", l.page()+"/follow-up", url.Values{"text": {"The strap broke"}})
	}).prepare = func(l *lab) {
		_, err := l.request(l.t.Context(), "POST", l.page(), answer)
		must(l, err)
	}
	add("link.Handler GET", func(ctx context.Context, l *lab) (any, error) {
		tracked, _, err := l.shop.Engine.Links(l.campaign)
		if err != nil {
			return nil, err
		}
		out, err := l.request(ctx, "GET", tracked, nil)
		if err != nil {
			return nil, err
		}
		return out, l.shop.Engine.Clicks().Flush(ctx)
	})
	// The outbox by itself.
	outbox := func(l *lab) *messaging.Outbox {
		return &messaging.Outbox{Store: l.faulty, Sender: l.shop.Sender, Now: func() time.Time { return l.now },
			Guard: func(_ context.Context, _ crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
				out := make([]messaging.Verdict, len(effects))
				for i := range out {
					out[i].Outcome = messaging.Send
				}
				return out, nil
			},
			Render: func(_ context.Context, _ crm.Tx, f *crm.Effect) (messaging.Message, error) {
				return messaging.Message{To: f.To, Text: "hello"}, nil
			}}
	}
	byItself := func(l *lab) {
		plain(l)
		l.settle = func(ctx context.Context) (crm.WorkStats, error) { return outbox(l).Drain(ctx) }
	}
	add("*messaging.Outbox.RunOnce", func(ctx context.Context, l *lab) (any, error) {
		_, err := outbox(l).RunOnce(ctx)
		return nil, err
	}).prepare = byItself
	add("*messaging.Outbox.Drain", func(ctx context.Context, l *lab) (any, error) {
		_, err := outbox(l).Drain(ctx)
		return nil, err
	}).prepare = byItself
	add("*messaging.Outbox.Resume", func(ctx context.Context, l *lab) (any, error) {
		_, err := outbox(l).Resume(ctx)
		return nil, err
	}).prepare = func(l *lab) { byItself(l); lose(l) }
	add("*messaging.Outbox.Receive", func(ctx context.Context, l *lab) (any, error) {
		_, err := outbox(l).Receive(ctx, l.lost...)
		return nil, err
	}).prepare = func(l *lab) { byItself(l); lose(l) }
	// The worker by itself: the outbox's handler, and one within the record.
	worker := func(l *lab) *crm.Worker {
		return &crm.Worker{Store: l.faulty, Now: func() time.Time { return l.now }, Handlers: []crm.EffectHandler{
			outbox(l).Handler(),
			{Kind: crm.EffectTag, Strict: true, Apply: func(ctx context.Context, tx crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
				var notes []*crm.Fact
				for _, c := range claims {
					notes = append(notes, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "worker", ID: string(c.Effect.ID)},
						Subject: c.Effect.Subject, At: l.now, Version: 1, Data: &crm.Note{Text: "done"}})
				}
				_, err := tx.PutFacts(ctx, notes...)
				return nil, err
			}},
		}}
	}
	work := func(l *lab) {
		plain(l)
		must(l, l.under.Update(l.t.Context(), func(tx crm.Tx) error {
			on := crm.OfAddress(nighttest.Phone(1))
			_, err := tx.PutEffects(l.t.Context(), &crm.Effect{ID: crmtest.EffectID("work", on, crm.FactKey{}, ""), Kind: crm.EffectTag, Cause: "work", Subject: on,
				State: crm.Planned, Due: l.now, Created: l.now, Changed: l.now})
			return err
		}))
		l.settle = func(ctx context.Context) (crm.WorkStats, error) { return worker(l).Drain(ctx) }
	}
	add("*crm.Worker.RunOnce", func(ctx context.Context, l *lab) (any, error) {
		_, err := worker(l).RunOnce(ctx)
		return nil, err
	}).prepare = work
	add("*crm.Worker.Drain", func(ctx context.Context, l *lab) (any, error) {
		_, err := worker(l).Drain(ctx)
		return nil, err
	}).prepare = work
	add("*crm.Worker.Resume", func(ctx context.Context, l *lab) (any, error) {
		_, err := worker(l).Resume(ctx)
		return nil, err
	}).prepare = func(l *lab) { work(l); lose(l) }
	add("*crm.Worker.Receive", func(ctx context.Context, l *lab) (any, error) {
		_, err := worker(l).Receive(ctx, l.lost...)
		return nil, err
	}).prepare = func(l *lab) { work(l); lose(l) }
	return all
}

// due makes surveys of a new purchase due.
func due(l *lab) {
	l.now = labDays[1].AddDate(0, 0, 1)
	must(l, l.svc.Record(l.t.Context(), nighttest.Order(3, "second", l.now.Add(-time.Hour))))
	_, err := l.shop.Engine.Night(l.t.Context(), vefa.Night{})
	must(l, err)
	l.now = l.now.AddDate(0, 0, 1)
}

// atTheDesk schedules a campaign of the desk.
func atTheDesk(l *lab) {
	desk, ctx := l.shop.Engine.Desk(), l.t.Context()
	life, err := desk.Draft(ctx, "ayse", "everybody", messaging.Campaign{Name: "offer", Text: "An offer", Unmeasured: "a test"})
	must(l, err)
	_, err = desk.Approve(ctx, "offer", "mehmet", life.Seal)
	must(l, err)
	_, err = desk.Schedule(ctx, "offer", "ayse", l.now)
	must(l, err)
}

// plain plans messages that need no engine.
func plain(l *lab) {
	must(l, l.under.Update(l.t.Context(), func(tx crm.Tx) error {
		for i := range 3 {
			to := crm.OfAddress(nighttest.Phone(i))
			if _, err := tx.PutEffects(l.t.Context(), &crm.Effect{ID: crmtest.EffectID("plain", to, crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: "plain", Subject: to,
				To: nighttest.Phone(i), State: crm.Planned, Due: l.now, Created: l.now, Changed: l.now, Data: []byte("{}")}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// lose sends what is due and loses the answers.
func lose(l *lab) {
	must(l, l.under.Update(l.t.Context(), func(tx crm.Tx) error {
		found, err := tx.DueEffects(l.t.Context(), crm.DueQuery{State: crm.Planned, Kinds: []crm.EffectKind{crm.EffectMessage}, Before: l.now.Add(time.Microsecond)})
		if err != nil {
			return err
		}
		for _, f := range found {
			f = f.Clone()
			l.lost = append(l.lost, crm.Receipt{ID: f.ID, Status: crm.Accepted, Provider: "p"})
			f.State, f.SentAt, f.Lease = crm.Sent, l.now, l.now.Add(time.Minute)
			if err := tx.UpdateEffects(l.t.Context(), f); err != nil {
				return err
			}
		}
		return nil
	}))
}

// lostForGood is lose, and what became of it cannot be told.
func lostForGood(l *lab) {
	due(l)
	lose(l)
	must(l, l.under.Update(l.t.Context(), func(tx crm.Tx) error {
		for _, r := range l.lost {
			found, err := tx.Effects(l.t.Context(), r.ID)
			if err != nil {
				return err
			}
			f := found[0].Clone()
			f.State = crm.Unknown
			if err := tx.UpdateEffects(l.t.Context(), f); err != nil {
				return err
			}
		}
		return nil
	}))
}

func must(l *lab, err error) {
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) page() string {
	_, page, err := l.shop.Engine.Links(l.surveys[1])
	must(l, err)
	return page
}

// request asks a page and returns its status; one of 500 and more is an error.
func (l *lab) request(ctx context.Context, method, to string, form url.Values) (any, error) {
	r := httptest.NewRequestWithContext(ctx, method, strings.TrimPrefix(to, "https://s.example"), strings.NewReader(form.Encode()))
	r.Header.Set("X-Request-Id", "one")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	l.pages.ServeHTTP(w, r)
	if w.Code >= 500 {
		if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			return nil, errors.New("503 without Retry-After")
		}
		return nil, errPage(w.Code)
	}
	return w.Code, nil
}
