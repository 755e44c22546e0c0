package people_test

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

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
	second  string // the other file, where there are two; each has every person once
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
	"febrl4": {file: "febrl/dataset4a.csv", second: "febrl/dataset4b.csv", truth: stem, extra: []string{"soc_sec_id", "number", "state"}, columns: febrl},
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
	records, truth := loadFile(t, s, path)
	if s.second != "" {
		more, also := loadFile(t, s, data(t, s.second))
		for i := range records {
			records[i].Source = "a"
		}
		for i := range more {
			more[i].Source = "b"
		}
		records = append(records, more...)
		maps.Copy(truth, also)
	}
	return records, truth
}

func (s set) options() people.Options {
	opt := people.Options{Extra: s.extra, Threads: 2}
	if s.second != "" {
		opt.OnePerSource = []string{dedup.EverySource}
	}
	return opt
}

func loadFile(t testing.TB, s set, path string) ([]people.Record, map[string]string) {
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

// The files of shared/data at library defaults; the floors are below what is measured
// (see the benchmarks) and above every peer.
func TestSharedData(t *testing.T) {
	for name, least := range map[string]float64{"fake_1000": 0.95, "retail_5k": 0.96, "febrl1": 0.998} {
		t.Run(name, func(t *testing.T) {
			s := sets[name]
			records, truth := load(t, s, data(t, s.file))
			r, err := newLinker(t, s.options()).Link(ctx, slices.Values(records), nil)
			require.NoError(t, err)
			m := dedup.Evaluate(r.Clusters, lookup(truth))
			require.GreaterOrEqual(t, m.F1, least, "%+v", m)
		})
	}
}

func lookup(truth map[string]string) func(string) (string, bool) {
	return func(id string) (string, bool) { e, ok := truth[id]; return e, ok }
}

// BenchmarkLink measures whole batches, training and normalising included. Its 1M case needs
// VEFA_RETAIL_1M, the file that shared/data/dedup/README.md says how to make.
func BenchmarkLink(b *testing.B) {
	all := maps.Clone(sets)
	all["retail_1m"] = set{file: os.Getenv("VEFA_RETAIL_1M"), columns: retail, truth: column("entity_id")}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(name, func(b *testing.B) {
			s := all[name]
			path := s.file
			if path == "" {
				b.Skip("VEFA_RETAIL_1M names no file")
			}
			if !filepath.IsAbs(path) {
				path = data(b, path)
			}
			records, truth := load(b, s, path)
			opt, timer := s.options(), phases{}
			opt.Progress = timer.tell
			l := newLinker(b, opt)
			runtime.GC()
			var r *dedup.Result
			before := cpu()
			for b.Loop() {
				var err error
				r, err = l.Link(ctx, slices.Values(records), nil)
				require.NoError(b, err)
			}
			used := (cpu() - before) / float64(b.N)
			m := dedup.Evaluate(r.Clusters, lookup(truth))
			b.ReportMetric(used, "cpu-s/op")
			b.ReportMetric(float64(r.Stats.Pairs)/timer["compare"].cpu, "pairs/cpu-s")
			b.ReportMetric(m.F1, "F1")
			b.ReportMetric(m.Precision, "precision")
			b.ReportMetric(m.Recall, "recall")
			b.ReportMetric(m.BCubed, "B3")
			b.ReportMetric(float64(r.Stats.Largest), "largest")
		})
	}
}

// BenchmarkEvening is an evening of a retailer with 50,000 records: 500 new or changed
// ones, 20 gone.
func BenchmarkEvening(b *testing.B) {
	s := sets["retail_50k"]
	records, truth := load(b, s, data(b, s.file))
	l := newLinker(b, people.Options{Threads: 2})
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(b, err)
	x, err := l.NewIndex(model)
	require.NoError(b, err)
	_, err = x.Apply(ctx, records[:40000], nil)
	require.NoError(b, err)
	evening, before := 0, cpu()
	for b.Loop() {
		at := 40000 + evening*500%7000
		var gone []string
		for _, r := range records[evening*20%30000:][:20] {
			gone = append(gone, r.ID)
		}
		_, err := x.Apply(ctx, records[at:at+500], gone)
		require.NoError(b, err)
		evening++
	}
	b.ReportMetric(1000*(cpu()-before)/float64(b.N), "cpu-ms/op")
	b.ReportMetric(dedup.Evaluate(slices.Collect(x.Index.Clusters()), lookup(truth)).F1, "F1")
}

// BenchmarkFind asks for one record among 40,000.
func BenchmarkFind(b *testing.B) {
	s := sets["retail_50k"]
	records, _ := load(b, s, data(b, s.file))
	l := newLinker(b, people.Options{Threads: 2})
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(b, err)
	x, err := l.NewIndex(model)
	require.NoError(b, err)
	_, err = x.Apply(ctx, records[:40000], nil)
	require.NoError(b, err)
	before := cpu()
	for i := 0; b.Loop(); i++ {
		_, err := x.Find(ctx, records[40000+i%7000])
		require.NoError(b, err)
	}
	b.ReportMetric(1e6*(cpu()-before)/float64(b.N), "cpu-us/op")
}

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
