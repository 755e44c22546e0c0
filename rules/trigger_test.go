package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
)

func fired(t testing.TB, got []rules.Firing, err error) []string {
	t.Helper()
	require.NoError(t, err)
	out := []string{}
	for _, g := range got {
		out = append(out, g.Rule.Name)
	}
	return out
}

func TestTriggers(t *testing.T) {
	set, err := compileYAML(t, `
rules:
  - {name: added, on: {tag_added: vip}, when: Flag, then: [{tag: x}]}
  - {name: removed, on: {tag_removed: vip}, when: Flag, then: [{tag: x}]}
  - {name: entered, on: {segment_entered: lapsed}, when: Flag, then: [{tag: x}]}
  - {name: left, on: {kind: segment_left, segment: lapsed}, when: Flag, then: [{tag: x}]}
  - {name: order, on: {event: order}, when: Flag, then: [{tag: x}]}
  - {name: birthday, on: {date: Born, yearly: true, before: 7d}, then: [{message: m}]}
  - {name: warranty, each: Orders, on: {date: row.At, after: 2w}, when: not row.Gift, then: [{message: m}]}
  - {name: ends, on: {date: Last, before: 30d}, when: Flag, then: [{message: m}]}
`)
	require.NoError(t, err)
	f := &facts{Flag: true, Born: time.Date(1990, 3, 8, 12, 0, 0, 0, time.UTC), Last: ptr(evening.Now().AddDate(0, 0, 30)),
		Orders: []order{{At: evening.Now().AddDate(0, 0, -14)}, {At: evening.Now().AddDate(0, 0, -13)}}}
	on := func(tr rules.Trigger) []string {
		got, err := set.On(nil, tr, f, evening, nil)
		return fired(t, got, err)
	}
	require.Equal(t, []string{"added"}, on(rules.Trigger{Kind: rules.OnTagAdded, Tag: "vip"}))
	require.Empty(t, on(rules.Trigger{Kind: rules.OnTagAdded, Tag: "red"}))
	require.Equal(t, []string{"removed"}, on(rules.Trigger{Kind: rules.OnTagRemoved, Tag: "vip"}))
	require.Equal(t, []string{"entered"}, on(rules.Trigger{Kind: rules.OnSegmentEntered, Segment: "lapsed"}))
	require.Equal(t, []string{"left"}, on(rules.Trigger{Kind: rules.OnSegmentLeft, Segment: "lapsed"}))
	require.Equal(t, []string{"order"}, on(rules.Trigger{Kind: rules.OnEvent, Event: "order"}))
	require.Equal(t, []string{"birthday", "ends", "warranty"}, on(rules.Trigger{}))
	require.Equal(t, "year", set.Rule("birthday").Once)
	require.Equal(t, "row", set.Rule("warranty").Once)
	x, err := set.Explain("birthday", f, rules.NewMoment(evening.Now().AddDate(0, 0, 1), nil))
	require.NoError(t, err)
	require.Equal(t, "Rule birthday does not fire: daysToAnniversary(Born) == 7 (daysToAnniversary(Born) is 6).", firstLine(x.String()))

	_, err = compileYAML(t, `
rules:
  - {name: a, on: {tag_added: ""}, when: Flag, then: [{tag: x}]}
  - {name: b, on: {event: order, tag: x}, when: Flag, then: [{tag: x}]}
  - {name: c, on: {date: N}, then: [{tag: x}]}
  - {name: d, on: {date: Brn}, then: [{tag: x}]}
  - {name: e, on: {date: Born, before: 1mo}, then: [{tag: x}]}
  - {name: f, on: {date: Born, yearly: true, after: 1d}, then: [{tag: x}]}
  - {name: g, on: {date: Born, before: 1d, after: 1d}, then: [{tag: x}]}
  - {name: h, on: {event: order, yearly: true}, when: Flag, then: [{tag: x}]}
  - {name: i, when: Flag, cancel_at: [{tagadded: red}], then: [{tag: x}]}
  - {name: j, when: Flag, rearm: true, then: [{tag: x}]}
  - {name: k, on: evning, when: Flag, then: [{tag: x}]}
  - {name: l, when: Flag, cancel_at: [evening], then: [{tag: x}]}
`)
	require.Equal(t, []string{
		`r.yaml:3:19: a: on: the tag must not be empty`,
		`r.yaml:4:19: b: on: a tag belongs to another trigger than event`,
		`r.yaml:5:26: c: on.date: a time is needed, not a value of kind int`,
		`r.yaml:6:26: d: on.date: unknown name Brn (did you mean Born?)`,
		`r.yaml:7:19: e: on: "1mo" is not a number of days: write 7d or 2w`,
		`r.yaml:8:19: f: on: a yearly date is looked forward to: use before, or a delay of the action`,
		`r.yaml:9:19: g: on: before and after cannot both be given`,
		`r.yaml:10:19: h: on: yearly, before and after belong to the trigger date only`,
		`r.yaml:11:40: i: cancel_at[0].tagadded: unknown key "tagadded" (did you mean tag_added?)`,
		`r.yaml:12:34: j: rearm: needs each and once per row: a new row takes the place of the old one`,
		`r.yaml:13:19: k: on: must be evening, manual, event, tag_added, tag_removed, segment_entered, segment_left or date, not "evning" (did you mean evening?)`,
		`r.yaml:14:39: l: cancel_at[0]: must be an event, a tag or a segment, not evening: write a condition in cancel_on`,
	}, faultLines(err))
}

func TestParameters(t *testing.T) {
	set, err := compileYAML(t, `
parameters:
  big: 2_000
  half: {expr: big / 2, doc: the half}
  home: Çorum
  cities: [Ankara, İstanbul]
  since: {expr: date("2020-01-31")}
  ok: true
  spare: 3
conditions:
  local: City == home or City in cities
rules:
  - {name: a, when: local and N >= half and N < big and N in 1..big and ok, then: [{tag: x}]}
  - {name: b, when: Born > since or abs(N) == -(-3), then: [{tag: x}]}
`)
	require.NoError(t, err)
	for _, c := range []struct {
		f    facts
		want []string
	}{
		{facts{City: "Çorum", N: 1000}, []string{"a"}},
		{facts{City: "İstanbul", N: 1999}, []string{"a"}},
		{facts{City: "x", N: 1999}, []string{}},
		{facts{City: "Ankara", N: 999, Born: evening.Now()}, []string{"b"}},
	} {
		got, err := set.Evening(nil, &c.f, evening)
		require.Equal(t, c.want, fired(t, got, err))
	}
	require.Contains(t, findings(set), "spare unused")
	require.Len(t, findings(set), 1)

	_, err = compileYAML(t, `
parameters:
  a: {expr: b + 1}
  b: {expr: c}
  c: {expr: a}
  d: {expr: N + 1}
  N: 3
  e: {expr: '"x'}
  f: []
rules:
  - {name: a, when: N > a, then: [{tag: x}]}
`)
	got := faultLines(err)
	require.Contains(t, got[0], "r.yaml:3:13: parameter a: expr: parameter b is faulty")
	require.ErrorContains(t, err, "parameters go round in a circle: a -> b -> c -> a")
	require.ErrorContains(t, err, "r.yaml:6:15: parameter d: expr: a parameter must be constant, N + 1 is not")
	require.ErrorContains(t, err, "r.yaml:7:3: parameter N: name: the name is taken")
	require.ErrorContains(t, err, "parameter e")
	require.ErrorContains(t, err, "the list is empty")

	// A changed parameter is a changed version of those rules that use it.
	v := func(text string) (a, b int64) {
		set, err := compileYAML(t, text+"\nrules: [{name: a, when: N > p, then: [{tag: x}]}, {name: b, when: Flag, then: [{tag: x}]}]")
		require.NoError(t, err)
		return set.Rule("a").Version, set.Rule("b").Version
	}
	a1, b1 := v("parameters: {p: 1}")
	a2, b2 := v("parameters: {p: 2}")
	require.NotEqual(t, a1, a2)
	require.Equal(t, b1, b2)
}

func TestCancelAndRearm(t *testing.T) {
	set, err := compileYAML(t, `
conditions: {again: {each: visits, expr: "any(visits, .DaysAgo < row.DaysAgo)"}}
rules:
  - name: battery
    each: visits
    when: row.DaysAgo <= 1
    rearm: true
    cancel_at: [{tag_added: red}, {event: erased}]
    cancel_on: [not Flag, again]
    then: [{tag: battery}, {message: again, after: 730d}]
  - {name: other, when: Flag, then: [{message: hello, after: 5d}]}
`)
	require.NoError(t, err)
	ctx, j := t.Context(), newJournal()
	visit := func(n int) crm.FactKey {
		return crm.FactKey{Kind: crm.KindVisit, Source: "service", ID: fmt.Sprint(n)}
	}
	other := crm.OfProfile(crm.ProfileKey{Source: "web", ID: "9"})
	record := func(m *rules.Moment, of crm.Subject, n int) []*crm.Effect {
		effects, err := set.Plan(crmtest.IDs(), nil, rules.Firing{Rule: set.Rule("battery"), Row: 0}, rules.Target{Subject: of, About: visit(n)}, m)
		require.NoError(t, err)
		news, err := rules.Record(ctx, j, rules.Intent{Members: []crm.Subject{buyer, other}, Effects: effects})
		require.NoError(t, err)
		return news
	}
	states := func() (out []string) {
		all, err := j.ScanEffects(ctx, crm.PartRange{}, "", 100)
		require.NoError(t, err)
		for _, e := range all {
			if e.Kind == crm.EffectMessage {
				out = append(out, e.About.ID+" "+string(e.State))
			}
		}
		return out
	}
	later := func(days int) *rules.Moment { return rules.NewMoment(evening.Now().AddDate(0, 0, days), nil) }
	require.Len(t, record(later(0), buyer, 1), 2)
	require.Len(t, record(later(500), other, 2), 2) // another profile of the same person
	require.ElementsMatch(t, []string{"1 cancelled", "2 planned"}, states())
	require.Empty(t, record(later(500), other, 2)) // twice is once
	// An older visit that becomes known late does not take the newer one's place.
	require.Len(t, record(later(400), buyer, 3), 2)
	require.ElementsMatch(t, []string{"1 cancelled", "2 planned", "3 cancelled"}, states())
	all, err := j.EffectsOf(ctx, buyer, other)
	require.NoError(t, err)
	for _, e := range all {
		if e.State == crm.Cancelled {
			require.Equal(t, crm.Reason{Guard: "rearm", Note: "visit 2 takes its place"}, e.Reasons[len(e.Reasons)-1])
		}
	}

	red := rules.Trigger{Kind: rules.OnTagAdded, Tag: "red"}
	got, err := set.Cancel(ctx, j, rules.Trigger{Kind: rules.OnTagAdded, Tag: "vip"}, crm.FactKey{}, later(501), buyer, other)
	require.NoError(t, err)
	require.Empty(t, got)
	got, err = set.Cancel(ctx, j, red, visit(4), later(501), buyer, other)
	require.NoError(t, err)
	require.Empty(t, got, "it is about another visit")
	got, err = set.Cancel(ctx, j, red, crm.FactKey{}, later(501), buyer, other)
	require.NoError(t, err)
	require.Len(t, got, 4, "the message, and the tags that nobody has carried out")
	require.ElementsMatch(t, []string{"1 cancelled", "2 cancelled", "3 cancelled"}, states())

	x, err := set.Explain("battery", &facts{Flag: true, Visits: []order{{DaysAgo: 0}}}, later(502))
	require.NoError(t, err)
	x.Past, err = j.EffectsOf(ctx, buyer, other)
	require.NoError(t, err)
	require.Len(t, x.Past, 6)
	require.Equal(t, 6, strings.Count(x.String(), " cancelled 2"))
	x.Past[0].Cause = "campaign/battery"
	require.Equal(t, 5, strings.Count(x.String(), " cancelled 2"), "what others caused is left out")
	x.Past[0].Cause = rules.CausePrefix + "battery"
	require.Contains(t, x.String(), "message:again: cancelled 2026-07-15; stopped by cancel_at tag_added: red\n")
	require.Contains(t, x.Text("tr"), "message:again: iptal edildi 15.07.2026; engelleyen: cancel_at tag_added: red\n")

	// A condition written out in cancel_on is one like those with a name.
	d, err := set.Recheck(all[0], &facts{Visits: []order{{DaysAgo: 0}}}, 0, later(10))
	require.NoError(t, err)
	require.False(t, d.Proceed)
	require.Contains(t, d.Reasons, crm.Reason{Guard: "cancel_on not Flag"})
}

// TestTenYears runs the evenings of ten years with a new battery every two and
// a half years or sooner, each evening twice and with rules read anew: the
// invitation comes two years after the latest battery, never after an earlier
// one.
func TestTenYears(t *testing.T) {
	text := `
rules:
  - name: battery
    each: visits
    when: row.DaysAgo <= 1
    rearm: true
    then: [{message: invitation, after: 730d, at: "10:00"}]
`
	changes := []int{0, 300, 1300, 2000, 3200} // days of visits
	ctx, j := t.Context(), newJournal()
	start := time.Date(2025, 1, 1, 20, 0, 0, 0, time.UTC)
	var sent []string
	for day := 0; day < 3652; day++ {
		near := false
		for _, c := range changes {
			near = near || day >= c && day <= c+1
		}
		if !near && day%10 != 0 {
			continue
		}
		set, err := compileYAML(t, text)
		require.NoError(t, err)
		m := rules.NewMoment(start.AddDate(0, 0, day), nil)
		f := &facts{}
		var keys []crm.FactKey
		for _, c := range changes {
			if c <= day {
				f.Visits = append(f.Visits, order{DaysAgo: day - c})
				keys = append(keys, crm.FactKey{Kind: crm.KindVisit, Source: "s", ID: fmt.Sprint(c)})
			}
		}
		for range 2 {
			firings, err := set.Evening(nil, f, m)
			require.NoError(t, err)
			in := rules.Intent{Members: []crm.Subject{buyer}}
			for _, g := range firings {
				in.Effects, err = set.Plan(crmtest.IDs(), in.Effects, g, rules.Target{Subject: buyer, About: keys[g.Row]}, m)
				require.NoError(t, err)
			}
			_, err = rules.Record(ctx, j, in)
			require.NoError(t, err)
			due, err := j.DueEffects(ctx, crm.DueQuery{State: crm.Planned, Before: m.Now()})
			require.NoError(t, err)
			for _, e := range due {
				e.State = crm.Done
				require.NoError(t, j.UpdateEffects(ctx, e))
				sent = append(sent, fmt.Sprint(e.About.ID, " ", int(e.Due.Sub(start).Hours()/24)))
			}
		}
	}
	require.Equal(t, []string{"300 1029", "2000 2729"}, sent)
}
