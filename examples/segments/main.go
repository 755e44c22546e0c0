// Command segments answers what people ask of a segment: how many are in it and
// in each part of its definition, what each exclusion costs, what it overlaps
// with, why a customer is or is not in it and since when, who uses what, and what
// is probably not meant.
//
//	go run ./examples/segments
//
// It reads customers and their tags from a CSV file and definitions from a text
// file; without flags it uses a small sample of its own. See -help, and
// README.md beside this file.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

//go:embed languages/*.json
var languages embed.FS

// options are the flags.
type options struct {
	pairs, definitions, polarity, orders string
	sample                               bool
	segment                              string
	customers                            []string
	by                                   []string
	min                                  int
	at, before                           time.Time
	report, lang                         string
	skipBad                              bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var customers, by, at, before string
	f := terminal.NewFlags("segments", "Says who is in a segment, why and since when, and what each part of its definition costs.",
		"go run ./examples/segments",
		"go run ./examples/segments -pairs tags.csv -definitions segments.txt -segment loyal -why 4711,4712",
		"go run ./examples/segments -pairs tags.csv -definitions segments.txt -orders orders.csv -by city,rfm -report page.html -lang tr")
	f.StringVar(&o.pairs, "pairs", "", "CSV of customer,tag and optionally since,until (default: the sample)")
	f.StringVar(&o.definitions, "definitions", "", "definitions of segments, as text or, in a file that ends in .json, as JSON")
	f.StringVar(&o.polarity, "polarity", "", "CSV of tag,polarity and optionally from,until,owner,reason")
	f.StringVar(&o.orders, "orders", "", "CSV of customer,date,amount, for RFM and behaviour windows")
	f.StringVar(&o.segment, "segment", "", "segment to ask about (default: the last one defined)")
	f.StringVar(&customers, "why", "", "customers, with commas between, whose membership to explain")
	f.StringVar(&by, "by", "", "dimensions of micro-segments, with commas between: FIELD of tags like FIELD:VALUE, rfm or group")
	f.IntVar(&o.min, "min", 2, "least size of a micro-segment")
	f.StringVar(&at, "at", "2025-06-01", "date of the questions")
	f.StringVar(&before, "before", "", "earlier date to compare RFM groups with (default: 90 days before)")
	f.StringVar(&o.report, "report", "", "write the answers as an HTML page to this file")
	f.StringVar(&o.lang, "lang", "en", "language of what is printed and of the page: en or tr")
	f.BoolVar(&o.skipBad, "skip-bad", false, "leave out rows that cannot be read instead of stopping")
	if err := f.Parse(args, out); err != nil {
		return o, err
	}
	var err error
	if o.at, err = date(at); err != nil {
		return o, terminal.Usagef("-at: %w", err)
	}
	o.before = o.at.AddDate(0, 0, -90)
	if before != "" {
		if o.before, err = date(before); err != nil {
			return o, terminal.Usagef("-before: %w", err)
		}
	}
	o.customers, o.by = list(customers), list(by)
	o.sample = o.pairs == ""
	switch {
	case o.sample && (o.definitions != "" || o.polarity != "" || o.orders != ""):
		return o, terminal.Usagef("-definitions, -polarity and -orders go with -pairs")
	case !o.sample && o.definitions == "":
		return o, terminal.Usagef("-pairs needs -definitions")
	case o.sample && customers == "":
		o.customers = []string{"c-0009", "c-0017", "c-0084"}
	}
	if o.sample && by == "" {
		o.by = []string{"city", "group"}
	}
	return o, nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func date(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("%q is no date such as 2025-06-01", s)
	}
	return t, nil
}

func main() { terminal.Main("segments", run) }

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	l, err := speak.In("lang", o.lang, languages)
	if err != nil {
		return err
	}
	if err := output.Check(o.report); err != nil {
		return terminal.Usagef("-report: %w", err)
	}
	in, err := read(ctx, o, errs)
	if err != nil {
		return err
	}
	w, err := build(o, in)
	if err != nil {
		return err
	}
	a, err := w.answer(ctx, o, l)
	if err != nil {
		return err
	}
	if err := a.print(out); err != nil {
		return err
	}
	if o.report == "" {
		return nil
	}
	if err := a.write(o.report); err != nil {
		return err
	}
	terminal.Wrote(errs, o.report)
	return nil
}
