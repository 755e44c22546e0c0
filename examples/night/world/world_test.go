package world_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/world"
)

func newWorld(t testing.TB, cfg world.Config) *world.World {
	t.Helper()
	w, err := world.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// hash of a value in every detail.
func hash(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

func historyOf(t testing.TB, w *world.World) crm.Batch {
	t.Helper()
	var all crm.Batch
	for b := range w.History(context.Background()) {
		all.Profiles = append(all.Profiles, b.Profiles...)
		all.Facts = append(all.Facts, b.Facts...)
	}
	return all
}

func TestTheSameWorldAgain(t *testing.T) {
	cfg := world.Config{People: 1500, Seed: 3, Evenings: 20}
	w := newWorld(t, cfg)
	history, days := hash(t, historyOf(t, w)), make([]string, 12)
	for n := range days {
		days[n] = hash(t, w.Day(n))
	}
	// Another world of the same seed and another horizon, the days backwards,
	// some of them twice, then the history.
	cfg.Evenings = 3
	again := newWorld(t, cfg)
	for n := len(days) - 1; n >= 0; n-- {
		if got := hash(t, again.Day(n)); got != days[n] {
			t.Errorf("day %d depends on what was asked before it or on the horizon", n)
		}
		if got := hash(t, again.Day(n)); got != days[n] {
			t.Errorf("day %d is another one the second time", n)
		}
	}
	if hash(t, historyOf(t, again)) != history {
		t.Error("the history is another one the second time")
	}
	cfg.Seed = 4
	if hash(t, newWorld(t, cfg).Day(1)) == days[1] {
		t.Error("the seed changes nothing")
	}
}

func TestManyAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	w := newWorld(t, world.Config{People: 800, Seed: 3})
	want := make([]string, 6)
	for n := range want {
		want[n] = hash(t, w.Day(n))
	}
	var group sync.WaitGroup
	for n := range want {
		group.Go(func() {
			if hash(t, w.Day(n)) != want[n] {
				t.Errorf("day %d", n)
			}
		})
	}
	group.Wait()
}

func TestHistoryStopsWhenAsked(t *testing.T) {
	w := newWorld(t, world.Config{People: 5000})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	batches := 0
	for b := range w.History(ctx) {
		batches++
		if n := b.Len(); n < 1000 || n > 1200 {
			t.Errorf("a batch has %d records", n)
		}
		cancel()
	}
	if batches != 1 {
		t.Errorf("%d batches after the first was refused", batches-1)
	}
	for range w.History(context.Background()) {
		break
	}
}

var (
	mobile = regexp.MustCompile(`^\+905[0345]\d{8}$`)
	mail   = regexp.MustCompile(`^[a-z0-9.]+@(example\.(com|org|net)|mail\.example|posta\.example|relay\.pazaryeri\.example)$`)
)

// Everything that comes is valid, is in order of cause and effect and came at
// or before its evening.
func TestEveryRecord(t *testing.T) {
	w := newWorld(t, world.Config{People: 2500, Seed: 11})
	places, err := crm.NewPlaces(nil, w.Places()...)
	if err != nil {
		t.Fatal(err)
	}
	profiles := map[crm.ProfileKey]bool{}
	seen := map[crm.FactRef]int64{}
	repeated, stale, late := 0, 0, 0
	check := func(b crm.Batch, evening, before time.Time) {
		for _, p := range b.Profiles {
			if err := p.Validate(); err != nil {
				t.Fatalf("%s: %v", p.ProfileKey, err)
			}
			if p.At.After(evening) || p.Since.After(p.At) || p.Name.Given == "" || p.Name.Family == "" {
				t.Fatalf("%s: since %v at %v, delivered on the evening of %v", p.ProfileKey, p.Since, p.At, evening)
			}
			for _, c := range p.Contacts {
				switch {
				case c.Channel == crm.Phone && !mobile.MatchString(c.Value), c.Channel == crm.Email && !mail.MatchString(c.Value):
					t.Fatalf("%s: contact %q", p.ProfileKey, c.Value)
				case p.Source == "marketplace" && (!c.Masked || c.Channel == crm.Phone):
					t.Fatalf("%s: the marketplace gave away %q", p.ProfileKey, c.Value)
				case c.Value == "+905555555555" && !c.Masked:
					t.Fatalf("%s: the placeholder is taken for a number", p.ProfileKey)
				}
			}
			if _, ok := w.Truth(p.ProfileKey); !ok {
				t.Fatalf("%s: nobody is behind it", p.ProfileKey)
			}
			profiles[p.ProfileKey] = true
		}
		for _, f := range b.Facts {
			if err := f.Validate(); err != nil {
				t.Fatalf("%s: %v", f.Ref().Key, err)
			}
			if f.At.After(evening) || time.UnixMicro(f.Version).After(evening) {
				t.Fatalf("%s at %v is delivered on the evening of %v", f.Key, f.At, evening)
			}
			if k := f.Subject.Profile; !k.IsZero() && !profiles[k] {
				t.Fatalf("%s comes before its profile %s", f.Key, k)
			}
			if f.Place != "" && places.Get(f.Place) == nil {
				t.Fatalf("%s is at %q, which is nowhere", f.Key, f.Place)
			}
			checkData(t, w, places, f)
			switch old, ok := seen[f.Ref()]; {
			case ok && old == f.Version:
				repeated++
			case ok && old > f.Version:
				stale++
			case time.UnixMicro(f.Version).Before(before):
				late++
			}
			seen[f.Ref()] = max(seen[f.Ref()], f.Version)
		}
	}
	check(historyOf(t, w), w.Evening(-1), time.Time{})
	if repeated+stale > 0 {
		t.Errorf("the history has %d records twice", repeated+stale)
	}
	late = 0
	for n := range 60 {
		check(w.Day(n), w.Evening(n), w.Evening(n-1))
	}
	if repeated < 50 || stale < 3 || late < 20 {
		t.Errorf("%d repeated, %d stale, %d late records", repeated, stale, late)
	}
}

func checkData(t *testing.T, w *world.World, places *crm.Places, f *crm.Fact) {
	t.Helper()
	switch data := f.Data.(type) {
	case *crm.Order:
		sum, back := int64(0), !data.Returns.IsZero()
		for _, l := range data.Lines {
			sum += l.Amount.Amount
			if (l.Quantity < 0) != back || l.Amount.Currency != data.Total.Currency || l.SKU == "" || l.Brand == "" {
				t.Fatalf("%s: line %+v", f.Key, l)
			}
			if (l.Category == "watch" || l.Category == "smartwatch") != (l.Serial != "") {
				t.Fatalf("%s: %s with serial %q", f.Key, l.Category, l.Serial)
			}
			if !l.Recipient.IsZero() && !data.Gift {
				t.Fatalf("%s: a recipient of what is no gift", f.Key)
			}
		}
		if sum != data.Total.Amount || (sum < 0) != back || sum == 0 {
			t.Fatalf("%s: total %v of lines %d", f.Key, data.Total, sum)
		}
		if data.Total.Currency != places.Currency(f.Place) {
			t.Fatalf("%s: %v at %s", f.Key, data.Total, f.Place)
		}
		for _, k := range []crm.ProfileKey{data.Recipient, data.Payer, data.Owner} {
			a, _ := w.Truth(f.Subject.Profile)
			if b, ok := w.Truth(k); !k.IsZero() && (!ok || a == b) {
				t.Fatalf("%s: bought by %s for %s", f.Key, f.Subject, k)
			}
		}
		if f.Subject.Profile.Source == "pos" && !back {
			if h := f.At.In(places.Zone(f.Place)).Hour(); h < 10 || h > 21 {
				t.Fatalf("%s: bought at %d o'clock in %s", f.Key, h, f.Place)
			}
		}
		if at, ok := data.DeliveredAt(f.At); ok && at.Before(f.At) {
			t.Fatalf("%s: delivered before it was sold", f.Key)
		}
	case *crm.Ticket:
		if len(data.Log) == 0 || data.Log[len(data.Log)-1].State != data.State || (data.State == crm.TicketSolved) != !data.Solved.IsZero() {
			t.Fatalf("%s: %+v", f.Key, data)
		}
		last := time.Time{}
		for _, entry := range data.Log {
			if h := entry.At.Add(3 * time.Hour).Hour(); h < 9 || h >= 19 || !entry.At.After(last) {
				t.Fatalf("%s: %+v at %d o'clock, after %v", f.Key, entry, h, last)
			}
			last = entry.At
		}
	case *crm.Consent:
		if data.Brand != world.Brand {
			t.Fatalf("%s: brand %q", f.Key, data.Brand)
		}
	}
}

// What was under way on the first evening is finished in the days after it.
func TestOrdersAreFinished(t *testing.T) {
	w := newWorld(t, world.Config{People: 4000, Seed: 5})
	open := map[crm.FactRef]*crm.Order{}
	solved, tickets := 0, map[crm.FactRef]bool{}
	take := func(b crm.Batch, record bool) {
		for _, f := range b.Facts {
			switch data := f.Data.(type) {
			case *crm.Order:
				if data.Status == crm.OrderPlaced || data.Status == crm.OrderShipped {
					if record && open[f.Ref()] == nil {
						open[f.Ref()] = data
					}
				} else {
					delete(open, f.Ref())
				}
			case *crm.Ticket:
				if data.State == crm.TicketSolved && tickets[f.Ref()] {
					solved++
					delete(tickets, f.Ref())
				} else if record && data.Unsolved() && data.Opened.After(w.Evening(-25)) {
					tickets[f.Ref()] = true
				}
			}
		}
	}
	take(historyOf(t, w), true)
	if len(open) < 5 || len(tickets) == 0 {
		t.Fatalf("%d orders and %d tickets are open on the first evening", len(open), len(tickets))
	}
	for n := range 60 {
		take(w.Day(n), n < 2)
	}
	if len(open) > 0 {
		t.Errorf("%d orders were never delivered", len(open))
	}
	if len(tickets) > 1 || solved < 3 {
		t.Errorf("%d tickets were solved, %d were not", solved, len(tickets))
	}
}

// within reports a share that is off.
func within(t *testing.T, what string, n, of int, lo, hi float64) {
	t.Helper()
	if of == 0 {
		t.Errorf("%s: of none", what)
		return
	}
	if x := float64(n) / float64(of); x < lo || x > hi {
		t.Errorf("%s: %.4f (%d of %d), want %g to %g", what, x, n, of, lo, hi)
	} else {
		t.Logf("%s: %.4f (%d of %d)", what, x, n, of)
	}
}

func TestRatesOfProfiles(t *testing.T) {
	const people = 12000
	w := newWorld(t, world.Config{People: people, Seed: 2, Known: 1})
	b := historyOf(t, w)
	var noPhone, noMail, noBirth, noGender, noTown, unmasked, placeholder int
	phones, persons := map[string]map[int]bool{}, map[int]int{}
	for _, p := range b.Profiles {
		person, _ := w.Truth(p.ProfileKey)
		persons[person]++
		if p.Source == "marketplace" {
			continue
		}
		unmasked++
		phone, email := false, false
		for _, c := range p.Contacts {
			phone, email = phone || c.Channel == crm.Phone, email || c.Channel == crm.Email
			if c.Masked {
				placeholder++
			} else if c.Channel == crm.Phone {
				if phones[c.Value] == nil {
					phones[c.Value] = map[int]bool{}
				}
				phones[c.Value][person] = true
			}
		}
		for _, x := range []struct {
			null bool
			n    *int
		}{{!phone, &noPhone}, {!email, &noMail}, {p.Birth == "", &noBirth}, {p.Gender == "", &noGender}, {p.Postal.City == "", &noTown}} {
			if x.null {
				*x.n++
			}
		}
	}
	shared := 0
	for _, holders := range phones {
		if len(holders) > 1 {
			shared++
		}
	}
	within(t, "profiles per person", len(b.Profiles), people, 1.35, 1.6)
	within(t, "people with a profile", len(persons), people, 0.99, 1)
	within(t, "no e-mail", noMail, unmasked, 0.46, 0.52)
	within(t, "no phone", noPhone, unmasked, 0.07, 0.1)
	within(t, "no birth date", noBirth, unmasked, 0.38, 0.41)
	within(t, "no gender", noGender, unmasked, 0.25, 0.28)
	within(t, "no town", noTown, unmasked, 0.2, 0.23)
	within(t, "placeholder numbers", placeholder, unmasked, 0.001, 0.01)
	within(t, "numbers shared by people", shared, len(phones), 0.06, 0.1)
	within(t, "marketplace profiles", len(b.Profiles)-unmasked, len(b.Profiles), 0.08, 0.12)
}

func TestRatesOfFacts(t *testing.T) {
	const people = 8000
	w := newWorld(t, world.Config{People: people, Seed: 2})
	counts := map[string]int{}
	newest := map[crm.FactRef]*crm.Fact{}
	add := func(b crm.Batch) {
		for _, f := range b.Facts {
			if old := newest[f.Ref()]; old == nil || old.Version < f.Version {
				newest[f.Ref()] = f
			}
		}
	}
	count := func() {
		clear(counts)
		for _, f := range newest {
			counts[string(f.Key.Kind)]++
			switch data := f.Data.(type) {
			case *crm.Order:
				if !data.Returns.IsZero() {
					counts["return"]++
					continue
				}
				counts["sale"]++
				counts[data.Channel]++
				if data.Gift {
					counts["gift"]++
				}
				if len(data.Lines) > 0 && (data.Recipient != crm.ProfileKey{} || data.Lines[0].Recipient != crm.ProfileKey{}) {
					counts["recipient"]++
				}
				if h := f.At.Add(3 * time.Hour).Hour(); h >= 17 {
					counts["evening"]++
				}
				if d := f.At.Add(3 * time.Hour).Weekday(); d == time.Saturday || d == time.Sunday {
					counts["weekend"]++
				}
			case *crm.Visit:
				counts["visit/"+data.Service]++
				if !strings.HasPrefix(data.Serial, "XX-") {
					counts["own"]++
				}
			case *crm.Ticket:
				if len(data.Related) > 0 {
					counts["linked"]++
				}
			case *crm.Consent:
				switch {
				case strings.HasSuffix(f.Key.ID, "ret"):
					counts["withdrawn"]++
				case f.Key.Source == "iys":
					counts["conflict"]++
				default:
					counts[string(data.Status)]++
				}
			}
		}
	}
	addresses := map[crm.ProfileKey]int{}
	b := historyOf(t, w)
	add(b)
	for _, p := range b.Profiles {
		for _, c := range p.Contacts {
			if !c.Masked {
				addresses[p.ProfileKey]++
			}
		}
	}
	total := 0
	for _, n := range addresses {
		total += n
	}
	count()
	known := people * 6 / 10
	within(t, "past orders per known person", counts["sale"], known, 3.7, 4.4)
	within(t, "granted", counts["granted"], total, 0.62, 0.7)
	within(t, "withdrawn", counts["withdrawn"], counts["granted"], 0.01, 0.04)
	within(t, "conflicting", counts["conflict"], counts["granted"]+counts["refused"], 0.02, 0.04)
	past := counts["sale"]
	for n := range 60 {
		add(w.Day(n))
	}
	count()
	sales := counts["sale"]
	within(t, "new orders per person", sales-past, people, 0.42, 0.65)
	within(t, "gifts", counts["gift"], sales, 0.07, 0.09)
	within(t, "gifts with a known recipient", counts["recipient"], counts["gift"], 0.85, 1)
	within(t, "returns", counts["return"], sales, 0.022, 0.04)
	within(t, "marketplace", counts["marketplace"], sales, 0.08, 0.13)
	within(t, "dealer", counts["dealer"], sales, 0.12, 0.18)
	within(t, "evening", counts["evening"], sales, 0.4, 0.65)
	within(t, "weekend", counts["weekend"], sales, 0.33, 0.45)
	within(t, "tickets per sale", counts["ticket"], sales, 0.02, 0.05)
	within(t, "linked tickets", counts["linked"], counts["ticket"], 0.005, 0.06)
	within(t, "battery changes", counts["visit/battery"], counts["visit"], 0.45, 0.6)
	within(t, "visits with a watch bought here", counts["own"], counts["visit"], 0.3, 0.9)
}

func TestTruth(t *testing.T) {
	w := newWorld(t, world.Config{People: 3000, Seed: 9})
	for _, p := range historyOf(t, w).Profiles {
		person, ok := w.Truth(p.ProfileKey)
		if !ok || person < 0 || person >= 3000 {
			t.Fatalf("%s: %d, %v", p.ProfileKey, person, ok)
		}
		other := p.ProfileKey
		other.Source = "kiosk"
		if _, ok := w.Truth(other); ok && other != p.ProfileKey {
			t.Fatalf("%s is known", other)
		}
	}
	for _, id := range []string{"", "x", "K0000000000", "K99999999999", "Kabcdefghij", "K4294967296", strings.Repeat("9", 400)} {
		if _, ok := w.Truth(crm.ProfileKey{Source: "pos", ID: id}); ok && id != "K0000000000" {
			t.Errorf("%q is known", id)
		}
	}
}

func TestPlaces(t *testing.T) {
	w := newWorld(t, world.Config{People: 1})
	tree, err := crm.NewPlaces(nil, w.Places()...)
	if err != nil {
		t.Fatal(err)
	}
	kinds, currencies, names := map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, p := range w.Places() {
		kinds[p.Kind]++
		currencies[tree.Currency(p.ID)] = true
		if names[p.Name] {
			t.Errorf("%q is there twice", p.Name)
		}
		names[p.Name] = true
	}
	want := map[string]int{"country": 4, crm.Region: 7, "store": 165, "dealer": 600, "kiosk": 40, "web": 1, "marketplace": 1, "service": 1, "callcentre": 1}
	for kind, n := range want {
		if kinds[kind] != n {
			t.Errorf("%d places of kind %s, want %d", kinds[kind], kind, n)
		}
	}
	if len(currencies) != 3 {
		t.Errorf("currencies %v", currencies)
	}
	w.Places()[0].Name = "changed"
	if w.Places()[0].Name == "changed" {
		t.Error("callers share the places")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []world.Config{{People: -1}, {People: 1<<24 + 1}, {Evenings: -1}, {Evenings: 20000}, {Known: 2}, {Known: math.NaN()}, {Known: -0.5}} {
		if _, err := world.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "world: ") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	w := newWorld(t, world.Config{People: 10})
	for _, n := range []int{-1, 15_001, 1 << 40} {
		if got := w.Day(n).Len(); got != 0 {
			t.Errorf("day %d has %d records", n, got)
		}
	}
	if w.Day(15_000); w.Evening(0).Format(time.RFC3339) != "2025-01-01T19:00:00Z" {
		t.Errorf("the first evening is %v", w.Evening(0))
	}
}
