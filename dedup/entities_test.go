package dedup_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/dedup"
)

// clusters groups records by label, in order.
func clusters(labels map[string]int) (out []dedup.Cluster) {
	groups := map[int][]string{}
	for id, k := range labels {
		groups[k] = append(groups[k], id)
	}
	for _, g := range groups {
		slices.Sort(g)
		out = append(out, dedup.Cluster{Members: g})
	}
	slices.SortFunc(out, func(a, b dedup.Cluster) int { return slices.Compare(a.Members, b.Members) })
	return out
}

// Whatever happens, entities are the clusters, the log tells how it came, and what did not
// change keeps its name.
func TestEntities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e dedup.Entities
		labels := map[string]int{}
		told := map[string]string{} // record -> entity, by the log alone
		var before []dedup.Cluster
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			was := map[string]string{}
			for id := range labels {
				was[id], _ = e.Of(id)
			}
			var change dedup.Change
			for i := range 12 {
				id := fmt.Sprint("r", i)
				switch rapid.IntRange(0, 3).Draw(t, "what") {
				case 0:
					if _, ok := labels[id]; ok {
						delete(labels, id)
						delete(told, id)
						change.Removed = append(change.Removed, id)
					}
				case 1:
					labels[id] = rapid.IntRange(0, 4).Draw(t, "cluster")
				}
			}
			now := clusters(labels)
			for _, c := range now { // only what changed, as an index reports it
				if !slices.ContainsFunc(before, func(b dedup.Cluster) bool { return slices.Equal(b.Members, c.Members) }) {
					change.Clusters = append(change.Clusters, c)
				}
			}
			for _, ev := range e.Apply(change) {
				for _, id := range ev.Records {
					require.Equal(t, ev.Other, told[id], "%+v", ev)
					told[id] = ev.Entity
				}
				if ev.Kind == "merged" {
					into, ok := e.Resolve(ev.Entity)
					require.True(t, ok)
					require.Equal(t, ev.Other, into)
				}
			}
			names := map[string]bool{}
			for _, c := range now {
				name, ok := e.Of(c.Members[0])
				require.True(t, ok)
				require.False(t, names[name], "two clusters of one name")
				names[name] = true
				for _, id := range c.Members {
					of, _ := e.Of(id)
					require.Equal(t, name, of)
					require.Equal(t, name, told[id])
				}
				if slices.ContainsFunc(before, func(b dedup.Cluster) bool { return slices.Equal(b.Members, c.Members) }) {
					require.Equal(t, was[c.Members[0]], name)
				}
			}
			saved, err := json.Marshal(&e)
			require.NoError(t, err)
			e = dedup.Entities{}
			require.NoError(t, json.Unmarshal(saved, &e))
			before = now
		}
	})
}

// A merger that is taken back leaves everything as it was.
func TestEntitiesUnmerge(t *testing.T) {
	var e dedup.Entities
	apart := []dedup.Cluster{{Members: []string{"a", "b"}}, {Members: []string{"c", "d"}}, {Members: []string{"e"}}}
	e.Apply(dedup.Change{Clusters: apart})
	log := e.Apply(dedup.Change{Clusters: []dedup.Cluster{{Members: []string{"a", "b", "c", "d", "e"}}}})
	require.Equal(t, []dedup.EntityEvent{
		{Kind: "moved", Entity: "a", Other: "c", Records: []string{"c", "d"}},
		{Kind: "moved", Entity: "a", Other: "e", Records: []string{"e"}},
		{Kind: "merged", Entity: "c", Other: "a"}, {Kind: "merged", Entity: "e", Other: "a"}}, log)
	into, ok := e.Resolve("c")
	require.True(t, ok)
	require.Equal(t, "a", into, "the id of what was merged stays valid")
	e.Apply(dedup.Change{Clusters: apart})
	for _, id := range []string{"a", "c", "e"} {
		of, _ := e.Of(id)
		require.Equal(t, id, of)
		into, _ := e.Resolve(id)
		require.Equal(t, id, into)
	}
	require.ErrorIs(t, json.Unmarshal([]byte(`{"records":{"a":["x","x"]}}`), &e), dedup.ErrEntities)
	require.ErrorIs(t, json.Unmarshal([]byte(`{"entities":{"a":{"into":"a"}}}`), &e), dedup.ErrEntities)
}

func TestSurvivor(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	claims := []dedup.Claim[string]{
		{Value: "A. Yılmaz", Record: "3", Source: "kiosk", At: day(9)},
		{Value: "Ayşe Yılmaz", Record: "2", Source: "shop", At: day(3)},
		{Value: "Ayşe Yılmaz", Record: "1", Source: "web", At: day(5)},
	}
	for name, c := range map[string]struct {
		preferences []dedup.Preference[string]
		record      string
	}{
		"none":           {nil, "1"},
		"latest":         {[]dedup.Preference[string]{dedup.Latest[string]()}, "3"},
		"trusted":        {[]dedup.Preference[string]{dedup.Trusted[string]("shop", "web")}, "2"},
		"common, latest": {[]dedup.Preference[string]{dedup.MostCommon(claims), dedup.Latest[string]()}, "1"},
		"longest":        {[]dedup.Preference[string]{dedup.Longest(), dedup.Trusted[string]("shop")}, "2"},
	} {
		for range 2 { // in any order
			got, ok := dedup.Survivor(claims, c.preferences...)
			require.True(t, ok)
			require.Equal(t, c.record, got.Record, name)
			slices.Reverse(claims)
		}
	}
	_, ok := dedup.Survivor[int](nil)
	require.False(t, ok)
}

func ExampleSurvivor() {
	at := func(s string) time.Time { t, _ := time.Parse(time.DateOnly, s); return t }
	cities := []dedup.Claim[string]{
		{Value: "Ankara", Record: "till/7", Source: "till", At: at("2024-03-01")},
		{Value: "İzmir", Record: "web/2", Source: "web", At: at("2026-05-12")},
	}
	city, _ := dedup.Survivor(cities, dedup.Latest[string]())
	fmt.Println(city.Value, "as", city.Record, "said on", city.At.Format(time.DateOnly))
	// Output: İzmir as web/2 said on 2026-05-12
}

func ExampleEntities() {
	var entities dedup.Entities
	entities.Apply(dedup.Change{Clusters: []dedup.Cluster{{Members: []string{"till/1"}}, {Members: []string{"web/1", "web/2"}}}})
	for _, e := range entities.Apply(dedup.Change{Clusters: []dedup.Cluster{{Members: []string{"till/1", "web/1", "web/2"}}}}) {
		fmt.Println(e.Kind, e.Entity, e.Other, e.Records)
	}
	now, _ := entities.Resolve("web/1")
	fmt.Println("web/1 is now known as", now)
	// Output:
	// moved till/1 web/1 [web/1 web/2]
	// merged web/1 till/1 []
	// web/1 is now known as till/1
}
