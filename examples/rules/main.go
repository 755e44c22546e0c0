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
	"os/signal"
	"strings"
	"time"
	_ "time/tzdata" // zones by name, wherever it runs

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
}

// commands are what the program can do, in the order of -help.
var commands = []struct {
	name, what string
	run        func(*program, context.Context) error
}{
	{"check", "compile the rules; every mistake with line, column and caret", (*program).check},
	{"lint", "what compiles but is probably not meant", (*program).lint},
	{"preview", "how many customers each rule reaches at -at, and some of them; with -was also who is gained and lost", (*program).preview},
	{"explain", "why -rule does or does not fire for -customer, and what would have to be different", (*program).explain},
	{"decide", "what a decision -table gives for -customer", (*program).decide},
	{"backtest", "what the rules would have done on every evening from -from to -to", (*program).backtest},
	{"diff", "what changed from the rules of -was to those of -rules", (*program).diff},
}

// program is one run of a command.
type program struct {
	options
	out     io.Writer
	zone    *time.Location
	moment  *rules.Moment
	facts   *facts
	set     *rules.Set[rules.Dynamic]
	written *rules.Set[rules.Dynamic] // of -was; nil without
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 all is well, 1 the rules or the facts are
// faulty, 2 the command line is.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var o options
	f := flag.NewFlagSet("rules", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() { usage(f) }
	many := func(dst *[]string) func(string) error {
		return func(s string) error { *dst = append(*dst, s); return nil }
	}
	f.Func("rules", "rule `file`, YAML or JSON; may be given several times (default: the sample)", many(&o.rules))
	f.Func("was", "rule `file` of before, for diff and preview; may be given several times", many(&o.was))
	f.StringVar(&o.facts, "facts", "", "CSV `file` of customers: first column the key, header name or name:type (default: the sample)")
	f.Func("rows", "`name=file`: CSV of child rows, first column the customer's key; may be given several times", func(s string) error {
		name, file, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q is not name=file", s)
		}
		o.rows = append(o.rows, rowFile{name, file})
		return nil
	})
	f.StringVar(&o.at, "at", "2026-03-01T20:00", "the evening, in the zone")
	f.StringVar(&o.from, "from", "2026-01-01", "first evening of a backtest")
	f.StringVar(&o.to, "to", "2026-03-31", "last evening of a backtest")
	f.StringVar(&o.zone, "zone", "Europe/Istanbul", "the zone of the place")
	f.StringVar(&o.rule, "rule", "", "only this rule")
	f.StringVar(&o.customer, "customer", "", "key of a customer")
	f.StringVar(&o.table, "table", "", "name of a decision table")
	f.StringVar(&o.lang, "lang", "en", "language of explanations: en or tr")
	f.IntVar(&o.examples, "examples", 3, "customers to show per rule")
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		usage(f)
		return 2
	}
	name := args[0]
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(errs, "unexpected argument %q\n", f.Arg(0))
		return 2
	}
	for _, c := range commands {
		if c.name != name {
			continue
		}
		p := &program{options: o, out: out}
		err := p.load()
		if err == nil {
			err = c.run(p, ctx)
		}
		if err != nil {
			fmt.Fprintln(errs, printable(err.Error()))
			return 1
		}
		return 0
	}
	fmt.Fprintf(errs, "there is no command %q\n", name)
	usage(f)
	return 2
}

func usage(f *flag.FlagSet) {
	w := f.Output()
	fmt.Fprint(w, "usage: rules COMMAND [flags]\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.what)
	}
	fmt.Fprint(w, "\nflags:\n")
	f.PrintDefaults()
}

// load reads the facts, which say what rules can see, and compiles the rules.
func (p *program) load() error {
	var err error
	if p.zone, err = time.LoadLocation(p.options.zone); err != nil {
		return fmt.Errorf("-zone: %w", err)
	}
	now, err := time.ParseInLocation("2006-01-02T15:04", p.at, p.zone)
	if err != nil {
		return fmt.Errorf("-at: %q is no evening: write 2026-03-01T20:00", p.at)
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

// compile reads rule files and compiles them together.
func (p *program) compile(files []string) (*rules.Set[rules.Dynamic], error) {
	var books []*rules.Book
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
		read := rules.ReadYAML
		if strings.HasSuffix(name, ".json") {
			read = rules.ReadJSON
		}
		book, _ := read(name, data) // Compile tells what is wrong with it, with all else
		books = append(books, book)
	}
	return p.facts.schema.Compile(books...)
}

// printable keeps what came from a file from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}
