package importer_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
	"github.com/vefacrm/vefa/crm/memstore"
)

func shop(t testing.TB) *importer.Data {
	t.Helper()
	d, err := importer.Open(context.Background(), os.DirFS("testdata/shop"), importer.Options{})
	require.NoError(t, err)
	return d
}

func TestShopReportsItsBadRows(t *testing.T) {
	d := shop(t)
	require.Equal(t, 67, d.Rows())
	require.Equal(t, []string{
		`magazalar.csv:8: kind: "BAYİ" is not a kind; there are: callcentre, country, dealer, kiosk, marketplace, region, service, store, web; say what it means under values.kind in mapping.yaml`,
		`musteriler.csv:8: since: "yarın" is no time of the layouts 02.01.2006 15:04 | 02.01.2006`,
		"musteriler.csv:9: given: \"G\uFFFDl\" is not UTF-8",
		`musteriler.csv:10: unbalanced quotes: a quote is opened and never closed`,
		`contacts.csv:7: profile: "web/w9" is in no file of profiles or was rejected there`,
		`contacts.csv:8: channel: "fax" is not a channel; there are: email, phone, post; say what it means under values.channel in mapping.yaml`,
		`musteriler.csv:8: profile: "kasa/1006" is in no file of profiles or was rejected there`,
		`consents.csv:5: value: "hiç" is no phone number that reaches one person`,
		`consents.csv:6: status: "belki" is not a status; there are: granted, none, refused; say what it means under values.status in mapping.yaml`,
		`satislar.csv:6: total: "12.x" is no number`,
		`satislar.csv:7: has 6 fields, the header has 7`,
		`orders.csv:7: status: "pending" is not a status; there are: cancelled, delivered, placed, returned, shipped; say what it means under values.status in mapping.yaml`,
		`satirlar.csv:7: order: "F-5" is in no file of orders of "kasa" or was rejected there`,
		`order_lines.csv.gz:7: amount: "12.345" has more than 2 decimals; set round: true in mapping.yaml to round them`,
		`order_lines.csv.gz:8: order: "W-7" is in no file of orders of "web" or was rejected there`,
		`servis.csv:4: done: "05.01.2025" is before at, "10.01.2025"`,
		`orders.csv:6: total: is empty, and there are no lines to sum up`,
	}, messages(d.Rejected()))
	require.Len(t, d.Warnings(), 6)
	require.Equal(t, []string{"saat"}, d.Brands())
	require.Equal(t, "Europe/Istanbul", d.Zone().String())
}

func TestShopPlaces(t *testing.T) {
	tree, err := crm.NewPlaces(nil, shop(t).Places()...)
	require.NoError(t, err)
	require.Equal(t, []string{"ist-1", "marmara", "tr"}, tree.Path("ist-1"))
	require.Equal(t, "store", tree.Get("ist-9").Kind, "named by an order, in no file")
	require.Nil(t, tree.Get("hayalet"))
}

func TestPlacesAlwaysMakeATree(t *testing.T) {
	mapping := "sources:\n  - name: s\n    files:\n      - {name: pl.csv, kind: places, columns: {id: id, name: id, kind: kind, parent: up, zone: zone, currency: cur}}\n"
	d := read(t, map[string]string{"mapping.yaml": mapping, "pl.csv": "id,kind,up,zone,cur\na,region,b,,\nb,region,c,,\nc,region,a,,\nd,store,nowhere,,\ne,store,e,,\nf,store,a,Mars/Olympus,\ng,store,a,,euro\na,store,,,\nh,store,a,Europe/Paris,EUR\n"})
	require.Equal(t, []string{
		`pl.csv:7: zone: "Mars/Olympus" is no IANA zone such as Europe/Istanbul`,
		`pl.csv:8: currency: "euro" is no ISO 4217 code such as TRY`,
		`pl.csv:9: id: "a" is declared in pl.csv:2 already`,
	}, messages(d.Rejected()))
	require.Equal(t, []string{
		`pl.csv:4: parent: "a" closes a circle; left without a parent`,
		`pl.csv:5: parent: "nowhere" is not a place; left without a parent`,
		`pl.csv:6: parent: "e" closes a circle; left without a parent`,
	}, messages(d.Warnings()))
	tree, err := crm.NewPlaces(nil, d.Places()...)
	require.NoError(t, err)
	require.Equal(t, []string{"h", "a", "b", "c"}, tree.Path("h"))
	seen := map[string]bool{"": true}
	for _, p := range d.Places() {
		require.True(t, seen[p.Parent], "%s comes before its parent", p.ID)
		seen[p.ID] = true
	}
}

// The kernel accepts every record, and the end is the same whether the data
// comes as history or evening by evening.
func TestKernelAcceptsEverything(t *testing.T) {
	d := shop(t)
	first, last := d.Span()
	end := func(from time.Time) [32]byte {
		run := starting(d, from, nil)
		store := memstore.New()
		svc := crm.New(store, crm.Config{Now: func() time.Time { return run.Evening(run.Days()) }})
		take := func(b crm.Batch) {
			report, err := svc.Import(context.Background(), b)
			require.NoError(t, err)
			require.Empty(t, report.Rejected)
		}
		for b := range run.History(context.Background()) {
			take(b)
		}
		for n := range run.Days() {
			take(run.Day(n))
		}
		var sum [32]byte
		require.NoError(t, store.View(context.Background(), func(r crm.Reader) (err error) {
			sum, err = crm.Digest(context.Background(), r, last)
			return err
		}))
		return sum
	}
	all := end(last.AddDate(0, 0, 2))
	require.Equal(t, all, end(first), "evening by evening")
	require.Equal(t, all, end(time.Date(2025, 1, 8, 0, 0, 0, 0, time.UTC)), "half of each")
}

func TestRunsAreFunctionsOfTime(t *testing.T) {
	d := shop(t)
	run := starting(d, time.Date(2025, 1, 8, 0, 0, 0, 0, time.UTC), nil)
	require.Equal(t, 6, run.Days())
	require.Equal(t, "2025-01-08T19:00:00Z", run.Evening(0).Format(time.RFC3339))
	for n := range run.Days() {
		a, b := run.Day(n), run.Day(n)
		x, err := json.Marshal(a)
		require.NoError(t, err)
		y, err := json.Marshal(b)
		require.NoError(t, err)
		require.JSONEq(t, string(x), string(y))
		for _, f := range a.Facts { // belongs to the receiver
			if o, ok := f.Data.(*crm.Order); ok && len(o.Lines) > 0 {
				o.Lines[0].SKU = "changed"
			}
		}
		z, err := json.Marshal(run.Day(n))
		require.NoError(t, err)
		require.Equal(t, string(y), string(z))
		for _, f := range b.Facts {
			at := time.UnixMicro(f.Version)
			require.True(t, at.After(run.Evening(n-1)) && !at.After(run.Evening(n)))
		}
	}
	require.Zero(t, run.Day(run.Days()).Len())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Empty(t, slices.Collect(run.History(ctx)))
}

// The order of the rows within a file does not matter, even where two rows say
// different things of one version.
func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	const mapping = `
sources:
  - name: s
    files:
      - {name: p.csv, kind: profiles, columns: {id: id, given: name, phone: phone, since: since, updated: upd}}
      - {name: c.csv, kind: consents, columns: {value: phone, status: status, at: at, via: via}, constants: {channel: phone}}
`
	rows := []string{
		"1,Ali,05321112201,2025-01-02,", "1,Veli,05321112202,2025-01-01,", "1,Can,,,2025-01-05", "2,Nur,,,2025-01-03", "2,Su,,2025-01-01,2025-01-04", "3,Ece,,,",
	}
	said := []string{
		"05321112201,granted,2025-01-02,a", "05321112201,granted,2025-01-02,b", "05321112201,refused,2025-01-02,c", "05321112202,granted,2025-01-03,d",
	}
	digest := func(from time.Time) (sum [32]byte) {
		d := read(t, map[string]string{"mapping.yaml": mapping,
			"p.csv": "id,name,phone,since,upd\n" + strings.Join(rows, "\n"), "c.csv": "phone,status,at,via\n" + strings.Join(said, "\n")})
		require.Empty(t, d.Rejected())
		run, store := starting(d, from, nil), memstore.New()
		svc := crm.New(store, crm.Config{Now: func() time.Time { return run.Evening(run.Days()) }})
		batches := slices.Collect(run.History(context.Background()))
		for n := range run.Days() {
			batches = append(batches, run.Day(n))
		}
		for _, b := range batches {
			_, err := svc.Import(context.Background(), b)
			require.NoError(t, err)
		}
		require.NoError(t, store.View(context.Background(), func(r crm.Reader) (err error) {
			sum, err = crm.Digest(context.Background(), r, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC))
			return err
		}))
		return sum
	}
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	want := digest(from)
	require.Equal(t, want, digest(from.AddDate(0, 0, 3)), "partly history")
	require.Equal(t, want, digest(from.AddDate(1, 0, 0)), "all history")
	slices.Reverse(rows)
	slices.Reverse(said)
	require.Equal(t, want, digest(from), "in reverse")
	require.Equal(t, want, digest(from.AddDate(1, 0, 0)), "in reverse, all history")
}
