package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/retailer"
	"github.com/vefacrm/vefa/examples/night/world"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// town is the retailer with her customers in simulated time: a real host has sources, a provider
// and a clock of its own in its place, and keeps what follows this file.
type town struct {
	store   crm.Store
	eng     *vefa.Engine
	cfg     vefa.Config
	home    *time.Location
	world   *world.World
	clock   *retailer.Clock
	gate    *retailer.Gateway
	guests  *retailer.Visitors
	mine    begun
	first   time.Time // midnight of the first evening's date, at home
	heard   bool      // guests know of what was sent before this process
	watcher func(step string, done, total int)

	mu    sync.Mutex
	state begun
	rev   int64
}

// begun is how far a record is; it stands in the record.
type begun struct {
	Seed      uint64 `json:"seed"`
	Customers int    `json:"customers"`
	Day       int    `json:"day"` // the next evening
	History   bool   `json:"history"`
	// Left is, by date, what left in the morning and at noon, which reports of evenings do not count.
	Left map[string]crm.WorkStats `json:"left,omitempty"`
}

// mostLeft is of how many days that is kept.
const mostLeft = 30

const begunKind, begunID = "example", "console"

// The times of a day: messages leave in the morning and at noon, the evening has the rest.
var hours = []struct{ hour, minute int }{{10, 30}, {13, 0}, {22, 0}}

var errOther = errors.New("the database holds another world; its -customers and -seed are")

// newTown binds everything and starts the server that messages, links and surveys need. The
// function that it returns stops it.
func newTown(ctx context.Context, o options, store crm.Store) (t *town, stop func(), err error) {
	t = &town{store: store, clock: &retailer.Clock{}, mine: begun{Seed: o.seed, Customers: o.customers}}
	if t.home, err = time.LoadLocation("Europe/Istanbul"); err != nil {
		return nil, nil, err
	}
	t.first = time.Date(2025, 1, 1, 0, 0, 0, 0, t.home)
	if err := t.read(ctx); err != nil {
		return nil, nil, err
	}
	if t.world, err = world.New(world.Config{People: o.customers, Seed: o.seed, From: t.first, Evenings: o.evenings + 60}); err != nil {
		return nil, nil, err
	}
	t.clock.Set(t.world.Evening(t.state.Day - 1))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = listener.Close()
		}
	}()
	base := "http://" + listener.Addr().String()
	t.gate = &retailer.Gateway{Now: t.clock.Now, Fate: t.world.Gateway}
	mux := http.NewServeMux()
	mux.Handle("POST /gateway", t.gate)
	mux.HandleFunc("POST /gateway/status", t.gate.Status)
	if err = t.bind(base); err != nil {
		return nil, nil, err
	}
	mux.Handle("/", t.eng.Handler())
	t.guests = &retailer.Visitors{World: t.world, Engine: t.eng, Clock: t.clock, Client: &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != listener.Addr().String() {
			return http.ErrUseLastResponse // the world outside is not there
		}
		return nil
	}}}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { _ = server.Serve(listener) })
	work.Go(func() { _ = t.eng.Clicks().Run(ctx) })
	return t, func() {
		_ = server.Close()
		cancel()
		work.Wait()
	}, nil
}

// bind makes the engine.
func (t *town) bind(base string) error {
	book, err := retailer.Book("")
	if err != nil {
		return err
	}
	t.cfg = retailer.Config(book, t.first, t.home)
	sender, err := messaging.NewHTTPSender(messaging.HTTPConfig{URL: base + "/gateway", StatusURL: base + "/gateway/status", Repeats: true})
	if err != nil {
		return err
	}
	t.cfg.Store, t.cfg.Now, t.cfg.LeaseNow, t.cfg.Sender, t.cfg.BaseURL = t.store, t.clock.Now, t.clock.Now, sender, base
	t.cfg.Consent = crm.ConsentKey{Brand: world.Brand}
	t.cfg.ClientIP = func(r *http.Request) netip.Addr {
		a, _ := netip.ParseAddr(r.Header.Get("X-Forwarded-For"))
		return a
	}
	t.cfg.RequestID = func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
	t.cfg.NameSearch = true
	t.cfg.Desk = &campaigns.Config{}
	t.cfg.Surveys[0].Links = []vefa.SurveyLink{{Code: "KASA", Channel: "poster"}}
	t.cfg.Progress = func(step string, done, total int) {
		if t.watcher != nil {
			t.watcher(step, done, total)
		}
	}
	t.eng, err = vefa.New(t.cfg)
	return err
}

// read reads how far the record is, and refuses one of another world.
func (t *town) read(ctx context.Context) error {
	t.state = t.mine
	return t.store.View(ctx, func(r crm.Reader) error {
		docs, err := r.Documents(ctx, begunKind, begunID)
		if err != nil || docs[0] == nil {
			return err
		}
		t.rev = docs[0].Rev
		if err := docs[0].Decode(&t.state); err != nil {
			return err
		}
		if t.state.Seed != t.mine.Seed || t.state.Customers != t.mine.Customers {
			return fmt.Errorf("%w %d and %d", errOther, t.state.Customers, t.state.Seed)
		}
		return nil
	})
}

func (t *town) save(ctx context.Context, s begun) error {
	doc, err := crm.NewDocument(begunKind, begunID, s)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err = t.store.Update(ctx, func(tx crm.Tx) error { doc.Rev = t.rev; return tx.PutDocuments(ctx, doc) })
	if err == nil {
		t.rev, t.state = doc.Rev, s
	}
	return err
}

// far returns how far the record is.
func (t *town) far() begun {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// date returns the date of an evening.
func (t *town) date(day int) time.Time { return t.first.AddDate(0, 0, day) }

// at returns the time of a step of a day.
func (t *town) at(day, step int) time.Time {
	d := t.date(day)
	return time.Date(d.Year(), d.Month(), d.Day(), hours[step].hour, hours[step].minute, 0, 0, t.home)
}

// history imports what there was before the first evening.
func (t *town) history(ctx context.Context) error {
	if t.far().History {
		return nil
	}
	if err := t.eng.Service().PutPlaces(ctx, t.world.Places()...); err != nil {
		return err
	}
	const many = 20_000 // records at a time: few parts per transaction
	var all crm.Batch
	rows := 0
	take := func() error {
		_, err := t.eng.Service().Import(ctx, all)
		rows += all.Len()
		t.watcher("import", rows, 0)
		all = crm.Batch{}
		return err
	}
	for b := range t.world.History(ctx) {
		all.Profiles, all.Facts = append(all.Profiles, b.Profiles...), append(all.Facts, b.Facts...)
		if all.Len() >= many {
			if err := take(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(take(), ctx.Err()); err != nil {
		return err
	}
	s := t.far()
	s.History = true
	return t.save(ctx, s)
}

// day lets one day pass: people react to what they got, messages leave, the evening runs.
func (t *town) day(ctx context.Context) error {
	if err := t.history(ctx); err != nil {
		return err
	}
	s := t.far()
	if err := t.hearAgain(ctx, s.Day); err != nil {
		return err
	}
	var sum crm.WorkStats
	for step := range hours {
		at := t.at(s.Day, step)
		if err := t.guests.Act(ctx, at); err != nil {
			return err
		}
		if err := t.eng.Clicks().Flush(ctx); err != nil {
			return err
		}
		t.clock.Set(at)
		n, err := t.work(ctx, s.Day, step)
		if err != nil {
			return err
		}
		sum.Add(n)
		if err := t.listen(ctx, at); err != nil {
			return err
		}
	}
	s.Left = maps.Clone(s.Left)
	if s.Left == nil {
		s.Left = map[string]crm.WorkStats{}
	}
	s.Left[t.date(s.Day).Format(time.DateOnly)] = sum
	delete(s.Left, t.date(s.Day-mostLeft).Format(time.DateOnly))
	s.Day++
	return t.save(ctx, s)
}

// work is what the engine does in a step of a day. It counts what left besides the evening.
func (t *town) work(ctx context.Context, day, step int) (n crm.WorkStats, err error) {
	if step < len(hours)-1 {
		return t.eng.Deliver(ctx)
	}
	if day == retailer.RedDay {
		if err := t.eng.SetPolarity(ctx, retailer.RedTag, true, "head office", "service customers are left alone in this season"); err != nil {
			return n, err
		}
	}
	if err := t.solve(ctx); err != nil {
		return n, err
	}
	_, err = t.eng.Night(ctx, vefa.Night{Day: t.date(day).Format(time.DateOnly), Source: func(context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) { yield(t.world.Day(day), nil) }
	}})
	return n, err
}

// solve is the staff who solve tickets, each after some days.
func (t *town) solve(ctx context.Context) error {
	open, err := t.eng.Unsolved(ctx)
	if err != nil {
		return err
	}
	for _, x := range open {
		days := 1 + int(uint64(crm.ContentHash([]byte(x.Ref.Key.ID)))%6)
		if t.clock.Now().Sub(x.Opened) < time.Duration(days)*24*time.Hour {
			continue
		}
		if err := t.eng.Service().SetTicket(ctx, x.Ref, crm.TicketSolved, "desk", "Müşteri arandı, sorun çözüldü."); err != nil {
			return err
		}
	}
	return nil
}

// listen tells the visitors what was sent in this step.
func (t *town) listen(ctx context.Context, at time.Time) error {
	for ids := t.gate.Drain(); len(ids) > 0; {
		n := min(len(ids), 500)
		var sent []*crm.Effect
		err := t.store.View(ctx, func(r crm.Reader) (err error) {
			sent, err = r.Effects(ctx, ids[:n]...)
			return err
		})
		if err != nil {
			return err
		}
		if err := t.guests.Hear(known(sent), at); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func known(effects []*crm.Effect) (out []*crm.Effect) {
	for _, f := range effects {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}

// hearAgain tells the visitors, once per process, of what an earlier one had sent.
func (t *town) hearAgain(ctx context.Context, day int) error {
	if t.heard {
		return nil
	}
	t.heard = true
	if t.rev == 0 || day == 0 {
		return nil
	}
	if _, err := t.eng.Resume(ctx); err != nil {
		return err
	}
	before := t.at(day-1, len(hours)-1)
	var left []*crm.Effect
	err := t.store.View(ctx, func(r crm.Reader) error {
		for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Kind == crm.EffectMessage && f.SentAt.After(before.AddDate(0, 0, -13)) {
				left = append(left, f)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.guests.Hear(left, before)
}
