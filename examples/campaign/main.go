// Command campaign takes a campaign from a list of people to a page with its results:
// who gets nothing and why, what arrived, who clicked, what it brought beside those who
// were held out, and what it cost.
//
//	go run ./examples/campaign
//
// It reads the people from a CSV file, or makes some. Its messages go to a simulator of a
// provider that runs within the program, and what people do with them is simulated, too: no
// message leaves. See -help, and README.md beside this file.
package main

import (
	"context"
	"embed"
	"io"

	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

//go:embed languages/*.json
var languages embed.FS

// options are the flags.
type options struct {
	in       string
	people   int
	provider string
	text     string
	other    string
	holdout  float64
	lift     float64
	faults   float64
	seed     uint64
	report   string
	preview  bool
	locale   string
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := terminal.NewFlags("campaign", "Sends a campaign through a provider's simulator and measures what it did.",
		"go run ./examples/campaign",
		"go run ./examples/campaign -preview -lang tr -report approve.html   # before it is approved",
		"go run ./examples/campaign -in customers.csv -text 'Dear {name}, see our spring watches: {link}' -report page.html",
		"go run ./examples/campaign -provider netgsm -people 20000 -faults 0.05 -lift 0")
	f.StringVar(&o.in, "in", "", "CSV of people: columns are recognised by their headers, as examples/dedupe does (default: made up)")
	f.IntVar(&o.people, "people", 5000, "how many people to make up, at most 200000")
	f.StringVar(&o.provider, "provider", "verimor", "whose simulator takes the messages: verimor, netgsm or twilio")
	f.StringVar(&o.text, "text", "Sayın {name}, bahar saatleri geldi: {link} RET 4609", "the message; {name} and {link} are put in")
	f.StringVar(&o.other, "other", "", "other words that half of the people get instead, to see which bring more")
	f.Float64Var(&o.holdout, "holdout", 0.1, "share of people who get nothing, to measure by")
	f.Float64Var(&o.lift, "lift", 0.02, "how many more of those who got the message buy, in the simulated world: 0.02 is two in a hundred")
	f.Float64Var(&o.faults, "faults", 0.02, "share of requests that the provider throttles, answers too late or loses, and of messages that do not arrive")
	f.Uint64Var(&o.seed, "seed", 1, "makes the same world again")
	f.StringVar(&o.report, "report", "", "write the results as an HTML page to this file")
	f.BoolVar(&o.preview, "preview", false, "show what somebody sees who is asked to approve it, and send nothing")
	f.StringVar(&o.locale, "lang", "en", "language of what is printed and of the page: en or tr")
	if err := f.Parse(args, out); err != nil {
		return o, err
	}
	share := func(name string, v, most float64) error {
		if !(v >= 0 && v <= most) {
			return terminal.Usagef("-%s: %v is not from 0 to %v", name, v, most)
		}
		return nil
	}
	for _, err := range []error{terminal.OneOf("-provider", o.provider, "verimor", "netgsm", "twilio"), share("holdout", o.holdout, 0.5), share("lift", o.lift, 0.5), share("faults", o.faults, 0.3)} {
		if err != nil {
			return o, err
		}
	}
	if _, err := speak.In("lang", o.locale, languages); err != nil {
		return o, err
	}
	if o.people < 1 || o.people > 200_000 {
		return o, terminal.Usagef("-people: %d is not from 1 to 200000", o.people)
	}
	return o, nil
}

func main() { terminal.Main("campaign", run) }

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	if err := output.Check(o.report); err != nil {
		return terminal.Usagef("-report: %w", err)
	}
	w, err := newWorld(ctx, o, errs)
	if err != nil {
		return err
	}
	defer w.close()
	l, err := speak.In("lang", o.locale, languages)
	if err != nil {
		return err
	}
	if o.preview {
		p, err := w.preview(ctx)
		if err != nil {
			return err
		}
		if err := p.show(out, l); err == nil && o.report != "" {
			terminal.Wrote(errs, o.report)
		} else if err != nil {
			return err
		}
		return nil
	}
	screen := terminal.NewScreen(errs)
	r, err := w.campaign(ctx, screen)
	screen.End()
	if err != nil {
		return err
	}
	tables := r.tables(l)
	if err := printed(out, tables); err != nil || o.report == "" {
		return err
	}
	if err := written(o.report, l, l.Say("title"), l.Say("lead", l.Int(r.people), o.provider), tables, r.bars(l)); err != nil {
		return err
	}
	terminal.Wrote(errs, o.report)
	return nil
}
