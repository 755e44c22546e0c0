package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/messaging/delivery"
	"github.com/vefacrm/vefa/messaging/providertest"
)

// The times of the simulated world, in UTC.
var (
	start  = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)
	window = 14 * 24 * time.Hour
)

const (
	day      = "2025-03-03"
	base     = "https://s.example"
	buying   = 0.04 // share of people who buy within the window anyway, half of them in a store
	looking  = 0.06 // who come to a store and buy nothing
	clicking = 0.12 // of those who got it
	leaving  = 0.01 // of them, who answer that they want no more
)

var brand = crm.ConsentKey{Brand: "shop"}

// world is a shop with its people, its provider and a clock of its own.
type world struct {
	o        options
	people   []person
	clock    *crmtest.Clock
	store    *memstore.Store
	eng      *vefa.Engine
	handler  http.Handler
	spring   messaging.Campaign
	draft    *campaigns.Life
	provider *provider
	screen   *terminal.Screen
}

func newWorld(ctx context.Context, o options, errs io.Writer) (*world, error) {
	w := &world{o: o, clock: &crmtest.Clock{}, store: memstore.New()}
	w.clock.Set(start)
	var err error
	if o.in != "" {
		w.people, err = readPeople(o.in, errs)
	} else {
		w.people = makePeople(o.people, o.seed)
	}
	if err != nil {
		return nil, err
	}
	if w.provider, err = open(o.provider, o.seed, w.clock.Now, w.take); err != nil {
		return nil, err
	}
	w.provider.faults(providertest.Faults{Throttle: o.faults, Lost: o.faults, Fail: o.faults, Twice: o.faults, Early: o.faults})
	c := messaging.Campaign{
		Name: "spring", From: "VEFA", Text: o.text, URL: "https://shop.example/spring", Locale: o.locale,
		Fields: []messaging.Field{{Name: "name", Max: 24, Fallback: "müşterimiz"}},
		Route:  w.provider.profile, MaxSegments: 3, Cost: crm.Money{Amount: 12, Currency: "TRY"},
		Holdout: o.holdout, Window: window, Quiet: messaging.EveningQuiet(),
	}
	if o.other != "" {
		c.Variants = []messaging.Variant{{Name: "other", Share: 0.5, Text: o.other}}
	}
	if !c.Shows("name") {
		c.Fields = nil
	}
	if o.holdout == 0 {
		c.Unmeasured = "-holdout 0"
	}
	w.eng, err = vefa.New(vefa.Config{
		Store: w.store, Now: w.clock.Now, LeaseNow: w.clock.Now, Logger: slog.New(slog.DiscardHandler), Sender: w.provider.sender, BaseURL: base, Keys: secrets(),
		Segments: "segment everybody = everyone", Consent: brand, TrainAt: -1,
		Desk: &campaigns.Config{},
		Progress: func(step string, done, total int) {
			if w.screen != nil && total > 0 {
				w.screen.Bar(done, total, step)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if w.draft, err = w.eng.Desk().Draft(ctx, "ayse", "everybody", c); errors.Is(err, messaging.ErrCampaign) || errors.Is(err, messaging.ErrTemplate) {
		return nil, terminal.Usagef("-text, -other: %w", err)
	} else if err != nil {
		return nil, err
	}
	w.spring = w.draft.Campaign
	w.handler = w.eng.Handler()
	return w, w.fill(ctx)
}

func (w *world) close() {
	w.provider.server.Close()
	w.eng.Close()
}

// secrets are those of a world that lives as long as the program.
func secrets() vefa.Keys {
	of := func(what string) crm.Secret {
		sum := sha256.Sum256([]byte("examples/campaign " + what))
		return crm.NewSecret(sum[:])
	}
	return vefa.Keys{Tenant: "campaign", Sign: []vefa.Key{{ID: 1, Secret: of("links")}}, ID: of("ids")}
}

// fill imports the people.
func (w *world) fill(ctx context.Context) error {
	for chunk := range slices.Chunk(w.people, 1000) {
		var b crm.Batch
		for _, p := range chunk {
			key := crm.ProfileKey{Source: "list", ID: p.id}
			phone := crm.Address{Channel: crm.Phone, Value: p.phone}
			b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: key, Name: crm.Name{Given: p.given, Family: p.family}, Contacts: []crm.Contact{{Address: phone}}, Since: start, At: start})
			if p.consent {
				b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "list", ID: p.id}, Subject: crm.OfAddress(phone), At: start.Add(-time.Hour), Version: 1,
					Data: &crm.Consent{ConsentKey: brand, Status: crm.Granted, Via: "list"}})
			}
		}
		rep, err := w.eng.Service().Import(ctx, b)
		if err != nil {
			return err
		}
		for _, r := range rep.Rejected {
			return fmt.Errorf("row %s: %w", r.ID, r.Err)
		}
	}
	return nil
}

// take takes what the provider tells.
func (w *world) take(ctx context.Context, f messaging.Feedback) error {
	_, err := w.eng.Feedback(ctx, f)
	return err
}

// luck is a person's own random numbers, whatever others do.
func (w *world) luck(phone, what string) *rand.Rand {
	sum := sha256.Sum256([]byte(what + phone))
	return rand.New(rand.NewPCG(w.o.seed, binary.BigEndian.Uint64(sum[:8])))
}

// send plans the campaign and sends it, until all is known that the provider tells.
func (w *world) send(ctx context.Context) error {
	if _, err := w.eng.Night(ctx, vefa.Night{Day: day}); err != nil {
		return err
	}
	cursor := ""
	for range 12 { // what was throttled or whose answer was lost comes again
		w.clock.Advance(10 * time.Minute)
		if _, err := w.eng.Resume(ctx); err != nil {
			return err
		}
		if _, err := w.eng.Deliver(ctx); err != nil {
			return err
		}
		w.provider.deliver()
		if w.provider.poll == nil {
			continue
		}
		f, next, err := w.provider.poll.Poll(ctx, cursor)
		if err != nil {
			continue // asked again
		}
		if err := w.take(ctx, f); err != nil {
			return err
		}
		cursor = next
	}
	return nil
}

// event is something that happens in the world.
type event struct {
	at    time.Time
	phone string
	do    func(context.Context) error
}

// live lets people click, answer and buy, in the order of time.
func (w *world) live(ctx context.Context) error {
	arrived, err := w.arrived(ctx)
	if err != nil {
		return err
	}
	texts := map[string]string{}
	for _, a := range w.provider.arrivals() {
		digits := strings.TrimLeft(a.To, "+0")
		texts["+90"+digits[max(0, len(digits)-10):]] = a.Text
	}
	var events []event
	add := func(at time.Time, phone string, do func(context.Context) error) {
		events = append(events, event{at, phone, do})
	}
	for _, p := range w.people {
		r := w.luck(p.phone, "buys")
		at := start.Add(time.Hour + time.Duration(r.Int64N(int64(window-2*time.Hour))))
		p, amount := p, int64(50_000+r.IntN(900_000))
		how := []string{"web", "store"}[r.IntN(2)]
		chance := buying
		if arrived[p.phone] {
			chance += w.o.lift
		}
		if r.Float64() < chance {
			add(at, p.phone, func(ctx context.Context) error { return w.buys(ctx, p, at, amount, how) })
		}
		r = w.luck(p.phone, "comes")
		looks := start.Add(time.Hour + time.Duration(r.Int64N(int64(window-2*time.Hour))))
		chance = looking
		if arrived[p.phone] {
			chance += w.o.lift
		}
		if r.Float64() < chance {
			add(looks, p.phone, func(ctx context.Context) error { return w.comes(ctx, p, looks) })
		}
		r = w.luck(p.phone, "reads")
		url := link(texts[p.phone])
		if !arrived[p.phone] || url == "" {
			continue
		}
		if r.Float64() < 0.05 { // a scanner, at once
			at := start.Add(time.Duration(r.IntN(30)) * time.Second)
			add(at, p.phone, func(ctx context.Context) error { return w.clicks(ctx, url, "HEAD", scanner, r.Uint64()) })
		}
		switch x := r.Float64(); {
		case x < leaving:
			add(start.Add(3*time.Hour+time.Duration(r.IntN(3600))*time.Second), p.phone, func(context.Context) error {
				w.provider.reply(p.phone, "RET")
				return nil
			})
		case x < leaving+clicking:
			for range 1 + r.IntN(2) {
				at := start.Add(2*time.Hour + time.Duration(r.ExpFloat64()*float64(6*time.Hour)))
				add(at, p.phone, func(ctx context.Context) error {
					return w.clicks(ctx, url, "GET", phones[r.IntN(len(phones))], r.Uint64())
				})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	for i, e := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.at.After(w.clock.Now()) {
			w.clock.Set(e.at)
		}
		if err := e.do(ctx); err != nil {
			return err
		}
		w.screen.Bar(i+1, len(events), "fourteen days")
	}
	if err := w.eng.Clicks().Flush(ctx); err != nil {
		return err
	}
	w.clock.Set(start.Add(window))
	w.provider.deliver() // answers of people that were not told yet
	if w.provider.poll != nil {
		f, _, err := w.provider.poll.Poll(ctx, "")
		if err != nil {
			return err
		}
		return w.take(ctx, f)
	}
	return nil
}

// arrived returns the numbers at which the message arrived.
func (w *world) arrived(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	err := w.store.View(ctx, func(r crm.Reader) error {
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), delivery.Kind) {
			if err != nil {
				return err
			}
			fate, err := delivery.FateOf(f)
			if err != nil {
				return err
			}
			out[f.Subject.Address.Value] = fate.State() == messaging.Delivered
		}
		return nil
	})
	return out, err
}

// link returns the tracked link in a text.
func link(text string) string {
	_, rest, ok := strings.Cut(text, base+"/l/")
	if !ok {
		return ""
	}
	token, _, _ := strings.Cut(rest, " ")
	return "/l/" + token
}

const scanner = "Mozilla/5.0 (compatible; LinkScanner/2.1; +https://scan.example/bot)"

var phones = []string{
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
}

// clicks follows a link.
func (w *world) clicks(ctx context.Context, path, method, agent string, from uint64) error {
	r := httptest.NewRequestWithContext(ctx, method, base+path, nil)
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:4000", byte(from), byte(from>>8), byte(from>>16))
	r.Header.Set("User-Agent", agent)
	if agent != scanner {
		r.Header.Set("Accept-Language", "tr-TR,tr")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	got := httptest.NewRecorder()
	w.handler.ServeHTTP(got, r)
	if got.Code != http.StatusFound {
		return fmt.Errorf("a link of the campaign answers %d", got.Code)
	}
	return nil
}

// buys records an order.
func (w *world) buys(ctx context.Context, p person, at time.Time, amount int64, how string) error {
	return w.eng.Service().Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "shop", ID: "o" + p.id}, Subject: crm.OfProfile(crm.ProfileKey{Source: "list", ID: p.id}),
		At: at, Version: 1, Data: &crm.Order{Number: "o" + p.id, Channel: how, Total: crm.Money{Amount: amount, Currency: "TRY"}}})
}

// comes records that somebody came to a store and bought nothing.
func (w *world) comes(ctx context.Context, p person, at time.Time) error {
	return w.eng.Service().Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindInteraction, Source: "shop", ID: "v" + p.id}, Subject: crm.OfProfile(crm.ProfileKey{Source: "list", ID: p.id}),
		At: at, Version: 1, Data: &crm.Interaction{Channel: "store", Direction: "in", Topic: "asked for a watch"}})
}
