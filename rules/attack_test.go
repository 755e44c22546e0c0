package rules_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

// attackedBooks are files made to hurt: each must be refused or be harmless.
// What a single expression can try stands in TestAttacks.
func attackedBooks() map[string]string {
	var chain, params, wide, cycles, ors, nots strings.Builder
	chain.WriteString("conditions:\n  c0: Flag\n")
	params.WriteString("parameters:\n  p0: 1\n")
	for i := range 1_900 {
		fmt.Fprintf(&chain, "  c%d: c%d\n", i+1, i)
		fmt.Fprintf(&params, "  p%d: {expr: p%d + 0}\n", i+1, i)
	}
	cycles.WriteString("chain: true\nrules:\n")
	for i := range 1500 {
		fmt.Fprintf(&cycles, "  - {name: r%d, when: '\"t%d\" in Tags', then: [{tag: t%d}]}\n", i, i, i+1)
	}
	fmt.Fprint(&cycles, "  - {name: last, when: '\"t1500\" in Tags', then: [{tag: t0}]}\n")
	wide.WriteString("tables:\n  - name: t\n    hit: first\n    inputs: [N, Small, U, I32, Big]\n    outputs: [v]\n    rows:\n")
	for i := range 500 {
		fmt.Fprintf(&wide, "      - [\"%d..%d\", \"%d..%d\", \"> %d\", \"< %d\", \"-\", x]\n", i, i+300, i%50, i%50+20, i, 900-i)
	}
	ors.WriteString("rules:\n")
	for i := range 40 {
		var parts []string
		for k := range 120 {
			parts = append(parts, fmt.Sprintf("(N > %d and F < %d)", k*i, k))
		}
		fmt.Fprintf(&ors, "  - {name: r%d, when: '%s', then: [{tag: x}]}\n", i, strings.Join(parts, " or "))
	}
	fmt.Fprintf(&nots, "rules: [{name: r, when: '%s\"a\" in Tags%s', then: [{tag: a}]}]", strings.Repeat("(true == (Flag ? (", 15), strings.Repeat(") : Flag))", 15))
	return map[string]string{
		"conditions 1,900 deep": chain.String() + "rules: [{name: r, when: c1900, then: [{tag: x}]}]",
		"parameters 1,900 deep": params.String() + "rules: [{name: r, when: N > p1900, then: [{tag: x}]}]",
		"a long circle of tags": cycles.String(),
		"a wide table":          wide.String(),
		"ors against ors":       ors.String(),
		"polarity both ways":    nots.String(),
		"a table of tags":       `tables: [{name: t, hit: collect, inputs: [Tags, Tags, Tags, Tags], outputs: [], rows: [["a,b,c,d,e,f", "g,h,i,j,k,l", "not a", "-"], ["-", "-", "-", "not z,y,x,w,v,u"]]}]`,
		"a cell of 10,000":      `tables: [{name: t, inputs: [N], rows: [["` + strings.Repeat("1, ", 10_000) + `2"]]}]`,
		"an endless range":      `tables: [{name: t, hit: first, inputs: [N, Big], rows: [["-9223372036854775808..9223372036854775807", "-9223372036854775808"], ["> 9223372036854775807", "9223372036854775807"]]}]`,
		"names that are code":   "tables: [{name: t, inputs: ['N) or (true'], rows: [['1']]}]",
		"outputs that are code": "tables: [{name: t, inputs: [N], outputs: [v], rows: [['1', '{v}{v}{v}']], then: [{tag: '{v}{v}{v}{v}'}]}]",
		"a parameter of code":   "parameters: {p: 'true) or (true'}\nrules: [{name: r, when: S == p, then: [{tag: x}]}]",
	}
}

func TestAttackedBooks(t *testing.T) {
	for name, text := range attackedBooks() {
		t.Run(name, func(t *testing.T) {
			set, err := compileYAML(t, text)
			if err != nil {
				var ce *rules.CompileError
				require.ErrorAs(t, err, &ce)
				require.Less(t, len(err.Error()), 2_000_000)
				return
			}
			exercise(t, set, sample(set.Schema()))
		})
	}
}

// TestEvaluationIsBounded evaluates the dearest rules that are admitted over
// facts at their declared maxima: nothing is allocated.
func TestEvaluationIsBounded(t *testing.T) {
	s := factsSchema(t)
	f := sample(s)
	long := strings.Repeat("ş", 128)
	f.S, f.City = long, word(long)
	f.Orders, f.Visits = make([]order, 20), make([]order, 20)
	for i := range f.Orders {
		f.Orders[i].Lines = make([]line, 8)
	}
	var admitted, steps int64
	for _, text := range []string{
		`any(Orders, any(visits, any(.Lines, true)))`, // refused
		`any(Orders, any(visits, .Channel contains "web"))`,
		`all(Orders, none(visits, fold(S) contains "zz" or fold(City) == "zz"))`, // refused, by a little
		`sum(Orders, count(.Lines, .Price > 0 and .SKU endsWith "x")) + count(visits, all(Orders, .DaysAgo >= 0)) < 0`,
		strings.Repeat(`all(Orders, all(visits, .DaysAgo == 0)) and `, 60) + "Flag",
		strings.Repeat(`all(Orders, all(visits, .DaysAgo == 0 or fold(S) == "a")) and `, 40) + "Flag", // refused
	} {
		set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		if err != nil {
			continue
		}
		admitted++
		steps = max(steps, set.Cost("r"))
		require.LessOrEqual(t, set.Cost("r"), s.Limits().Cost)
		var dst [4]rules.Firing
		require.Zero(t, testing.AllocsPerRun(3, func() { _, _ = set.Evening(dst[:0], f, evening) }), text)
	}
	require.EqualValues(t, 3, admitted)
	require.Greater(t, steps, int64(1000))
}

// BenchmarkWorstRule evaluates the dearest rule that is admitted.
func BenchmarkWorstRule(b *testing.B) {
	s := factsSchema(b)
	f := sample(s)
	f.Orders, f.Visits = make([]order, 20), make([]order, 20)
	text := func(n int) string { // none of the parts is that of another, and each is tried to the end
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf("all(Orders, all(visits, .DaysAgo < %d or .Gift))", 5+i))
		}
		return strings.Join(parts, " and ")
	}
	n := 1
	var set *rules.Set[facts]
	for {
		next, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text(n), Then: tagX}}})
		if err != nil {
			break
		}
		set = next
		n++
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	dst := make([]rules.Firing, 0, 4)
	for b.Loop() {
		_, _ = set.Evening(dst, f, evening)
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(set.Cost("r")), "steps")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/evaluation")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N), "B/evaluation")
}
