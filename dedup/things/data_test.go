package things_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/things"
)

// set is a file, or two, with truth.
type set struct {
	files   []string
	comma   rune
	columns map[string]string // column of the file -> field of a Record
	truth   string            // column with the entity
	links   string            // or a file that links the two
	ends    [2]string         // by these columns
	opt     things.Options
	make    func() ([]things.Record, map[string]string) // or a generator
}

var everySource = things.Options{Threads: 2, OnePerSource: []string{dedup.EverySource}}

var companies = things.Options{Threads: 2, Kind: things.Companies}

var sets = map[string]set{
	"abt_buy": {files: []string{"abt_buy/abt.csv", "abt_buy/buy.csv"}, comma: '|', links: "abt_buy/gt.csv", ends: [2]string{"D1", "D2"}, opt: everySource,
		columns: map[string]string{"id": "id", "name": "name", "description": "text", "price": "price"}},
	"dblp_acm": {files: []string{"dblp_acm/DBLP2.csv", "dblp_acm/ACM.csv"}, links: "dblp_acm/DBLP-ACM_perfectMapping.csv", ends: [2]string{"idDBLP", "idACM"}, opt: everySource,
		columns: map[string]string{"id": "id", "title": "name", "authors": "authors", "venue": "category", "year": "year"}},
	"fodors_zagats": {files: []string{"restaurant/fodors.csv", "restaurant/zagats.csv"}, links: "restaurant/matches_fodors_zagats.csv", ends: [2]string{"fodors_id", "zagats_id"}, opt: everySource,
		columns: map[string]string{"id": "id", "name": "name", "addr": "street", "city": "city", "phone": "phone", "type": "category"}},
	"restaurants": {files: []string{"restaurant/restaurant-nophone-training.csv"}, truth: "unique_id", opt: things.Options{Threads: 2},
		columns: map[string]string{"name": "name", "address": "street", "city": "city", "cuisine": "category"}},
	"restaurants_1_2": {files: []string{"restaurant/restaurant-1.csv", "restaurant/restaurant-2.csv"}, truth: "unique_id", opt: everySource,
		columns: map[string]string{"name": "name", "address": "street", "city": "city", "cuisine": "category"}},
	"company_names": {make: func() ([]things.Record, map[string]string) { return generate(1, 3000, false) }, opt: companies},
	"companies":     {make: func() ([]things.Record, map[string]string) { return generate(2, 3000, true) }, opt: companies},
	"early_childhood": {files: []string{"early_childhood/early_childhood_sites.csv"}, truth: "True Id", opt: things.Options{Threads: 2},
		columns: map[string]string{"Id": "id", "Site name": "name", "Address": "street", "Zip": "postcode", "Phone": "phone"}},
}

// data returns the path of a file of the shared data, or skips the test.
func data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	path := filepath.Join(dir, "dedup", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatalf("no shared data: %v (set VEFA_DATA)", err)
		}
		t.Skipf("no shared data: %v (set VEFA_DATA)", err)
	}
	return path
}

// table reads a CSV file; bytes that are not UTF-8 are read as Latin-1.
func table(t testing.TB, path string, comma rune) []map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	if !utf8.Valid(raw) {
		var b strings.Builder
		for _, c := range raw {
			b.WriteRune(rune(c))
		}
		raw = []byte(b.String())
	}
	r := csv.NewReader(strings.NewReader(string(raw)))
	r.TrimLeadingSpace, r.LazyQuotes = true, comma == '|'
	if comma != 0 {
		r.Comma = comma
	}
	head, err := r.Read()
	require.NoError(t, err)
	var out []map[string]string
	for {
		line, err := r.Read()
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
		row := map[string]string{}
		for i, h := range head {
			row[strings.TrimSpace(h)] = strings.TrimSpace(line[i])
		}
		out = append(out, row)
	}
}

func load(t testing.TB, s set) ([]things.Record, map[string]string) {
	t.Helper()
	if s.make != nil {
		return s.make()
	}
	var out []things.Record
	truth := map[string]string{}
	for f, file := range s.files {
		for n, row := range table(t, data(t, file), s.comma) {
			var rec things.Record
			for column, field := range s.columns {
				require.NoError(t, rec.Set(field, row[column]))
			}
			if rec.ID == "" {
				rec.ID = fmt.Sprint(n)
			}
			rec.ID = fmt.Sprintf("%c:%s", 'a'+f, rec.ID)
			rec.Source = string(rune('a' + f))
			if s.truth != "" {
				truth[rec.ID] = row[s.truth]
			} else {
				truth[rec.ID] = rec.ID
			}
			out = append(out, rec)
		}
	}
	if s.links != "" {
		for _, row := range table(t, data(t, s.links), s.comma) {
			truth["b:"+row[s.ends[1]]] = "a:" + row[s.ends[0]]
		}
	}
	return out, truth
}

func lookup(truth map[string]string) func(string) (string, bool) {
	return func(id string) (string, bool) { e, ok := truth[id]; return e, ok }
}
