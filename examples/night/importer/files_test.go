package importer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/night/importer"
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
			_, err := importer.Open(context.Background(), importer.CSV, folder(t, map[string]string{"mapping.yaml": simple, "p.csv": c.text}))
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
	_, err := importer.Open(ctx, "adventurework", ".")
	require.ErrorContains(t, err, `did you mean "adventureworks"?`)
	_, err = importer.Open(ctx, importer.CSV, "no such folder")
	require.Error(t, err)
	_, err = importer.Open(ctx, importer.CSV, t.TempDir())
	require.ErrorContains(t, err, "mapping.yaml: is not in the folder")
	_, err = importer.Open(ctx, importer.CSV, folder(t, map[string]string{"mapping.yaml": simple}))
	require.ErrorContains(t, err, "p.csv: is not in the folder")
	_, err = importer.Open(ctx, importer.AdventureWorks, t.TempDir())
	require.Len(t, importer.Faults(err), 9, "every missing file is named")

	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = importer.Open(done, importer.CSV, "testdata/shop")
	require.True(t, errors.Is(err, context.Canceled))
}
