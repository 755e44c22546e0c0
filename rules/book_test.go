package rules_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

const faultyYAML = `conditions:
  ok: Flag
  two words: Flag
rules:
  - name: first
    when: N == 1 and Çity == "x"
    then: [{tag: a}]
  - name: second
    when: |
      N == 1
        and Flgg
    unless: "S == \"a\" and Cty == 1"
    each: Order
    then: []
  - name: third
    wen: Flag
    when: 'N > "a"'
    salience: high
    once: fortnight
    from: 2025-02-30
    group: offers
    cancel_on: [okk]
    then:
      - tag: a
        after: 1 day
        at: "25:00"
      - message: m
        for: 1y
      - tag: a
      - mesage: x
      - {tag: a, untag: b}
  - name: first
    when: Flag
    on: nightly
    then: [{tag: a}]
`

// compileYAML reads and compiles, as a host does.
func compileYAML(t testing.TB, text string) (*rules.Set[facts], error) {
	t.Helper()
	b, readErr := rules.ReadYAML("r.yaml", []byte(text))
	set, err := factsSchema(t).Compile(b)
	if readErr != nil {
		require.Error(t, err)
	}
	return set, err
}

func faultLines(err error) []string {
	var ce *rules.CompileError
	if !errors.As(err, &ce) {
		return []string{err.Error()}
	}
	var out []string
	for _, f := range ce.Faults {
		line, _, _ := strings.Cut(f.Error(), "\n")
		out = append(out, line)
	}
	return out
}

func TestFileFaults(t *testing.T) {
	_, err := compileYAML(t, faultyYAML)
	require.Equal(t, []string{
		`r.yaml:3:3: condition two words: name: "two words" is no name: letters, digits and _ are allowed`,
		`r.yaml:6:22: first: when: unknown name Çity (did you mean City?)`,
		`r.yaml:13:11: second: each: unknown name Order (did you mean Orders?)`,
		`r.yaml:14:11: second: then: must not be empty`,
		`r.yaml:16:5: third: wen: unknown key "wen" (did you mean when?)`,
		`r.yaml:17:14: third: when: > cannot compare int with string`,
		`r.yaml:18:15: third: salience: must be an integer, not "high"`,
		`r.yaml:19:11: third: once: must be one of customer, row, day, week, month, year, version, not "fortnight"`,
		`r.yaml:20:11: third: from: "2025-02-30" is no date: write year-month-day, as in 2025-01-31`,
		`r.yaml:21:12: third: group: there is no group "offers"`,
		`r.yaml:22:17: third: cancel_on[0]: there is no condition "okk" (did you mean ok?)`,
		`r.yaml:25:16: third: then[0].after: "1 day" is no delay: write 90min, 12h, 1d, 2w, 6mo or 2y`,
		`r.yaml:26:14: third: then[0].at: "25:00" is no time of day: write 10:00`,
		`r.yaml:28:14: third: then[1].for: belongs to tag only`,
		`r.yaml:29:9: third: then[2].id: a second action of the same kind and name needs an id of its own`,
		`r.yaml:30:9: third: then[3].mesage: unknown key "mesage" (did you mean message?); an action of your own is registered in Options.Actions, for an Engine in vefa.Config.Effects`,
		`r.yaml:31:25: third: then[4].untag: one action cannot be both tag and untag`,
		`r.yaml:32:11: first: name: the name is used twice`,
		`r.yaml:34:9: first: on: must be evening, manual, event, tag_added, tag_removed, segment_entered, segment_left or date, not "nightly"`,
	}, faultLines(err))
	_, err = compileYAML(t, strings.Replace(faultyYAML, "each: Order\n", "each: Orders\n", 1))
	require.Contains(t, faultLines(err), `r.yaml:11:13: second: when: unknown name Flgg (did you mean Flag?)`)
	require.ErrorContains(t, err, "\n |         and Flgg\n |             ^")
	require.Contains(t, faultLines(err), `r.yaml:12:13: second: unless: unknown name Cty (did you mean City?)`) // escaped: the text's begin
}

func TestFileSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"rules: [":                             "r.yaml:1:8:",
		"rules:\n\t- name: x":                  "r.yaml:2:",
		"rules: &a []":                         "anchors are not allowed",
		"rules: *a":                            "r.yaml:1:",
		"rules: !!str x":                       "tags of YAML are not allowed",
		"rules:\n  <<: {a: 1}":                 "r.yaml:2:",
		"a: 1\n---\nb: 2":                      "more than one document",
		"rules: []\nrules: []":                 "r.yaml:2:1:",
		"rules: x":                             "rules: must be a list, not a value",
		"- a":                                  "must be a map, not a list",
		"rulez: []":                            `unknown key "rulez" (did you mean rules?)`,
		strings.Repeat("[", 100_000):           "brackets are nested too deep",
		strings.Repeat("- ", 1000):             "indented too far",
		strings.Repeat(" ", 500) + "a: 1":      "indented too far",
		"rules: \"\xff\"":                      "r.yaml:1:9: the file is not valid UTF-8",
		"a: \x00":                              "NUL",
		"rules: [{name: [a], then: {tag: x}}]": "name: must be a value, not a list",
		"conditions: 3":                        "conditions: must be a map or a list",
		strings.Repeat("a", 5<<20):             "at most 4194304 are allowed",
		"rules: [[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]": "nested more than 20 deep",
	} {
		_, err := rules.ReadYAML("r.yaml", []byte(text))
		require.ErrorContains(t, err, want, "%.60q", text)
		var ce *rules.CompileError
		require.ErrorAs(t, err, &ce)
	}
	// What a comma of YAML's one-line style leaves behind is not passed over.
	for text, want := range map[string]string{
		"rules: [{name: x, when: N >= 2,500.00, then: [{tag: x}]}]":       `unknown key "500.00"`,
		"rules: [{name: x, when: Flag, unless, N > 0, then: [{tag: x}]}]": `unless: has no value`,
		"rules: [{name: x, when: Flag, guardd:, then: [{tag: x}]}]":       `unknown key "guardd" (did you mean guard?)`,
		"rulez:\nrules: []": `unknown key "rulez" (did you mean rules?)`,
		"rules:\n- name: x\n  when:\n  then: [{tag: x}]":     `when: has no value`,
		"rules:\n- name: x\n  when: Flag\n  then: [{tag: }]": `tag: has no value`,
		"conditions: {reachable: }":                          `has no value`,
	} {
		_, err := rules.ReadYAML("r.yaml", []byte(text))
		require.ErrorContains(t, err, want, text)
	}
	for text, want := range map[string]string{
		`{"rules": [{"name": "x", "when": "Flag", "gaurd": null, "then": [{"tag": "x"}]}]}`: `unknown key "gaurd" (did you mean guard?)`,
		`{"rules": [{"name": "x", "when": null, "then": [{"tag": "x"}]}]}`:                  `when: has no value`,
	} {
		_, err := rules.ReadJSON("r.json", []byte(text))
		require.ErrorContains(t, err, want, text)
	}
	for _, text := range []string{"", "# nothing\n", "\ufeffrules: []\n", "rules:\n", "~"} {
		b, err := rules.ReadYAML("r.yaml", []byte(text))
		require.NoError(t, err, text)
		require.Empty(t, b.Rules)
	}
}

func TestJSON(t *testing.T) {
	data, err := os.ReadFile("testdata/evening.yaml")
	require.NoError(t, err)
	fromYAML, err := rules.ReadYAML("evening.yaml", data)
	require.NoError(t, err)
	data, err = json.MarshalIndent(fromYAML, "", "  ")
	require.NoError(t, err)
	fromJSON, err := rules.ReadJSON("evening.json", data)
	require.NoError(t, err)
	schema, err := rules.NewSchema[Shopper](rules.Options{})
	require.NoError(t, err)
	a, err := schema.Compile(fromYAML)
	require.NoError(t, err)
	b, err := schema.Compile(fromJSON)
	require.NoError(t, err)
	require.Equal(t, a.Rules(), b.Rules()) // versions too

	_, err = rules.ReadJSON("r.json", []byte("{\"rules\": [\n  {\"name\": \"a\", \"salience\": \"1\", \"wehn\": \"x\"}\n]}"))
	require.Equal(t, []string{
		`r.json:2:30: a: salience: must be an integer, not "1"`,
		`r.json:2:34: a: wehn: unknown key "wehn" (did you mean when?)`,
	}, faultLines(err))
	book, err := rules.ReadJSON("r.json", []byte("{\"rules\": [\n  {\"name\": \"a\", \"when\": \"N == 1 && Flgg\", \"then\": [{\"tag\": \"x\"}]}\n]}"))
	require.NoError(t, err)
	_, err = factsSchema(t).Compile(book)
	require.Equal(t, []string{`r.json:2:36: a: when: unknown name Flgg (did you mean Flag?)`}, faultLines(err))
	for text, want := range map[string]string{
		`{`: "ends too early", `{"rules": []} x`: "r.json:1:15:", `{"rules": [}`: "r.json:1:12:", `{"rules": [], "rules": []}`: "given twice",
		strings.Repeat(`{"a":`, 50_000): "nested too deep", `nul`: "r.json:1:1:", "{\n\n 1: 2}": "r.json:3:2:",
	} {
		_, err := rules.ReadJSON("r.json", []byte(text))
		require.ErrorContains(t, err, want, "%.40q", text)
	}
}

func TestEngineKeepsTheOldSet(t *testing.T) {
	schema := factsSchema(t)
	engine := rules.NewEngine(schema)
	require.Empty(t, engine.Active().Rules())
	good := &rules.Book{Rules: []rules.Rule{{Name: "a", When: "Flag", Then: tagX}}}
	require.NoError(t, engine.Load(good))
	old := engine.Active()
	require.Error(t, engine.Load(good, &rules.Book{Rules: []rules.Rule{{Name: "b", When: "Flgg", Then: tagX}}}))
	require.Same(t, old, engine.Active())
	require.Same(t, old, engine.Swap(nil))

	// Rules cannot be changed from outside after they were compiled.
	good.Rules[0].Then[0].Name = "y"
	require.Equal(t, "x", old.Rule("a").Then[0].Name)

	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			f := &facts{Flag: true}
			for range 2000 {
				got, err := engine.Active().Evening(nil, f, evening)
				if err != nil || len(got) != 1 {
					t.Errorf("%d firings, %v", len(got), err)
					return
				}
			}
		})
	}
	for range 50 {
		require.NoError(t, engine.Load(good))
	}
	wg.Wait()
}

func TestOrderGroupsAndTriggers(t *testing.T) {
	set, err := compileYAML(t, `
groups: {one: first, single: exclusive, every: all}
rules:
  - {name: b, when: Flag, then: [{tag: x}]}
  - {name: a, when: Flag, then: [{tag: x}]}
  - {name: z, when: Flag, salience: 5, then: [{tag: x}]}
  - {name: off, when: Flag, enabled: false, then: [{tag: x}]}
  - {name: late, when: Flag, from: 2025-03-02, then: [{tag: x}]}
  - {name: past, when: Flag, to: 2025-02-28, then: [{tag: x}]}
  - {name: today, when: Flag, from: 2025-03-01, to: 2025-03-01, then: [{tag: x}]}
  - {name: one1, when: not Flag, group: one, then: [{tag: x}]}
  - {name: one2, when: row.Amount > 0, each: Orders, group: one, then: [{tag: x}]}
  - {name: one3, when: Flag, group: one, then: [{tag: x}]}
  - {name: s1, when: row.Amount > 0, each: Orders, group: single, then: [{tag: x}]}
  - {name: s2, when: Flag, group: single, then: [{tag: x}]}
  - {name: e1, when: Flag, group: every, then: [{tag: x}]}
  - {name: e2, when: Flag, group: every, then: [{tag: x}]}
  - {name: hand, on: manual, when: Flag, then: [{tag: x}]}
  - {name: event, on: {event: order}, when: Flag, then: [{tag: x}]}
`)
	require.NoError(t, err)
	f := &facts{Flag: true, Orders: []order{{Amount: 1}, {Amount: 0}, {Amount: 2}}}
	names := func(got []rules.Firing, err error) (out []string) {
		require.NoError(t, err)
		for _, g := range got {
			out = append(out, g.Rule.Name)
		}
		return out
	}
	require.Equal(t, []string{"z", "a", "b", "e1", "e2", "one2", "one2", "s1", "today"}, names(set.Evening(nil, f, evening)))
	require.Equal(t, []string{"event"}, names(set.On(nil, rules.Trigger{Kind: rules.OnEvent, Event: "order"}, f, evening, nil)))
	require.Empty(t, names(set.On(nil, rules.Trigger{Kind: rules.OnEvent, Event: "visit"}, f, evening, nil)))
	require.Contains(t, set.Occasions(), rules.Trigger{Kind: rules.OnEvent, Event: "order"})
	require.NotContains(t, set.Occasions(), rules.Trigger{Kind: rules.OnEvent, Event: "visit"})
	require.Equal(t, []string{"hand"}, names(set.Manual(nil, "hand", f, evening)))
	require.Empty(t, names(set.Manual(nil, "off", f, evening)))
	_, err = set.Manual(nil, "nobody", f, evening)
	require.Error(t, err)
}

func TestVersions(t *testing.T) {
	version := func(text string) int64 {
		set, err := compileYAML(t, text)
		require.NoError(t, err)
		return set.Rule("a").Version
	}
	base := "conditions: {c: Flag, d: c}\nrules: [{name: a, when: d, then: [{tag: x}]}]"
	v := version(base)
	require.Positive(t, v)
	require.Equal(t, v, version(base))
	require.Equal(t, v, version(strings.Replace(base, "name: a", "name: a, doc: hello", 1)))
	require.NotEqual(t, v, version(strings.Replace(base, "c: Flag", "c: not Flag", 1)))
	require.NotEqual(t, v, version(strings.Replace(base, "tag: x", "tag: y", 1)))
	require.Equal(t, int64(12), version(strings.Replace(base, "name: a", "name: a, version: 12", 1)))
}

func TestLint(t *testing.T) {
	set, err := compileYAML(t, `
rules:
  - {name: a, when: N > 5 and N < 3, then: [{tag: x}]}
  - {name: b, when: 'S == "a" and S in ["b", "c"]', then: [{tag: x}]}
  - {name: c, when: Flag or not Flag, then: [{tag: y}]}
  - {name: d, when: 'count(Orders, .Gift) >= 0', then: [{tag: x}]}
  - {name: e, when: N >= 3 and Flag and N <= 9, then: [{tag: x}]}
  - {name: f, when: Flag && (N <= 9 && 3 <= N), then: [{tag: x}]}
  - {name: g, when: '"gold" in Tags and N == 1', then: [{tag: gold}, {untag: red}]}
  - {name: h, when: 1 + 1 == 2, then: [{tag: y}]}
  - {name: i, when: 'count(Orders, .Gift) > 20', then: [{tag: y}]}
`)
	require.NoError(t, err)
	var got []string
	for _, f := range set.Lint([]string{"x", "y", "red", "golden"}) {
		got = append(got, f.Rule+" "+string(f.Kind))
	}
	require.Equal(t, []string{"a always false", "b always false", "c always true", "d always true", "f duplicate",
		"g unknown tag", "g no effect", "h always true", "i always false"}, got)
	require.Contains(t, set.Lint([]string{"x", "y", "red", "golden"})[5].String(), `g: unknown tag: "gold" (did you mean golden?)`)
	require.Len(t, set.Lint(nil), 8)
}
