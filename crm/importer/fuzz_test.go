package importer_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
)

// FuzzRows reads any bytes as a file of profiles and of orders. Whatever they
// are, what is loaded is valid, and every row is loaded or accounted for.
func FuzzRows(f *testing.F) {
	const mapping = `
currency: TRY
sources:
  - name: s
    files:
      - {name: f.csv, kind: profiles, columns: {id: a, given: b, phone: c, since: d}}
      - {name: f.csv, kind: orders, columns: {number: a, profile: b, total: c, at: d}}
      - {name: f.csv, kind: tickets, columns: {id: a, profile: b, title: c, opened: d}}
`
	const header = "a,b,c,d\n"
	for _, s := range []string{
		"", header, header + "1,Ali,0532 111 22 33,2025-01-01\n", header + "1,\"Ali\n\n,\"\"x\",12.50,2025-01-01", header + "\"1,2\n3\",\",\n",
		"\xef\xbb\xbf" + header + "1,\xff,=1+1,2025-01-01\r\n\r\n", "\xff\xfea\x00", "a;b;c;d\n", "a,a,b,c,d\n", header + "\"\"\"\",-1,1.2.3,\n", "\x1f\x8b\x08",
		header + "/,s/1,−1,0001-01-01\n1,p,9223372036854775807,2199-12-31\n1,p,1,2025-01-01\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := importer.Open(context.Background(), folder(map[string]string{"f.csv": string(text)}), importer.Options{Mapping: mapping})
		if err != nil {
			if len(importer.Faults(err)) == 0 {
				t.Fatalf("not a fault of a file: %v", err)
			}
			return
		}
		for _, e := range append(d.Rejected(), d.Warnings()...) {
			if e.File == "" || e.Line < 2 || e.Reason == "" {
				t.Fatalf("incomplete: %#v", e)
			}
		}
		first, last := d.Span()
		count := map[string]int{}
		run := starting(d, last.AddDate(0, 0, 3), time.UTC)
		for b := range run.History(context.Background()) {
			for _, p := range b.Profiles {
				count["profile"]++
				if err := p.Validate(); err != nil {
					t.Fatal(err)
				}
			}
			for _, x := range b.Facts {
				count[string(x.Key.Kind)]++
				if err := x.Validate(); err != nil {
					t.Fatal(err)
				}
				if x.At.Before(first) || x.At.After(last) {
					t.Fatalf("%s is not within %s and %s", x.At, first, last)
				}
			}
		}
		for kind, n := range count {
			if n > d.Rows() {
				t.Fatalf("%d of kind %s from %d rows", n, kind, d.Rows())
			}
		}
		if _, err := crm.NewPlaces(nil, d.Places()...); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzMapping reads any bytes as a mapping. Faults name the file.
func FuzzMapping(f *testing.F) {
	if text, err := os.ReadFile("testdata/shop/mapping.yaml"); err == nil {
		f.Add(text)
	}
	for _, s := range []string{simple, orderMapping, "", "a: [", "? x\n: y", "sources: {a: b}", "- - - -", "&a [*a]", "<<: {}", "sources:\n  - name: |\n      s\n    files: null\n", "a: !!int x", "{}", "sources: [{files: [{kind: lines, columns: [a]}]}]", "\x00", "a:\n\t- b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := importer.ParseMapping(text)
		if (m == nil) == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil {
			if len(importer.Faults(err)) == 0 {
				t.Fatalf("no fault of %v", err)
			}
			return
		}
		for _, name := range m.Files() {
			if !filepath.IsLocal(name) {
				t.Fatalf("%q is outside", name)
			}
		}
	})
}

// FuzzAmount reads any text as an amount.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"1.234,50", "1,234.5", "-₺1", "9223372036854775807", "1 2", "٣", "+-1", "."} {
		f.Add(s, "TRY", byte(','))
	}
	f.Fuzz(func(t *testing.T, s, currency string, decimal byte) {
		if n, err := importer.ParseAmount(s, currency, decimal); err != nil && n != 0 {
			t.Fatalf("%d and %v", n, err)
		}
	})
}
