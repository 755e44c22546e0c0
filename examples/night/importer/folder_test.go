package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/importer"
)

// folder writes files into a new folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
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
	d, err := importer.Open(context.Background(), importer.CSV, folder(t, files))
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
	_, last := d.Span()
	for b := range d.Starting(last.AddDate(0, 0, 3), time.UTC).History(context.Background()) {
		profiles, facts = append(profiles, b.Profiles...), append(facts, b.Facts...)
	}
	return profiles, facts
}
