// Command dedupe finds the records of one CSV file, or of two, that speak of the same
// person, or of the same product, company, place or publication, without labels and without
// anything to tune.
//
//	go run ./examples/dedupe -in people.csv -out clusters.csv
//
// Columns are recognised by their names or told with -map. See -help, and README.md
// beside this file.
package main

import (
	"context"
	"io"
	"os"

	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/people/columns"
	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// options are the flags.
type options struct {
	in        []string // one or two files
	of        string   // people, things or companies; "": recognised
	roles     map[columns.Role]string
	mappings  [2]string // files of -mapping and -mapping2
	delimiter string
	out       string
	pairs     string
	report    string
	lang      string // of the report
	model     string
	questions string
	ask       int
	answers   []string // files
	truth     string
	single    string // column whose values are sources that have every person once
	region    string
	threads   int
	json      bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var in, in2, mapping string
	f := terminal.NewFlags("dedupe", "Finds the rows of one CSV file, or of two, that speak of the same person, or the same thing.",
		"go run ./examples/dedupe -in people.csv -out clusters.csv",
		"go run ./examples/dedupe -in crm.csv -in2 shop.csv -map given=first_name,family=surname,phone=gsm -report page.html",
		"go run ./examples/dedupe -in people.csv -truth person -json",
		"go run ./examples/dedupe -in people.csv -questions ask.csv, and when they are answered: -in people.csv -answers ask.csv -out clusters.csv",
		"go run ./examples/dedupe -in shop.csv -in2 market.csv -of things -one-per-source file -out products.csv")
	f.StringVar(&in, "in", "", "CSV file with a header; .gz is read too (default: a sample of this program)")
	f.StringVar(&in2, "in2", "", "a second file, with the same columns or others")
	f.StringVar(&o.of, "of", "", "what the rows speak of: people, things (products, places, publications) or companies (default: recognised)")
	f.StringVar(&mapping, "map", "", "columns of roles: given=first_name,family=surname,extra:occupation=job (default: recognised by name and content)")
	f.StringVar(&o.mappings[0], "mapping", "", "read the columns as this file says, or, if there is none, write how they were read to it")
	f.StringVar(&o.mappings[1], "mapping2", "", "the same for the second file")
	f.StringVar(&o.delimiter, "delimiter", "", "between cells, one character or tab (default: recognised)")
	f.StringVar(&o.out, "out", "", "write row, id and cluster_id of every row to this file")
	f.StringVar(&o.pairs, "pairs", "", "write the linked pairs with their weights to this file")
	f.StringVar(&o.report, "report", "", "write an HTML page with pictures to this file")
	f.StringVar(&o.lang, "lang", "en", "language of that page: en or tr")
	f.StringVar(&o.model, "model", "", "use the model in this file, or, if there is none, write the learnt one to it")
	f.StringVar(&o.questions, "questions", "", "write pairs of rows about which a person's answer would say most to this file, as CSV with an empty column for it")
	f.IntVar(&o.ask, "ask", 50, "how many questions to write")
	f.Func("answers", "read answers (yes, no, evet, hayır) to such questions from this file; may be given several times", func(path string) error {
		o.answers = append(o.answers, path)
		return nil
	})
	f.StringVar(&o.truth, "truth", "", "column that names the true person; the result is then measured")
	f.StringVar(&o.single, "one-per-source", "", "column that names the source, where each source has every person once; with -in2 also: file")
	f.StringVar(&o.region, "region", "TR", "home country of phone numbers without a country code, as an ISO 3166 code")
	f.IntVar(&o.threads, "threads", 2, "goroutines to work with; the result does not depend on them")
	f.BoolVar(&o.json, "json", false, "print what was found and measured as one JSON object")
	if err := f.Parse(args, out); err != nil {
		return o, err
	}
	switch {
	case in == "" && in2 != "":
		return o, terminal.Usagef("-in2 goes with -in")
	case o.mappings[1] != "" && in2 == "":
		return o, terminal.Usagef("-mapping2 goes with -in2")
	case o.of != "" && o.of != ofPeople && o.of != ofThings && o.of != ofCompanies:
		return o, terminal.Usagef("-of: %q is not %s, %s or %s", o.of, ofPeople, ofThings, ofCompanies)
	case o.of != "" && o.of != ofPeople && o.mappings != [2]string{}:
		return o, terminal.Usagef("-mapping is of the columns of people; name those of %s with -map", o.of)
	case o.ask < 1 || o.ask > 100_000:
		return o, terminal.Usagef("-ask: %d is not between 1 and 100000", o.ask)
	case o.threads < 1 || o.threads > 1024:
		return o, terminal.Usagef("-threads: %d is not between 1 and 1024", o.threads)
	}
	if o.delimiter == "tab" || o.delimiter == `\t` {
		o.delimiter = "\t"
	}
	if r := []rune(o.delimiter); len(r) > 1 || len(r) == 1 && (r[0] == '"' || r[0] == '\r' || r[0] == '\n' || r[0] == '�') {
		return o, terminal.Usagef("-delimiter: %q is not one character that may stand between cells", o.delimiter)
	}
	for _, path := range []string{in, in2} {
		if path != "" {
			o.in = append(o.in, path)
		}
	}
	var err error
	read := parseMap
	if o.of == ofThings || o.of == ofCompanies {
		read = parseThings
	}
	if o.roles, err = read(mapping); err != nil {
		return o, &terminal.UsageError{Err: err}
	}
	if _, err := wordsIn(o.lang); err != nil {
		return o, err
	}
	if _, err := people.New(people.Options{Region: o.region}); err != nil {
		return o, terminal.Usagef("-region: %w", err)
	}
	return o, nil
}

func main() { terminal.Main("dedupe", run) }

// run is the program; a test calls it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	newModel := o.model
	if _, err := os.Stat(o.model); err == nil {
		newModel = "" // it is read
	}
	for _, f := range []struct{ name, path string }{{"-out", o.out}, {"-pairs", o.pairs}, {"-report", o.report}, {"-model", newModel}, {"-questions", o.questions}} {
		if err := output.Check(f.path); err != nil {
			return terminal.Usagef("%s: %w", f.name, err)
		}
	}
	if err := checkQuestions(o); err != nil {
		return terminal.Usagef("-questions: %w", err)
	}
	j, err := open(o, errs)
	if err != nil {
		return err
	}
	if err := j.link(ctx); err != nil {
		return j.stopped(ctx, err)
	}
	if err := j.write(ctx); err != nil {
		return j.stopped(ctx, err)
	}
	if o.json {
		return j.printJSON(out)
	}
	return j.print(out)
}
