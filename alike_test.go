package vefa_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

const alikeRules = `
rules:
  - {name: buyer, when: Orders > 0 and "buyer" not in Tags, then: [{tag: buyer, for: 2d}]}
  - {name: back, on: {tag_removed: buyer}, when: Orders > 1, then: [{tag: back}]}
  - {name: again, on: {tag_added: back}, when: Orders > 1, then: [{tag: again, for: 1d}]}
  - {name: entered, on: {segment_entered: ab}, when: Orders >= 0, then: [{tag: was_ab}]}
  - {name: left, on: {segment_left: ab}, when: Orders >= 0, then: [{task: call}]}
  - {name: survey, each: Purchases, when: row.DaysAgo == 0 and SMSConsent, then: [{survey: visit, after: 1d}]}
  - {name: served, each: Visits, when: row.Latest and row.DaysAgo < 2, then: [{ticket: desk}]}
  - {name: place, when: Place == "east", then: [{tag: east}]}
  - {name: west, when: Place == "west" and OpenTickets == 0, then: [{tag: west}]}
  - {name: rest, when: '"rest" in Segments', then: [{tag: resting, for: 3d}]}
`

// TestNightsAlike: evenings of an engine with Resident -1 leave the same record and
// the same reports as those of one that keeps everybody.
func TestNightsAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const people = 6
		type side struct {
			store  crm.Store
			faulty *crmtest.Faulty
			e      *vefa.Engine
			n      int
		}
		clock := &still{nighttest.Start} // both read the same, however often
		breaker := rapid.Bool().Draw(t, "breaker")
		train := rapid.SampledFrom([]int{-1, 3, 100}).Draw(t, "train")
		delivers := rapid.Bool().Draw(t, "delivers")
		drawn := rapid.SampledFrom([]string{"ab", "rest", "everybody"}).Draw(t, "drawn")
		again := func(s *side, resident int) *vefa.Engine {
			return nighttest.New(t, s.faulty, new(crmtest.Clock), func(c *vefa.Config) {
				c.Now, c.LeaseNow = clock.Now, clock.Now
				c.Resident, c.TrainAt = resident, train
				if c.Steps = vefa.DefaultSteps(); !delivers {
					c.Steps = slices.DeleteFunc(c.Steps, func(s vefa.Step) bool { return s.Name == vefa.StepDeliver })
				}
				c.NewID = func() string { s.n++; return fmt.Sprintf("c%06d", s.n) }
				book, err := rules.ReadYAML("alike.yaml", []byte(alikeRules))
				require.NoError(t, err)
				c.Rules = []*rules.Book{book}
				c.Segments = "segment everybody = everyone\nsegment ab = a and b\nsegment rest = everyone and not c"
				if breaker {
					c.Breaker = &rules.Breaker{Factor: 2, Least: 2, Warmup: 1}
				}
				for i := range 6 {
					c.Campaigns[0].On = append(c.Campaigns[0].On, nighttest.Start.AddDate(0, 0, i).Format(time.DateOnly))
				}
				c.Campaigns[0].Segment = drawn
			}).Engine
		}
		open := func(resident int) *side {
			s := &side{store: memstore.NewAt(clock.Now)}
			s.faulty = crmtest.NewFaulty(s.store)
			s.e = again(s, resident)
			require.NoError(t, s.e.Service().PutPlaces(t.Context(), &crm.Place{ID: "east", Kind: "store", Name: "E", Zone: "Asia/Tokyo"},
				&crm.Place{ID: "west", Kind: "store", Name: "W", Zone: "Europe/Istanbul"}))
			_, err := s.e.Service().Import(t.Context(), nighttest.People(people))
			require.NoError(t, err)
			return s
		}
		sides := []*side{open(0), open(-1)}
		n, stopped, restarted := 0, "", false
		who := rapid.IntRange(0, people-1)
		id := func() string { n++; return fmt.Sprint("x", n) }
		imports := func(b crm.Batch) {
			var reps []crm.ImportReport
			for _, s := range sides {
				rep, err := s.e.Service().Import(t.Context(), b)
				require.NoError(t, err)
				reps = append(reps, rep)
			}
			require.Equal(t, len(reps[0].Rejected), len(reps[1].Rejected))
		}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "moves") {
				clock.Advance(time.Hour)
			}
			what := rapid.SampledFrom([]string{"tag", "tag", "order", "visit", "ticket", "solve", "answer", "click", "consent", "profile", "merge", "split", "regroup", "night", "night", "night", "look", "fault", "deliver", "prune", "restart"}).Draw(t, "what")
			if delivers && what == "fault" || !delivers && what == "deliver" { // what was handed over when it failed, another engine may have left
				what = "night"
			}
			key := nighttest.Key(who.Draw(t, "who"))
			source := rapid.SampledFrom([]string{"pos", "web"}).Draw(t, "source")
			at := clock.Now().Add(-time.Duration(rapid.IntRange(-1, 30).Draw(t, "ago")) * time.Hour)
			fact := func(kind crm.FactKind, d crm.FactData) crm.Batch {
				return crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: kind, Source: source, ID: id()}, Subject: crm.OfProfile(key), At: at, Version: 1, Data: d,
					Place: rapid.SampledFrom([]string{"", "east", "west"}).Draw(t, "place")}}}
			}
			switch what {
			case "tag":
				c := &crm.TagChange{Tag: rapid.SampledFrom([]string{"a", "b", "c", "buyer"}).Draw(t, "tag"), Off: rapid.IntRange(0, 3).Draw(t, "off") == 0}
				if h := rapid.IntRange(0, 40).Draw(t, "expires"); h > 0 && !c.Off {
					c.Expires = at.Add(time.Duration(h) * time.Hour)
				}
				imports(fact(crm.KindTag, c))
			case "order":
				imports(fact(crm.KindOrder, &crm.Order{Number: id(), Channel: "store", Total: crm.Money{Amount: 100, Currency: "TRY"}}))
			case "visit":
				imports(fact(crm.KindVisit, &crm.Visit{Number: id(), Service: "battery"}))
			case "ticket":
				imports(fact(crm.KindTicket, &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: at}))
			case "solve":
				imports(fact(crm.KindTicket, &crm.Ticket{Title: "x", State: crm.TicketSolved, Opened: at.Add(-time.Hour), Solved: at}))
			case "answer":
				imports(fact(crm.KindAnswer, &crm.Answer{Survey: "visit", Metric: "nps", Score: 3}))
			case "consent":
				imports(crm.Batch{Facts: []*crm.Fact{nighttest.Consent(who.Draw(t, "whose"), id(), rapid.SampledFrom([]crm.ConsentStatus{crm.Granted, crm.Refused}).Draw(t, "status"), at)}})
			case "profile":
				i := rapid.IntRange(0, people+3).Draw(t, "person")
				p := nighttest.People(people + 4).Profiles[i]
				p.At, p.Since = clock.Now(), at.AddDate(0, 0, -rapid.IntRange(0, 1).Draw(t, "days"))
				for _, c := range rapid.SliceOfN(who, 0, 2).Draw(t, "contacts") {
					p.Contacts = append(p.Contacts, crm.Contact{Address: nighttest.Phone(c)})
				}
				p.Contacts = p.Contacts[:min(len(p.Contacts), 2)]
				p.Name.Family = rapid.SampledFrom([]string{"Kaya", "Demir"}).Draw(t, "family")
				imports(crm.Batch{Profiles: []*crm.Profile{p}})
			case "merge", "split", "regroup":
				other := nighttest.Key(who.Draw(t, "with"))
				for _, s := range sides {
					var err error
					switch {
					case what == "merge":
						_, err = s.e.Service().Merge(t.Context(), "ada", crm.Evidence{}, key, other)
					case what == "split":
						_, err = s.e.Service().Split(t.Context(), "ada", crm.Evidence{}, key)
					case key != other && train != 3: // linkage would group them anew when it reads everybody
						g := crm.Grouping{Profiles: []crm.ProfileKey{key, other}, Kind: crm.LinkMatched, Actor: "dedup"}
						slices.SortFunc(g.Profiles, crm.ProfileKey.Compare)
						_, err = s.e.Service().Regroup(t.Context(), g)
					}
					require.NoError(t, err)
				}
			case "night", "fault":
				if rapid.IntRange(0, 2).Draw(t, "next") > 0 {
					clock.Advance(20 * time.Hour)
				}
				if what == "fault" {
					f := crmtest.Fault{Where: rapid.SampledFrom([]crmtest.Where{crmtest.Before, crmtest.Inside, crmtest.After, crmtest.Lost}).Draw(t, "where"), N: rapid.IntRange(1, 60).Draw(t, "n")}
					for _, s := range sides {
						s.faulty.Fail(f)
						_, _ = s.e.Night(t.Context(), vefa.Night{})
						s.faulty.Heal()
					}
				}
				var reps []vefa.NightReport
				for _, s := range sides {
					rep, err := s.e.Night(t.Context(), vefa.Night{})
					require.NoError(t, err)
					for i := range rep.Steps {
						rep.Steps[i].Seconds = 0
					}
					if restarted { // it reads everybody again
						rep.Identified.Records, rep.Identified.Clusters = 0, 0
					}
					reps = append(reps, rep)
				}
				if what == "fault" {
					stopped = reps[0].Day // its reports count only the runs that came to their end
				} else if reps[0].Day != stopped {
					require.Equal(t, reps[0], reps[1])
				}
			case "deliver":
				for _, s := range sides {
					_, err := s.e.Deliver(t.Context())
					require.NoError(t, err)
				}
			case "look":
				var seen []map[string][]string
				for _, s := range sides {
					v, err := s.e.Segments(t.Context())
					require.NoError(t, err)
					out := map[string][]string{"everybody": slices.Sorted(v.Customers(v.Population()))}
					for _, name := range []string{"ab", "rest"} {
						members, err := v.Members(name, clock.Now())
						require.NoError(t, err)
						out[name] = slices.Sorted(members)
					}
					seen = append(seen, out)
				}
				require.Equal(t, seen[0], seen[1])
			case "prune":
				clock.Advance(time.Hour)
				for _, s := range sides {
					_, err := s.e.Prune(t.Context(), clock.Now().Add(-time.Minute))
					require.NoError(t, err)
				}
			case "restart":
				restarted = true
				for i, s := range sides {
					if rapid.Bool().Draw(t, "side") {
						s.e = again(s, []int{0, -1}[i])
					}
				}
			}
			same(t, sides[0].store, sides[1].store)
		}
	})
}

// same requires that two records hold the same.
func same(t *rapid.T, stores ...crm.Store) {
	var out [][]string
	for _, s := range stores {
		var rows []string
		require.NoError(t, s.View(t.Context(), func(r crm.Reader) error {
			for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				why := ""
				for _, x := range f.Reasons {
					why += fmt.Sprint(" ", x.Guard, x.Pass, x.Note)
				}
				rows = append(rows, fmt.Sprintf("%s %s %s %s %s %s %s %s %s", f.ID, f.Kind, f.Subject, f.Cause, f.State, f.Due.Format(time.RFC3339), f.To, f.Data, why))
			}
			return nil
		}))
		slices.Sort(rows)
		out = append(out, rows)
	}
	require.Equal(t, out[0], out[1])
}

// still is a clock that stands.
type still struct{ at time.Time }

func (c *still) Now() time.Time          { return c.at }
func (c *still) Advance(d time.Duration) { c.at = c.at.Add(d) }

// TestModelGrowsAlike: a model of linkage is learnt again on the evening on which the
// record has doubled, whether customers are kept in memory or not.
func TestModelGrowsAlike(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		clock := new(crmtest.Clock)
		clock.Set(nighttest.Start)
		shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) { way(c); c.TrainAt, c.Campaigns = 50, nil })
		var trained []bool
		for i, people := range []int{60, 70, 130, 131} {
			clock.Set(nighttest.Start.AddDate(0, 0, i))
			b := nighttest.People(people)
			b.Facts = nil
			rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			trained = append(trained, rep.Identified.Trained)
		}
		require.Equal(t, []bool{true, false, true, false}, trained)
	})
}

// TestTiesAlike: of two orders of the same instant and number the same one is the later,
// whichever source was read first.
func TestTiesAlike(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		clock := new(crmtest.Clock)
		clock.Set(nighttest.Start)
		shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
			way(c)
			c.TrainAt, c.Campaigns = -1, nil
			book, err := rules.ReadYAML("ties.yaml", []byte("rules:\n  - {name: place, when: 'Place == \"east\"', then: [{tag: east}]}\n  - {name: served, when: 'LastService == \"repair\"', then: [{tag: repair}]}"))
			require.NoError(t, err)
			c.Rules = []*rules.Book{book}
		})
		svc := shop.Engine.Service()
		require.NoError(t, svc.PutPlaces(t.Context(), &crm.Place{ID: "east", Kind: "store", Name: "E"}, &crm.Place{ID: "west", Kind: "store", Name: "W"}))
		_, err := svc.Import(t.Context(), nighttest.People(2))
		require.NoError(t, err)
		at := nighttest.Start.Add(-time.Minute)
		order := func(i int, source, place string) {
			f := nighttest.Order(i, "tie", at)
			f.Key.Source, f.Key.ID, f.Place = source, fmt.Sprint("tie", i), place
			require.NoError(t, svc.Record(t.Context(), f))
			require.NoError(t, svc.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindVisit, Source: source, ID: fmt.Sprint("v", i)}, Subject: crm.OfProfile(nighttest.Key(i)),
				At: at.Add(-time.Hour), Version: 1, Data: &crm.Visit{Number: "v", Service: map[string]string{"": "strap", "east": "repair", "west": "battery"}[place]}}))
		}
		order(1, "web", "")
		_, err = shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		order(0, "web", "east")
		_, err = shop.Engine.Segments(t.Context())
		require.NoError(t, err)
		order(0, "app", "west")
		clock.Set(nighttest.Start.AddDate(0, 0, 1))
		rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Equal(t, 2, rep.Rules.Planned, "web is after app")
	})
}
