package rules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
)

// letter is an action of a host's own, and vip one that sets a tag besides.
func hostActions() []rules.ActionType {
	return append(rules.BuiltInActions(),
		rules.ActionType{Kind: "letter", Doc: "prints a letter", Params: []rules.ActionParam{
			{Name: "paper", OneOf: []string{"plain", "festive"}, Required: true},
			{Name: "copies", Kind: rules.Int}, {Name: "until", Kind: rules.Time}, {Name: "share", Kind: rules.Float}, {Name: "proof", Kind: rules.Bool},
		}, Check: func(a rules.Action) error {
			if strings.HasPrefix(a.Name, "_") {
				return errors.New("there is no such letter")
			}
			if a.Name == "panic" {
				panic("oops")
			}
			return nil
		}},
		rules.ActionType{Kind: "promote", Effect: "erp", SetsTag: true, Params: []rules.ActionParam{}},
	)
}

func withActions(t testing.TB, types []rules.ActionType) *rules.Schema[facts] {
	t.Helper()
	s, err := rules.NewSchema[facts](rules.Options{Actions: types})
	require.NoError(t, err)
	return s
}

const hostRules = `rules:
  - name: a
    when: Flag
    then:
      - letter: birthday
        after: 2d
        with: {paper: festive, copies: "2", until: "2025-12-31", share: "0.5", proof: "true"}
      - {promote: gold, for: 1y}
`

// An action that a host registers is read, checked and planned as the library's own.
func TestHostAction(t *testing.T) {
	book, err := rules.ReadYAML("r.yaml", []byte(hostRules))
	require.NoError(t, err)
	set, err := withActions(t, hostActions()).Compile(book)
	require.NoError(t, err)
	now := rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), time.UTC)
	fired, err := set.Evening(nil, &facts{Flag: true}, now)
	require.NoError(t, err)
	require.Len(t, fired, 1)
	got, err := set.Plan(crmtest.IDs(), nil, fired[0], rules.Target{Subject: crm.OfProfile(crm.ProfileKey{Source: "web", ID: "1"})}, now)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, crm.EffectKind("letter"), got[0].Kind)
	require.Equal(t, crm.EffectKind("erp"), got[1].Kind)
	require.Equal(t, time.Date(2025, 3, 3, 20, 0, 0, 0, time.UTC), got[0].Due)
	p, err := rules.DecodePayload(got[0])
	require.NoError(t, err)
	require.Equal(t, "letter", p.Action)
	require.Equal(t, "festive", p.With["paper"])

	// As JSON, and back.
	data, err := json.Marshal(book)
	require.NoError(t, err)
	again, err := rules.ReadJSON("r.json", data)
	require.NoError(t, err)
	require.Equal(t, book.Rules, again.Rules)
	set, err = withActions(t, hostActions()).Compile(again)
	require.NoError(t, err)

	// A tag that it sets is one to the rules that test it.
	require.Contains(t, lintText(set), "promote")
	letter, ok := set.Schema().Action("letter")
	require.True(t, ok)
	require.Equal(t, "prints a letter", letter.Doc)
	_, ok = factsSchema(t).Action("letter")
	require.False(t, ok)
}

// lintText is what Lint says of the set together with a rule that promotes whom it
// was told are promoted.
func lintText(set *rules.Set[facts]) string {
	more, err := rules.ReadYAML("m.yaml", []byte("rules: [{name: b, when: '\"gold\" in Tags', then: [{promote: gold}]}]"))
	if err != nil {
		return err.Error()
	}
	both, err := set.Schema().Compile(more)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, f := range both.Lint(nil) {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// What is not registered, and parameters that do not fit, are refused with their
// place and what was probably meant.
func TestActionFaults(t *testing.T) {
	for text, want := range map[string]string{
		"{leter: x}":                                     `r.yaml:4:11: a: then[0].leter: unknown key "leter" (did you mean letter?)`,
		"{fax: x}":                                       `r.yaml:4:11: a: then[0].fax: unknown key "fax"; an action of your own is registered in Options.Actions, for an Engine in vefa.Config.Effects`,
		"{kind: leter, name: x}":                         `r.yaml:4:17: a: then[0].kind: must be one of letter, message, promote, survey, tag, task, ticket, untag, not "leter" (did you mean letter?)`,
		"{afer: 1d, letter: x}":                          `r.yaml:4:11: a: then[0].afer: unknown key "afer" (did you mean after?)`,
		"{letter: x, color: red}":                        `a: then[0].color: unknown key "color"`,
		"{letter: x, tag: y}":                            `a: then[0].letter: unknown key "letter"`,
		"{letter: x}":                                    `r.yaml:4:10: a: then[0].with: letter needs the parameter paper`,
		"{letter: x, with: {paper: red}}":                `a: then[0].with.paper: must be one of plain, festive, not "red"`,
		"{letter: x, with: {paper: plain, copy: 1}}":     `a: then[0].with.copy: letter has no parameter "copy"`,
		"{letter: x, with: {paper: plain, copies: two}}": `a: then[0].with.copies: must be a whole number, not "two"`,
		"{letter: x, with: {paper: plain, share: half}}": `a: then[0].with.share: must be a number such as 12.5, not "half"`,
		"{letter: x, with: {paper: plain, until: 2025}}": `a: then[0].with.until: must be a date such as 2025-01-31, not "2025"`,
		"{letter: x, with: {paper: plain, proof: ja}}":   `a: then[0].with.proof: must be true or false, not "ja"`,
		"{letter: _x, with: {paper: plain}}":             `r.yaml:4:19: a: then[0].letter: there is no such letter`,
		"{letter: panic, with: {paper: plain}}":          `then[0].letter: crm: check action: panic: oops`,
		"{letter: x, with: {paper: plain}, for: 1d}":     `a: then[0].for: belongs to promote, tag only`,
		"{promote: x, with: {a: b}}":                     `a: then[0].with.a: promote has no parameter "a"`,
		"{}":                                             `a: then[0].kind: must be one of`,
	} {
		b, readErr := rules.ReadYAML("r.yaml", []byte("rules:\n- name: a\n  when: Flag\n  then: ["+text+"]\n"))
		_, err := withActions(t, hostActions()).Compile(b)
		require.ErrorContains(t, err, want, text)
		if readErr != nil {
			require.ErrorContains(t, readErr, want, text)
		}
	}
}

// A schema refuses actions that no rule could write.
func TestActionTypeFaults(t *testing.T) {
	for want, typ := range map[string]rules.ActionType{
		"is no name":             {Kind: "a b"},
		"the name is taken":      {Kind: "after"},
		"has the same kind":      {Kind: "tag"},
		"both set and clear":     {Kind: "x", SetsTag: true, ClearsTag: true},
		"no name of its own":     {Kind: "x", Params: []rules.ActionParam{{Name: "a"}, {Name: "a"}}},
		"cannot be of kind rows": {Kind: "x", Params: []rules.ActionParam{{Name: "a", Kind: rules.Rows}}},
	} {
		for _, schema := range []func(rules.Options) error{
			func(o rules.Options) error { _, err := rules.NewSchema[facts](o); return err },
			func(o rules.Options) error {
				_, err := rules.Extend[added]([]rules.Field{{Name: "A", Kind: rules.Int}}, o)
				return err
			},
		} {
			require.ErrorContains(t, schema(rules.Options{Actions: append(rules.BuiltInActions(), typ)}), want)
		}
	}
}

// A number that is none, or has no end, is no parameter of an action.
func TestHostActionTakesNumbers(t *testing.T) {
	for text, ok := range map[string]bool{"0.5": true, "-3": true, "1e3": true, "NaN": false, "nan": false, "Inf": false, "-infinity": false, "1e999": false, "": false} {
		book, err := rules.ReadYAML("r.yaml", fmt.Appendf(nil, "rules: [{name: a, when: Flag, then: [{letter: x, with: {paper: plain, share: %q}}]}]", text))
		require.NoError(t, err)
		_, err = withActions(t, hostActions()).Compile(book)
		if ok {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, "must be a number such as 12.5", text)
		}
	}
}
