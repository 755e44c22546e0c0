package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/rfm"
)

// The sample: a made-up shop.
var (
	//go:embed sample/pairs.csv
	samplePairs []byte
	//go:embed sample/definitions.txt
	sampleDefinitions []byte
	//go:embed sample/polarity.csv
	samplePolarity []byte
	//go:embed sample/orders.csv
	sampleOrders []byte
)

// input is what was read.
type input struct {
	pairs    []pair
	defs     []segment.Definition
	polarity []segment.PolarityRule
	orders   []rfm.Order
}

// pair says that a customer carries a tag, and from when to when.
type pair struct {
	customer, tag string // without a tag: the customer exists
	since, until  time.Time
}

// rowError says which row of a file cannot be used, and why.
type rowError struct {
	File string
	Line int
	Msg  string
}

func (e *rowError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// maxBad is how many bad rows are named.
const maxBad = 20

func read(ctx context.Context, o options, errs io.Writer) (*input, error) {
	in := new(input)
	open := func(path, name string, sample []byte) (io.ReadCloser, string, error) {
		if o.sample {
			return io.NopCloser(bytes.NewReader(sample)), "sample/" + name, nil
		}
		f, err := os.Open(path)
		return f, path, err
	}
	table := func(path, name string, sample []byte, required, optional []string, take func(row map[string]string) error) error {
		if path == "" && !o.sample {
			return nil
		}
		f, label, err := open(path, name, sample)
		if err != nil {
			return err
		}
		defer f.Close()
		return readTable(ctx, label, f, required, optional, take, o.skipBad, errs)
	}
	if err := table(o.pairs, "pairs.csv", samplePairs, []string{"customer", "tag"}, []string{"since", "until"}, in.takePair); err != nil {
		return nil, err
	}
	if err := table(o.polarity, "polarity.csv", samplePolarity, []string{"tag", "polarity"}, []string{"from", "until", "owner", "reason"}, in.takePolarity); err != nil {
		return nil, err
	}
	if err := table(o.orders, "orders.csv", sampleOrders, []string{"customer", "date", "amount"}, nil, in.takeOrder); err != nil {
		return nil, err
	}
	f, label, err := open(o.definitions, "definitions.txt", sampleDefinitions)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 16<<20)) // Limits.Bytes refuses far less
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	if strings.HasSuffix(label, ".json") {
		in.defs, err = segment.ParseDefinitionsJSON(text, segment.Limits{})
	} else {
		in.defs, err = segment.ParseDefinitions(string(text), segment.Limits{})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	if len(in.defs) == 0 {
		return nil, fmt.Errorf("%s: defines no segment", label)
	}
	return in, nil
}

// readTable reads rows of a CSV with a header, in any order of columns, with
// commas, semicolons or tabs. What is wrong with a row is reported with its line.
func readTable(ctx context.Context, label string, f io.Reader, required, optional []string, take func(map[string]string) error, skipBad bool, errs io.Writer) error {
	b := bufio.NewReaderSize(f, 1<<16)
	if start, _ := b.Peek(3); bytes.Equal(start, []byte("\ufeff")) {
		if _, err := b.Discard(3); err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
	}
	r := csv.NewReader(b)
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	r.Comma = separator(b)
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return &rowError{label, 1, "the file is empty; it needs a header: " + strings.Join(required, ",")}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", label, err)
	}
	at, err := columns(header, required, optional)
	if err != nil {
		return &rowError{label, 1, err.Error()}
	}
	var bad []error
	more := 0
	note := func(line int, msg string) {
		if len(bad) < maxBad {
			bad = append(bad, &rowError{label, line, msg})
		} else {
			more++
		}
	}
	width := len(header)
	row := make(map[string]string, len(at))
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			note(syntax.Line, syntax.Err.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		line, _ := r.FieldPos(0)
		if len(record) != width {
			note(line, fmt.Sprintf("has %d fields, the header has %d", len(record), width))
			continue
		}
		for name, i := range at {
			row[name] = strings.TrimSpace(record[i])
		}
		if err := take(row); err != nil {
			note(line, err.Error())
		}
	}
	if more > 0 {
		bad = append(bad, fmt.Errorf("%s: and %d more", label, more))
	}
	if len(bad) > 0 && skipBad {
		for _, err := range bad {
			fmt.Fprintln(errs, "left out:", err)
		}
		return nil
	}
	return errors.Join(bad...)
}

// separator looks at the first line.
func separator(b *bufio.Reader) rune {
	start, _ := b.Peek(1 << 12)
	line, _, _ := bytes.Cut(start, []byte("\n"))
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func columns(header, required, optional []string) (map[string]int, error) {
	at := make(map[string]int)
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := at[name]; twice {
			return nil, fmt.Errorf("column %q stands twice in the header", name)
		}
		at[name] = i
	}
	out := make(map[string]int)
	for _, name := range required {
		i, ok := at[name]
		if !ok {
			return nil, fmt.Errorf("column %q is missing; the header needs %s", name, strings.Join(required, ","))
		}
		out[name] = i
	}
	for _, name := range optional {
		if i, ok := at[name]; ok {
			out[name] = i
		}
	}
	return out, nil
}

// name checks what people may call customers and tags.
func name(row map[string]string, field string) (string, error) {
	s := row[field]
	switch {
	case s == "":
		return "", fmt.Errorf("%s is empty", field)
	case len(s) > 255:
		return "", fmt.Errorf("%s is longer than 255 bytes", field)
	case !utf8.ValidString(s):
		return "", fmt.Errorf("%s is not valid UTF-8", field)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", fmt.Errorf("%s has a control character", field)
	}
	return s, nil
}

func optionalDate(row map[string]string, field string) (time.Time, error) {
	if row[field] == "" {
		return time.Time{}, nil
	}
	t, err := date(row[field])
	if err != nil {
		return t, fmt.Errorf("%s: %w", field, err)
	}
	return t, nil
}

func (in *input) takePair(row map[string]string) (err error) {
	var p pair
	if p.customer, err = name(row, "customer"); err != nil {
		return err
	}
	if row["tag"] != "" {
		if p.tag, err = name(row, "tag"); err != nil {
			return err
		}
	}
	if p.since, err = optionalDate(row, "since"); err != nil {
		return err
	}
	if p.until, err = optionalDate(row, "until"); err != nil {
		return err
	}
	if !p.until.IsZero() && !p.since.Before(p.until) {
		return errors.New("until is not after since")
	}
	in.pairs = append(in.pairs, p)
	return nil
}

func (in *input) takePolarity(row map[string]string) (err error) {
	r := segment.PolarityRule{Owner: row["owner"], Reason: row["reason"]}
	if r.Tag, err = name(row, "tag"); err != nil {
		return err
	}
	switch row["polarity"] {
	case "red":
		r.Polarity = segment.Red
	case "green":
		r.Polarity = segment.Green
	case "neutral":
	default:
		return fmt.Errorf("polarity %q is none of red, green, neutral", row["polarity"])
	}
	for _, field := range []string{"owner", "reason"} {
		if row[field] == "" {
			continue
		}
		if _, err := name(row, field); err != nil {
			return err
		}
	}
	if r.From, err = optionalDate(row, "from"); err != nil {
		return err
	}
	if r.Until, err = optionalDate(row, "until"); err != nil {
		return err
	}
	if !r.Until.IsZero() && !r.From.Before(r.Until) {
		return errors.New("until is not after from")
	}
	in.polarity = append(in.polarity, r)
	return nil
}

func (in *input) takeOrder(row map[string]string) (err error) {
	var o rfm.Order
	if o.Customer, err = name(row, "customer"); err != nil {
		return err
	}
	if o.At, err = date(row["date"]); err != nil {
		return fmt.Errorf("date: %w", err)
	}
	if o.Amount, err = minor(row["amount"]); err != nil {
		return err
	}
	in.orders = append(in.orders, o)
	return nil
}

// minor reads an amount with up to two decimals in minor units.
func minor(s string) (int64, error) {
	whole, cents, point := strings.Cut(s, ".")
	bare := point && cents == ""
	for point && len(cents) < 2 {
		cents += "0"
	}
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	if !point {
		n *= 100
	}
	if err != nil || bare || len(cents) > 2 || len(whole) > 15 || strings.ContainsAny(s, "+_") || whole == "" || whole == "-" {
		return 0, fmt.Errorf("amount %q is no number such as 129.90", s)
	}
	return n, nil
}
