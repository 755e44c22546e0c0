package segment

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment/bitset"
)

// Who was in it on 1 May, since when, and by which cause.
func TestHistoryOfOneCustomer(t *testing.T) {
	idx := NewIndex(Options{History: true})
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		_ = yield("ayşe", []string{"newsletter"}) && yield("burak", nil)
	})
	require.NoError(t, err)
	define(t, idx, "segment mail = newsletter except staff")
	_, err = idx.MembersAt("mail", day0)
	require.EqualError(t, err, `segment: "mail": members at 2025-05-01T00:00:00Z are not known: the segment was not tracked`)
	require.NoError(t, idx.Track("mail"))
	_, err = idx.Apply(day(2), []TagChange{{Customer: "burak", Tag: "newsletter", By: "form"}})
	require.NoError(t, err)
	_, err = idx.SetPolarity(day(4), PolarityRule{Tag: "newsletter", Polarity: Red, From: day(5), Until: day(7)})
	require.NoError(t, err)
	_, err = idx.Advance(day(9))
	require.NoError(t, err)

	who := func(n int) []string {
		s, err := idx.MembersAt("mail", day(n))
		require.NoError(t, err)
		var out []string
		for c := range idx.View().Customers(s) {
			out = append(out, c)
		}
		return out
	}
	require.Equal(t, []string{"ayşe"}, who(0))
	require.Equal(t, []string{"ayşe"}, who(1))
	require.Equal(t, []string{"ayşe", "burak"}, who(2))
	require.Equal(t, []string{"ayşe", "burak"}, who(4))
	require.Empty(t, who(5))
	require.Equal(t, []string{"ayşe", "burak"}, who(7))

	_, ok, err := idx.Since("mail", "ayşe", day(1))
	require.NoError(t, err)
	require.False(t, ok, "as it was from the beginning")
	c, ok, err := idx.Since("mail", "burak", day(3))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, MembershipChange{Seq: 1, Segment: "mail", Customer: "burak", ID: 1, Entered: true, At: day(2),
		Cause: Cause{Kind: causeTagSet, Name: "newsletter", By: "form"}}, c)
	c, _, err = idx.Since("mail", "burak", day(6))
	require.NoError(t, err)
	require.Equal(t, MembershipChange{Seq: 3, Segment: "mail", Customer: "burak", ID: 1, At: day(5),
		Cause: Cause{Kind: causePolarity, Name: "newsletter"}}, c)

	entered, left, err := idx.MembersBetween("mail", day(1), day(9))
	require.NoError(t, err)
	require.True(t, entered.Equal(bitset.Of(1)) && left.IsEmpty())

	idx.ForgetHistory(day(3))
	require.Equal(t, []string{"ayşe", "burak"}, who(3))
	require.Empty(t, who(6))
	_, err = idx.MembersAt("mail", day(2))
	var unknown *HistoryError
	require.ErrorAs(t, err, &unknown)
	_, ok, err = idx.Since("mail", "burak", day(3))
	require.NoError(t, err)
	require.False(t, ok)
	_, err = idx.MembersAt("mail", day(10))
	require.ErrorAs(t, err, &unknown, "the future is not known")
	_, _, err = idx.Since("mail", "nobody", day(9))
	require.Error(t, err)
	_, err = shop(t).MembersAt("mail", day0)
	require.ErrorAs(t, err, &unknown, "without Options.History")
}

// Every past moment can be asked for and gives what was true then, over many
// epochs, gaps in which the segment was not tracked, and forgetting.
func TestHistoryAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		const n = 60
		idx := NewIndex(Options{History: true})
		_, err := idx.Load(day0, func(yield func(string, []string) bool) {
			for i := range n {
				if !yield(fmt.Sprint(i), nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		define(t, idx, "segment s = a except b")
		type moment struct {
			at      time.Time
			members *bitset.Set // nil: not tracked
		}
		var past []moment
		last := make(map[string]MembershipChange)
		now, tracked := day0, false
		for step := range 30 + rng.IntN(60) {
			now = now.Add(time.Hour)
			switch r := rng.IntN(12); {
			case r == 0 && step > 0:
				idx.Advance(now)
				if tracked = !tracked; tracked {
					require.NoError(t, idx.Track("s"))
				} else {
					idx.Untrack("s")
				}
				clear(last)
			case r == 1:
				got, err := listed(idx.SetPolarity(now, PolarityRule{Tag: "c", Polarity: Polarity(rng.IntN(3))}))
				require.NoError(t, err)
				for _, c := range got {
					last[c.Customer] = c
				}
			default:
				var changes []TagChange
				for range rng.IntN(60) {
					changes = append(changes, TagChange{Customer: fmt.Sprint(rng.IntN(n)),
						Tag: string(rune('a' + rng.IntN(3))), Clear: rng.IntN(2) == 0})
				}
				got, err := listed(idx.Apply(now, changes))
				require.NoError(t, err)
				for _, c := range got {
					last[c.Customer] = c
				}
			}
			m := moment{at: now}
			if tracked {
				m.members, _ = idx.Tracked("s")
			}
			past = append(past, m)
		}
		forgotten := day0
		check := func() {
			for i, m := range past {
				got, err := idx.MembersAt("s", m.at)
				if m.at.Before(forgotten) || m.members == nil && (i == 0 || past[i-1].members == nil) {
					require.Error(t, err)
					continue
				}
				if m.members == nil { // untracked at this very moment: the members until then
					continue
				}
				require.NoError(t, err)
				require.True(t, m.members.Equal(got), "%s", m.at)
			}
		}
		check()
		if tracked {
			for i := range n {
				want, ok := last[fmt.Sprint(i)]
				got, found, err := idx.Since("s", fmt.Sprint(i), now)
				require.NoError(t, err)
				require.Equal(t, ok, found)
				require.Equal(t, want, got)
			}
		}
		forgotten = past[rng.IntN(len(past))].at
		idx.ForgetHistory(forgotten)
		check()
	})
}

func TestFrozenAudience(t *testing.T) {
	idx := shop(t)
	f, err := idx.View().Freeze("mail", day0)
	require.NoError(t, err)
	require.Equal(t, 2, f.Members.Len())
	_, err = idx.SetPolarity(day(1), PolarityRule{Tag: "service-only", Polarity: Red, Owner: "marketing"})
	require.NoError(t, err)
	_, err = idx.Apply(day(1), []TagChange{{Customer: "emre", Tag: "newsletter"}})
	require.NoError(t, err)
	_, err = idx.Leave(day(1), "ayşe")
	require.NoError(t, err)
	gained, lost, gone, err := f.Compare(idx.View(), day(1))
	require.NoError(t, err)
	require.True(t, gained.Equal(bitset.Of(4)))
	require.True(t, lost.Equal(bitset.Of(0, 2)))
	require.True(t, gone.Equal(bitset.Of(0)))
	require.True(t, f.Members.Contains(0) && f.Members.Equal(bitset.Of(0, 2)), "it stays as it was drawn")

	f, err = idx.View().Freeze("mail", day(1))
	require.NoError(t, err)
	require.Equal(t, "marketing", f.Red[0].Owner)
	_, err = idx.View().Freeze("nope", day(1))
	require.Error(t, err)
}

// Readers of every kind, while polarity flips, tags change and customers come and
// go: each view agrees with itself, and the race detector finds nothing.
func TestReadersDuringWrites(t *testing.T) {
	const n = 3000
	idx := NewIndex(Options{History: true})
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i := range n {
			tags := []string{"x"}
			if i%3 == 0 {
				tags = append(tags, "third")
			}
			if !yield(fmt.Sprint(i), tags) {
				return
			}
		}
	})
	require.NoError(t, err)
	define(t, idx, "segment all = x segment third = x and third segment rest = segment(all) except third")
	require.NoError(t, idx.Track("all", "third", "rest"))
	done := make(chan struct{})
	var wg sync.WaitGroup
	read := func(look func() error) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := look(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	read(func() error {
		v := idx.View()
		c, err := v.Counts(time.Time{}, "all", "third", "rest")
		if err != nil {
			return err
		}
		if c[0] != c[1]+c[2] || c[1] != 0 && c[1] != n/3 {
			return fmt.Errorf("half a write: %v", c)
		}
		s, err := v.Audiences(time.Time{}, "third")
		if err == nil && s[0].Len() != c[1] {
			err = fmt.Errorf("%d and %d in the same view", s[0].Len(), c[1])
		}
		return err
	})
	read(func() error {
		s, ok := idx.Tracked("third")
		if !ok || s.Len() != 0 && s.Len() != n/3 {
			return fmt.Errorf("half a flip: %d", s.Len())
		}
		for c := range idx.View().Customers(s) {
			if _, ok := idx.ID(c); !ok {
				return fmt.Errorf("%q has no id", c)
			}
		}
		return nil
	})
	read(func() error {
		at := idx.View().clock
		s, err := idx.MembersAt("third", at)
		if err == nil && s.Len() != 0 && s.Len() != n/3 {
			err = fmt.Errorf("half a flip in the past: %d", s.Len())
		}
		return err
	})
	for i := range 120 {
		at := day0.Add(time.Duration(i) * time.Hour)
		got, err := idx.SetPolarity(at, PolarityRule{Tag: "third", Polarity: Polarity(2 * (i % 2))})
		require.NoError(t, err)
		if i > 0 {
			require.Equal(t, 2*n/3, got.Len(), "they leave or enter all and third")
		}
		_, err = idx.Join(at, fmt.Sprint("guest", i))
		require.NoError(t, err)
		_, err = idx.Apply(at, []TagChange{{Customer: fmt.Sprint("guest", i), Tag: "x"}})
		require.NoError(t, err)
		_, err = idx.Forget(at, fmt.Sprint("guest", i))
		require.NoError(t, err)
	}
	close(done)
	wg.Wait()
}

// What a write reports as sets is what it reports one by one.
func TestChangesAsSets(t *testing.T) {
	one, bulk := shop(t), shop(t)
	for _, idx := range []*Index{one, bulk} {
		require.NoError(t, idx.Track("mail", "both", "service"))
	}
	require.Zero(t, Changes{}.Len())
	check := func(want []MembershipChange, got Changes, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, len(want), got.Len())
		require.Equal(t, want, slices.Collect(got.All()))
		var again []MembershipChange
		for s := range got.Sets() {
			seq := s.Seq
			for id := range s.IDs.All() {
				customer, _ := bulk.ids.Name(id)
				again = append(again, MembershipChange{Seq: seq, Segment: s.Segment, Customer: customer, ID: id, Entered: s.Entered, At: s.At, Cause: s.Cause})
				seq++
			}
		}
		require.Equal(t, want, again)
		for range got.All() {
			break
		}
		for range got.Sets() {
			break
		}
	}
	red := PolarityRule{Tag: "newsletter", Polarity: Red, Until: day(3)}
	want, err := listed(one.SetPolarity(day(1), red))
	require.NoError(t, err)
	got, err := bulk.SetPolarity(day(1), red)
	check(want, got, err)
	want, _ = listed(one.Advance(day(4)))
	got, err = bulk.Advance(day(4))
	check(want, got, err)
	change := []TagChange{{Customer: "emre", Tag: "newsletter"}, {Customer: "emre", Tag: "vip"}, {Customer: "emre", Tag: "new"}}
	want, _ = listed(one.Apply(day(4), change))
	got, err = bulk.Apply(day(4), change)
	check(want, got, err)
	want, _ = listed(one.SetTag(day(4), "vip", bitset.Of(0, 1, 2)))
	got, err = bulk.SetTag(day(4), "vip", bitset.Of(0, 1, 2))
	check(want, got, err)
	d := Definition{Name: "mail", Expr: All()}
	want, _ = listed(one.Define(day(5), d))
	got, err = bulk.Define(day(5), d)
	check(want, got, err)
	rows := maps.All(map[string][]string{"fatma": {"newsletter"}})
	want, _ = listed(one.Load(day(5), rows))
	got, err = bulk.Load(day(5), rows)
	check(want, got, err)
	_, err = bulk.SetLeaf(day(5), "l", bitset.Of(1))
	require.NoError(t, err)
	_, err = bulk.Apply(day(1), nil)
	require.Error(t, err)
}
