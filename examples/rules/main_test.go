package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// try runs the program and returns what it printed.
func try(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(t.Context(), args, &out, &errs)
	require.Equal(t, want, terminal.Code("rules", err, false, &errs), "%s%s", out.String(), errs.String())
	return out.String() + errs.String()
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"check", []string{"13 rules, 1 tables over 300 customers: no mistake", "spring/best", "date: born, yearly, before: 7d", "tag battery, message battery-invitation after 2y"}},
		{"lint", []string{"0 findings"}},
		{"preview", []string{"300 customers on 2026-03-01", "RULE", "battery               1   0.3%  c046", "service-only         53  17.7%  c001 c022 c028"}},
		{"preview -rule lapsed -examples 1 -at 2026-03-15T20:00", []string{"2026-03-15", "lapsed"}},
		{"explain -customer c003 -rule lapsed", []string{"Rule lapsed does not fire: all(purchases, daysSince(.at) > 180) (3/4).", "It would fire if:\n  all(purchases, daysSince(.at) > 180) were true instead of false"}},
		{"explain -customer c003 -rule unhappy -lang tr", []string{"unhappy kuralı çalışmaz: last_score <= 6 (last_score = boş).", "last_score 6 olsaydı (şimdi boş)"}},
		{"explain -customer c003", []string{"Rule spring/best fires.", "rule spring/best of the same group comes first"}},
		{"decide -customer c003 -table spring", []string{"spring: row best\n  percent = 20\n  template = best-customers\n"}},
		{"diff -was sample:doubtful.yaml", []string{"removed vip-store", "added battery", "changed vip\n", `when: "len(purchases) >= 5" ->`}},
	} {
		got := try(t, 0, strings.Fields(c.args)...)
		for _, w := range c.want {
			require.Contains(t, got, w, c.args)
		}
	}
}

// Case GT4: what lint finds has file, line and column, and is not exit code 0.
func TestLintSaysWhere(t *testing.T) {
	got := try(t, 1, "lint", "-rules", "sample:doubtful.yaml")
	for _, w := range []string{
		"sample:doubtful.yaml:6:5: vip-store: subsumed: vip does the same", `sample:doubtful.yaml:3:5: vip: contradictory: no-more-vip does the opposite with tag "vip"`,
		"sample:doubtful.yaml:12:5: nobody: always false", `sample:doubtful.yaml:15:5: golden: unknown tag: "goldn" (did you mean golden?)`,
		"sample:doubtful.yaml:18:5: ping: tag cycle: ping sets ping -> pong sets pong -> ping", `sample:doubtful.yaml:26:5: table gift: gap: no row for: tier is "bronze"`, "6 findings",
	} {
		require.Contains(t, got, w)
	}
}

// Cases GT2 and GT4: each command shows its own flags and an example, on stdout.
func TestHelp(t *testing.T) {
	var out, errs bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"lint", "-h"}, &out, &errs), flag.ErrHelp)
	require.Contains(t, out.String(), "-facts")
	require.Contains(t, out.String(), "examples:\n  go run ./examples/rules lint")
	for _, other := range []string{"-customer", "-was", "-lang", "-from"} {
		require.NotContains(t, out.String(), other+" ")
	}
	require.Empty(t, errs.String())
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-h"}, &out, &errs))
	for _, c := range commands {
		require.Contains(t, out.String(), c.name)
	}
	require.Empty(t, errs.String())
	require.Contains(t, try(t, 2, "lint", "-customer", "c003"), "not defined", "a flag of another command")
	require.Contains(t, try(t, 2, "explain", "-customer", "c003", "-lang", "de"), `-lang: "de" is none of en, tr`)
}

func TestMistakes(t *testing.T) {
	got := try(t, 1, "check", "-rules", "sample:mistakes.yaml")
	for _, w := range []string{
		"sample:mistakes.yaml:3:43: condition reachable: expr: unknown name tgs (did you mean tags?)\n |   reachable: sms_consent and \"red\" not in tgs\n |                                           ^",
		"conditions go round in a circle: ",
		"10:42: survey: when: unknown field chanel (did you mean channel?)",
		`then[0].after: "1 day" is no delay`,
		"the function reduce is not part of the rule language",
		"survey: name: the name is used twice",
		"> cannot compare string with int",
		`not "nightly"`,
	} {
		require.Contains(t, got, w)
	}
	for args, want := range map[string]string{
		"": "usage: rules COMMAND", "chek": `there is no command "chek"`, "check x": "unexpected argument", "check -nope": "not defined", "check -rows x": "is not name=file",
		"preview -at x": "is no evening", "check -zone Mars": "-zone", "backtest -from x": "-from", "backtest -to x": "-to",
	} {
		require.Contains(t, try(t, 2, strings.Fields(args)...), want)
	}
	for args, want := range map[string]string{
		"check -rules nowhere.yaml": "nowhere.yaml", "explain": `there is no customer ""`,
		"explain -customer c001 -rule x": `there is no rule "x"`, "decide -customer c001": "say a table with -table: spring", "diff": "-was",
		"check -facts nowhere.csv": "nowhere.csv",
	} {
		require.Contains(t, try(t, 1, strings.Fields(args)...), want)
	}
}

// TestEvening: one command checks a rule file that is written for vefa's evening.
// Case D12.
func TestEvening(t *testing.T) {
	got := try(t, 0, "evening", "-rules", "../night/retailer/evening.yaml")
	require.Contains(t, got, "20 rules over vefa.Facts: no mistake")
	worth := filepath.Join(t.TempDir(), "worth.yaml")
	require.NoError(t, os.WriteFile(worth, []byte("rules:\n  - {name: a, when: PAlive < 0.3 and WorthNext12 > 1000, then: [{tag: t}]}\n"), 0o600))
	require.Contains(t, try(t, 0, "evening", "-rules", worth), "1 rules over vefa.Facts: no mistake")
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("rules:\n  - {name: a, when: 'City = \"x\"', then: [{tag: t}]}\n  - {name: b, when: 'Orderz > 1', then: [{tag: t}]}\n"), 0o600))
	got = try(t, 1, "evening", "-rules", bad)
	require.Contains(t, got, "write == to compare")
	require.Contains(t, got, "did you mean Orders?")
	require.Contains(t, try(t, 2, "evening"), "-rules must be set")
}

// TestBacktest replays a quarter twice: the same evenings give the same.
func TestBacktest(t *testing.T) {
	got := try(t, 0, "backtest")
	require.Contains(t, got, "90 evenings from 2026-01-01 to 2026-03-31, 300 customers")
	require.Contains(t, got, "32    13         3          0       15  battery", "tags are done, invitations wait for two years")
	require.Contains(t, got, "80    77         0          3        0  survey-store", "what was returned in between is not asked about")
	require.Equal(t, got, try(t, 0, "backtest"))
}

func TestBreakerTrips(t *testing.T) {
	dir := t.TempDir()
	rulesFile := filepath.Join(dir, "r.yaml")
	require.NoError(t, os.WriteFile(rulesFile, []byte(`rules: [{name: r, on: evening, once: day, when: today() >= date("2026-01-10") or key == 1, then: [{tag: x}]}]`), 0o600))
	var b strings.Builder
	b.WriteString("id,key\n")
	for i := range 150 {
		b.WriteString("k" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "," + map[bool]string{true: "1", false: "2"}[i == 0] + "\n")
	}
	facts := filepath.Join(dir, "f.csv")
	require.NoError(t, os.WriteFile(facts, []byte(b.String()), 0o600))
	got := try(t, 0, "backtest", "-rules", rulesFile, "-facts", facts, "-to", "2026-01-12")
	require.Contains(t, got, "breaker: 2026-01-10: r reaches 150 customers, usual is at most 1")
}

func TestFactsFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	rules := write("r.yaml", "rules: []")
	for text, want := range map[string]string{
		"":                         "the file is empty",
		"id,n:integer\n":           `:1: column 2: n: type "integer" is not known`,
		"id,n:int\na,1\nb,x\nc,\n": `f.csv:3: n: "x" is no int` + "\n" + filepath.Join(dir, "f.csv") + `:4: n: "" is no int`,
		"id,n\na,1\na,2\n":         `:3: id: "a" is empty or there twice`,
		"id,n\na,1,2\n":            "wrong number of fields",
		"id,a b\na,1\n":            "is no name that a rule could use",
		"id,any\na,1\n":            "the name any is taken by the language",
		"id,t\na,\"x\n":            "parse error",
		"id,t\na," + strings.Repeat("x", 300) + "\n": "at most 256 are allowed",
	} {
		got := try(t, 1, "check", "-rules", rules, "-facts", write("f.csv", text))
		require.Contains(t, got, want, text)
	}
	main := write("f.csv", "id,n,f,b,d,t,e\na,1,1.5,true,2020-01-31,x,\nb,,2,false,,y,\n")
	ok := write("ok.yaml", `rules: [{name: r, when: 'n == nil and f > 1 and not b and d == nil and t == "y" and e == ""', then: [{tag: x}]}]`)
	require.Contains(t, try(t, 0, "preview", "-rules", ok, "-facts", main), "r             1  50.0%  b")
	rows := write("rows.csv", "id,x\nz,1\n")
	require.Contains(t, try(t, 1, "check", "-rules", rules, "-facts", main, "-rows", "lines="+rows), `there is no customer "z"`)
	require.Equal(t, "a�[31mb\n", terminal.Printable("a\x1b[31mb\n"))
}

func FuzzSheet(f *testing.F) {
	f.Add("id,n:int,t\na,1,x\n")
	f.Add("id,d:date?,g:tags\na,2020-01-01,a|b\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSheet("f.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		s.check(time.UTC)
		for _, l := range s.lines {
			require.Len(t, l, len(s.columns))
		}
	})
}
