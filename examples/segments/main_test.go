package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

var update = flag.Bool("update", false, "rewrite testdata/sample.txt")

func runWith(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = run(context.Background(), args, &o, &e)
	return o.String(), e.String(), err
}

// file writes a file into a folder of the test's own.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSample(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	out, errs, err := runWith(t, "-why", "c-0009,c-0017,c-0084,nobody", "-report", page)
	require.NoError(t, err)
	require.Equal(t, "wrote "+page+"\n", errs)
	golden := filepath.Join("testdata", "sample.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, part := range []string{"<h1>Segment summer-sms</h1>", "Exclusions", "Overlap", "Micro-segments", "Potential Loyalist", "Where they went in 90 days", "Housekeeping"} {
		require.Contains(t, string(html), part)
	}
	require.NotContains(t, string(html), "<script")
	_, _, err = runWith(t, "-report", page)
	require.NoError(t, err)
	again, err := os.ReadFile(page)
	require.NoError(t, err)
	require.NotEqual(t, html, again, "other customers are explained")
}

// Case GR1: with -lang tr nothing that is printed or on the page is English.
func TestSampleInTurkish(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	out, _, err := runWith(t, "-lang", "tr", "-why", "c-0009,c-0017,c-0084,nobody", "-report", page)
	require.NoError(t, err)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, out, "1 Haziran 2025 itibarıyla\n")
	require.Contains(t, out, "dışarıda bırakılan: staff etiketi: 3\n")
	require.Contains(t, string(html), "<h1>summer-sms segmenti</h1>")
	_, written, _ := strings.Cut(out, "\n") // the definition is as its author wrote it
	for _, english := range []string{" members", "since", "entered", ": yes", "Who ", "What ", "Champions", "Potential"} {
		require.NotContains(t, written, english)
	}
	programtest.Languages(t, languages)
}

const shopPairs = "\ufeffCustomer;Tag;Since;Until\nayşe;newsletter;;\nayşe;vip;2025-03-01;\nburak;newsletter;2025-04-01;2025-05-01\nburak;newsletter;2025-05-10;\nçiğdem;;;\nayşe;city:Bursa;;\nburak;city:İzmir;;\n"

func TestSinceWhenAndWhy(t *testing.T) {
	pairs := file(t, "pairs.csv", shopPairs)
	defs := file(t, "defs.txt", "segment mail = newsletter segment other = everyone")
	polarity := file(t, "polarity.csv", "tag,polarity,from,until,owner,reason\nnewsletter,red,2025-05-12,2025-05-14,ada,a test\n")
	out, _, err := runWith(t, "-pairs", pairs, "-definitions", defs, "-polarity", polarity, "-segment", "mail", "-why", "burak,ayşe,çiğdem", "-by", "city", "-min", "1")
	require.NoError(t, err)
	require.Contains(t, out, `  entered 1 April 2025: tag set newsletter
  left 1 May 2025: tag cleared newsletter
  entered 10 May 2025: tag set newsletter
  left 12 May 2025: colour of tag newsletter changed
  entered 14 May 2025: colour of tag newsletter changed
`)
	require.Contains(t, out, "2 of 3\n")
	require.Contains(t, out, "since 3 March 2025: 1 entered, 0 left\n")
	require.Contains(t, out, "Bursa: 1\nİzmir: 1\n")
	out, _, err = runWith(t, "-pairs", pairs, "-definitions", defs, "-segment", "mail", "-at", "2025-05-05")
	require.NoError(t, err)
	require.Contains(t, out, "1 of 3\n", "the question is about a day on which burak was out")
}

func TestDefinitionsAsJSON(t *testing.T) {
	pairs := file(t, "pairs.csv", shopPairs)
	text, _, err := runWith(t, "-pairs", pairs, "-definitions", file(t, "defs.txt", "segment mail = newsletter except vip ignoring red vip"))
	require.NoError(t, err)
	js, _, err := runWith(t, "-pairs", pairs, "-definitions", file(t, "defs.json", `[{"name":"mail","members":{"except":["newsletter","vip"]},"ignoreRed":["vip"]}]`))
	require.NoError(t, err)
	require.Equal(t, text, js)
}

func TestBadInput(t *testing.T) {
	good := map[string]string{
		"pairs":       "customer,tag\na,x\n",
		"definitions": "segment s = x",
		"polarity":    "tag,polarity\nx,red\n",
		"orders":      "customer,date,amount\na,2025-01-01,12.50\n",
	}
	for _, c := range []struct{ file, text, want string }{
		{"pairs", "", "pairs.csv:1: the file is empty; it needs a header: customer,tag"},
		{"pairs", "customer\na\n", `pairs.csv:1: column "tag" is missing`},
		{"pairs", "customer,tag,tag\na,x,y\n", `pairs.csv:1: column "tag" stands twice`},
		{"pairs", "customer,tag\na,x\n,y\n", "pairs.csv:3: customer is empty"},
		{"pairs", "customer,tag\na,x,y\n", "pairs.csv:2: has 3 fields, the header has 2"},
		{"pairs", "customer,tag\na,\"x\nb,y\n", "pairs.csv:3: extraneous or missing"},
		{"pairs", "customer,tag\n\"a\nb\",x\n", "pairs.csv:2: customer has a control character"},
		{"pairs", "customer,tag\na," + strings.Repeat("x", 256) + "\n", "pairs.csv:2: tag is longer than 255 bytes"},
		{"pairs", "customer,tag\na,\xff\n", "pairs.csv:2: tag is not valid UTF-8"},
		{"pairs", "customer,tag,since\na,x,1.5.2025\n", `pairs.csv:2: since: "1.5.2025" is no date`},
		{"pairs", "customer,tag,since,until\na,x,2025-05-02,2025-05-02\n", "pairs.csv:2: until is not after since"},
		{"polarity", "tag,polarity\nx,purple\n", `polarity.csv:2: polarity "purple" is none of red, green, neutral`},
		{"polarity", "tag,polarity,from,until\nx,red,2025-02-02,2025-02-01\n", "polarity.csv:2: until is not after from"},
		{"polarity", "tag,polarity,owner\nx,red,\"a\x1b[2J\"\n", "polarity.csv:2: owner has a control character"},
		{"orders", "customer,date,amount\na,2025-01-01,1.234\n", `orders.csv:2: amount "1.234" is no number`},
		{"orders", "customer,date,amount\na,yesterday,1\n", `orders.csv:2: date: "yesterday" is no date`},
		{"orders", "customer,date,amount\na,2025-01-01,9999999999999999\n", "orders.csv:2: amount"},
		{"definitions", "segment s = (x", `definitions.txt: segment: 1:15: expected ")", found the end`},
		{"definitions", "# nothing", "definitions.txt: defines no segment"},
		{"definitions", "segment s = segment(t)", `segment: "s": unknown segment "t"`},
		{"definitions", "segment s = segment(t) segment t = segment(s)", "definitions: form a cycle: s -> t -> s"},
		{"definitions", `segment s = leaf("purchase > 3 in 9d")`, "column 10"},
		{"definitions", "segment s = leaf(unheard-of)", `unknown leaf "unheard-of"`},
	} {
		var args []string
		for name, text := range good {
			if name == c.file {
				text = c.text
			}
			ext := ".csv"
			if name == "definitions" {
				ext = ".txt"
			}
			args = append(args, "-"+name, file(t, name+ext, text))
		}
		out, _, err := runWith(t, args...)
		require.ErrorContains(t, err, c.want, "%s: %q", c.file, c.text)
		require.Empty(t, out, "an answer without all of its input is none")
	}
}

func TestManyBadRows(t *testing.T) {
	var b strings.Builder
	b.WriteString("customer,tag\n")
	for range 50 {
		b.WriteString(",x\n")
	}
	b.WriteString("a,x\n")
	pairs, defs := file(t, "pairs.csv", b.String()), file(t, "defs.txt", "segment s = x")
	_, _, err := runWith(t, "-pairs", pairs, "-definitions", defs)
	require.ErrorContains(t, err, "pairs.csv:21: customer is empty")
	require.ErrorContains(t, err, "and 30 more")
	require.NotContains(t, err.Error(), "pairs.csv:22:")
	out, errs, err := runWith(t, "-pairs", pairs, "-definitions", defs, "-skip-bad")
	require.NoError(t, err)
	require.Contains(t, errs, "left out: ")
	require.Contains(t, out, "1 of 1\n")
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"x":                       `unexpected argument "x"`,
		"-at x":                   "-at: ",
		"-before x":               "-before: ",
		"-definitions x":          "go with -pairs",
		"-pairs x":                "-pairs needs -definitions",
		"-pairs x -definitions y": "x: no such file",
		"-segment nope":           `unknown segment "nope"`,
		"-by nope":                `-by: segment: unknown field "nope"`,
		"-report /nowhere/at/all": "no such file",
	} {
		_, _, err := runWith(t, strings.Fields(args)...)
		require.ErrorContains(t, err, want, args)
	}
	_, _, err := runWith(t, "-help")
	require.ErrorIs(t, err, flag.ErrHelp)
}

func TestStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, run(ctx, nil, new(bytes.Buffer), new(bytes.Buffer)), context.Canceled)
}

func FuzzReadTable(f *testing.F) {
	f.Add("customer,tag\na,x\n")
	f.Add("customer;tag;since\r\n\"a\nb\";x;2025-01-01\r\n")
	f.Add("\ufefftag\tcustomer\n\xff\t\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		in := new(input)
		err := readTable(context.Background(), "f", strings.NewReader(text), []string{"customer", "tag"}, []string{"since", "until"}, in.takePair, false, new(bytes.Buffer))
		if err == nil {
			for _, p := range in.pairs {
				if p.customer == "" || len(p.customer) > 255 || len(p.tag) > 255 {
					t.Fatalf("accepted %+v", p)
				}
			}
			return
		}
		var row *rowError
		if !errors.As(err, &row) && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatalf("no place in %v", err)
		}
	})
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]int64{"12": 1200, "12.5": 1250, "-0.05": -5, "-3.10": -310, "0": 0, "123456789012345.99": 12345678901234599} {
		got, err := minor(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", ".", ".5", "1.", "1,5", "+1", "1e3", "1_000", "1.234", "١"} {
		_, err := minor(text)
		require.Error(t, err, fmt.Sprintf("%q", text))
	}
}
