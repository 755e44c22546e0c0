// Command value says what the customers of a file are worth: who still buys, what each is going to
// buy, who comes back in which month, how few bring most of the revenue, who is in which state, what
// is bought together.
//
//	go run ./examples/value
//	go run ./examples/value -in sales.csv -json
//	go run ./examples/value -summary cdnow.csv -json
//	go run ./examples/value -in sales.csv -report page.html -lang tr -currency TRY
//	go run ./examples/value -export DIR -currency TRY
//
// It reads a CSV file of (customer, time, amount) and, if there is one, category; or a file of
// frequencies, as the papers have them. Without flags it simulates a shop. See -help.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// options are the flags.
type options struct {
	in, summary string
	until       time.Time
	zone        *time.Location
	weeks       int
	discount    float64
	margin      float64
	top         int
	json        bool
	export      string
	currency    string
	report      string
	lang        string
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var until, zone string
	f := terminal.NewFlags("value", "Says what the customers of a file of sales are worth, and who comes back.",
		"go run ./examples/value",
		"go run ./examples/value -in sales.csv -until 2026-03-31 -margin 0.4",
		"go run ./examples/value -in sales.csv -report page.html -lang tr -currency TRY",
		"go run ./examples/value -export DIR -currency TRY",
		"go run ./examples/value -summary cdnow.csv -json")
	f.StringVar(&o.in, "in", "", "CSV of customer,time,amount and optionally category (default: a simulated shop)")
	f.StringVar(&o.summary, "summary", "", "CSV of x,t_x,T and optionally zbar, a line for each customer, in weeks; or of frequency,recency,periods,weights")
	f.StringVar(&until, "until", "", "last day that sales are known of (default: that of the last sale)")
	f.StringVar(&zone, "zone", "UTC", "time zone of days and months, such as Europe/Istanbul")
	f.IntVar(&o.weeks, "weeks", 52, "how many weeks to look ahead")
	f.Float64Var(&o.discount, "discount", 0.15, "discount rate a year")
	f.Float64Var(&o.margin, "margin", 1, "share of an amount that is earned")
	f.IntVar(&o.top, "top", 10, "how many of the most valuable customers to list")
	f.BoolVar(&o.json, "json", false, "print everything as JSON")
	f.StringVar(&o.export, "export", "", "folder to write the sales to as Parquet: a table of facts and its dimensions")
	f.StringVar(&o.currency, "currency", "", "with -export or -report: currency of the amounts, such as TRY")
	f.StringVar(&o.report, "report", "", "write an HTML page with pictures to this file")
	f.StringVar(&o.lang, "lang", "en", "language of what is printed and of the page: en or tr")
	if err := f.Parse(args, out); err != nil {
		return o, err
	}
	switch {
	case o.in != "" && o.summary != "":
		return o, terminal.Usagef("-in and -summary do not go together")
	case o.weeks < 1 || o.weeks > 5200:
		return o, terminal.Usagef("-weeks: %d is not from 1 to 5200", o.weeks)
	case !(o.discount > -1 && o.discount <= 10):
		return o, terminal.Usagef("-discount: %v is not between -1 and 10", o.discount)
	case !(o.margin >= 0 && o.margin <= 1):
		return o, terminal.Usagef("-margin: %v is not from 0 to 1", o.margin)
	case o.top < 0:
		return o, terminal.Usagef("-top: %d is below 0", o.top)
	case o.export != "" && o.summary != "":
		return o, terminal.Usagef("-export writes sales, and -summary has none")
	case o.export != "" && o.currency == "":
		return o, terminal.Usagef("-export and -currency go together")
	case o.currency != "" && o.export == "" && o.report == "":
		return o, terminal.Usagef("-currency is of -export and of -report")
	case o.report != "" && o.summary != "":
		return o, terminal.Usagef("-report shows sales, and -summary has none")
	}
	if _, err := speak.In("lang", o.lang, languages); err != nil {
		return o, err
	}
	if err := output.Check(o.report); err != nil {
		return o, terminal.Usagef("-report: %w", err)
	}
	var err error
	if o.zone, err = time.LoadLocation(zone); err != nil {
		return o, terminal.Usagef("-zone: %w", err)
	}
	if until != "" {
		day, err := time.Parse(time.DateOnly, until)
		if err != nil {
			return o, terminal.Usagef("-until: %q is no date such as 2026-03-31", until)
		}
		o.until = midnight(day, o.zone)
	}
	return o, nil
}

func main() { terminal.Main("value", run) }

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	var a *answer
	if o.summary != "" {
		in, err := readSummary(o.summary)
		if err != nil {
			return err
		}
		a, err = fit(ctx, o, in)
		if err != nil {
			return err
		}
	} else {
		sales, err := readSales(ctx, o)
		if err != nil {
			return err
		}
		if a, err = ask(ctx, o, sales); err != nil {
			return err
		}
		if o.export != "" {
			if err := export(o.export, o.currency, sales); err != nil {
				return err
			}
		}
		if o.report != "" {
			if err := writeReport(ctx, o, sales, a); err != nil {
				return err
			}
			defer terminal.Wrote(errs, o.report)
		}
	}
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(a)
	}
	l, err := speak.In("lang", o.lang, languages)
	if err != nil {
		return err
	}
	if err := a.print(out, l); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
