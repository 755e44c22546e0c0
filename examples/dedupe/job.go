package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/report"
	"github.com/vefacrm/vefa/dedup/things"
	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

//go:embed sample/people.csv
var sample []byte

// fileSource is what -one-per-source calls the file itself.
const fileSource = "file"

// maxBad is how many bad rows are named.
const maxBad = 20

// job is one run. Rows of both files are numbered through, the second file after the
// first; a row's number is its id for the linkage.
type job struct {
	o       options
	errs    io.Writer
	show    *terminal.Screen
	tables  []*table
	lengths []int // rows of each table, bad ones included
	rows    int   // that could be read
	bad     int
	of      string // what the rows speak of
	engine  engine
	result  *dedup.Result
	loaded  bool     // the model came from a file
	cluster []int32  // of each row, from 1; 0 for a row that could not be read
	pairs   []scored // linked ones, for -pairs
	truth   []int32  // the person of each row, from 1; 0: not known
	measure *measures
	spent   stopwatch

	answers    []dedup.Decision // of people, by the rows' ids
	refused    int              // rows of answers that could not be used
	questions  int              // that were written
	curve      []report.LearningPoint
	unanswered int // groups that there would be without the answers
}

// scored is a pair of rows, a < b, and its weight in bits.
type scored struct {
	a, b   int32
	weight float32
}

// open reads the headers and what the first rows tell about dates.
func open(o options, errs io.Writer) (*job, error) {
	j := &job{o: o, errs: errs, show: terminal.NewScreen(errs), spent: newStopwatch()}
	for _, path := range o.in {
		j.tables = append(j.tables, file(path))
	}
	if len(o.in) == 0 {
		j.tables = []*table{{path: "sample/people.csv", open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sample)), nil }}}
	}
	j.lengths = make([]int, len(j.tables))
	for _, t := range j.tables {
		if o.delimiter != "" {
			t.comma, _ = utf8.DecodeRuneInString(o.delimiter)
		}
		_, _, closer, err := t.start()
		if err != nil {
			return nil, err
		}
		if err := closer(); err != nil {
			return nil, err
		}
	}
	j.of = j.decide()
	for i, t := range j.tables {
		var others []string
		for k, other := range j.tables {
			if k != i {
				others = append(others, other.header...)
			}
		}
		arrange := func() error { return t.arrange(o, o.mappings[i], others) }
		if j.of != ofPeople {
			arrange = func() error { return t.arrangeThings(o, others) }
		}
		if err := arrange(); err != nil {
			return nil, named(t.path, err)
		}
		j.told(t)
	}
	var err error
	if j.engine, err = j.newEngine(); err != nil {
		return nil, err
	}
	return j, nil
}

// newEngine returns what links the rows.
func (j *job) newEngine() (engine, error) {
	o := j.o
	var single []string
	var review int
	var truth func(string) (string, bool)
	var edge func(dedup.Edge)
	if o.single != "" {
		single = []string{dedup.EverySource}
	}
	if o.report != "" {
		review = reviewed
	}
	if o.questions != "" {
		review = max(review, o.ask)
	}
	if o.truth != "" {
		truth = j.person
	}
	if o.pairs != "" || len(o.answers) > 0 {
		edge = func(e dedup.Edge) {
			a, b := rowOf(e.A), rowOf(e.B)
			j.pairs = append(j.pairs, scored{min(a, b), max(a, b), float32(e.Weight)})
		}
	}
	if j.of != ofPeople {
		opt := things.Options{Threads: o.threads, Progress: j.progress, OnePerSource: single, Review: review, Truth: truth, Edge: edge}
		if j.of == ofCompanies {
			opt.Kind = things.Companies
		}
		l, err := things.New(opt)
		return &objects{linker: l}, err
	}
	// Attributes that one file has and the other has not are no evidence for its rows.
	opt := people.Options{Region: o.region, Threads: o.threads, Progress: j.progress, OnePerSource: single, Review: review, Truth: truth, Edge: edge}
	for _, t := range j.tables {
		for _, name := range t.layout.reading.Extras() {
			if !slices.Contains(opt.Extra, name) {
				opt.Extra = append(opt.Extra, name)
			}
		}
	}
	for _, t := range j.tables {
		var err error
		if t.layout.Layout, err = t.layout.reading.Bind(t.header, append([]string{}, opt.Extra...)); err != nil {
			return nil, named(t.path, err)
		}
		t.layout.Year = time.Now().Year()
	}
	l, err := people.New(opt)
	return &persons{linker: l}, err
}

// named names the file of an error that does not.
func named(path string, err error) error {
	var row *rowError
	if errors.As(err, &row) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// told says once how a table is read, and what is weak about it.
func (j *job) told(t *table) {
	if t.enc != undecided && t.enc != encodedUTF8 {
		j.show.Say("%s is read as %v", t.path, t.enc)
	}
	if t.above > 0 {
		j.show.Say("%s: line %d is read as the header; what stands above it is left out", t.path, t.line)
	}
	if j.o.roles != nil || t.layout.written {
		return
	}
	lines := t.describe
	if j.of == ofPeople {
		j.show.Say("%s is read as:", t.path)
	} else {
		j.show.Say("%s has no column that only persons have; it is read as a list of %s (-of %s says otherwise):", t.path, j.of, ofPeople)
		lines = t.describeThings
	}
	for _, line := range lines() {
		j.show.Say("%s", line)
	}
	if weak := t.layout.reading.Weak; weak != "" {
		j.show.Say("warning: %s: %s", t.path, weak)
	}
}

// rowOf is the row of an id of ours, from 0.
func rowOf(id string) int32 {
	n, _ := strconv.Atoi(id) // written by link
	return int32(n - 1)
}

func (j *job) progress(p dedup.Progress) {
	j.spent.phase(p.Phase)
	text := fmt.Sprintf("%s %d", p.Phase, p.Done)
	if p.Total > 0 {
		text = fmt.Sprintf("%s %d%%", p.Phase, 100*p.Done/p.Total)
	}
	j.show.Line(text)
}

// stopped says in words that the program was interrupted, if it was.
func (j *job) stopped(ctx context.Context, err error) error {
	j.show.End()
	if ctx.Err() == nil {
		return err
	}
	return &terminal.Stopped{Text: fmt.Sprintf("stopped in the phase %q after %d rows; files that were asked for are as they were", j.spent.last(), j.rows), Err: err}
}

// link reads the files and links their rows.
func (j *job) link(ctx context.Context) error {
	if err := j.loadModel(); err != nil {
		return err
	}
	if j.o.truth != "" {
		j.spent.phase("evaluate")
		if err := j.readTruth(ctx); err != nil {
			return err
		}
	}
	if err := j.readAnswers(ctx); err != nil {
		return err
	}
	if err := j.learn(ctx); err != nil {
		return err
	}
	if j.bad > 0 {
		j.show.Say("%d of %d rows could not be read", j.bad, j.bad+j.rows)
	}
	j.spent.phase("evaluate")
	j.number()
	j.sortPairs()
	if j.o.truth != "" {
		j.evaluate()
	}
	return errors.Join(j.saveMappings(), j.saveModel())
}

// linkWith links the rows with some of the answers; the last time it says which rows cannot be
// read.
func (j *job) linkWith(ctx context.Context, answers []dedup.Decision, last bool) (err error) {
	var failed error
	passes := 0
	j.pairs = j.pairs[:0]
	j.spent.phase("read")
	j.result, err = j.engine.link(ctx, func(yield func(*entry) bool) {
		passes++ // of things the words are counted first
		failed = errors.Join(failed, j.records(ctx, last && passes == 1, yield))
	}, answers)
	j.show.End()
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	if j.rows == 0 {
		return errors.New("there is no row that can be read")
	}
	return nil
}

var errStopped = errors.New("stopped")

// records yields the rows of all files, and says which cannot be read.
func (j *job) records(ctx context.Context, say bool, yield func(*entry) bool) error {
	base := 0
	j.rows, j.bad = 0, 0
	for i, t := range j.tables {
		var rec entry
		var id []byte
		source := strconv.Itoa(i + 1)
		last := 0
		err := t.rows(func(n int, row []string) error {
			if n&4095 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			last = n
			j.rows++
			t.layout.entry(row, &rec)
			id = strconv.AppendInt(id[:0], int64(base+n), 10)
			from := ""
			switch {
			case t.layout.single >= 0:
				from = row[t.layout.single]
			case j.o.single != "":
				from = source
			}
			rec.name(string(id), from)
			if !yield(&rec) {
				return errStopped
			}
			return nil
		}, func(n int, e *rowError) error {
			last = n
			if j.bad++; say && j.bad <= maxBad {
				j.show.Say("%v", e)
			}
			return nil
		})
		if errors.Is(err, errStopped) {
			return nil // whoever stopped says why
		}
		if err != nil {
			return err
		}
		j.lengths[i] = last
		base += last
	}
	return nil
}

// number gives clusters numbers, from 1 in the order of their first rows.
func (j *job) number() {
	total := 0
	for _, n := range j.lengths {
		total += n
	}
	j.cluster = make([]int32, total)
	first := make([]int32, len(j.result.Clusters))
	order := make([]int32, len(j.result.Clusters))
	for i, c := range j.result.Clusters {
		order[i], first[i] = int32(i), rowOf(c.Members[0])
		for _, m := range c.Members[1:] {
			first[i] = min(first[i], rowOf(m))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(first[a], first[b]) })
	for n, i := range order {
		for _, m := range j.result.Clusters[i].Members {
			j.cluster[rowOf(m)] = int32(n + 1)
		}
	}
}

// sortPairs puts pairs in the order of their rows.
func (j *job) sortPairs() {
	slices.SortFunc(j.pairs, func(a, b scored) int { return cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b)) })
}

func (j *job) loadModel() error {
	if j.o.model == "" {
		return nil
	}
	f, err := os.Open(j.o.model)
	if errors.Is(err, fs.ErrNotExist) {
		if err := output.Check(j.o.model); err != nil {
			return fmt.Errorf("-model: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("-model: %w", err)
	}
	defer f.Close()
	if err := j.engine.load(f); err != nil {
		return fmt.Errorf("-model: %s: %w", j.o.model, err)
	}
	j.loaded = true
	return nil
}

// saveMappings writes how the files were read, where they are asked for and not there.
func (j *job) saveMappings() error {
	for i, t := range j.tables {
		if path := j.o.mappings[i]; path != "" && !t.layout.written {
			err := output.Write(path, output.Private, func(w io.Writer) error {
				_, err := t.layout.reading.WriteTo(w)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *job) saveModel() error {
	if j.o.model == "" || j.loaded {
		return nil
	}
	return output.Write(j.o.model, output.Private, j.engine.save)
}
