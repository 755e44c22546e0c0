package importer_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/importer"
)

func adventureWorks(t testing.TB) *importer.Data {
	t.Helper()
	base := os.Getenv("VEFA_DATA")
	if base == "" {
		base = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(base, "retail", "adventureworks")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("AdventureWorks is not there (set VEFA_DATA to the folder data): %v", err)
	}
	d, err := openAdventureWorks(dir)
	require.NoError(t, err)
	return d
}

var (
	adventureWorksOnce sync.Once
	adventureWorksData *importer.Data
	adventureWorksErr  error
)

// openAdventureWorks reads the data once for all tests.
func openAdventureWorks(dir string) (*importer.Data, error) {
	adventureWorksOnce.Do(func() {
		adventureWorksData, adventureWorksErr = importer.Open(context.Background(), importer.AdventureWorks, dir)
	})
	return adventureWorksData, adventureWorksErr
}

func TestAdventureWorksTotals(t *testing.T) {
	d := adventureWorks(t)
	require.Empty(t, d.Rejected())
	require.Equal(t, 10+3*19972+701+19820+17+31465+60398, d.Rows())

	first, last := d.Span()
	require.Equal(t, "2011-05-31", first.Format(time.DateOnly))
	require.Equal(t, "2014-07-07", last.Format(time.DateOnly), "the last orders are shipped a week later")

	persons, stores := map[crm.ProfileKey]bool{}, map[crm.ProfileKey]bool{}
	orders := map[crm.FactKey]*crm.Fact{}
	consents := map[crm.Channel]int{}
	merchants := 0
	run := d.Starting(last.AddDate(0, 0, 2), d.Zone())
	require.Zero(t, run.Days())
	for b := range run.History(context.Background()) {
		for _, p := range b.Profiles {
			if err := p.Validate(); err != nil || p.Since.IsZero() {
				t.Fatal(p.ProfileKey, p.Since, err)
			}
			if p.Kind == crm.Organisation {
				stores[p.ProfileKey] = true
			} else {
				persons[p.ProfileKey] = true
			}
		}
		for _, f := range b.Facts {
			if err := f.Validate(); err != nil {
				t.Fatal(f.Key, err)
			}
			switch c := f.Data.(type) {
			case *crm.Order:
				if orders[f.Key] != nil {
					t.Fatalf("%s comes twice: the history has the newest version only", f.Key)
				}
				orders[f.Key] = f
			case *crm.Consent:
				consents[f.Subject.Address.Channel]++
				if c.Recipient == "merchant" {
					merchants++
				}
			}
		}
	}
	require.Len(t, persons, 19972)
	require.Len(t, stores, 701)
	require.Len(t, orders, 31465)
	require.Equal(t, 5044+3770, consents[crm.Email])
	require.Positive(t, consents[crm.Phone])
	require.Less(t, consents[crm.Phone], 5044+3770, "placeholders grant nothing")
	require.Positive(t, merchants)

	var online, lines int
	var sum int64
	for _, f := range orders {
		o := f.Data.(*crm.Order)
		if o.Status != crm.OrderDelivered || !o.Delivered.After(f.At) {
			t.Fatal(f.Key, o.Status, o.Delivered)
		}
		lines += len(o.Lines)
		for _, l := range o.Lines {
			sum += l.Amount.Amount
		}
		if o.Channel == "web" {
			online++
			if !persons[f.Subject.Profile] || o.Employee != "" || len(o.Lines) == 0 {
				t.Fatal(f.Key, f.Subject, o)
			}
		} else {
			if !stores[f.Subject.Profile] || o.Employee == "" {
				t.Fatal(f.Key, f.Subject, o)
			}
		}
	}
	require.Equal(t, 27659, online)
	require.Equal(t, 60398, lines)
	require.EqualValues(t, 2_935_867_722, sum, "29,358,677.22")

	_, err := crm.NewPlaces(nil, d.Places()...)
	require.NoError(t, err)
}

func TestAdventureWorksByDay(t *testing.T) {
	d := adventureWorks(t)
	run := d.Starting(time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC), nil)
	known := map[crm.ProfileKey]bool{}
	records := 0
	for b := range run.History(context.Background()) {
		for _, p := range b.Profiles {
			known[p.ProfileKey] = true
		}
		records += b.Len()
	}
	require.Positive(t, records)
	for n := range run.Days() {
		b, before, after := run.Day(n), run.Evening(n-1), run.Evening(n)
		for _, p := range b.Profiles {
			known[p.ProfileKey] = true
		}
		for _, f := range b.Facts {
			if at := time.UnixMicro(f.Version); at.After(after) || !at.After(before) {
				t.Fatalf("day %d has %s of %s", n, f.Key, at)
			}
			if k := f.Subject.Profile; !k.IsZero() && !known[k] {
				t.Fatalf("%s comes before %s", f.Key, k)
			}
			if o, ok := f.Data.(*crm.Order); ok && o.Delivered.After(after) {
				t.Fatalf("day %d tells ahead of time that %s is delivered", n, f.Key)
			}
		}
	}
	require.Len(t, known, 19972+701)
}
