package vefa_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestIdentifyAsTheNight: whom the till is told that somebody is, the next night, of a process
// that reads everybody anew, takes them for: with a model that was learnt and with one that
// rests on assumptions, beside what people decided.
func TestIdentifyAsTheNight(t *testing.T) {
	for name, trainAt := range map[string]int{"learnt": 20, "assumed": 10_000} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start)
			start := func() *vefa.Engine {
				return nighttest.New(t, store, clock, func(c *vefa.Config) { c.TrainAt, c.Campaigns = trainAt, nil }).Engine
			}
			eng := start()
			var all crm.Batch
			for b := range crmtest.Customers(150, crmtest.Options{Brand: nighttest.Brand.Brand, Twice: 0.5, Batch: 1 << 20, Until: nighttest.Start}) {
				all = b
			}
			var ask []*crm.Profile
			known := crm.Batch{}
			for i, p := range all.Profiles {
				if i%6 == 5 && len(ask) < 25 {
					ask = append(ask, p)
				} else {
					known.Profiles = append(known.Profiles, p)
				}
			}
			_, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(known)})
			require.NoError(t, err)
			ctx := t.Context()
			found, fresh, split, day := 0, 0, 0, 0
			tomorrow := func() {
				day++
				clock.Set(nighttest.Start.AddDate(0, 0, day))
			}
			for i, p := range ask {
				was := *p // as the till knows it
				got, err := eng.Identify(ctx, &was)
				require.NoError(t, err)
				again, err := eng.Identify(ctx, &was)
				require.NoError(t, err)
				require.Equal(t, got, again, "a question leaves no trace")
				tomorrow()
				eng = start()
				svc := eng.Service()
				_, err = eng.Night(ctx, vefa.Night{Source: nighttest.Once(crm.Batch{Profiles: []*crm.Profile{p}})})
				require.NoError(t, err)
				c, err := svc.CustomerOf(ctx, p.ProfileKey)
				require.NoError(t, err)
				if len(c.Profiles) == 1 {
					fresh++
					require.Empty(t, got.Customer, "%v", p)
				} else {
					found++
					require.NotEmpty(t, got.Customer, "%v", p)
					told, err := svc.Customer(ctx, got.Customer) // by an alias, where p is older
					require.NoError(t, err)
					require.Equal(t, c.ID, told.ID, "%v", p)
					if found%5 != 0 {
						continue
					}
					// A person says that the two are not one: a third of the same goes to one
					// of them and the others stay apart, at the till as in the night.
					split++
					clock.Advance(time.Minute)
					_, err = svc.Split(ctx, "desk", crm.Evidence{}, p.ProfileKey)
					require.NoError(t, err)
					tomorrow()
					_, err = eng.Night(ctx, vefa.Night{})
					require.NoError(t, err)
					got, err := eng.Identify(ctx, &was)
					require.NoError(t, err)
					third := was
					third.ProfileKey = crm.ProfileKey{Source: "third", ID: fmt.Sprint(i)}
					clock.Advance(time.Minute)
					_, err = svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{&third}})
					require.NoError(t, err)
					eng = start()
					svc = eng.Service()
					tomorrow()
					_, err = eng.Night(ctx, vefa.Night{})
					require.NoError(t, err)
					now, err := svc.CustomerOf(ctx, third.ProfileKey)
					require.NoError(t, err)
					require.NotEmpty(t, got.Customer)
					told, err = svc.Customer(ctx, got.Customer)
					require.NoError(t, err)
					require.Equal(t, now.ID, told.ID)
					apart, err := svc.CustomerOf(ctx, p.ProfileKey)
					require.NoError(t, err)
					for _, k := range c.Profiles {
						if k != p.ProfileKey {
							other, err := svc.CustomerOf(ctx, k)
							require.NoError(t, err)
							require.NotEqual(t, apart.ID, other.ID, "what a person parted stays parted")
						}
					}
				}
			}
			t.Logf("%d found, %d new, %d split", found, fresh, split)
			require.Greater(t, found, 5)
			require.Greater(t, fresh, 3)
			require.Positive(t, split)
		})
	}
}

// TestFirstNightKeepsEvidence: what a first night of few records merges says why, and the steps
// add up. Case B8.
func TestFirstNightKeepsEvidence(t *testing.T) {
	for _, n := range []int{2, 10, 90} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			clock := &crmtest.Clock{}
			clock.Set(nighttest.Start)
			shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) { c.Campaigns = nil })
			b := nighttest.People(n)
			twin := *b.Profiles[0]
			twin.ProfileKey = crm.ProfileKey{Source: "web", ID: "twin"}
			b.Profiles = append(b.Profiles, &twin)
			rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			require.Equal(t, 1, rep.Identified.Moved)
			links, err := shop.Engine.Service().Links(t.Context(), twin.ProfileKey)
			require.NoError(t, err)
			first, err := shop.Engine.Service().Links(t.Context(), b.Profiles[0].ProfileKey)
			require.NoError(t, err)
			last := append(first, links...)
			var ev crm.Evidence
			for _, l := range last {
				if l.Kind == crm.LinkMatched {
					ev = l.Evidence
				}
			}
			require.NotEmpty(t, ev.Steps, "%+v", last)
			sum := 0.0
			for _, s := range ev.Steps {
				sum += s.Bits
			}
			require.InDelta(t, ev.Weight, sum, 0.1)
			require.Equal(t, "prior", ev.Steps[0].What)
			require.Negative(t, ev.Steps[0].Bits)
			require.Greater(t, ev.Weight, 0.0)
		})
	}
}

// TestIdentifyLeavesQuestions: who is a question for the night of a small record, as dates of
// birth differ or half a name is missing, is nobody at the till, though a candidate.
func TestIdentifyLeavesQuestions(t *testing.T) {
	for name, change := range map[string]func(*crm.Profile){
		"birth":  func(p *crm.Profile) { p.Birth = "1980-03-04" },
		"gender": func(p *crm.Profile) { p.Gender = "m" },
		"half":   func(p *crm.Profile) { p.Name.Given = "" },
		"clear":  func(*crm.Profile) {},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &crmtest.Clock{}
			clock.Set(nighttest.Start)
			shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) { c.Campaigns = nil })
			b := nighttest.People(4)
			b.Profiles[0].Birth, b.Profiles[0].Gender = "1980-03-05", "f"
			_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
			require.NoError(t, err)
			twin := *b.Profiles[0]
			change(&twin)
			got, err := shop.Engine.Identify(t.Context(), &twin)
			require.NoError(t, err)
			require.NotEmpty(t, got.Candidates)
			require.Equal(t, b.Profiles[0].ProfileKey, got.Candidates[0].Profile)
			clock.Set(nighttest.Start.AddDate(0, 0, 1))
			twin.ProfileKey = crm.ProfileKey{Source: "web", ID: "twin"}
			_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(crm.Batch{Profiles: []*crm.Profile{&twin}})})
			require.NoError(t, err)
			c, err := shop.Engine.Service().CustomerOf(t.Context(), twin.ProfileKey)
			require.NoError(t, err)
			if name == "clear" {
				require.Equal(t, c.ID, got.Customer)
			} else {
				require.Empty(t, got.Customer)
				require.Len(t, c.Profiles, 1)
			}
		})
	}
}

// A small record that is none: one phone on very many records, of one person or of as many as
// there are, of whom nothing is learnt.
//
//	go test -run xxx -bench FewOfOnePhone -benchtime 1x .
func BenchmarkFewOfOnePhone(b *testing.B) {
	for name, family := range map[string]func(int) string{"one": func(int) string { return "Kaya" }, "many": func(i int) string { return fmt.Sprint("Kaya", i) }} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				clock := &crmtest.Clock{}
				clock.Set(nighttest.Start)
				shop := nighttest.New(b, memstore.New(), clock, func(c *vefa.Config) { c.Campaigns, c.TrainAt = nil, 1<<30 })
				batch := nighttest.People(20_000)
				for i, p := range batch.Profiles {
					p.Name.Family, p.Contacts[0].Address = family(i), nighttest.Phone(0)
				}
				_, err := shop.Engine.Service().Import(b.Context(), batch)
				require.NoError(b, err)
				rep, err := shop.Engine.Night(b.Context(), vefa.Night{})
				require.NoError(b, err)
				b.ReportMetric(seconds(rep, "identify"), "s/identify")
				b.ReportMetric(float64(rep.Identified.Moved), "moved")
			}
		})
	}
}
