package rules_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// replay is what a backtest must be equal to: evening after evening, subject
// after subject, by Evening, Plan and Recheck, with effects under their ids.
type replay struct {
	set     *rules.Set[nightly]
	people  []nightly // as of the first evening, with the tags of now
	known   map[crm.EffectID]bool
	pending []*replayed
	lastSet map[string]crm.EffectID // by subject and tag: what set it last
}

type replayed struct {
	effect  *crm.Effect
	who     int
	row     int
	due     time.Time
	expires bool
}

type nightly struct {
	Days     int `rule:",days=since"`
	Birthday int `rule:",days=yearly"`
	N        int
	City     string
	Tags     rules.TagSet
	Orders   []nightlyOrder `rule:",max=5"`
}

type nightlyOrder struct {
	Ago    int `rule:",days=since"`
	Amount float64
}

func (p *replay) facts(i, days int) nightly { return daysLater(p.set.Schema(), p.people[i], days) }

func (p *replay) subject(i int) crm.Subject {
	return crm.OfProfile(crm.ProfileKey{Source: "s", ID: fmt.Sprint(i)})
}

func (p *replay) fact(i, row int) crm.FactKey {
	return crm.FactKey{Source: "s", ID: fmt.Sprintf("%d-%d", i, row)}
}

// evening returns, by rule: matched, firings, planned, effects, withheld, cancelled.
func (p *replay) evening(t require.TestingT, n int, m *rules.Moment) map[string][6]int {
	out := map[string][6]int{}
	count := func(rule string, k, by int) {
		c := out[rule]
		c[k] += by
		out[rule] = c
	}
	vocabulary := p.set.Schema().Tags()
	sort.SliceStable(p.pending, func(a, b int) bool { return p.pending[a].due.Before(p.pending[b].due) })
	var due []*replayed
	for len(p.pending) > 0 && !p.pending[0].due.After(m.Now()) {
		due, p.pending = append(due, p.pending[0]), p.pending[1:]
	}
	goes := make([]bool, len(due))
	for k, e := range due {
		if goes[k] = e.expires; e.expires {
			continue
		}
		f := p.facts(e.who, n)
		d, err := p.set.Recheck(e.effect, &f, e.row, m)
		require.NoError(t, err)
		rule := e.effect.Cause[len(rules.CausePrefix):]
		count(rule, 3, 1)
		switch goes[k] = d.Proceed; d.State {
		case crm.Withheld:
			count(rule, 4, 1)
		case crm.Cancelled:
			count(rule, 5, 1)
		}
	}
	for k, e := range due {
		pay, err := rules.DecodePayload(e.effect)
		require.NoError(t, err)
		key := fmt.Sprint(e.who, pay.Name)
		switch {
		case !goes[k] || pay.Action != "tag" && pay.Action != "untag":
			continue
		case e.expires:
			if p.lastSet[key] == e.effect.ID {
				vocabulary.Remove(&p.people[e.who].Tags, pay.Name)
			}
			continue
		case pay.Action == "tag":
			vocabulary.Add(&p.people[e.who].Tags, pay.Name)
		default:
			vocabulary.Remove(&p.people[e.who].Tags, pay.Name)
		}
		p.lastSet[key] = e.effect.ID
		if !pay.Expires.IsZero() {
			p.pending = append(p.pending, &replayed{effect: e.effect, who: e.who, row: e.row, due: pay.Expires, expires: true})
		}
	}
	type planned struct {
		e    *crm.Effect
		who  int
		row  int
		rule int
		act  int
	}
	var news []planned
	position := map[string]int{}
	for i, r := range p.set.Rules() {
		position[r.Name] = i
	}
	for i := range p.people {
		f := p.facts(i, n)
		firings, err := p.set.Evening(nil, &f, m)
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, x := range firings {
			name := x.Rule.Name
			count(name, 1, 1)
			if !seen[name] {
				count(name, 0, 1)
			}
			seen[name] = true
			target := rules.Target{Subject: p.subject(i)}
			if x.Row >= 0 {
				target.About = p.fact(i, x.Row)
			}
			effects, err := p.set.Plan(crmtest.IDs(), nil, x, target, m)
			require.NoError(t, err)
			for k, e := range effects {
				if p.known[e.ID] {
					continue
				}
				p.known[e.ID] = true
				if k == 0 {
					count(name, 2, 1)
				}
				news = append(news, planned{e, i, x.Row, position[name], k})
			}
		}
	}
	// The evenings' order of what is due at one time: rule, action, subject.
	slices.SortStableFunc(news, func(a, b planned) int {
		if a.rule != b.rule {
			return a.rule - b.rule
		}
		return a.act - b.act
	})
	for _, x := range news {
		p.pending = append(p.pending, &replayed{effect: x.e, who: x.who, row: x.row, due: x.e.Due})
	}
	return out
}

func drawNightly(t *rapid.T, v *rules.Vocabulary) nightly {
	f := nightly{
		Days: rapid.IntRange(-3, 6).Draw(t, "Days"), Birthday: rapid.IntRange(0, 12).Draw(t, "Birthday"),
		N: rapid.IntRange(0, 3).Draw(t, "N"), City: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "City"),
	}
	for _, tag := range rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 2).Draw(t, "Tags") {
		v.Add(&f.Tags, tag)
	}
	for range rapid.IntRange(0, 3).Draw(t, "Orders") {
		f.Orders = append(f.Orders, nightlyOrder{rapid.IntRange(-2, 5).Draw(t, "Ago"), float64(rapid.IntRange(0, 3).Draw(t, "Amount"))})
	}
	return f
}

// TestBacktestIsTheReplay compares random books over random facts, with tags
// that set off and hold back other rules, delays, guards, cancel_on, groups,
// every kind of once, and changes on the way.
func TestBacktestIsTheReplay(t *testing.T) {
	schema, err := rules.NewSchema[nightly](rules.Options{Tags: rules.NewVocabulary("x", "y", "z")})
	require.NoError(t, err)
	texts := []string{"Days == 3", "Days >= 4 and N > 0", `"x" in Tags`, `"y" in Tags and "x" not in Tags`, "Birthday <= 1", `City == "a" and "z" not in Tags`,
		"any(Orders, .Ago == 2)", "len(Tags) >= 2", "count(Orders, .Amount > 1) >= 1 or Days == 1", "N == 1 and (len(Tags) > 0 ? Days : N) > 1"}
	rowTexts := []string{"row.Ago == 3", "row.Ago > 1 and row.Amount > 1", `row.Ago >= 2 and "x" not in Tags`, "row.Ago > Days"}
	rapid.Check(t, func(t *rapid.T) {
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		book := rules.Book{
			Conditions: []rules.Condition{{Name: "tagged", Expr: `"z" in Tags`}, {Name: "old", Expr: "Days > 6"}},
			Groups:     []rules.Group{{Name: "g", Mode: rules.First}},
		}
		for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := rules.Rule{Name: fmt.Sprint("r", i), When: one("when", texts...), Salience: rapid.IntRange(0, 2).Draw(t, "salience")}
			r.Once = rapid.SampledFrom([]string{"", "customer", "day", "week", "month", "version"}).Draw(t, "once")
			if rapid.IntRange(0, 3).Draw(t, "each") == 0 {
				r.Each, r.When = "Orders", one("row", rowTexts...)
				r.Guard = one("row guard", "", "", "row.Amount > 0", "N > 0 and row.Ago < 6")
			} else {
				r.Guard = one("guard", "", "", "N > 0", `"y" not in Tags`)
			}
			if rapid.Bool().Draw(t, "cancel") {
				r.CancelOn = []string{one("cancel on", "tagged", "old")}
			}
			r.Group = one("group", "", "", "g")
			r.From = one("from", "", "", "2025-03-03")
			r.To = one("to", "", "", "2025-03-05")
			for range rapid.IntRange(1, 3).Draw(t, "actions") {
				a := rules.Action{ID: fmt.Sprint(len(r.Then)), Kind: rapid.SampledFrom([]string{"tag", "tag", "untag", "message"}).Draw(t, "kind"), Name: one("tag", "x", "y", "z")}
				a.After = one("after", "", "", "1d", "2d", "12h")
				a.At = one("at", "", "", "10:00", "23:00")
				if a.Kind == "tag" {
					a.For = one("for", "", "", "1d", "3d")
				}
				r.Then = append(r.Then, a)
			}
			book.Rules = append(book.Rules, r)
		}
		set, err := schema.Compile(&book)
		require.NoError(t, err)
		people := make([]nightly, rapid.IntRange(1, 12).Draw(t, "people"))
		for i := range people {
			people[i] = drawNightly(t, schema.Tags())
		}
		pop, err := population.New(schema, evening, each(people))
		require.NoError(t, err)
		p := &replay{set: set, people: slices.Clone(people), known: map[crm.EffectID]bool{}, lastSet: map[string]crm.EffectID{}}
		for i := range p.people {
			p.people[i].Tags = p.people[i].Tags.Clone()
		}
		var opts population.BacktestOptions[nightly]
		if rapid.Bool().Draw(t, "changes") {
			opts.Changes = func(n int, m *rules.Moment) iter.Seq2[int, *nightly] {
				return func(yield func(int, *nightly) bool) {
					if n%2 == 1 { // a new order, and his tags as the backtest has them
						i := n % len(p.people)
						f := p.facts(i, n)
						f.Orders = append(slices.Clone(f.Orders), nightlyOrder{0, 2})
						f.Orders = f.Orders[:min(len(f.Orders), 5)]
						f.Days = 0
						p.people[i] = daysLater(schema, f, -n)
						yield(i, &f)
					}
				}
			}
		}
		n := 0
		for night, err := range pop.Backtest(context.Background(), set, evening, 12, opts) {
			require.NoError(t, err)
			want := p.evening(t, n, night.Moment)
			for _, r := range night.Rules {
				got := [6]int{r.Matched, r.Firings, r.Planned, r.Effects, r.Withheld, r.Canceled}
				require.Equal(t, want[r.Rule], got, "evening %d, rule %s: matched firings planned effects withheld canceled", n, r.Rule)
			}
			n++
		}
		require.Equal(t, 12, n)
	})
}

func TestBacktestRefuses(t *testing.T) {
	type two struct {
		A, B rules.TagSet
	}
	schema, err := rules.NewSchema[two](rules.Options{})
	require.NoError(t, err)
	set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: `"a" in A`, Then: tagX}}})
	require.NoError(t, err)
	pop, err := population.New(schema, evening, nil)
	require.NoError(t, err)
	run := func(ctx context.Context, opts population.BacktestOptions[two]) error {
		for _, err := range pop.Backtest(ctx, set, evening, 2, opts) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	require.ErrorContains(t, run(t.Context(), population.BacktestOptions[two]{}), "which field of tags do rules change: A or B?")
	require.ErrorContains(t, run(t.Context(), population.BacktestOptions[two]{Tags: "C"}), "C is no field of tags")
	require.NoError(t, run(t.Context(), population.BacktestOptions[two]{Tags: "B"}))
	require.ErrorContains(t, run(t.Context(), population.BacktestOptions[two]{Tags: "B", Changes: func(int, *rules.Moment) iter.Seq2[int, *two] {
		return func(yield func(int, *two) bool) { yield(7, &two{}) }
	}}), "backtest: evening of 2025-03-01: population: there is no subject 7")
}
