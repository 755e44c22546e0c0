package importer_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/importer"
)

func TestFilesThatAreNotUnderstood(t *testing.T) {
	const good = "id,name,phone,since,birth\n1,Ali,,,\n"
	wide := func(order string) string {
		out := order
		for _, u := range utf16.Encode([]rune(good)) {
			if order == "\xff\xfe" {
				out += string([]byte{byte(u), byte(u >> 8)})
			} else {
				out += string([]byte{byte(u >> 8), byte(u)})
			}
		}
		return out
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "p.csv: is empty; the first line must be the header"},
		{"blank", "\n\r\n\n", "p.csv: is empty; the first line must be the header"},
		{"UTF-16 little endian", wide("\xff\xfe"), "p.csv: is UTF-16; save it as UTF-8"},
		{"UTF-16 big endian", wide("\xfe\xff"), "p.csv: is UTF-16; save it as UTF-8"},
		{"UTF-16 unmarked", wide("")[0:], "p.csv: is full of NUL bytes, so probably UTF-16; save it as UTF-8"},
		{"semicolons", strings.ReplaceAll(good, ",", ";"), `p.csv:1: header: is one column with the delimiter ',' but contains ';'; set delimiter: ";" in mapping.yaml`},
		{"tabs", strings.ReplaceAll(good, ",", "\t"), `p.csv:1: header: is one column with the delimiter ',' but contains '\t'; set delimiter: "tab" in mapping.yaml`},
		{"duplicate header", "id,name,phone,since,birth,name\n", "p.csv:1: name: header: the name stands twice, over column 2 and column 6"},
		{"missing column", "id,nmae,phone,since,birth\n", `p.csv:1: given: header: there is no column "name"; did you mean "nmae"? (mapped in mapping.yaml:6:64)`},
		{"broken header", "id,\xff,phone,since,birth\n", "p.csv:1: header: the name of column 2 is not UTF-8; save the file as UTF-8"},
		{"unbalanced header", "id,\"name,phone,since,birth\n1,Ali,,,\n", "p.csv:1: header: unbalanced quotes: a quote is opened and never closed"},
		{"old Mac", strings.ReplaceAll(good, "\n", "\r"), "p.csv:1: header: lines end in CR alone; save it with LF or CRLF"},
		{"truncated gzip", zipped(t, strings.Repeat(good, 100))[:60], "cannot be read further: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := importer.Open(context.Background(), folder(map[string]string{"mapping.yaml": simple, "p.csv": c.text}), importer.Options{})
			require.ErrorContains(t, err, c.want)
			faults := importer.Faults(err)
			require.NotEmpty(t, faults)
			require.Equal(t, "p.csv", faults[0].File)
		})
	}
}

func TestFilesThatAreRead(t *testing.T) {
	const good = "id,name,phone,since,birth\n1,Ali,,,\n"
	for name, files := range map[string]map[string]string{
		"byte order mark":    {"p.csv": "\xef\xbb\xbf" + good},
		"quoted header":      {"p.csv": "\xef\xbb\xbf\"id\", name ,phone,since,birth\n1,Ali,,,\n"},
		"CRLF":               {"p.csv": strings.ReplaceAll(good, "\n", "\r\n")},
		"gzip":               {"p.csv.gz": zipped(t, good)},
		"gzip by another":    {"p.csv": zipped(t, "\xef\xbb\xbf"+good)},
		"more columns":       {"p.csv": "x,,id,name,phone,since,birth,\n,,1,Ali,,,,\n"},
		"header and nothing": {"p.csv": "id,name,phone,since,birth"},
	} {
		t.Run(name, func(t *testing.T) {
			files["mapping.yaml"] = simple
			d := read(t, files)
			require.Empty(t, d.Rejected())
			profiles, _ := everything(d)
			require.Len(t, profiles, d.Rows())
		})
	}
}

func TestOpenFails(t *testing.T) {
	ctx := context.Background()
	_, err := importer.Open(ctx, os.DirFS("no such folder"), importer.Options{})
	require.Error(t, err)
	_, err = importer.Open(ctx, os.DirFS(t.TempDir()), importer.Options{})
	require.ErrorContains(t, err, "mapping.yaml: is not in the folder")
	_, err = importer.Open(ctx, folder(map[string]string{"mapping.yaml": simple}), importer.Options{})
	require.ErrorContains(t, err, "p.csv: is not in the folder")

	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = importer.Open(done, os.DirFS("testdata/shop"), importer.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// A mapping may be a part of the program: of a folder that has none, or another one. What
// is wrong with it is told as of a file.
func TestMappingOfTheProgram(t *testing.T) {
	files := folder(map[string]string{"p.csv": "id,name,phone,since,birth\n1,Ali,,,\n", "mapping.yaml": "zone: nowhere\n"})
	d, err := importer.Open(context.Background(), files, importer.Options{Mapping: simple})
	require.NoError(t, err)
	require.Equal(t, 1, d.Rows())
	_, err = importer.Open(context.Background(), files, importer.Options{Mapping: "zone: nowhere\n"})
	require.ErrorContains(t, err, "mapping.yaml:1:7: zone: ")
}

// The source of an evening ends with the error of its context, between batches and before
// the first; its batches are bounded and hold each record once.
func TestSource(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("id,name,phone,since,birth\n")
	for i := range 2500 {
		fmt.Fprintf(&rows, "%d,Ali,,2025-01-%02d,\n", i, 1+i%28)
	}
	d := read(t, map[string]string{"mapping.yaml": simple, "p.csv": rows.String()})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var sizes []int
	for b, err := range d.Source(time.Time{}, time.Time{})(ctx) {
		require.NoError(t, err)
		sizes = append(sizes, b.Len())
	}
	require.Equal(t, []int{1000, 1000, 500}, sizes)
	seen, err := 0, error(nil)
	for b, e := range d.Source(time.Time{}, time.Time{})(ctx) {
		seen, err = seen+b.Len(), e
		cancel()
	}
	require.Equal(t, 1000, seen)
	require.ErrorIs(t, err, context.Canceled)
	day := func(n int) time.Time { return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC) }
	some := 0
	for b, err := range d.Source(day(3), day(5))(context.Background()) {
		require.NoError(t, err)
		some += b.Len()
	}
	require.Equal(t, 180, some, "the fourth and the fifth, not the third")

	// What has a course comes once in the end, or once for each state.
	d = read(t, map[string]string{"mapping.yaml": orderMapping, "o.csv": "no,who,at,total,cur,st,del,upd,gift\n1,p,2025-01-02,5,TRY,Teslim,2025-01-04,,\n"})
	facts := func(after time.Time) (n int) {
		for b := range d.Source(after, day(9))(context.Background()) {
			n += len(b.Facts)
		}
		return n
	}
	require.Equal(t, 1, facts(time.Time{}))
	require.Equal(t, 2, facts(day(1)))
}
