package dedup_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// shoppers makes records of persons as a retailer's till, shop and app write them.
func shoppers(seed uint64, persons int) (out []people.Record, truth map[string]string) {
	r := rand.New(rand.NewPCG(seed, 11))
	name := func(n int) string {
		return fmt.Sprintf("%c%c%c%c%c", 'b'+n%19, 'a'+n/19%7, 'k'+n%11, 'a'+n%5, 'a'+n/5%20)
	}
	truth = map[string]string{}
	for p := range persons {
		first := people.Record{Given: name(int(200 * r.Float64() * r.Float64())), Family: name(400 + int(600*r.Float64()*r.Float64())),
			City: name(2000 + int(50*r.Float64()*r.Float64())), Birth: fmt.Sprintf("%d-%02d-%02d", 1940+r.IntN(65), 1+r.IntN(12), 1+r.IntN(28)),
			Phones: []string{fmt.Sprintf("05%09d", r.IntN(1e9))}}
		first.Emails = []string{fmt.Sprintf("%s%d@example.com", first.Given, r.IntN(1000))}
		first.Postcode = fmt.Sprint(10000 + len(first.City)*1000 + int(first.City[1])*10 + r.IntN(3))
		for range 1 + r.IntN(4) {
			row := first
			row.ID = fmt.Sprintf("%06d", (len(out)*7919+5)%1000003)
			if r.IntN(3) == 0 {
				row.Phones = nil
			}
			if r.IntN(2) == 0 {
				row.Emails = nil
			}
			if r.IntN(2) == 0 {
				row.Birth = ""
			}
			if r.IntN(3) == 0 {
				row.City, row.Postcode = "", ""
			}
			for _, field := range []*string{&row.Given, &row.Family} {
				if r.IntN(8) == 0 {
					b := []byte(*field)
					b[r.IntN(len(b))] = byte('a' + r.IntN(26))
					*field = string(b)
				}
			}
			truth[row.ID] = fmt.Sprint(p)
			out = append(out, row)
		}
	}
	return out, truth
}

// shared reads a small file of the shared data, nil where there is none.
func shared(t *testing.T, file string, columns map[string]int, entity int) (out []people.Record, truth map[string]string) {
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../shared/data"
	}
	f, err := os.Open(filepath.Join(dir, "dedup", file))
	if err != nil {
		t.Logf("no shared data: %v (set VEFA_DATA)", err)
		return nil, nil
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	truth = map[string]string{}
	for _, row := range rows[1:] {
		get := func(role string) string {
			if i, ok := columns[role]; ok {
				return row[i]
			}
			return ""
		}
		out = append(out, people.Record{ID: row[0], Given: get("given"), Family: get("family"), Birth: get("birth"), City: get("city"), District: get("district"),
			Gender: get("gender"), Phones: []string{get("phone")}, Emails: []string{get("email")}})
		truth[row[0]] = row[entity]
	}
	return out, truth
}

// No accuracy comes from a constant that fits one file: each by half and twice changes F1
// little, on every set.
func TestConstants(t *testing.T) {
	type set struct {
		records []people.Record
		truth   map[string]string
	}
	sets := map[string]set{}
	put := func(name string, records []people.Record, truth map[string]string) {
		if records != nil {
			sets[name] = set{records, truth}
		}
	}
	records, truth := shoppers(1, 900)
	put("shoppers", records, truth)
	records, truth = shared(t, "splink/fake_1000.csv", map[string]int{"given": 1, "family": 2, "birth": 3, "city": 4, "email": 5}, 6)
	put("fake_1000", records, truth)
	if !testing.Short() && !raced { // .ci/run runs it without the race detector, too
		records, truth = shared(t, "retail_synth/retail_tr_5k.csv", map[string]int{"given": 2, "family": 3, "gender": 4, "phone": 5, "email": 6, "birth": 7, "city": 8, "district": 9}, 10)
		put("retail_5k", records, truth)
	}
	f1 := func(s set) float64 {
		l, err := people.New(people.Options{})
		require.NoError(t, err)
		r, err := l.Link(t.Context(), slices.Values(s.records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, func(id string) (string, bool) { e, ok := s.truth[id]; return e, ok }).F1
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		s := sets[name]
		was := f1(s)
		require.Greater(t, was, 0.9, name)
		check := func(constant string, factor float64) {
			is := f1(s)
			t.Logf("%-10s %-15s x %.1f: %.4f, %+.4f", name, constant, factor, is, is-was)
			require.InDelta(t, was, is, 0.02, "%s: %s x %v", name, constant, factor)
		}
		factors := []float64{0.5, 2}
		constants, sizes := dedup.Constants(), dedup.Sizes()
		if raced { // one is enough to see that nobody else reads them; .ci/run runs all without the race detector, too
			factors, constants, sizes = factors[:1], map[string]*float64{"vetoWeight": constants["vetoWeight"]}, nil
		}
		for _, factor := range factors {
			for constant, at := range constants {
				func() {
					defer func(before float64) { *at = before }(*at)
					*at *= factor
					if constant == "leastAgreement" {
						*at = min(*at, 0.8) // a share
					}
					check(constant, factor)
				}()
			}
			for constant, at := range sizes {
				func() {
					defer func(before int) { *at = before }(*at)
					*at = int(float64(*at) * factor)
					check(constant, factor)
				}()
			}
		}
	}
}
