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
)

// eachWay runs a test with all customers in memory and with none.
func eachWay(t *testing.T, do func(t *testing.T, way func(*vefa.Config))) {
	for name, resident := range map[string]int{"in memory": 0, "page by page": -1} {
		t.Run(name, func(t *testing.T) { do(t, func(c *vefa.Config) { c.Resident = resident }) })
	}
}

// TestSegmentsOfWhomIsNotKept: an engine with Resident -1 sees in the change feed whose
// tags and homes became others, as one that keeps them in memory does and as one that begins
// anew: over merges, splits, undone decisions, earlier records, and tags that run out.
func TestSegmentsOfWhomIsNotKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const people = 4
		store, clock := memstore.New(), new(crmtest.Clock)
		clock.Set(nighttest.Start)
		engine := func(resident int) *vefa.Engine {
			return nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Resident, c.TrainAt, c.Campaigns = resident, -1, nil
				c.Segments = "segment a = a\nsegment ab = a and b\nsegment rest = everyone and not c"
			}).Engine
		}
		kept, pages := engine(0), engine(-1)
		svc := kept.Service()
		_, err := svc.Import(t.Context(), nighttest.People(people))
		require.NoError(t, err)
		seen := func(e *vefa.Engine) map[string][]string {
			v, err := e.Segments(t.Context())
			require.NoError(t, err)
			out := map[string][]string{"everybody": slices.Sorted(v.Customers(v.Population()))}
			for _, name := range []string{"a", "ab", "rest"} {
				members, err := v.Members(name, clock.Now())
				require.NoError(t, err)
				out[name] = slices.Sorted(members)
			}
			for _, c := range out["everybody"] {
				out["tags of "+c] = slices.Sorted(slices.Values(v.TagsOf(c)))
			}
			return out
		}
		seen(pages)
		seen(kept)
		var decided [][]crm.Link
		person := rapid.IntRange(0, people-1)
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			clock.Advance(time.Hour)
			switch rapid.SampledFrom([]string{"tag", "expiring", "ahead", "clear", "merge", "split", "undo", "regroup", "earlier", "look", "wait"}).Draw(t, "what") {
			case "tag":
				require.NoError(t, svc.Tag(t.Context(), nighttest.Key(person.Draw(t, "who")), crm.TagChange{Tag: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag")}))
			case "expiring":
				require.NoError(t, svc.Tag(t.Context(), nighttest.Key(person.Draw(t, "who")), crm.TagChange{Tag: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag"),
					Expires: clock.Now().Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour)}))
			case "ahead": // by a source that tells beforehand, or whose clock is wrong
				f := &crm.Fact{Key: crm.FactKey{Kind: crm.KindTag, Source: "web", ID: fmt.Sprint(step)}, Subject: crm.OfProfile(nighttest.Key(person.Draw(t, "who"))), Version: 1,
					At: clock.Now().Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour)}
				f.Data = &crm.TagChange{Tag: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag"), Off: rapid.Bool().Draw(t, "off")}
				require.NoError(t, svc.Record(t.Context(), f))
			case "clear":
				require.NoError(t, svc.Tag(t.Context(), nighttest.Key(person.Draw(t, "who")), crm.TagChange{Tag: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag"), Off: true}))
			case "merge":
				links, err := svc.Merge(t.Context(), "ada", crm.Evidence{}, nighttest.Key(person.Draw(t, "who")), nighttest.Key(person.Draw(t, "with")))
				require.NoError(t, err)
				if len(links) > 0 {
					decided = append(decided, links)
				}
			case "split":
				links, err := svc.Split(t.Context(), "ada", crm.Evidence{}, nighttest.Key(person.Draw(t, "who")))
				require.NoError(t, err)
				if len(links) > 0 {
					decided = append(decided, links)
				}
			case "undo":
				if len(decided) > 0 {
					_, _ = svc.Undo(t.Context(), "ada", decided[len(decided)-1]...) // refused where others decided since
					decided = decided[:len(decided)-1]
				}
			case "regroup": // as linkage does; the members that are left get a decision, too
				a, b := person.Draw(t, "who"), person.Draw(t, "with")
				if a != b {
					_, err := svc.Regroup(t.Context(), crm.Grouping{Profiles: []crm.ProfileKey{nighttest.Key(min(a, b)), nighttest.Key(max(a, b))}, Kind: crm.LinkMatched, Actor: "dedup"})
					require.NoError(t, err)
				}
			case "earlier": // whose home is now another profile
				p := nighttest.People(people).Profiles[person.Draw(t, "who")]
				p.Since, p.At = nighttest.Start.AddDate(-1, 0, -step), clock.Now()
				_, err := svc.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{p}})
				require.NoError(t, err)
			case "look":
				seen(pages)
				seen(kept)
			}
		}
		want := seen(engine(0))
		require.Equal(t, want, seen(kept))
		require.Equal(t, want, seen(pages))
		require.Equal(t, want, seen(engine(-1)))
	})
}

// TestNamesInSegments: a campaign finds the customers that the segments name.
func TestNamesInSegments(t *testing.T) {
	eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
		store, clock := memstore.New(), new(crmtest.Clock)
		clock.Set(nighttest.Start)
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) { way(c) })
		b := nighttest.People(4)
		for i, source := range []string{"web/shop", "50%", "a%2Fb", "İstanbul / web"} {
			b.Profiles[i].Source = source
		}
		b.Facts = nil
		for i, p := range b.Profiles {
			f := nighttest.Consent(i, fmt.Sprint("c", i), crm.Granted, nighttest.Start.Add(-time.Hour))
			b.Facts = append(b.Facts, f)
			p.Contacts = []crm.Contact{{Address: f.Subject.Address}}
		}
		rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.Empty(t, rep.Bad)
		require.Equal(t, 4, rep.Campaigns.Planned)
		require.Equal(t, 4, rep.Delivered.Done)
	})
}
