package segment

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/segment/bitset"
)

func TestErrorsSayWhatAndWhere(t *testing.T) {
	for want, err := range map[string]error{
		"segment: 3:7: x":                         &ParseError{Line: 3, Column: 7, Msg: "x"},
		"segment: too large: more than 100 depth": &LimitError{What: "depth", Limit: 100},
		"segment: tag: the name is empty":         &InvalidError{Field: "tag", Msg: "the name is empty"},
		`segment: unknown segment "x"`:            &UnknownError{Kind: "segment", Name: "x"},
		`segment: "a": unknown leaf "x"`:          &UnknownError{Kind: "leaf", Name: "x", In: "a"},
	} {
		require.EqualError(t, err, want)
	}
	require.Equal(t, "red green neutral", fmt.Sprint(Red, " ", Green, " ", Neutral))
}

func TestWritesRefuseBadValues(t *testing.T) {
	idx := shop(t)
	var invalid *InvalidError
	for name, err := range map[string]error{
		"polarity": second(idx.SetPolarity(day(1), PolarityRule{Tag: "x", Polarity: 9})),
		"tag":      second(idx.SetPolarity(day(1), PolarityRule{})),
		"until":    second(idx.SetPolarity(day(1), PolarityRule{Tag: "x", From: day(2), Until: day(2)})),
		"join":     second(idx.Join(day(1), "")),
		"apply":    second(idx.Apply(day(1), []TagChange{{Customer: "emre", Tag: "a\nb"}})),
		"set tag":  second(idx.SetTag(day(1), "", bitset.Of())),
		"leaf":     second(idx.SetLeaf(day(1), "\x00", bitset.Of())),
		"nil":      second(idx.SetPredicate(day(1), "x", nil)),
		"load":     second(idx.Load(day(1), maps.All(map[string][]string{"x": {""}}))),
		"nameless": second(idx.Load(day(1), maps.All(map[string][]string{"": nil}))),
		"define":   second(idx.Define(day(1), Definition{Name: "x"})),
		"ignored":  second(idx.Define(day(1), Definition{Name: "x", Expr: All(), IgnoreRed: []string{""}})),
		"time":     second(idx.Advance(day0.Add(-time.Hour))),
	} {
		require.ErrorAs(t, err, &invalid, name)
	}
	var unknown *UnknownError
	require.ErrorAs(t, idx.Track("nope"), &unknown)
	_, err := idx.View().Waterfall("nope", day0)
	require.ErrorAs(t, err, &unknown)
	_, err = idx.View().Preview("nope", day0)
	require.ErrorAs(t, err, &unknown)
	_, err = idx.View().Members("nope", day0)
	require.ErrorAs(t, err, &unknown)
	_, err = idx.View().Contains("nope", "emre", day0)
	require.ErrorAs(t, err, &unknown)
	_, err = idx.View().With(Definition{Name: "d", Expr: In("nope")})
	require.ErrorAs(t, err, &unknown)
}

func second[T any](_ T, err error) error { return err }

func TestPredicatesFollowTimeAndTouch(t *testing.T) {
	idx := shop(t)
	bought := map[string]time.Time{"ayşe": day(0)}
	_, err := idx.SetPredicate(day0, "bought-30d", func(customer string, at time.Time) bool {
		last, ok := bought[customer]
		return ok && at.Sub(last) <= 30*24*time.Hour
	})
	require.NoError(t, err)
	define(t, idx, "segment recent = leaf(bought-30d) segment lapsed = not leaf(bought-30d)")
	require.NoError(t, idx.Track("recent", "lapsed"))
	bought["burak"] = day(5)
	got, err := listed(idx.Touch(day(5), "burak", "nobody"))
	require.NoError(t, err)
	require.Equal(t, []string{"lapsed burak false", "recent burak true"}, lines(got))
	got, err = listed(idx.Advance(day(31)))
	require.NoError(t, err)
	require.Equal(t, []string{"lapsed ayşe true", "recent ayşe false"}, lines(got))
	require.Equal(t, causePredicate, got[0].Cause.Kind)
	require.Equal(t, []string{"ayşe", "burak"}, members(t, idx.View(), "recent", day(20)), "the time is the question's")
	require.Equal(t, []User{{Segment: "lapsed", Direct: true}, {Segment: "recent", Direct: true}}, idx.View().Users(References{Leaves: []string{"bought-30d"}}))

	idx.Untrack("recent")
	_, ok := idx.Tracked("recent")
	require.False(t, ok)
	got, err = listed(idx.Remove(day(31), References{Segments: []string{"lapsed", "recent", "nope"}}))
	require.NoError(t, err)
	require.Len(t, got, 4, "who was in a tracked segment leaves it")
}

// listed gives the changes of a write customer by customer.
func listed(c Changes, err error) ([]MembershipChange, error) { return slices.Collect(c.All()), err }

func lines(changes []MembershipChange) (out []string) {
	for _, c := range changes {
		out = append(out, fmt.Sprint(c.Segment, " ", c.Customer, " ", c.Entered))
	}
	return out
}

func TestLoadReportsToo(t *testing.T) {
	idx := shop(t)
	require.NoError(t, idx.Track("mail"))
	got, err := listed(idx.Load(day(1), maps.All(map[string][]string{"emre": {"newsletter"}, "fatma": {"newsletter"}})))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, causeLoad, got[0].Cause.Kind)
	require.Equal(t, day(1), idx.clock)
	got, err = listed(idx.Leave(day(1), "fatma", "nobody"))
	require.NoError(t, err)
	require.Equal(t, []string{"mail fatma false"}, lines(got))
	got, err = listed(idx.Join(day(1), "fatma"))
	require.NoError(t, err)
	require.Equal(t, []string{"mail fatma true"}, lines(got), "tags outlive an absence")
	require.Equal(t, 6, idx.View().Population().Len())
	require.Equal(t, 5, idx.View().Tag("newsletter").Len())
	require.Equal(t, []string{"both", "mail", "service"}, names(idx.View()))
	seq, err := idx.View().Members("mail", time.Time{})
	require.NoError(t, err)
	for range seq {
		break
	}
}

func names(v *View) (out []string) {
	for d := range v.Definitions() {
		out = append(out, d.Name)
	}
	return out
}

// A returned set is the caller's: changing it changes nothing in the index.
func TestReturnedSetsAreCopies(t *testing.T) {
	idx := shop(t)
	v := idx.View()
	for _, s := range []*bitset.Set{v.Population(), v.Tag("vip")} {
		s.AddRange(0, 100_000)
		s.Remove(0)
	}
	require.Equal(t, 5, v.Population().Len())
	require.Equal(t, 2, idx.View().Tag("vip").Len())
}

// Arrays of very different lengths are intersected by search, not by a walk.
func TestLopsidedArrays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	long, short := new(bitset.Set), new(bitset.Set)
	for range 1500 {
		long.Add(uint32(rng.IntN(1 << 16)))
	}
	picked := 0
	for id := range long.All() {
		if picked++; picked%97 == 0 {
			short.Add(id)
		}
	}
	for range 10 {
		short.Add(uint32(rng.IntN(1 << 16)))
	}
	want := 0
	for id := range short.All() {
		if long.Contains(id) {
			want++
		}
	}
	require.Equal(t, want, bitset.Intersect(long, short).Len())
	require.Equal(t, want, bitset.Select{Include: []*bitset.Set{short, long}}.Count())
	require.Equal(t, short.Len()-want, bitset.Except(short, long).Len())
	require.Equal(t, long.Len()-want, bitset.Except(long, short).Len())
	require.True(t, long.Equal(bitset.Of(slices.Collect(long.All())...)))
	require.Positive(t, long.Bytes())
}
