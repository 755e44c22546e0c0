// Command rules tries business rules on a file of customers: are they right,
// whom would they reach tonight, why this customer and not that one, and what
// would they have done on the evenings of last quarter?
//
//	go run ./examples/rules check
//	go run ./examples/rules preview -rules mine.yaml -facts customers.csv -rows purchases=purchases.csv
//
// Without files it uses a small watch retailer that comes with it. See -help,
// and README.md beside this file.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones by name, wherever it runs

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/rules"
)

//go:embed data
var sample embed.FS

// samplePrefix begins the names of files that come with the program.
const samplePrefix = "sample:"

// open opens a file, or one that comes with the program.
func open(name string) (fs.File, error) {
	if inner, ok := strings.CutPrefix(name, samplePrefix); ok {
		return sample.Open("data/" + inner)
	}
	return os.Open(name)
}

type rowFile struct{ name, file string }

// options are the flags.
type options struct {
	rules    []string
	was      []string
	facts    string
	rows     []rowFile
	at       string
	from, to string
	zone     string
	rule     string
	customer string
	lang     string
	examples int
	table    string
	report   string
}

// factsFlags are the flags that every command takes: rules, and what they see.
var factsFlags = []string{"rules", "facts", "rows", "zone"}

// commands are what the program can do, in the order of -help.
var commands = []struct {
	name, what string
	run        func(*program, context.Context) error
	flags      []string // besides factsFlags
	example    string
}{
	{"check", "compile the rules; every mistake with line, column and caret", (*program).check, nil, "rules check -rules mine.yaml"},
	{"evening", "compile the rules against what vefa's evening knows of a customer (vefa.Facts), and lint them", nil, nil, "rules evening -rules examples/night/retailer/evening.yaml"},
	{"lint", "what compiles but is probably not meant; exit code 1 if there is anything", (*program).lint, nil, "rules lint -rules mine.yaml"},
	{"preview", "how many customers each rule reaches at -at, and some of them; with -was also who is gained and lost", (*program).preview,
		[]string{"at", "rule", "examples", "was", "report", "lang"}, "rules preview -rules mine.yaml -was yesterday.yaml -facts customers.csv -rows purchases=purchases.csv"},
	{"explain", "why -rule does or does not fire for -customer, and what would have to be different", (*program).explain,
		[]string{"at", "customer", "rule", "lang"}, "rules explain -customer c003 -rule lapsed -lang tr"},
	{"decide", "what a decision -table gives for -customer", (*program).decide, []string{"at", "customer", "table"}, "rules decide -customer c003 -table spring"},
	{"backtest", "what the rules would have done on every evening from -from to -to", (*program).backtest, []string{"at", "from", "to", "rule"}, "rules backtest -from 2026-01-01 -to 2026-03-31"},
	{"diff", "what changed from the rules of -was to those of -rules", (*program).diff, []string{"was"}, "rules diff -was yesterday.yaml -rules mine.yaml"},
}

// program is one run of a command.
type program struct {
	options
	out     io.Writer
	errs    io.Writer
	width   int // of out, 0 where it is no terminal
	zone    *time.Location
	moment  *rules.Moment
	facts   *facts
	set     *rules.Set[record]
	written *rules.Set[record] // of -was; nil without
}

func main() { terminal.Main("rules", run) }

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return terminal.Usagef("usage: rules COMMAND [flags]: say one of %s", strings.Join(names(), ", "))
	}
	if name := args[0]; name == "-h" || name == "-help" || name == "--help" || name == "help" {
		return usage(out)
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		p := &program{out: out, errs: errs, width: terminal.Width(out)}
		f := terminal.NewFlags("rules "+c.name, c.what, "go run ./examples/"+c.example)
		p.define(f.FlagSet, append(slices.Clone(factsFlags), c.flags...))
		if err := f.Parse(args[1:], out); err != nil {
			return err
		}
		if c.run == nil {
			return p.evening()
		}
		if err := output.Check(p.report); err != nil {
			return terminal.Usagef("-report: %w", err)
		}
		if err := p.load(); err != nil {
			return p.faulty(err)
		}
		return c.run(p, ctx)
	}
	return terminal.Usagef("there is no command %q: there are %s", args[0], strings.Join(names(), ", "))
}

func names() []string {
	var out []string
	for _, c := range commands {
		out = append(out, c.name)
	}
	return out
}

// define makes the flags of a command.
func (p *program) define(f *flag.FlagSet, which []string) {
	o := &p.options
	many := func(dst *[]string) func(string) error {
		return func(s string) error { *dst = append(*dst, s); return nil }
	}
	all := map[string]func(name string){
		"rules": func(n string) {
			f.Func(n, "rule `file`, YAML or JSON; may be given several times (default: the sample)", many(&o.rules))
		},
		"was": func(n string) {
			f.Func(n, "rule `file` of before; may be given several times", many(&o.was))
		},
		"facts": func(n string) {
			f.StringVar(&o.facts, n, "", "CSV `file` of customers: first column the key, header name or name:type (default: the sample)")
		},
		"rows": func(n string) {
			f.Func(n, "`name=file`: CSV of child rows, first column the customer's key; may be given several times", func(s string) error {
				name, file, ok := strings.Cut(s, "=")
				if !ok {
					return fmt.Errorf("%q is not name=file", s)
				}
				o.rows = append(o.rows, rowFile{name, file})
				return nil
			})
		},
		"at":       func(n string) { f.StringVar(&o.at, n, defaultAt, "the evening, in the zone") },
		"from":     func(n string) { f.StringVar(&o.from, n, "2026-01-01", "first evening") },
		"to":       func(n string) { f.StringVar(&o.to, n, "2026-03-31", "last evening") },
		"zone":     func(n string) { f.StringVar(&o.zone, n, "Europe/Istanbul", "the zone of the place") },
		"rule":     func(n string) { f.StringVar(&o.rule, n, "", "only this rule") },
		"customer": func(n string) { f.StringVar(&o.customer, n, "", "key of a customer") },
		"table":    func(n string) { f.StringVar(&o.table, n, "", "name of a decision table") },
		"lang":     func(n string) { f.StringVar(&o.lang, n, "en", "language of explanations and of the page: en or tr") },
		"report": func(n string) {
			f.StringVar(&o.report, n, "", "write a page to this `file`: whom the rules reach, what they do, mistakes at their place")
		},
		"examples": func(n string) { f.IntVar(&o.examples, n, 3, "customers to show per rule") },
	}
	o.at, o.lang = defaultAt, "en"
	for _, name := range which {
		all[name](name)
	}
}

// defaultAt is the evening of the sample.
const defaultAt = "2026-03-01T20:00"

func usage(w io.Writer) error {
	var b strings.Builder
	b.WriteString("usage: rules COMMAND [flags]\n\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.what)
	}
	b.WriteString("\nrules COMMAND -h shows the flags of a command.\n\nexamples:\n")
	for _, c := range commands {
		b.WriteString("  go run ./examples/" + c.example + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// load reads the facts, which say what rules can see, and compiles the rules.
func (p *program) load() error {
	var err error
	if p.zone, err = time.LoadLocation(p.options.zone); err != nil {
		return terminal.Usagef("-zone: %w", err)
	}
	if err := terminal.OneOf("lang", p.lang, "en", "tr"); err != nil {
		return err
	}
	for _, day := range []struct{ name, text string }{{"from", p.from}, {"to", p.to}} {
		if _, err := time.Parse(time.DateOnly, day.text); day.text != "" && err != nil {
			return terminal.Usagef("-%s: %q is no date", day.name, day.text)
		}
	}
	if p.examples < 0 {
		return terminal.Usagef("-examples: %d is less than 0", p.examples)
	}
	now, err := time.ParseInLocation("2006-01-02T15:04", p.at, p.zone)
	if err != nil {
		return terminal.Usagef("-at: %q is no evening: write 2026-03-01T20:00", p.at)
	}
	p.moment = rules.NewMoment(now, p.zone)
	if p.options.facts == "" {
		p.options.facts = samplePrefix + "customers.csv"
		if len(p.rows) == 0 {
			p.rows = []rowFile{{"purchases", samplePrefix + "purchases.csv"}, {"visits", samplePrefix + "visits.csv"}}
		}
	}
	if len(p.rules) == 0 {
		p.rules = []string{samplePrefix + "evening.yaml"}
	}
	if p.facts, err = loadFacts(p.options.facts, p.rows, p.zone); err != nil {
		return err
	}
	if p.set, err = p.compile(p.rules); err != nil {
		return err
	}
	if len(p.was) > 0 {
		p.written, err = p.compile(p.was)
	}
	return err
}

// faulty writes the page of -report about the mistakes of rules that do not compile, and returns
// them.
func (p *program) faulty(err error) error {
	faults := faultsOf(err)
	if p.report == "" || len(faults) == 0 {
		return err
	}
	l, wrong := speak.In("lang", p.lang, languages)
	if wrong == nil {
		wrong = p.writeFaults(l, faults)
	}
	if wrong != nil {
		return errors.Join(err, wrong)
	}
	terminal.Wrote(p.errs, p.report)
	return err
}

// compile reads rule files and compiles them together.
func (p *program) compile(files []string) (*rules.Set[record], error) {
	books, err := read(files)
	if err != nil {
		return nil, err
	}
	return p.facts.schema.Compile(books...)
}

// read reads rule files; what is wrong in them is told when they are compiled.
func read(files []string) (books []*rules.Book, err error) {
	for _, name := range files {
		f, err := open(name)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(f, 8<<20))
		f.Close()
		if err != nil {
			return nil, err
		}
		format := rules.ReadYAML
		if strings.HasSuffix(name, ".json") {
			format = rules.ReadJSON
		}
		book, _ := format(name, data) // Compile tells what is wrong with it, with all else
		books = append(books, book)
	}
	return books, nil
}
