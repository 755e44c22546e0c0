package segment

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment/bitset"
)

var day0 = time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.AddDate(0, 0, n) }

// define parses and registers definitions.
func define(t require.TestingT, idx *Index, text string) {
	defs, err := ParseDefinitions(text, Limits{})
	require.NoError(t, err)
	_, err = idx.Define(time.Time{}, defs...)
	require.NoError(t, err)
}

// shop is a small population whose answers can be seen at a glance.
func shop(t require.TestingT) *Index {
	idx := NewIndex(Options{})
	rows := func(yield func(string, []string) bool) {
		_ = yield("ayşe", []string{"vip", "newsletter"}) &&
			yield("burak", []string{"newsletter", "staff"}) &&
			yield("çiğdem", []string{"newsletter", "service-only"}) &&
			yield("deniz", []string{"vip", "service-only"}) &&
			yield("emre", nil)
	}
	_, err := idx.Load(day0, rows)
	require.NoError(t, err)
	define(t, idx, `
		segment mail    = newsletter except staff
		segment service = service-only ignoring red service-only
		segment both    = segment(mail) and vip`)
	return idx
}

func members(t require.TestingT, v *View, name string, at time.Time) []string {
	seq, err := v.Members(name, at)
	require.NoError(t, err)
	return slices.Collect(seq)
}

// The retailer's sentence: turn the tag red and they are out, everywhere.
func TestRedIsOutEverywhere(t *testing.T) {
	idx := shop(t)
	require.Equal(t, []string{"ayşe", "çiğdem"}, members(t, idx.View(), "mail", day(1)))
	before := idx.View()
	_, err := idx.SetPolarity(day(1), PolarityRule{
		Tag: "service-only", Polarity: Red, From: day(3), Until: day(6), Owner: "marketing"})
	require.NoError(t, err)
	for at, want := range map[int][]string{
		2: {"ayşe", "çiğdem"}, 3: {"ayşe"}, 5: {"ayşe"}, 6: {"ayşe", "çiğdem"},
	} {
		require.Equal(t, want, members(t, idx.View(), "mail", day(at)), "day %d", at)
		require.Equal(t, []string{"çiğdem", "deniz"}, members(t, idx.View(), "service", day(at)), "opted out")
		require.Equal(t, []string{"ayşe", "çiğdem"}, members(t, before, "mail", day(at)), "an old view stays as it was")
	}
	// A later decision about the same days wins.
	_, err = idx.SetPolarity(day(1), PolarityRule{Tag: "service-only", Polarity: Green, From: day(4)})
	require.NoError(t, err)
	require.Equal(t, []string{"ayşe"}, members(t, idx.View(), "mail", day(3)))
	require.Equal(t, []string{"ayşe", "çiğdem"}, members(t, idx.View(), "mail", day(4)))
	require.Equal(t, Green, idx.View().Polarity("service-only", day(5)).Polarity)
	require.Len(t, idx.View().polarityRules("service-only"), 2)
}

// Polarity acts once, at the root: an exclusion must not let anybody in because
// the excluded segment had lost red customers.
func TestPolarityInsideNested(t *testing.T) {
	idx := shop(t)
	define(t, idx, `segment rest = everyone except segment(mail) ignoring red service-only`)
	want := []string{"burak", "deniz", "emre"}
	require.Equal(t, want, members(t, idx.View(), "rest", day(1)))
	_, err := idx.SetPolarity(day(1), PolarityRule{Tag: "service-only", Polarity: Red})
	require.NoError(t, err)
	require.Equal(t, want, members(t, idx.View(), "rest", day(1)))
}

// Requirement A20: a tag is included, ignored or excluded.
func TestMarkedTruthTable(t *testing.T) {
	for _, c := range []struct {
		vip, staff Polarity
		want       []string
	}{
		{Neutral, Neutral, []string{"none", "staff", "vip", "vipstaff"}},
		{Green, Neutral, []string{"vip", "vipstaff"}},
		{Red, Neutral, []string{"none", "staff"}},
		{Neutral, Green, []string{"staff", "vipstaff"}},
		{Neutral, Red, []string{"none", "vip"}},
		{Green, Green, []string{"staff", "vip", "vipstaff"}},
		{Green, Red, []string{"vip"}},
		{Red, Green, []string{"staff"}},
		{Red, Red, []string{"none"}},
	} {
		idx := NewIndex(Options{})
		_, err := idx.Load(day0, maps.All(map[string][]string{
			"none": nil, "vip": {"vip"}, "staff": {"staff"}, "vipstaff": {"vip", "staff"}}))
		require.NoError(t, err)
		marks := map[string]Polarity{"vip": c.vip, "staff": c.staff}
		_, err = idx.Define(day0, Definition{Name: "x", Expr: Marked(marks)})
		require.NoError(t, err)
		got := members(t, idx.View(), "x", day0)
		slices.Sort(got)
		require.Equal(t, c.want, got, "%v", marks)
	}
}

func TestWaterfall(t *testing.T) {
	idx := shop(t)
	define(t, idx, `segment all = everyone and not staff except vip except service-only`)
	_, err := idx.SetPolarity(day0, PolarityRule{Tag: "newsletter", Polarity: Red})
	require.NoError(t, err)
	w, err := idx.View().Waterfall("all", day0)
	require.NoError(t, err)
	require.Equal(t, `5 before exclusions
  -1 staff (alone 1, only 0), 4 left
  -2 vip (alone 2, only 0), 2 left
  -1 service-only (alone 2, only 0), 1 left
  -0 tag newsletter is red (alone 3, only 0), 1 left
1 members
`, w.String())
}

func TestPreviewOfDraft(t *testing.T) {
	idx := shop(t)
	draft := Definition{Name: "draft", Expr: Without(In("mail"), In("both"), Not(Tag("vip")))}
	v, err := idx.View().With(draft)
	require.NoError(t, err)
	p, err := v.Preview("draft", day0)
	require.NoError(t, err)
	require.Equal(t, `0 of 5
  in the first and in none of the others: 0
    segment mail: 2
      in the first and in none of the others: 2
        tag newsletter: 3
        tag staff: 1
    segment both: 1
      all of: 1
        segment mail: 2 (see above)
        tag vip: 2
    not: 3
      tag vip: 2
`, p.String())
	_, err = idx.View().count("draft", day0)
	require.Error(t, err, "a draft is not registered")
}

func TestExplain(t *testing.T) {
	idx := shop(t)
	_, err := idx.SetPolarity(day0, PolarityRule{
		Tag: "service-only", Polarity: Red, From: day0, Owner: "marketing", Reason: "no SMS to service customers"})
	require.NoError(t, err)
	e, err := idx.View().Explain("mail", "çiğdem", day(1))
	require.NoError(t, err)
	require.False(t, e.In)
	require.Equal(t, `çiğdem is not in mail (version 1)
  in the live population
* in the first and in none of the others: yes
*   tag newsletter: yes
*   tag staff: no
* tag service-only is red since 2025-05-01 by marketing (no SMS to service customers)
`, e.String())
	require.Equal(t, []string{"tag service-only is red since 2025-05-01 by marketing (no SMS to service customers)"}, e.reasons())

	e, err = idx.View().Explain("mail", "burak", day(1))
	require.NoError(t, err)
	require.Equal(t, []string{"tag staff: yes"}, e.reasons())
	e, err = idx.View().Explain("service", "deniz", day(1))
	require.NoError(t, err)
	require.True(t, e.In)
	require.Contains(t, e.String(), "ignored by this segment")
	e, err = idx.View().Explain("both", "nobody", day(1))
	require.NoError(t, err)
	require.Equal(t, []string{"the customer is unknown"}, e.reasons())
	_, err = idx.View().Explain("nope", "burak", day(1))
	var unknown *UnknownError
	require.ErrorAs(t, err, &unknown)
}

func TestUsers(t *testing.T) {
	v := shop(t).View()
	require.Equal(t, []User{{Segment: "both"}, {Segment: "mail", Direct: true}}, v.Users(References{Tags: []string{"newsletter"}}))
	require.Equal(t, []User{{Segment: "both", Direct: true}}, v.Users(References{Segments: []string{"mail"}}))
	require.Empty(t, v.Users(References{Leaves: []string{"x"}}))
	require.Equal(t, []string{"newsletter", "staff"}, v.TagsOf("burak"))
	require.Equal(t, []string{"newsletter", "service-only", "staff", "vip"}, slices.Collect(v.Tags()))
}

func TestDefineRefuses(t *testing.T) {
	idx := shop(t)
	parse := func(text string) error {
		defs, err := ParseDefinitions(text, Limits{})
		require.NoError(t, err)
		_, err = idx.Define(time.Time{}, defs...)
		return err
	}
	err := parse("segment a = segment(b) segment b = x and segment(c) segment c = segment(a)")
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, InvalidError{Field: "definitions", Msg: "form a cycle: a -> b -> c -> a"}, *invalid)
	require.ErrorAs(t, parse("segment mail = segment(mail)"), &invalid)
	require.Equal(t, InvalidError{Field: "definitions", Msg: "form a cycle: mail -> mail"}, *invalid)
	var unknown *UnknownError
	require.ErrorAs(t, parse("segment a = segment(zzz)"), &unknown)
	require.EqualError(t, parse("segment a = leaf(zzz)"), `segment: "a": unknown leaf "zzz"`)
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "segment s%d = segment(s%d)\n", i+1, i)
	}
	var limit *LimitError
	require.ErrorAs(t, parse("segment s0 = vip\n"+b.String()), &limit)
	_, _, err = idx.View().Definition("s0")
	require.Error(t, err, "nothing of a refused set is registered")

	_, err = idx.Remove(time.Time{}, References{Segments: []string{"mail"}})
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, InvalidError{Field: "segment", Msg: `"mail" is used by both`}, *invalid)
	_, err = idx.Remove(time.Time{}, References{Segments: []string{"mail", "both"}})
	require.NoError(t, err)

	strict := NewIndex(Options{Strict: true})
	_, err = strict.Define(day0, Definition{Name: "a", Expr: Tag("vip")})
	require.EqualError(t, err, `segment: "a": unknown tag "vip"`)
	announce(t, strict, "vip")
	_, err = strict.Define(day0, Definition{Name: "a", Expr: Tag("vip")})
	require.NoError(t, err)
}

// announce makes tags known that no customer carries yet.
func announce(t require.TestingT, idx *Index, tags ...string) {
	for _, tag := range tags {
		_, err := idx.SetPolarity(time.Time{}, PolarityRule{Tag: tag})
		require.NoError(t, err)
	}
}

// count returns the number of a segment's members.
func (v *View) count(name string, at time.Time) (int, error) {
	n, err := v.Counts(at, name)
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// A nested segment mentioned twice at every level must cost once per level.
func TestSharedNestingIsLinear(t *testing.T) {
	idx := shop(t)
	var b strings.Builder
	b.WriteString("segment s0 = vip\n")
	for i := range 60 {
		fmt.Fprintf(&b, "segment s%d = segment(s%d) or segment(s%d)\n", i+1, i, i)
	}
	define(t, idx, b.String())
	require.NoError(t, idx.Track("s60"))
	got, err := listed(idx.Apply(day(1), []TagChange{{Customer: "emre", Tag: "vip"}}))
	require.NoError(t, err)
	require.Len(t, got, 1)
	p, err := idx.View().Preview("s60", day(1))
	require.NoError(t, err)
	require.Equal(t, 3, p.Members)
	e, err := idx.View().Explain("s60", "emre", day(1))
	require.NoError(t, err)
	require.True(t, e.In)
}

func TestChangesInOrderWithCause(t *testing.T) {
	idx := shop(t)
	require.NoError(t, idx.Track("mail", "both"))
	got, err := idx.Apply(day(1), []TagChange{
		{Customer: "emre", Tag: "newsletter", By: "rule-7"},
		{Customer: "emre", Tag: "newsletter", By: "rule-8"},
		{Customer: "emre", Tag: "vip"},
		{Customer: "emre", Tag: "staff"},
	})
	require.NoError(t, err)
	type line struct {
		seq      uint64
		segment  string
		entered  bool
		kind     string
		tag, by  string
		customer string
	}
	var lines []line
	for c := range got.All() {
		require.Equal(t, day(1), c.At)
		lines = append(lines, line{c.Seq, c.Segment, c.Entered, c.Cause.Kind, c.Cause.Name, c.Cause.By, c.Customer})
	}
	require.Equal(t, []line{
		{1, "mail", true, causeTagSet, "newsletter", "rule-7", "emre"},
		{2, "both", true, causeTagSet, "vip", "", "emre"},
		{3, "both", false, causeTagSet, "staff", "", "emre"},
		{4, "mail", false, causeTagSet, "staff", "", "emre"},
	}, lines)

	_, err = idx.Apply(day(1), []TagChange{{Customer: "emre", Tag: "vip", Clear: true}, {Customer: "zzz", Tag: "vip"}})
	var unknown *UnknownError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, []string{"newsletter", "staff", "vip"}, idx.View().TagsOf("emre"), "nothing was applied")
	_, err = idx.Apply(day0, nil)
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "time", invalid.Field)

	left, err := listed(idx.Forget(day(2), "ayşe"))
	require.NoError(t, err)
	require.Len(t, left, 2)
	require.Equal(t, causeLeft, left[0].Cause.Kind)
	require.Nil(t, idx.View().TagsOf("ayşe"))
}

// Time alone makes events, each at its own moment, even if nobody looked for days.
func TestAdvance(t *testing.T) {
	idx := shop(t)
	_, err := idx.SetPolarity(day0,
		PolarityRule{Tag: "vip", Polarity: Red, From: day(2), Until: day(5)},
		PolarityRule{Tag: "service-only", Polarity: Red, From: day(5)})
	require.NoError(t, err)
	require.NoError(t, idx.Track("mail"))
	got, err := listed(idx.Advance(day(10)))
	require.NoError(t, err)
	var lines []string
	for _, c := range got {
		lines = append(lines, fmt.Sprint(c.At.Day(), " ", c.Customer, " ", c.Entered, " ", c.Cause.Name))
	}
	require.Equal(t, []string{"3 ayşe false vip", "6 çiğdem false service-only", "6 ayşe true vip"}, lines)
}

// world repeats an index naively: every question is answered from scratch.
type world struct {
	tags map[string]map[string]bool // customer -> tags
	live map[string]bool
	leaf map[string]bool
	defs map[string]Definition
	red  []PolarityRule
}

func (w *world) holds(e Expr, c string, at time.Time) bool {
	n := 0
	for _, a := range e.args {
		if w.holds(a, c, at) {
			n++
		}
	}
	switch e.op {
	case isTag:
		return w.tags[c][e.name]
	case isLeaf:
		if e.name == "pred" {
			return predicate(c, at)
		}
		return w.leaf[c]
	case isSegment:
		return w.holds(w.defs[e.name].Expr, c, at)
	case isAll:
		return n == len(e.args)
	case isAny:
		return n > 0
	case isAtLeast:
		return n >= e.k
	case isExcept:
		return n == 1 && w.holds(e.args[0], c, at)
	case isXor:
		return n%2 == 1
	default:
		return n == 0
	}
}

func predicate(c string, at time.Time) bool { return (int(c[1])+at.YearDay())%3 == 0 }

func (w *world) in(name, c string, at time.Time) bool {
	d := w.defs[name]
	if !w.live[c] || !w.holds(d.Expr, c, at) {
		return false
	}
	polarity := map[string]Polarity{}
	for _, r := range w.red {
		if (r.From.IsZero() || !at.Before(r.From)) && (r.Until.IsZero() || at.Before(r.Until)) {
			polarity[r.Tag] = r.Polarity
		}
	}
	for tag, p := range polarity {
		if p == Red && w.tags[c][tag] && !slices.Contains(d.IgnoreRed, tag) {
			return false
		}
	}
	return true
}

// Any history of writes gives, by its reported changes alone, the members that a
// recomputation from scratch gives; and all answers agree.
func TestIncrementalEqualsRecomputation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		customers := make([]string, 12)
		for i := range customers {
			customers[i] = fmt.Sprintf("c%c", 'a'+i)
		}
		tags := []string{"a", "b", "c", "d", "and"}
		w := &world{tags: map[string]map[string]bool{}, live: map[string]bool{}, leaf: map[string]bool{}, defs: map[string]Definition{}}
		idx := NewIndex(Options{})
		_, err := idx.Join(day0, customers[:8]...)
		require.NoError(t, err)
		_, err = idx.Leave(day0, customers[7])
		require.NoError(t, err)
		for _, c := range customers[:7] {
			w.live[c] = true
		}
		for _, c := range customers {
			w.tags[c] = map[string]bool{}
		}
		leaf := new(bitset.Set)
		_, err = idx.SetLeaf(day0, "set", leaf)
		require.NoError(t, err)
		_, err = idx.SetPredicate(day0, "pred", predicate)
		require.NoError(t, err)
		names := []string{"s", "t", "u"}
		redefine := func(i int) []MembershipChange {
			d := Definition{Name: names[i], Expr: genExpr(3, names[:i]).Draw(t, "expr")}
			if rapid.Bool().Draw(t, "ignore") {
				d.IgnoreRed = []string{rapid.SampledFrom(tags).Draw(t, "ignored")}
			}
			w.defs[d.Name] = d
			got, err := listed(idx.Define(time.Time{}, d))
			require.NoError(t, err)
			return got
		}
		for i := range names {
			redefine(i)
		}
		now := day0
		require.NoError(t, idx.Track(names...))
		state := map[string]map[string]bool{}
		for _, name := range names {
			state[name] = map[string]bool{}
			for _, c := range members(t, idx.View(), name, now) {
				state[name][c] = true
			}
		}
		seq := uint64(0)
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			customer := rapid.SampledFrom(customers[:8]).Draw(t, "customer")
			tag := rapid.SampledFrom(tags).Draw(t, "tag")
			var got []MembershipChange
			var err error
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2, 3:
				on := rapid.Bool().Draw(t, "on")
				got, err = listed(idx.Apply(now, []TagChange{{Customer: customer, Tag: tag, Clear: !on}}))
				w.tags[customer][tag] = on
			case 4:
				now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
				got, err = listed(idx.Advance(now))
			case 5:
				r := PolarityRule{Tag: tag, Polarity: Polarity(rapid.IntRange(0, 2).Draw(t, "polarity"))}
				if rapid.Bool().Draw(t, "from") {
					r.From = now.Add(time.Duration(rapid.IntRange(-50, 50).Draw(t, "start")) * time.Hour)
				}
				if rapid.Bool().Draw(t, "until") {
					r.Until = now.Add(time.Duration(rapid.IntRange(51, 99).Draw(t, "end")) * time.Hour)
				}
				got, err = listed(idx.SetPolarity(now, r))
				w.red = append(w.red, r)
			case 6:
				if w.live[customer] = rapid.Bool().Draw(t, "live"); w.live[customer] {
					got, err = listed(idx.Join(now, customer))
				} else {
					got, err = listed(idx.Leave(now, customer))
				}
			case 7:
				got = redefine(rapid.IntRange(0, 2).Draw(t, "which"))
			case 8:
				id, _ := idx.ID(customer)
				if w.leaf[customer] = !w.leaf[customer]; w.leaf[customer] {
					leaf.Add(id)
				} else {
					leaf.Remove(id)
				}
				got, err = listed(idx.SetLeaf(now, "set", leaf))
			default:
				carriers := new(bitset.Set)
				for _, c := range customers[:8] {
					if w.tags[c][tag] = rapid.Bool().Draw(t, "carries"); w.tags[c][tag] {
						id, _ := idx.ID(c)
						carriers.Add(id)
					}
				}
				got, err = listed(idx.SetTag(now, tag, carriers))
			}
			require.NoError(t, err)
			for _, c := range got {
				seq++
				require.Equal(t, seq, c.Seq)
				require.NotEqual(t, c.Entered, state[c.Segment][c.Customer], "exactly once")
				state[c.Segment][c.Customer] = c.Entered
			}
			checkWorld(t, w, idx, state, customers, now)
		}
	})
}

func checkWorld(t *rapid.T, w *world, idx *Index, state map[string]map[string]bool, customers []string, now time.Time) {
	v := idx.View()
	checkTogether(t, v, slices.Sorted(maps.Keys(state)), now)
	for name := range state {
		kept, ok := idx.Tracked(name)
		require.True(t, ok)
		drawn, err := v.Audience(name, now)
		require.NoError(t, err)
		require.True(t, kept.Equal(drawn))
		count, err := v.count(name, now)
		require.NoError(t, err)
		require.Equal(t, drawn.Len(), count)
		fall, err := v.Waterfall(name, now)
		require.NoError(t, err)
		require.Equal(t, count, fall.Members)
		p, err := v.Preview(name, now)
		require.NoError(t, err)
		require.Equal(t, count, p.Members)
		checkTree(t, w, w.defs[name].Expr, p.Tree, customers, now)
		for _, c := range customers {
			want := w.in(name, c, now)
			require.Equal(t, want, state[name][c], "%s in %s", c, name)
			in, err := v.Contains(name, c, now)
			require.NoError(t, err)
			require.Equal(t, want, in)
			e, err := v.Explain(name, c, now)
			require.NoError(t, err)
			require.Equal(t, want, e.In, "%s", e)
			require.NotEmpty(t, e.reasons())
		}
	}
}

// checkTogether compares evaluation together with evaluation one by one.
func checkTogether(t *rapid.T, v *View, names []string, now time.Time) {
	counts, err := v.Counts(now, names...)
	require.NoError(t, err)
	sets, err := v.Audiences(now, names...)
	require.NoError(t, err)
	for i, name := range names {
		one, err := v.Audience(name, now)
		require.NoError(t, err)
		require.Equal(t, one.Len(), counts[i], name)
		require.True(t, one.Equal(sets[i]), name)
	}
}

// checkTree compares the count of every node with a count by hand.
func checkTree(t *rapid.T, w *world, e Expr, tree TreeCount, customers []string, at time.Time) {
	n := 0
	for _, c := range customers {
		if w.live[c] && w.holds(e, c, at) {
			n++
		}
	}
	require.Equal(t, n, tree.Count, "%s", e)
	below := e.args
	if e.op == isSegment && !tree.Shown {
		below = []Expr{w.defs[e.name].Expr}
	}
	require.Len(t, tree.Children, len(below))
	for i, a := range below {
		checkTree(t, w, a, tree.Children[i], customers, at)
	}
}

// Readers see all of a polarity flip or nothing of it.
func TestReadersDuringFlips(t *testing.T) {
	idx := NewIndex(Options{})
	const n = 5000
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i := range n {
			tags := []string{"x"}
			if i%2 == 0 {
				tags = append(tags, "even")
			}
			if !yield(fmt.Sprint(i), tags) {
				return
			}
		}
	})
	require.NoError(t, err)
	define(t, idx, "segment all = x segment even = x and even")
	require.NoError(t, idx.Track("all", "even"))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				v := idx.View()
				all, err := v.count("all", time.Time{})
				if err != nil {
					t.Error(err)
					return
				}
				even, _ := v.count("even", time.Time{})
				if all-even != n/2 || even != 0 && even != n/2 {
					t.Errorf("half a flip: %d and %d", all, even)
					return
				}
				e, _ := v.Explain("all", "4", time.Time{})
				if e.In != (even > 0) {
					t.Errorf("the explanation disagrees")
				}
			}
		})
	}
	for i := range 200 {
		got, err := listed(idx.SetPolarity(day(i), PolarityRule{Tag: "even", Polarity: Polarity(2 * (i % 2))}))
		require.NoError(t, err)
		if i > 0 {
			require.Len(t, got, n)
		}
		_, err = idx.Apply(day(i), []TagChange{{Customer: "7", Tag: "seen", Clear: i%2 == 0}})
		require.NoError(t, err)
	}
	close(done)
	wg.Wait()
}
