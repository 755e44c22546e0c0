package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"iter"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
)

// folder is files in memory.
func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// simple is a mapping with one source and every kind of file but places.
const simple = `
currency: TRY
sources:
  - name: s
    files:
      - {name: p.csv, kind: profiles, columns: {id: id, given: name, phone: phone, since: since, birth: birth}}
`

const orderMapping = `
currency: TRY
zone: Europe/Istanbul
sources:
  - name: s
    files:
      - {name: o.csv, kind: orders, columns: {number: no, profile: who, at: at, total: total, currency: cur, status: st, delivered: del, updated: upd, gift: gift}, values: {status: {Teslim: delivered, "*": placed}}}
`

func read(t testing.TB, files map[string]string) *importer.Data {
	t.Helper()
	d, err := importer.Open(context.Background(), folder(files), importer.Options{})
	require.NoError(t, err)
	return d
}

func messages(rows []importer.RowError) []string {
	out := []string{}
	for _, r := range rows {
		out = append(out, r.Error())
	}
	return out
}

// everything returns all records, each in its newest version.
func everything(d *importer.Data) (profiles []*crm.Profile, facts []*crm.Fact) {
	for b, err := range d.Source(time.Time{}, time.Time{})(context.Background()) {
		if err != nil {
			panic(err)
		}
		profiles, facts = append(profiles, b.Profiles...), append(facts, b.Facts...)
	}
	return profiles, facts
}

// run plays data evening by evening, at 22:00.
type run struct {
	*importer.Data
	from time.Time
}

func starting(d *importer.Data, from time.Time, zone *time.Location) run {
	if zone == nil {
		zone = d.Zone()
	}
	y, m, n := from.Date()
	return run{d, time.Date(y, m, n, 22, 0, 0, 0, zone)}
}

func (r run) Evening(n int) time.Time { return r.from.AddDate(0, 0, n).UTC() }

func (r run) History(ctx context.Context) iter.Seq[crm.Batch] {
	return func(yield func(crm.Batch) bool) {
		for b, err := range r.Source(time.Time{}, r.Evening(-1))(ctx) {
			if err != nil || !yield(b) {
				return
			}
		}
	}
}

func (r run) Day(n int) (all crm.Batch) {
	for b := range r.Source(r.Evening(n-1), r.Evening(n))(context.Background()) {
		all.Profiles, all.Facts = append(all.Profiles, b.Profiles...), append(all.Facts, b.Facts...)
	}
	return all
}

func (r run) Days() int {
	_, last := r.Span()
	n := 0
	for r.Evening(n - 1).Before(last) {
		n++
	}
	return n
}
