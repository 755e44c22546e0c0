// Command night runs the evenings of a watch retailer: customers arrive from
// seven sources and become one person each, twenty rules run every evening,
// messages go out with a link per recipient, people and link scanners click,
// surveys are answered, bad answers open tickets and tickets silence.
//
//	go run ./examples/night
//
// Without flags it simulates 20,000 people and 60 evenings in a SQLite file that
// it throws away. See -help, and README.md beside this file.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/record"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// options are the flags.
type options struct {
	db        string
	customers int
	evenings  int
	seed      uint64
	from      string
	fromSet   bool
	format    string // of -import
	dir       string
	rules     string
	report    string
	json      bool
	digest    bool
	evening   string
	resident  int
	storm     bool
	lang      string
	say       speaker // of lang
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var folder string
	f := terminal.NewFlags("night", "Runs the evenings of a watch retailer, simulated or from your own files.",
		"go run ./examples/night -evenings 20 -report page.html -lang tr",
		"go run ./examples/night -db sqlite:shop.db -evenings 40   # stopped and started again, it goes on",
		"go run ./examples/night -import csv:DIR -db postgres://me@localhost/shop -json")
	f.StringVar(&o.db, "db", "", "where the record is: memory, sqlite:PATH, postgres:DSN, postgres://USER@HOST/DATABASE or mysql:DSN (default: a SQLite file that is thrown away)")
	f.IntVar(&o.customers, "customers", 20_000, "people in the simulated world")
	f.IntVar(&o.evenings, "evenings", 60, "evenings to run")
	f.Uint64Var(&o.seed, "seed", 1, "of the simulated world")
	f.StringVar(&o.from, "from", "2025-01-01", "date of the first evening; with -import by default the last evenings of the data")
	f.StringVar(&folder, "import", "", "real data instead of the world: csv:DIR or adventureworks:DIR")
	f.StringVar(&o.rules, "rules", "", "rules to use instead of retailer/evening.yaml")
	f.StringVar(&o.report, "report", "", "write an HTML page with the results to this file")
	f.BoolVar(&o.json, "json", false, "print the results as one JSON object")
	f.BoolVar(&o.digest, "digest", false, "print a hash of the whole logical end state as the last line")
	f.IntVar(&o.resident, "resident", 0, "up to how many profiles everybody is kept in memory; -1: none are (default 250000)")
	f.BoolVar(&o.storm, "storm", false, "send through a simulator of Verimor that throttles, loses answers and reports twice, while customers refuse and complain")
	f.StringVar(&o.lang, "lang", "en", "language of the page and of what is printed: en or tr")
	f.StringVar(&o.evening, "evening", "", "run the evening of this date once more")
	if err := f.Parse(args, out); err != nil {
		return o, err
	}
	var err error
	if o.say, err = speak(o.lang); err != nil {
		return o, err
	}
	f.Visit(func(x *flag.Flag) { o.fromSet = o.fromSet || x.Name == "from" })
	if folder != "" {
		var ok bool
		if o.format, o.dir, ok = strings.Cut(folder, ":"); !ok {
			return o, terminal.Usagef("-import: %q is not FORMAT:DIR", folder)
		}
	}
	switch {
	case o.storm && (o.digest || o.evening != "" || folder != ""):
		return o, terminal.Usagef("-storm: goes with the simulated world, and not with -digest or -evening: what happens depends on the moment")
	case o.customers < 1 || o.customers > 1<<24:
		return o, terminal.Usagef("-customers: %d is not between 1 and %d", o.customers, 1<<24)
	case o.evenings < 0 || o.evenings > 3650:
		return o, terminal.Usagef("-evenings: %d is not between 0 and 3650", o.evenings)
	}
	for _, day := range []struct{ name, text string }{{"from", o.from}, {"evening", o.evening}} {
		if _, err := checkDay(day.name, day.text); day.text != "" && err != nil {
			return o, &terminal.UsageError{Err: err}
		}
	}
	return o, nil
}

func main() {
	// A nightly job may take its memory; collecting less often is worth a third
	// of the time.
	debug.SetGCPercent(400)
	terminal.Main("night", run)
}

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	if err := output.Check(o.report); err != nil {
		return terminal.Usagef("-report: %w", err)
	}
	show := newDisplay(errs, o.say)
	store, where, shut, err := record.Open(ctx, o.db)
	if err != nil {
		return err
	}
	defer shut()
	s, stop, err := newSimulation(ctx, o, store, show)
	if err != nil {
		return err
	}
	defer stop()
	show.start(s, where)
	err = s.run(ctx)
	if err == nil && o.evening != "" {
		err = s.again(ctx, o.evening)
	}
	show.Keep()
	if err == nil {
		err = s.finish(ctx, out, where)
	}
	if err != nil && ctx.Err() != nil {
		text := o.say.Say("show.stopped", s.state.Day, o.evenings)
		if o.db != "" && o.db != "memory" {
			text += o.say.Say("show.again")
		}
		return &terminal.Stopped{Text: text, Err: err}
	}
	if err == nil && o.report != "" {
		show.line("show.wrote", o.report)
	}
	return err
}

// peakRSS is the largest resident size of this process in MiB.
func peakRSS() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss >> 20
	}
	return u.Maxrss >> 10
}

// checkDay parses a date flag.
func checkDay(name, s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("-%s: %q is no date such as 2025-01-01", name, s)
	}
	return t, nil
}
