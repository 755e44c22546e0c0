//go:build linux

package rulesbench

import (
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/rulespec"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// cpu returns the processor time of this thread so far.
func cpu() time.Duration {
	const thread = 1
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}

var evening = rules.NewMoment(time.Date(2025, 3, 1, 20, 0, 0, 0, time.UTC), nil)

// engine counts the matches of every rule over a population.
type engine struct {
	name string
	run  func(people []rulespec.Customer) ([]int, error)
}

func engines(t testing.TB, people []rulespec.Customer) []engine {
	return []engine{{"hand-written Go", byHand}, {"columns", columns(t, people)}, {"closures", closures(t)}, {"expr VM", exprVM(t)}, {"cel-go", celGo(t)}}
}

func byHand(people []rulespec.Customer) ([]int, error) {
	counts := make([]int, len(rulespec.ByHand))
	for i := range people {
		for k, rule := range rulespec.ByHand {
			if rule(&people[i]) {
				counts[k]++
			}
		}
	}
	return counts, nil
}

func compile(t testing.TB) *rules.Set[rulespec.Customer] {
	t.Helper()
	schema, err := rules.NewSchema[rulespec.Customer](rules.Options{})
	require.NoError(t, err)
	var book rules.Book
	for i, text := range rulespec.Twenty {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("%02d", i), When: text, Then: []rules.Action{{Kind: "tag", Name: "x"}}})
	}
	set, err := schema.Compile(&book)
	require.NoError(t, err)
	return set
}

// columns loads the population beforehand, as the others have it in memory.
func columns(t testing.TB, people []rulespec.Customer) func([]rulespec.Customer) ([]int, error) {
	set := compile(t)
	pop, err := population.New(set.Schema(), evening, func(yield func(*rulespec.Customer) bool) {
		for i := range people {
			if !yield(&people[i]) {
				return
			}
		}
	})
	require.NoError(t, err)
	return func([]rulespec.Customer) ([]int, error) {
		m, err := pop.Evaluate(t.Context(), set, evening)
		if err != nil {
			return nil, err
		}
		var counts []int
		for _, r := range set.Rules() {
			n, _ := m.Count(r.Name)
			counts = append(counts, n)
		}
		return counts, nil
	}
}

func closures(t testing.TB) func([]rulespec.Customer) ([]int, error) {
	set := compile(t)
	place := map[*rules.Rule]int{}
	for i, r := range set.Rules() {
		place[r] = i
	}
	return func(people []rulespec.Customer) ([]int, error) {
		counts := make([]int, len(set.Rules()))
		var firings []rules.Firing
		for i := range people {
			var err error
			if firings, err = set.Evening(firings[:0], &people[i], evening); err != nil {
				return nil, err
			}
			for _, f := range firings {
				counts[place[f.Rule]]++
			}
		}
		return counts, nil
	}
}

// exprVM is expr at its best: compiled for the value, one machine for all.
func exprVM(t testing.TB) func([]rulespec.Customer) ([]int, error) {
	var programs []*vm.Program
	for _, text := range rulespec.Twenty {
		p, err := expr.Compile(text, expr.Env(rulespec.Customer{}), expr.AsBool())
		require.NoError(t, err)
		programs = append(programs, p)
	}
	return func(people []rulespec.Customer) ([]int, error) {
		counts := make([]int, len(programs))
		var machine vm.VM
		for i := range people {
			env := any(people[i])
			for k, p := range programs {
				out, err := machine.Run(p, env)
				if err != nil {
					return nil, err
				}
				if out.(bool) {
					counts[k]++
				}
			}
		}
		return counts, nil
	}
}

var (
	celFields  = regexp.MustCompile(`(\(|&& |\|\| )\.([A-Z])`)
	celNotIn   = regexp.MustCompile(`("[a-z-]+") not in Tags`)
	celEnds    = regexp.MustCompile(`(\w+) (ends|starts)With ("[^"]*")`)
	celInteger = regexp.MustCompile(`((?:Amount|Spend12m|TotalSpend) >=? )(\d+)`)
	celAny     = regexp.MustCompile(`any\(Purchases, (.*?)\)`)
	celCount   = regexp.MustCompile(`count\(Purchases, (.*?)\)`)
)

// inCEL rewrites a rule of the specification for cel-go.
func inCEL(text string) string {
	text = strings.ReplaceAll(text, `sum(filter(Purchases, .Category == "jewelry"), .Amount) > 15000`, "sumJewelry > 15000.0")
	text = celAny.ReplaceAllString(text, "Purchases.exists(p, $1)")
	text = celCount.ReplaceAllString(text, "Purchases.filter(p, $1).size()")
	text = celFields.ReplaceAllString(text, "${1}p.$2")
	text = strings.ReplaceAll(text, "(p, .", "(p, p.")
	text = celNotIn.ReplaceAllString(text, "!($1 in Tags)")
	text = celEnds.ReplaceAllString(text, "$1.${2}With($3)")
	return celInteger.ReplaceAllString(text, "$1$2.0")
}

// activation hands the fields of a customer to cel-go.
type activation struct{ c *rulespec.Customer }

func (a *activation) Parent() interpreter.Activation { return nil }

func (a *activation) ResolveName(name string) (any, bool) {
	c := a.c
	switch name {
	case "Email":
		return c.Email, true
	case "Phone":
		return c.Phone, true
	case "City":
		return c.City, true
	case "StoreCode":
		return c.StoreCode, true
	case "Tier":
		return c.Tier, true
	case "LastChannel":
		return c.LastChannel, true
	case "LastService":
		return c.LastService, true
	case "SMSConsent":
		return c.SMSConsent, true
	case "EmailConsent":
		return c.EmailConsent, true
	case "DaysSincePurchase":
		return c.DaysSincePurchase, true
	case "DaysSinceService":
		return c.DaysSinceService, true
	case "DaysSinceSurvey":
		return c.DaysSinceSurvey, true
	case "DaysToBirthday":
		return c.DaysToBirthday, true
	case "DaysSinceSignup":
		return c.DaysSinceSignup, true
	case "OpenComplaints":
		return c.OpenComplaints, true
	case "Orders":
		return c.Orders, true
	case "R":
		return c.R, true
	case "F":
		return c.F, true
	case "M":
		return c.M, true
	case "LastNPS":
		return c.LastNPS, true
	case "TotalSpend":
		return c.TotalSpend, true
	case "Spend12m":
		return c.Spend12m, true
	case "Tags":
		return c.Tags, true
	case "Purchases":
		return c.Purchases, true
	case "sumJewelry":
		sum := 0.0
		for i := range c.Purchases {
			if c.Purchases[i].Category == "jewelry" {
				sum += c.Purchases[i].Amount
			}
		}
		return sum, true
	}
	return nil, false
}

func celGo(t testing.TB) func([]rulespec.Customer) ([]int, error) {
	opts := []cel.EnvOption{ext.NativeTypes(reflect.TypeFor[rulespec.Purchase]()), cel.Variable("Tags", cel.ListType(cel.StringType)),
		cel.Variable("Purchases", cel.ListType(cel.ObjectType("rulespec.Purchase")))}
	for _, name := range []string{"Email", "Phone", "City", "StoreCode", "Tier", "LastChannel", "LastService"} {
		opts = append(opts, cel.Variable(name, cel.StringType))
	}
	for _, name := range []string{"DaysSincePurchase", "DaysSinceService", "DaysSinceSurvey", "DaysToBirthday", "DaysSinceSignup", "OpenComplaints", "Orders", "R", "F", "M", "LastNPS"} {
		opts = append(opts, cel.Variable(name, cel.IntType))
	}
	for _, name := range []string{"TotalSpend", "Spend12m", "sumJewelry"} {
		opts = append(opts, cel.Variable(name, cel.DoubleType))
	}
	opts = append(opts, cel.Variable("SMSConsent", cel.BoolType), cel.Variable("EmailConsent", cel.BoolType))
	env, err := cel.NewEnv(opts...)
	require.NoError(t, err)
	var programs []cel.Program
	for _, text := range rulespec.Twenty {
		tree, issues := env.Compile(inCEL(text))
		require.NoError(t, issues.Err(), inCEL(text))
		p, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize))
		require.NoError(t, err)
		programs = append(programs, p)
	}
	return func(people []rulespec.Customer) ([]int, error) {
		counts := make([]int, len(programs))
		for i := range people {
			a := &activation{&people[i]}
			for k, p := range programs {
				out, _, err := p.Eval(a)
				if err != nil {
					return nil, err
				}
				if out.Value().(bool) {
					counts[k]++
				}
			}
		}
		return counts, nil
	}
}

func TestEnginesAgree(t *testing.T) {
	people := rulespec.Population(5000)
	var want []int
	for i, e := range engines(t, people) {
		got, err := e.run(people)
		require.NoError(t, err, e.name)
		if i == 0 {
			want = got
		}
		require.Equal(t, want, got, e.name)
	}
}

// BenchmarkEngines runs the twenty rules over 100,000 customers by every engine
// in turns. x-hand is the processor time as a multiple of hand-written Go's.
func BenchmarkEngines(b *testing.B) {
	people := rulespec.Population(100_000)
	all := engines(b, people)
	best := make([]time.Duration, len(all))
	for i := range best {
		best[i] = time.Hour
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		total := -1
		for i, e := range all {
			start := cpu()
			counts, err := e.run(people)
			best[i] = min(best[i], cpu()-start)
			if err != nil {
				b.Fatal(e.name, err)
			}
			n := 0
			for _, c := range counts {
				n += c
			}
			if total >= 0 && n != total {
				b.Fatalf("%s: %d matches, not %d", e.name, n, total)
			}
			total = n
		}
	}
	for i, e := range all {
		name := strings.ReplaceAll(e.name, " ", "-")
		b.ReportMetric(float64(best[i])/float64(len(people)*len(rulespec.Twenty)), name+"-ns/rule")
		if i > 0 {
			b.ReportMetric(float64(best[i])/float64(best[0]), name+"-x-hand")
		}
	}
}
