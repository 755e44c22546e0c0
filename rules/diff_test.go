package rules_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
)

// item and plain are facts that expr's virtual machine, the oracle, reads in
// the same way: no nulls, no times, small numbers.
type item struct {
	A    int
	Cost float64
	Kind string
	Ok   bool
}

type plain struct {
	I, J  int
	X, Y  float64
	S, T  string
	P, Q  bool
	Tags  []string
	Items []item `rule:",max=6"`
	More  []item `rule:",max=6"`
}

var words = []string{"", "a", "ab", "b", "web", "çay", "İ"}

func drawItems(t *rapid.T, label string) []item {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) item {
		return item{rapid.IntRange(-3, 5).Draw(t, "A"), float64(rapid.IntRange(-4, 8).Draw(t, "Cost")) / 2, rapid.SampledFrom(words).Draw(t, "Kind"), rapid.Bool().Draw(t, "Ok")}
	}), 0, 5).Draw(t, label)
}

func drawPlain(t *rapid.T) plain {
	i := rapid.IntRange(-3, 5)
	w := rapid.SampledFrom(words)
	return plain{
		I: i.Draw(t, "I"), J: i.Draw(t, "J"), X: float64(i.Draw(t, "X")) / 2, Y: float64(i.Draw(t, "Y")) / 4,
		S: w.Draw(t, "S"), T: w.Draw(t, "T"), P: rapid.Bool().Draw(t, "P"), Q: rapid.Bool().Draw(t, "Q"),
		Tags: rapid.SliceOfN(w, 0, 3).Draw(t, "Tags"), Items: drawItems(t, "Items"), More: drawItems(t, "More"),
	}
}

// writer draws random well-typed expressions.
type writer struct {
	t    *rapid.T
	loop int // loops around
}

func (w *writer) pick(n int) int { return rapid.IntRange(0, n-1).Draw(w.t, "pick") }

func (w *writer) one(of ...string) string { return of[w.pick(len(of))] }

func (w *writer) integer(depth int) string {
	names := []string{"I", "J", "-2", "0", "1", "3"}
	if w.loop > 0 {
		names = append(names, ".A", ".A")
	}
	if depth <= 0 {
		return w.one(names...)
	}
	switch w.pick(9) {
	case 0:
		return "(" + w.integer(depth-1) + w.one(" + ", " - ", " * ") + w.integer(depth-1) + ")"
	case 1:
		return "(" + w.integer(depth-1) + " % " + w.one("2", "3", "-2") + ")"
	case 2:
		return w.one("abs(", "-(", "+(") + w.integer(depth-1) + ")"
	case 3:
		return w.one("min(", "max(") + w.integer(depth-1) + ", " + w.integer(depth-1) + ")"
	case 4:
		return "(" + w.boolean(depth-1) + " ? " + w.integer(depth-1) + " : " + w.integer(depth-1) + ")"
	case 5:
		return w.one("len(S)", "len(Tags)", "len(Items)")
	case 6:
		if w.loop < 2 {
			rows := w.rows(depth - 1)
			return "count(" + rows + ", " + w.inside(depth-1, w.boolean) + ")"
		}
	case 7:
		if w.loop < 2 {
			return "sum(" + w.rows(depth-1) + ", " + w.inside(depth-1, w.integer) + ")"
		}
	}
	return w.one(names...)
}

func (w *writer) rows(depth int) string {
	rows := w.one("Items", "More")
	if depth > 0 && w.pick(3) == 0 {
		return "filter(" + rows + ", " + w.inside(depth-1, w.boolean) + ")"
	}
	return rows
}

func (w *writer) inside(depth int, body func(int) string) string {
	w.loop++
	defer func() { w.loop-- }()
	return body(depth)
}

func (w *writer) float(depth int) string {
	names := []string{"X", "Y", "0.5", "-1.5"}
	if w.loop > 0 {
		names = append(names, ".Cost")
	}
	if depth <= 0 {
		return w.one(names...)
	}
	switch w.pick(4) {
	case 0:
		return "(" + w.float(depth-1) + w.one(" + ", " - ", " * ") + w.one(w.float(depth-1), w.integer(depth-1)) + ")"
	case 1:
		return "(" + w.integer(depth-1) + " / " + w.one("2", "4", "0.5") + ")"
	case 2:
		if w.loop < 2 {
			return "sum(" + w.rows(depth-1) + ", " + w.inside(depth-1, w.float) + ")"
		}
	}
	return w.one(names...)
}

func (w *writer) text() string {
	names := []string{"S", "T", `"a"`, `"web"`, `""`}
	if w.loop > 0 {
		names = append(names, ".Kind")
	}
	return w.one(names...)
}

func (w *writer) boolean(depth int) string {
	names := []string{"P", "Q", "true", "false"}
	if w.loop > 0 {
		names = append(names, ".Ok")
	}
	if depth <= 0 {
		return w.one(names...)
	}
	cmp := w.one(" == ", " != ", " < ", " <= ", " > ", " >= ")
	switch w.pick(14) {
	case 0, 1:
		return "(" + w.boolean(depth-1) + w.one(" and ", " && ") + w.boolean(depth-1) + ")"
	case 2, 3:
		return "(" + w.boolean(depth-1) + w.one(" or ", " || ") + w.boolean(depth-1) + ")"
	case 4:
		return w.one("not ", "!") + "(" + w.boolean(depth-1) + ")"
	case 5, 6:
		return "(" + w.integer(depth-1) + cmp + w.integer(depth-1) + ")"
	case 7:
		return "(" + w.float(depth-1) + cmp + w.one(w.float(depth-1), w.integer(depth-1)) + ")"
	case 8:
		return "(" + w.text() + w.one(cmp, " contains ", " startsWith ", " endsWith ", " not contains ") + w.text() + ")"
	case 9:
		return "(" + w.integer(depth-1) + w.one(" in ", " not in ") + w.one("[1, 3]", "[-3, 0, 5]", "0..3", "-1..1") + ")"
	case 10:
		return "(" + w.text() + w.one(" in ", " not in ") + `["a", "web", "çay"])`
	case 11:
		return "(" + w.one(`"a"`, `"web"`) + w.one(" in ", " not in ") + "Tags)"
	case 12:
		if w.loop < 2 {
			rows := w.rows(depth - 1)
			return w.one("any(", "all(", "none(", "one(") + rows + ", " + w.inside(depth-1, w.boolean) + ")"
		}
	case 13:
		return "(" + w.boolean(depth-1) + w.one(" == ", " != ") + w.boolean(depth-1) + ")"
	}
	return w.one(names...)
}

// TestSameAsOracle compares random expressions with expr's virtual machine:
// the closures, the order of firings' twin in Explain, and the spelling that
// terms print of themselves.
func TestSameAsOracle(t *testing.T) {
	schema, err := rules.NewSchema[plain](rules.Options{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		text := w.boolean(rapid.IntRange(1, 4).Draw(t, "depth"))
		if len(text) > 4000 {
			t.Skip("too long")
		}
		set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		var ce *rules.CompileError
		if errors.As(err, &ce) && strings.Contains(ce.Faults[0].Msg, "steps") {
			t.Skip("too expensive")
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		program, err := expr.Compile(text, expr.Env(plain{}), expr.AsBool())
		if err != nil {
			t.Fatalf("expr refuses %s: %v", text, err)
		}
		spelled := ""
		for range 4 {
			f := drawPlain(t)
			want, err := vm.Run(program, f)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			got, err := set.Evening(nil, &f, evening)
			if err != nil {
				t.Fatal(err)
			}
			if (len(got) == 1) != want {
				t.Fatalf("%s over %+v gives %v, expr gives %v", text, f, len(got) == 1, want)
			}
			x, err := set.Explain("r", &f, evening)
			if err != nil {
				t.Fatal(err)
			}
			if x.Fires != want || (len(x.Missing()) == 0) != want {
				t.Fatalf("%s over %+v: %s", text, f, x)
			}
			spelled = x.Cases[0].When.Text
			again, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: spelled, Then: tagX}}})
			if err != nil {
				t.Fatalf("%s is spelled %s: %v", text, spelled, err)
			}
			if g, _ := again.Evening(nil, &f, evening); (len(g) == 1) != want {
				t.Fatalf("%s is spelled %s, which differs", text, spelled)
			}
		}
	})
}

// FuzzExpression: no text may panic, hang or allocate while it is evaluated.
func FuzzExpression(f *testing.F) {
	for _, text := range twenty {
		f.Add(text)
	}
	for _, text := range []string{
		"N == 7 and fold(City) == \"x\"", "any(Orders, any(.Lines, .Price > N))", "(Score ?? 2) == nil", "daysSince(Born) in 1..3",
		`reduce(1..40, #acc + #acc, "x") == ""`, "((((", "a ? b : c", "let x = 1; x", "if N == 1 { true } else { false }", "row.Amount", "# + .x",
		"Orders | any(.Gift)", "N == 0x1F or F > 1e3", "'\\u{61}' == S", "S[0:1] == nil", "not not not Flag", "-9223372036854775808 == N",
	} {
		f.Add(text)
	}
	schema := factsSchema(f)
	facts := sample(schema)
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{
			{Name: "r", When: text, Then: tagX}, {Name: "e", Each: "Orders", When: text, Then: tagX},
		}})
		if err != nil {
			var ce *rules.CompileError
			if !errors.As(err, &ce) || len(ce.Faults) == 0 {
				t.Fatalf("%v", err)
			}
			return
		}
		got, err := set.Evening(nil, facts, evening)
		if err != nil {
			t.Fatal(err)
		}
		x, err := set.Explain("r", facts, evening)
		if err != nil {
			t.Fatal(err)
		}
		fires := 0
		for _, g := range got {
			if g.Rule.Name == "r" {
				fires++
			}
		}
		if x.Fires != (fires == 1) {
			t.Fatalf("fires %d, explained as %s", fires, x)
		}
		_ = x.Text("tr")
		_ = set.Lint([]string{"x"})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Fatalf("took %d MiB", used>>20)
		}
	})
}

// exercise asks a set everything that can be asked.
func exercise(t *testing.T, set *rules.Set[facts], f *facts) {
	dst, err := set.Evening(nil, f, evening)
	if err != nil {
		t.Fatal(err)
	}
	fires := map[string]bool{}
	for _, g := range dst {
		fires[g.Rule.Name] = true
	}
	for _, r := range set.Rules() {
		x, err := set.Explain(r.Name, f, evening)
		if err != nil {
			t.Fatal(err)
		}
		if evening := r.On.Kind == rules.OnEvening || r.On.Kind == rules.OnDate; evening && x.Fires != fires[r.Name] {
			t.Fatalf("%s fires %v, explained as %s", r.Name, fires[r.Name], x)
		}
		_ = x.FlipText("tr")
	}
	for _, name := range set.Tables() {
		for row := -1; row < 2; row++ {
			_, _ = set.Decide(name, f, row, evening)
		}
	}
	_, _ = set.Chain(nil, f, evening, nil)
	_ = set.Lint([]string{"x"})
	if d := rules.Diff(set, set); len(d) > 0 {
		t.Fatalf("%v", d)
	}
}

// FuzzBook: no file may panic or be accepted with a fault unplaced.
func FuzzBook(f *testing.F) {
	f.Add([]byte(faultyYAML), false)
	f.Add([]byte("rules:\n  - name: a\n    when: >\n      Flag\n      and N == 1\n    then: [{tag: x, with: {a: 1}}]\n"), false)
	f.Add([]byte(`{"rules": [{"name": "a", "when": "Flag", "then": [{"tag": "x"}]}], "groups": {"a": "first"}}`), true)
	f.Add([]byte("conditions: {a: b, b: a}\n"), false)
	f.Add([]byte(tableYAML), false)
	f.Add([]byte("chain: true\nrules:\n  - {name: a, on: {date: Born, yearly: true, before: 7d}, then: [{tag: a}], cancel_at: [{tag_added: a}]}\n  - {name: b, each: Orders, when: '\"a\" in Tags', rearm: true, then: [{tag: b, after: 1d}]}\n"), false)
	f.Add([]byte("parameters: {a: {expr: b}, b: {expr: a}, c: [1, x], d: -3}\ntables: [{name: t, hit: any, inputs: [N, Flag], outputs: [v], rows: [[\"1..3, > d\", \"-\", x], [not 2, \"true\", y]], then: [{tag: \"{v}\"}]}]\n"), false)
	f.Add([]byte("tables: [{inputs:[0],rows:[{0:00}]}] "), false)
	f.Add([]byte("parameters: [0]"), false)
	f.Add([]byte("conditions: [0]"), false)
	f.Add([]byte("groups: [0]"), false)
	f.Add([]byte("- - - -"), false)
	f.Add([]byte("a: |2\n   x\n"), false)
	f.Add([]byte("\"\\x"), false)
	schema := factsSchema(f)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		read := rules.ReadYAML
		if isJSON {
			read = rules.ReadJSON
		}
		book, err := read("f", data)
		if book == nil {
			t.Fatal("no book")
		}
		set, compileErr := schema.Compile(book)
		if err != nil && compileErr == nil {
			t.Fatalf("a faulty book was compiled: %v", err)
		}
		var ce *rules.CompileError
		if errors.As(compileErr, &ce) {
			for _, fault := range ce.Faults {
				if fault.Line < 1 || fault.Column < 1 || fault.Msg == "" || fault.File != "f" {
					t.Fatalf("%+v", fault)
				}
			}
		}
		if compileErr == nil {
			exercise(t, set, sample(schema))
		}
		_ = fmt.Sprint(compileErr)
	})
}
