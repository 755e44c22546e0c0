// Command survey serves one survey to everybody who opens its link, and shows what they said.
//
//	go run ./examples/survey visit.json              # a QR code in the terminal, the form at its link
//	go run ./examples/survey -check visit.json       # what the definition would not do, with JSON paths
//	go run ./examples/survey -results visit.json     # scores with intervals, topics of the comments
//	go run ./examples/survey -results -report results.html visit.json   # the same as a page of pictures
//	go run ./examples/survey -export out.xlsx visit.json
//
// Without a file it serves a survey of its own. Answers are kept in a SQLite file, also those
// that are not finished, so that a link goes on where somebody stopped. Links to answers are
// signed with a key beside that file.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/qr"
)

//go:embed languages/*.json
var languages embed.FS

// options are the flags.
type options struct {
	addr, base, db, export, place, report, lang string
	check, results                              bool
}

func main() {
	terminal.Main("survey", func(ctx context.Context, args []string, out, _ io.Writer) error { return run(ctx, args, out, nil) })
}

// run is the program; started, if set, hears where it listens.
func run(ctx context.Context, args []string, out io.Writer, started func(net.Addr)) error {
	var o options
	fs := terminal.NewFlags("survey", "Serves one survey to everybody who opens its link, and shows what they said.",
		"go run ./examples/survey visit.json              # a QR code in the terminal, the form at its link",
		"go run ./examples/survey -check visit.json       # what the definition would not do, with JSON paths",
		"go run ./examples/survey -results -report results.html visit.json")
	fs.Usage, fs.Arguments = "survey [flags] [DEFINITION.json]", 1
	fs.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where it listens")
	fs.StringVar(&o.base, "url", "", "how visitors reach it, such as https://s.example.com; empty: http:// and the address")
	fs.StringVar(&o.db, "db", "survey.db", "the SQLite file of the answers")
	fs.StringVar(&o.place, "place", "", "the shop, shown on the page and {place} in texts")
	fs.StringVar(&o.export, "export", "", "write all answers to a file: .csv, .json, .xlsx or .parquet")
	fs.BoolVar(&o.check, "check", false, "check the definition and end")
	fs.BoolVar(&o.results, "results", false, "show the results and end")
	fs.StringVar(&o.report, "report", "", "with -results: write a page of pictures to a file, .html")
	fs.StringVar(&o.lang, "lang", "en", "language of the results: en or tr")
	if err := fs.Parse(args, out); err != nil {
		return err
	}
	l, err := speak.In("lang", o.lang, languages)
	if err != nil {
		return err
	}
	if o.report != "" && !o.results {
		return terminal.Usagef("-report is for -results")
	}
	def, err := definition(fs.Args())
	if err != nil {
		return err
	}
	if o.check {
		return check(out, def)
	}
	if err := def.Err(); err != nil {
		return fmt.Errorf("the definition is not ready to be asked, see -check: %w", err)
	}
	db, err := open(ctx, o.db)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	s := &store{db: db, def: def, place: o.place}
	switch {
	case o.export != "":
		return s.export(ctx, o.export, out)
	case o.results:
		return s.results(ctx, out, o.report, l)
	}
	return serve(ctx, s, o, out, started)
}

// definition reads the file, or takes the built-in one.
func definition(args []string) (*survey.Definition, error) {
	switch len(args) {
	case 0:
		return survey.Satisfaction(), nil
	case 1:
		data, err := os.ReadFile(args[0])
		if err != nil {
			return nil, err
		}
		def, err := survey.Parse(data, survey.Limits{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", args[0], err)
		}
		return def, nil
	}
	return nil, terminal.Usagef("one definition at a time, not %d", len(args))
}

// errFailures says that the definition cannot be published.
var errFailures = errors.New("it would not ask what its author meant")

// check lists the findings.
func check(out io.Writer, def *survey.Definition) error {
	failures, warnings := 0, 0
	for _, f := range def.Findings() {
		if f.Severity == "failure" {
			failures++
		} else {
			warnings++
		}
		fmt.Fprintf(out, "%-8s %s: %s", f.Severity, f.Path, f.Detail)
		if f.Suggestion != "" {
			fmt.Fprintf(out, " (meant %s?)", f.Suggestion)
		}
		if f.Rule != "" {
			fmt.Fprintf(out, " [%s]", f.Rule)
		}
		fmt.Fprintln(out)
	}
	n := 0
	for range def.Questions() {
		n++
	}
	fmt.Fprintf(out, "questions: %d, failures: %d, warnings: %d\n", n, failures, warnings)
	if failures > 0 {
		return errFailures
	}
	return nil
}

// serve listens until the context ends.
func serve(ctx context.Context, s *store, o options, out io.Writer, started func(net.Addr)) error {
	handler, err := pages(s, o.db+".key")
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	link := o.base
	if link == "" {
		link = "http://" + l.Addr().String()
	}
	link += posterPath + posterCode
	code, err := qr.New(link, qr.M)
	if err != nil {
		return err
	}
	fmt.Fprint(out, code.Text())
	fmt.Fprintf(out, "%s\nThe code for paper: %s.svg\n", link, link)
	srv := &http.Server{Handler: handler(code), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	if started != nil {
		started(l.Addr())
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = srv.Shutdown(late)
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
