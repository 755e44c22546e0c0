package people_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// data returns the path of a file of the shared data, or skips the test.
func data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("VEFA_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	path := filepath.Join(dir, "dedup", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared data: %v (set VEFA_DATA)", err)
	}
	return path
}

// set is a file with truth.
type set struct {
	file    string
	extra   []string
	columns map[string]string // role -> column
	truth   func(row map[string]string) string
}

var sets = map[string]set{
	"retail_50k": {file: "retail_synth/retail_tr_50k.csv.gz", columns: retail, truth: column("entity_id")},
	"retail_5k":  {file: "retail_synth/retail_tr_5k.csv", columns: retail, truth: column("entity_id")},
	"fake_1000": {file: "splink/fake_1000.csv", truth: column("cluster"), columns: map[string]string{
		"id": "unique_id", "given": "first_name", "family": "surname", "birth": "dob", "email": "email", "city": "city"}},
	"historical_50k": {file: "splink/historical_figures_with_errors_50k.csv.gz", truth: column("cluster"), extra: []string{"occupation"}, columns: map[string]string{
		"id": "unique_id", "given": "first_name", "family": "surname", "full": "full_name", "birth": "dob", "city": "birth_place",
		"postcode": "postcode_fake", "gender": "gender", "occupation": "occupation"}},
	"febrl1": {file: "febrl/dataset1.csv", truth: stem, extra: []string{"soc_sec_id", "number", "state"}, columns: febrl},
	"febrl2": {file: "febrl/dataset2.csv", truth: stem, extra: []string{"soc_sec_id", "number", "state"}, columns: febrl},
	"febrl3": {file: "febrl/dataset3.csv", truth: stem, extra: []string{"soc_sec_id", "number", "state"}, columns: febrl},
}

var retail = map[string]string{"id": "record_id", "given": "first_name", "family": "last_name", "gender": "gender",
	"phone": "phone", "email": "email", "birth": "birth_date", "city": "city", "district": "district"}

var febrl = map[string]string{"id": "rec_id", "given": "given_name", "family": "surname", "street": "address_1",
	"city": "suburb", "postcode": "postcode", "birth": "date_of_birth", "soc_sec_id": "soc_sec_id", "number": "street_number", "state": "state"}

func column(name string) func(map[string]string) string {
	return func(row map[string]string) string { return row[name] }
}

func stem(row map[string]string) string {
	p := strings.Split(row["rec_id"], "-")
	return p[1]
}

func load(t testing.TB, s set, path string) ([]people.Record, map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		in, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	r := csv.NewReader(in)
	r.TrimLeadingSpace = true
	header, err := r.Read()
	require.NoError(t, err)
	at := map[string]int{}
	for i, h := range header {
		at[strings.TrimSpace(h)] = i
	}
	var out []people.Record
	truth := map[string]string{}
	row := map[string]string{}
	for {
		line, err := r.Read()
		if err == io.EOF {
			return out, truth
		}
		require.NoError(t, err)
		for h, i := range at {
			row[h] = strings.TrimSpace(line[i])
		}
		get := func(role string) string { return row[s.columns[role]] }
		rec := people.Record{ID: get("id"), Given: get("given"), Family: get("family"), FullName: get("full"), Gender: get("gender"),
			Birth: get("birth"), City: get("city"), District: get("district"), Postcode: get("postcode"), Street: get("street")}
		if p := get("phone"); p != "" {
			rec.Phones = []string{p}
		}
		if e := get("email"); e != "" {
			rec.Emails = []string{e}
		}
		for _, x := range s.extra {
			rec.Extra = append(rec.Extra, get(x))
		}
		truth[rec.ID] = s.truth(row)
		out = append(out, rec)
	}
}

func TestEval(t *testing.T) {
	names := strings.Split(os.Getenv("EVAL"), ",")
	if names[0] == "" {
		t.Skip("EVAL")
	}
	sets["retail_1m"] = set{file: "/tmp/retail1m.csv", columns: retail, truth: column("entity_id")}
	for _, name := range names {
		s := sets[name]
		path := s.file
		if !filepath.IsAbs(path) {
			path = data(t, path)
		}
		recs, truth := load(t, s, path)
		runtime.GC()
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		heap := ms.HeapAlloc
		l, err := people.New(people.Options{Extra: s.extra, Threads: 2})
		require.NoError(t, err)
		c0, t0 := cpu(), time.Now()
		res, err := l.Link(context.Background(), slices.Values(recs), nil)
		require.NoError(t, err)
		c1 := cpu() - c0
		runtime.ReadMemStats(&ms)
		m := dedup.Evaluate(res.Clusters, func(id string) (string, bool) { e, ok := truth[id]; return e, ok })
		all := float64(len(recs)) * float64(len(recs)-1) / 2
		fmt.Printf("%-14s F1 %.4f (P %.4f R %.4f) B3 %.4f  pairs %d edges %d largest %d cpu %.2fs wall %.2fs heap+sys %dMB λ %.3g true %.3g rel %v caps %d %d ignored %d\n", name, m.F1, m.Precision, m.Recall, m.BCubed,
			res.Stats.Pairs, res.Stats.Edges, res.Stats.Largest, c1, time.Since(t0).Seconds(), (ms.HeapSys-heap)>>20, res.Model.Match, float64(m.TruePairs)/all, res.Model.Relations, res.Model.SpecificCap, res.Model.WideCap, res.Stats.Ignored)
		if os.Getenv("MODEL") != "" {
			for _, c := range res.Model.Comparisons {
				for _, lv := range c.Levels {
					fmt.Printf("   %-10s %-14s m %.5f u %.3g rel %.3g\n", c.Name, lv.Name, lv.M, lv.U, lv.Relations)
				}
			}
			b, _ := json.Marshal(res.Stats)
			fmt.Println(string(b))
		}
	}
}

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
