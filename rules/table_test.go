package rules_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
)

const tableYAML = `
parameters:
  many: 5
  few: {expr: many - 3}
tables:
  - name: offer
    hit: first
    when: Flag
    guard: Flag
    tags: [offer]
    inputs: [fold(City), N, Tags, Score, Born]
    outputs: [template, percent, delay]
    rows:
      - {name: gold, when: ["istanbul, Ankara", ">= many", gold, "-", "-"], then: [best, 20, 1d]}
      - {name: asked, when: ["-", "few..4, 9", not red, nil, "-"], then: [asked, 10, "-"]}
      - ["-", "-", "-", not nil, "< 1990-01-01", old, 5, 2w]
      - {name: rest, when: ["-", "-", "-", "-", "-"], then: ["-", 0, "-"]}
    then:
      - message: "{template}"
        after: "{delay}"
        with: {percent: "{percent}", fixed: x}
  - name: shipping
    inputs: [{expr: S, name: service, values: [express, normal]}, Flag]
    outputs: [price]
    rows:
      - [express, "true", 90]
      - [express, "false", 60]
      - [normal, "-", 30]
`

func TestTables(t *testing.T) {
	set, err := compileYAML(t, tableYAML)
	require.NoError(t, err)
	require.Equal(t, []string{"offer", "shipping"}, set.Tables())
	v := set.Schema().Tags()
	for _, c := range []struct {
		f    facts
		want string
		vars map[string]string
	}{
		{facts{Flag: true, City: "İSTANBUL", N: 5, Tags: v.Set("gold")}, "gold", map[string]string{"template": "best", "percent": "20", "delay": "1d"}},
		{facts{Flag: true, City: "Izmir", N: 9}, "asked", nil},
		{facts{Flag: true, City: "Izmir", N: 9, Tags: v.Set("red")}, "rest", nil},
		{facts{Flag: true, N: 5, Score: ptr(1), Born: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}, "row3", nil},
		{facts{Flag: true, N: 5}, "rest", nil},
		{facts{N: 5}, "", nil},
	} {
		got, err := set.Decide("offer", &c.f, -1, evening)
		require.NoError(t, err)
		if c.want == "" {
			require.Empty(t, got)
			continue
		}
		require.Len(t, got, 1)
		require.Equal(t, c.want, got[0].Row)
		if c.vars != nil {
			require.Equal(t, c.vars, got[0].Values)
		}
		// The row is a rule, too.
		firings, err := set.Evening(nil, &c.f, evening)
		require.NoError(t, err)
		require.Len(t, firings, 1)
		require.Equal(t, "offer/"+c.want, firings[0].Rule.Name)
	}
	r := set.Rule("offer/gold")
	require.Equal(t, []rules.Action{{Kind: "message", Name: "best", After: "1d", With: map[string]string{"percent": "20", "fixed": "x"}}}, r.Then)
	require.Equal(t, `(Flag) and (fold(City) in ["istanbul", "ankara"] and N >= 5 and "gold" in Tags)`, r.When)
	require.Empty(t, set.Rule("offer/rest").Then, "an action without a name is left out")
	require.Equal(t, []string{"offer"}, r.Tags)
	x, err := set.Explain("offer/rest", &facts{Flag: true, City: "Ankara", N: 6, Tags: v.Set("gold")}, evening)
	require.NoError(t, err)
	require.Equal(t, "Rule offer/rest does not fire: rule offer/gold of the same group comes first.", firstLine(x.String()))
	require.NotPanics(t, func() { _ = x.FlipText("tr") })

	got, err := set.Decide("shipping", &facts{S: "express"}, -1, evening)
	require.NoError(t, err)
	require.Equal(t, "60", got[0].Values["price"])
	_, err = set.Decide("nothing", &facts{}, -1, evening)
	require.Error(t, err)

	// A book survives JSON, and its versions with it.
	book, err := rules.ReadYAML("t.yaml", []byte(tableYAML))
	require.NoError(t, err)
	data, err := json.Marshal(book)
	require.NoError(t, err)
	again, err := rules.ReadJSON("t.json", data)
	require.NoError(t, err)
	other, err := set.Schema().Compile(again)
	require.NoError(t, err)
	require.Len(t, other.Rules(), len(set.Rules()))
	for i, r := range set.Rules() {
		require.Equal(t, r.Version, other.Rules()[i].Version)
	}
	require.Empty(t, rules.Diff(set, other))
}

func TestTablePolicies(t *testing.T) {
	table := func(hit, rows string) string {
		return "tables:\n  - name: p\n    hit: " + hit + "\n    inputs: [N]\n    outputs: [{name: v, values: [high, low, none]}]\n    rows: " + rows + "\n    then: [{tag: \"{v}\"}]\n"
	}
	overlapping := `[["< 5", low], [">= 3", high]]`
	_, err := compileYAML(t, table("unique", overlapping))
	require.ErrorContains(t, err, `rows row1 and row2 match together, the policy is unique: N is 3`)
	_, err = compileYAML(t, table("any", overlapping))
	require.ErrorContains(t, err, "the policy is any")
	_, err = compileYAML(t, table("any", `[["< 5", low], [">= 3", low]]`))
	require.NoError(t, err)
	_, err = compileYAML(t, table("unique", `[["< 5", low], [">= 5", low]]`))
	require.NoError(t, err)

	set, err := compileYAML(t, table("priority", overlapping))
	require.NoError(t, err)
	f := &facts{N: 4}
	got, err := set.Decide("p", f, -1, evening)
	require.NoError(t, err)
	require.Equal(t, []rules.Hit{{Row: "row2", Values: map[string]string{"v": "high"}}}, got)
	firings, err := set.Evening(nil, f, evening)
	require.NoError(t, err)
	require.Len(t, firings, 1)
	require.Equal(t, "p/row2", firings[0].Rule.Name)

	set, err = compileYAML(t, table("collect", overlapping))
	require.NoError(t, err)
	got, err = set.Decide("p", f, -1, evening)
	require.NoError(t, err)
	require.Len(t, got, 2)
	firings, err = set.Evening(nil, f, evening)
	require.NoError(t, err)
	require.Len(t, firings, 2)

	// What cannot be analysed is found out when it happens.
	many := `tables: [{name: m, inputs: [Tags], outputs: [v], rows: [["a,b,c,d", x], ["d,e,f,g,h", y]]}]`
	set, err = compileYAML(t, many)
	require.NoError(t, err)
	tags := facts{Tags: set.Schema().Tags().Set("d")}
	_, err = set.Decide("m", &tags, -1, evening)
	var wrong *rules.HitsError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, []string{"row1", "row2"}, wrong.Rows)
	require.Contains(t, findings(set), "table m gap")
}

func findings[F any](set *rules.Set[F]) []string {
	var out []string
	for _, f := range set.Lint(nil) {
		out = append(out, f.Rule+" "+string(f.Kind))
	}
	return out
}

func TestTableEach(t *testing.T) {
	set, err := compileYAML(t, `
tables:
  - name: returns
    each: Orders
    hit: first
    inputs: [row.Amount, row.Gift, N]
    outputs: [v]
    rows: [["> 100", "false", "-", big], ["-", "true", "1..3", gift]]
    then: [{task: "{v}"}]
`)
	require.NoError(t, err)
	f := &facts{N: 2, Orders: []order{{Amount: 5}, {Amount: 500}, {Amount: 1, Gift: true}}}
	var got []string
	for i := range f.Orders {
		o, err := set.Decide("returns", f, i, evening)
		require.NoError(t, err)
		for _, h := range o {
			got = append(got, h.Values["v"])
		}
	}
	require.Equal(t, []string{"big", "gift"}, got)
	_, err = set.Decide("returns", f, 3, evening)
	require.ErrorContains(t, err, "there is no row 3 of Orders")
}

func TestTableFaults(t *testing.T) {
	_, err := compileYAML(t, `tables:
  - name: t
    hit: frist
    inputs: [N]
    rows: [["1"]]
  - name: u
    inputs: [N, Cty, S, Flag, {expr: S, values: [a, b]}, Orders, Born, Tags]
    outputs: [v, {name: w, values: [x]}]
    rows:
      - ["> x", "-", "> a", "yes", c, "-", "1990", "!= 3", 1, y]
      - ["5..3", "-", '"a', "-", "a,,b", "-", "not nil", "-", 1, x]
      - ["nil", "-"]
      - {name: a, wen: []}
  - name: w
    when: N > 1 and Flgg
    inputs: [N]
    outputs: [d]
    rows: [["1", 1 day]]
    then: [{tag: x, after: "{d}"}]
`)
	require.Equal(t, []string{
		`r.yaml:3:10: table t: hit: must be unique, any, first, priority or collect, not "frist"`,
		`r.yaml:7:17: table u: inputs[1]: unknown name Cty (did you mean City?)`,
		`r.yaml:7:58: table u: inputs[5]: a column cannot be of kind rows`,
		`r.yaml:10:11: table u: rows[0].when[0]: "x" is no integer`,
		`r.yaml:10:23: table u: rows[0].when[2]: S is of kind string: only values can be compared`,
		`r.yaml:10:30: table u: rows[0].when[3]: Flag is true or false, not "yes"`,
		`r.yaml:10:36: table u: rows[0].when[4]: "c" is none of the values of S`,
		`r.yaml:10:45: table u: rows[0].when[6]: "1990" is no date: write year-month-day, as in 2025-01-31`,
		`r.yaml:10:53: table u: rows[0].when[7]: Tags is of kind tags: only values can be compared`,
		`r.yaml:10:63: table u: rows[0]: "y" is none of the values of w`,
		`r.yaml:11:11: table u: rows[1].when[0]: the range 5..3 is empty`,
		`r.yaml:11:24: table u: rows[1].when[2]: a quote is not closed`,
		`r.yaml:11:35: table u: rows[1].when[4]: a value is missing`,
		`r.yaml:12:9: table u: rows[2]: has 2 cells and 0 values, 8 inputs and 2 outputs are declared`,
		`r.yaml:13:19: table u: rows[3].wen: unknown key "wen" (did you mean when?)`,
		`r.yaml:15:21: table w: when: unknown name Flgg (did you mean Flag?)`,
	}, faultLines(err))
	_, err = compileYAML(t, `
tables:
  - name: w
    inputs: [N]
    outputs: [d]
    rows: [["1", 1 day]]
    then: [{tag: x, after: "{d}"}]
`)
	require.ErrorContains(t, err, `r.yaml:7:29: w/row1: then[0].after: "1 day" is no delay`)
}

// TestTableAnalysis holds the analysis of gaps and overlaps against trying
// every case of small tables.
func TestTableAnalysis(t *testing.T) {
	schema := factsSchema(t)
	cells := map[string][]string{
		"N":    {"-", "1", "2", "< 2", ">= 2", "1..2", "!= 1", "not 2", "0, 3"},
		"S":    {"-", "a", "b", "a, b", "not a"},
		"Flag": {"-", "true", "false"},
		"Tags": {"-", "red", "not red", "red, vip"},
	}
	rapid.Check(t, func(t *rapid.T) {
		var rows []rules.TableRow
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			row := rules.TableRow{Then: []string{rapid.SampledFrom([]string{"x", "y"}).Draw(t, "v")}}
			for _, c := range []string{"N", "S", "Flag", "Tags"} {
				row.When = append(row.When, rapid.SampledFrom(cells[c]).Draw(t, c))
			}
			rows = append(rows, row)
		}
		hit := rapid.SampledFrom([]string{rules.HitUnique, rules.HitAny, rules.HitFirst, rules.HitCollect}).Draw(t, "hit")
		table := rules.Table{Rule: rules.Rule{Name: "t"}, Hit: hit, Rows: rows, Outputs: []rules.Column{{Name: "v"}}}
		for _, c := range []string{"N", "S", "Flag", "Tags"} {
			table.Inputs = append(table.Inputs, rules.Column{Expr: c})
		}
		set, err := schema.Compile(&rules.Book{Tables: []rules.Table{table}})
		table.Hit = rules.HitCollect
		all, err2 := schema.Compile(&rules.Book{Tables: []rules.Table{table}})
		require.NoError(t, err2)
		gap, clash, differ := false, false, false
		won, hitEver := map[string]bool{}, map[string]bool{}
		for n := -1; n <= 4; n++ {
			for _, s := range []string{"a", "b", "c"} {
				for b := range 2 {
					for _, tags := range [][]string{nil, {"red"}, {"vip"}, {"red", "vip"}} {
						f := facts{N: n, S: s, Flag: b == 1, Tags: schema.Tags().Set(tags...)}
						o, err := all.Decide("t", &f, -1, evening)
						require.NoError(t, err)
						gap = gap || len(o) == 0
						clash = clash || len(o) > 1
						for _, h := range o {
							hitEver[h.Row] = true
							differ = differ || h.Values["v"] != o[0].Values["v"]
						}
						if len(o) > 0 {
							won[o[0].Row] = true
						}
					}
				}
			}
		}
		refused := hit == rules.HitUnique && clash || hit == rules.HitAny && differ
		require.Equal(t, refused, err != nil, "%v %v", table, err)
		if err != nil {
			return
		}
		got := map[string]bool{}
		for _, f := range set.Lint(nil) {
			if f.Kind == rules.LintGap {
				got["gap"] = true
				require.True(t, strings.HasPrefix(f.Msg, "no row for: "), f.Msg)
			}
			if f.Kind == rules.LintDead {
				_, rest, _ := strings.Cut(f.Msg, "row ")
				name, _, _ := strings.Cut(rest, " ")
				got[name] = true
			}
		}
		require.Equal(t, gap, got["gap"], "%v", table)
		for i := range rows {
			name := "row" + string(rune('1'+i))
			dead := !won[name] && hit != rules.HitCollect || !hitEver[name]
			require.Equal(t, dead, got[name], "%s %v", name, table)
		}
	})
}

// Case D8: a cell asks of NaN what the language asks.
func TestTableCellsAndNaN(t *testing.T) {
	type f struct {
		X float64
		Y *float64
	}
	schema, err := rules.NewSchema[f](rules.Options{})
	require.NoError(t, err)
	nan := math.NaN()
	for cell, cond := range map[string]string{
		"!= 3": "{} != 3", "not != 3": "not ({} != 3)", "!= 3, 3": "{} != 3 or {} == 3", "3": "{} == 3", "not 3": "not ({} == 3)",
		"< 3": "{} < 3", "not < 3": "not ({} < 3)", "1..5": "({} >= 1 and {} <= 5)", "not 1..5": "not ({} >= 1 and {} <= 5)",
	} {
		for _, field := range []string{"X", "Y"} {
			rule := strings.ReplaceAll(cond, "{}", field)
			b, err := rules.ReadYAML("r.yaml", []byte("tables: [{name: t, inputs: ["+field+"], outputs: [n], rows: [[\""+cell+"\", 1]]}]\nrules: [{name: r, when: \""+rule+"\", then: [{tag: a}]}]"))
			require.NoError(t, err)
			set, err := schema.Compile(b)
			require.NoError(t, err)
			for _, x := range []f{{nan, &nan}, {3, ptr(3.0)}, {4, ptr(4.0)}, {X: nan}, {2, ptr(math.Inf(1))}} {
				hit, err := set.Decide("t", &x, -1, evening)
				require.NoError(t, err)
				fired, err := set.Evening(nil, &x, evening)
				require.NoError(t, err)
				require.Equal(t, len(fired) > 0, len(hit) > 0, "%s of %s, %v", cell, field, x)
			}
		}
	}
}
