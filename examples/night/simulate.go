package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/examples/night/retailer"
	"github.com/vefacrm/vefa/examples/night/world"
	"github.com/vefacrm/vefa/messaging"
)

// progressDoc is how far a database is. It is written after each step, so that
// the same command goes on where it was stopped.
type progressDoc struct {
	Seed      uint64 `json:"seed"`
	Customers int    `json:"customers"`
	Import    string `json:"import,omitempty"`
	Rows      int    `json:"rows,omitempty"` // of the folder
	From      string `json:"from"`
	Day       int    `json:"day"`  // the next evening
	Step      int    `json:"step"` // and the next step of its day
	History   bool   `json:"history"`
}

// String says which simulation it is.
func (p progressDoc) String() string {
	if p.Import != "" {
		return fmt.Sprintf("import %q of %d rows, from %s", p.Import, p.Rows, p.From)
	}
	return fmt.Sprintf("seed %d, %d customers, from %s, import %q", p.Seed, p.Customers, p.From, p.Import)
}

const progressKind, progressID = "example", "night"

// The steps of a day. Messages leave in the morning and at noon; the evening
// has the rest.
var steps = []struct{ hour, minute int }{{10, 30}, {13, 0}, {22, 0}}

const eveningStep = 2

// simulation runs evenings.
type simulation struct {
	o       options
	from    time.Time // midnight of the first evening's date, local
	home    *time.Location
	say     speaker
	store   crm.Store
	eng     *vefa.Engine
	source  source
	world   *world.World // nil for an import
	data    *folder      // nil for a world
	clock   *retailer.Clock
	gate    *retailer.Gateway
	storm   *storm // nil without -storm
	guests  *retailer.Visitors
	state   progressDoc
	rev     int64
	rows    int
	bad     int
	left    crm.WorkStats // what left since the evening before
	seconds map[string]float64
	show    *display
}

// errOther is a database of another simulation.
var errOther = errors.New("the database holds another simulation")

// newSimulation opens the source and binds everything; shut stops the servers.
func newSimulation(ctx context.Context, o options, store crm.Store, show *display) (s *simulation, shut func(), err error) {
	s = &simulation{o: o, say: o.say, home: o.say.home, store: store, clock: &retailer.Clock{}, seconds: map[string]float64{}, show: show}
	known, err := s.readProgress(ctx)
	if err != nil {
		return nil, nil, err
	}
	if known && o.storm {
		return nil, nil, terminal.Usagef("-storm: the database holds a run already, whose provider is gone")
	}
	if err := s.openSource(ctx); err != nil {
		return nil, nil, err
	}
	if err := s.openProgress(known); err != nil {
		return nil, nil, err
	}
	if o.evening != "" { // before the work, not after it
		if _, err := s.eveningOf(o.evening); err != nil {
			return nil, nil, err
		}
	}
	s.clock.Set(s.source.Evening(-1))

	mux := http.NewServeMux()
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
	s.gate = &retailer.Gateway{Now: s.clock.Now, Fate: s.fate}
	mux.Handle("POST /gateway", s.gate)
	mux.HandleFunc("POST /gateway/status", s.gate.Status)
	var sender messaging.Sender
	if o.storm {
		sender, err = s.openStorm(mux, base)
	} else {
		sender, err = messaging.NewHTTPSender(messaging.HTTPConfig{URL: base + "/gateway", StatusURL: base + "/gateway/status", Repeats: true})
	}
	if err != nil {
		return nil, nil, err
	}
	book, err := retailer.Book(o.rules)
	if err != nil {
		return nil, nil, err
	}
	cfg := retailer.Config(book, s.from, s.home)
	cfg.Resident = o.resident
	cfg.Consent = s.consent()
	cfg.Store, cfg.Now, cfg.LeaseNow, cfg.Sender, cfg.BaseURL = store, s.clock.Now, s.clock.Now, sender, base
	cfg.ClientIP, cfg.RequestID = forwardedFor, func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
	cfg.Progress = show.step
	if o.storm {
		cfg.Batch = stormBatch
	}
	if s.eng, err = vefa.New(cfg); err != nil {
		return nil, nil, err
	}
	mux.Handle("/", s.eng.Handler())
	// The zero value of each of these waits for ever.
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	ctx, cancel := context.WithCancel(ctx)
	served, logged := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { logged <- s.eng.Clicks().Run(ctx) }()
	if s.world != nil {
		s.guests = &retailer.Visitors{World: s.world, Engine: s.eng, Clock: s.clock, Done: map[world.ActKind]int{},
			Client: &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
				if r.URL.Host != listener.Addr().String() {
					return http.ErrUseLastResponse // the world outside is not there
				}
				return nil
			}}}
	}
	return s, func() {
		_ = server.Close()
		cancel()
		<-served
		<-logged
	}, nil
}

// consent is what commercial messages need: the brand's of the world, or the
// first brand that an imported folder has consents of.
func (s *simulation) consent() crm.ConsentKey {
	if s.data == nil {
		return crm.ConsentKey{Brand: world.Brand}
	}
	if brands := s.data.Brands(); len(brands) > 0 {
		return crm.ConsentKey{Brand: brands[0]}
	}
	return crm.ConsentKey{}
}

// forwardedFor is the visitor's address as the simulated proxy tells it.
func forwardedFor(r *http.Request) netip.Addr {
	a, err := netip.ParseAddr(r.Header.Get("X-Forwarded-For"))
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// fate is what the gateway does with a message: as the world says, or with
// imported data always accept.
func (s *simulation) fate(effect crm.EffectID, to crm.Address, at time.Time) (string, time.Time) {
	if s.world == nil {
		return world.Accepted, at
	}
	return s.world.Gateway(effect, to, at)
}

func (s *simulation) openSource(ctx context.Context) error {
	day, err := checkDay("from", s.o.from)
	if err != nil {
		return err
	}
	if s.o.format != "" {
		if s.data, err = openFolder(ctx, s.o.format, s.o.dir); err != nil {
			return err
		}
		if !s.o.fromSet && s.state.From != "" { // it goes on where it began
			if day, err = checkDay("from", s.state.From); err != nil {
				return err
			}
		} else if !s.o.fromSet { // the last evenings of the data
			_, last := s.data.Span()
			y, m, d := last.In(s.home).AddDate(0, 0, 1-s.o.evenings).Date()
			day = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		s.from = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, s.home)
		s.data.from, s.source = s.from, s.data
		s.rows, s.bad = s.data.Rows(), len(s.data.Rejected())
		for _, bad := range s.data.Rejected() {
			s.show.warn("%v", bad)
		}
		if n := len(s.data.Warnings()); n > 0 {
			s.show.warn("%s", s.say.Say("show.warnings", n, s.data.Warnings()[0]))
		}
		return nil
	}
	s.from = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, s.home)
	s.world, err = world.New(world.Config{People: s.o.customers, Seed: s.o.seed, From: day, Evenings: s.o.evenings})
	s.source = s.world
	return err
}

// readProgress reads how far the database is, and whether it was begun.
func (s *simulation) readProgress(ctx context.Context) (known bool, err error) {
	err = s.store.View(ctx, func(r crm.Reader) error {
		docs, err := r.Documents(ctx, progressKind, progressID)
		if err != nil || docs[0] == nil {
			return err
		}
		known, s.rev = true, docs[0].Rev
		return docs[0].Decode(&s.state)
	})
	return known, err
}

// openProgress refuses a database of another world.
func (s *simulation) openProgress(known bool) error {
	mine := progressDoc{Seed: s.o.seed, Customers: s.o.customers, Import: s.o.format, From: s.from.Format(time.DateOnly)}
	if s.data != nil {
		mine.Rows = s.data.Rows()
	}
	if !known {
		s.state = mine
	}
	theirs := s.state
	theirs.Day, theirs.Step, theirs.History = 0, 0, false
	if s.o.format != "" { // the size of an import is that of its folder
		theirs.Seed, theirs.Customers = mine.Seed, mine.Customers
	}
	if theirs != mine {
		return fmt.Errorf("%w: it has %s; asked for is %s", errOther, s.state, mine)
	}
	return nil
}

func (s *simulation) saveProgress(ctx context.Context) error {
	doc, err := crm.NewDocument(progressKind, progressID, s.state)
	if err != nil {
		return err
	}
	doc.Rev = s.rev
	err = s.store.Update(ctx, func(tx crm.Tx) error { doc.Rev = s.rev; return tx.PutDocuments(ctx, doc) })
	s.rev = doc.Rev
	return err
}

// at returns the time of a step of a day.
func (s *simulation) at(day, step int) time.Time {
	if step == eveningStep {
		return s.source.Evening(day)
	}
	if step < 0 {
		return s.source.Evening(day - 1)
	}
	d := s.from.AddDate(0, 0, day)
	return time.Date(d.Year(), d.Month(), d.Day(), steps[step].hour, steps[step].minute, 0, 0, s.home)
}

// run does all evenings that are left.
func (s *simulation) run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for s.state.Day < s.o.evenings {
		day, step := s.state.Day, s.state.Step
		if err := s.step(ctx, day, step); err != nil {
			return fmt.Errorf("%s: %w", s.at(day, step).In(s.home).Format("2006-01-02 15:04"), err)
		}
		if s.state.Step++; s.state.Step == len(steps) {
			s.state.Day, s.state.Step = day+1, 0
		}
		if err := s.saveProgress(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare imports what was there before the first evening, or takes up what
// an earlier run left.
func (s *simulation) prepare(ctx context.Context) error {
	defer s.measure("history")()
	if !s.state.History {
		if err := s.putPlaces(ctx); err != nil {
			return err
		}
		const many = 20_000 // records at a time: few parts per transaction
		var all crm.Batch
		for b := range s.source.History(ctx) {
			all.Profiles = append(all.Profiles, b.Profiles...)
			all.Facts = append(all.Facts, b.Facts...)
			if all.Len() < many {
				continue
			}
			if err := s.take(ctx, all); err != nil {
				return err
			}
			all = crm.Batch{}
			s.show.step("history", s.rows, 0)
		}
		if err := s.take(ctx, all); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s.state.History = true
		return s.saveProgress(ctx)
	}
	// The times of this step: it is done again from its start.
	s.clock.Set(s.at(s.state.Day, s.state.Step))
	if s.guests != nil && s.state.Day < s.o.evenings {
		before := s.at(s.state.Day, s.state.Step-1)
		var left []*crm.Effect
		err := s.store.View(ctx, func(r crm.Reader) error {
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
		if err := s.guests.Hear(left, before); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) take(ctx context.Context, b crm.Batch) error {
	rep, err := s.eng.Service().Import(ctx, b)
	s.read(b.Len(), len(rep.Rejected))
	for _, bad := range rep.Rejected {
		s.show.warn("%v", bad.Err)
	}
	return err
}

// read counts records that were read. The rows of a folder were counted when
// it was opened.
func (s *simulation) read(rows, bad int) {
	s.bad += bad
	if s.data == nil {
		s.rows += rows
	}
}

func (s *simulation) putPlaces(ctx context.Context) error {
	return s.store.Update(ctx, func(tx crm.Tx) error {
		for _, p := range s.source.Places() {
			doc, err := crm.NewDocument("place", p.ID, p)
			if err != nil {
				return err
			}
			old, err := tx.Documents(ctx, "place", p.ID)
			if err != nil {
				return err
			}
			if old[0] != nil {
				doc.Rev = old[0].Rev
			}
			if err := tx.PutDocuments(ctx, doc); err != nil {
				return err
			}
		}
		return nil
	})
}

// step does one step of a day: people react until then, then the engine works.
func (s *simulation) step(ctx context.Context, day, step int) error {
	at := s.at(day, step)
	if s.guests != nil {
		stop := s.measure("visitors")
		if err := s.guests.Act(ctx, at); err != nil {
			return err
		}
		if err := s.eng.Clicks().Flush(ctx); err != nil {
			return err
		}
		stop()
	}
	s.clock.Set(at)
	if err := s.resume(ctx); err != nil {
		return err
	}
	if s.storm == nil {
		if err := s.work(ctx, day, step); err != nil {
			return err
		}
		return s.listen(ctx, at)
	}
	err := s.storm.during(ctx, func(ctx context.Context) error {
		if err := s.work(ctx, day, step); err != nil {
			return err
		}
		return s.storm.settle(ctx)
	})
	if err != nil {
		return err
	}
	return s.listen(ctx, at)
}

// work is what the engine does in a step.
func (s *simulation) work(ctx context.Context, day, step int) error {
	if step == eveningStep {
		return s.evening(ctx, day)
	}
	defer s.measure("deliver")()
	got, err := s.eng.Deliver(ctx)
	s.left.Add(got)
	return err
}

// resume finishes, once per run, what was on its way when a run was killed.
func (s *simulation) resume(ctx context.Context) error {
	if s.seconds["resumed"] != 0 {
		return nil
	}
	s.seconds["resumed"] = 1
	_, err := s.eng.Resume(ctx)
	return err
}

func (s *simulation) evening(ctx context.Context, day int) error {
	if day == retailer.RedDay && s.world != nil {
		if err := s.eng.SetPolarity(ctx, retailer.RedTag, true, "head office", "service customers are left alone in this season"); err != nil {
			return err
		}
	}
	if err := s.desk(ctx); err != nil {
		return err
	}
	rep, err := s.eng.Night(ctx, vefa.Night{Day: s.day(day), Source: func(context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) { yield(s.source.Day(day), nil) }
	}})
	s.read(rep.Rows, rep.Rejected)
	for _, step := range rep.Steps {
		s.seconds[step.Name] += step.Seconds
	}
	if err == nil {
		rep.Delivered.Add(s.left)
		s.left = crm.WorkStats{}
		s.show.evening(day, s.o.evenings, rep)
	}
	return err
}

func (s *simulation) day(n int) string { return s.from.AddDate(0, 0, n).Format(time.DateOnly) }

// desk is the staff who solve tickets, each after some days.
func (s *simulation) desk(ctx context.Context) error {
	defer s.measure("desk")()
	open, err := s.eng.Unsolved(ctx)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	for _, t := range open {
		if t.Ref.Key.Source != "survey" && t.Ref.Key.Source != "not-me" && t.Ref.Key.Source != "rule" {
			continue // solved in the system that it came from
		}
		days := 1 + int(uint64(crm.ContentHash([]byte(t.Ref.Key.ID)))%6)
		if now.Sub(t.Opened) < time.Duration(days)*24*time.Hour {
			continue
		}
		if err := s.eng.Service().SetTicket(ctx, t.Ref, crm.TicketSolved, "desk", "Müşteri arandı, sorun çözüldü."); err != nil {
			return err
		}
	}
	return nil
}

// listen tells the visitors what was sent in this step.
func (s *simulation) listen(ctx context.Context, at time.Time) error {
	if s.guests == nil {
		return nil
	}
	ids := s.gate.Drain()
	if s.storm != nil {
		ids = s.storm.drain()
	}
	var sent []*crm.Effect
	for len(ids) > 0 {
		n := min(len(ids), 500)
		err := s.store.View(ctx, func(r crm.Reader) error {
			got, err := r.Effects(ctx, ids[:n]...)
			for _, f := range got {
				if f != nil {
					sent = append(sent, f)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return s.guests.Hear(sent, at)
}

func (s *simulation) measure(name string) func() {
	start := time.Now()
	return func() { s.seconds[name] += time.Since(start).Seconds() }
}

// again runs one evening again.
func (s *simulation) again(ctx context.Context, date string) error {
	day, err := s.eveningOf(date)
	if err != nil {
		return err
	}
	s.clock.Set(s.at(day, eveningStep))
	return s.evening(ctx, day)
}

// eveningOf returns which evening of the run a date is.
func (s *simulation) eveningOf(date string) (int, error) {
	d, err := checkDay("evening", date)
	if err != nil {
		return 0, err
	}
	day := int(d.Sub(time.Date(s.from.Year(), s.from.Month(), s.from.Day(), 0, 0, 0, 0, time.UTC)).Hours() / 24)
	if last := max(s.state.Day, s.o.evenings); day < 0 || day >= last {
		return 0, terminal.Usagef("-evening: %s is not one of the %d evenings from %s", date, last, s.from.Format(time.DateOnly))
	}
	return day, nil
}
