package importer_test

import (
	"context"
	"os"
	"path/filepath"
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
	d, err := importer.Open(context.Background(), importer.AdventureWorks, dir)
	require.NoError(t, err)
	return d
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
			require.NoError(t, p.Validate())
			require.False(t, p.Since.IsZero())
			if p.Kind == crm.Organisation {
				stores[p.ProfileKey] = true
			} else {
				persons[p.ProfileKey] = true
			}
		}
		for _, f := range b.Facts {
			require.NoError(t, f.Validate())
			switch c := f.Data.(type) {
			case *crm.Order:
				require.Nil(t, orders[f.Key], "the history has the newest version only")
				orders[f.Key] = f
			case *crm.Consent:
				require.Equal(t, crm.Granted, c.Status)
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
		require.Equal(t, crm.OrderDelivered, o.Status)
		require.True(t, o.Delivered.After(f.At))
		lines += len(o.Lines)
		for _, l := range o.Lines {
			sum += l.Amount.Amount
		}
		if o.Channel == "web" {
			online++
			require.True(t, persons[f.Subject.Profile])
			require.Empty(t, o.Employee)
			require.NotEmpty(t, o.Lines)
		} else {
			require.True(t, stores[f.Subject.Profile])
			require.NotEmpty(t, o.Employee)
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
		for _, p := range run.Day(n).Profiles {
			known[p.ProfileKey] = true
		}
		for _, f := range run.Day(n).Facts {
			at := time.UnixMicro(f.Version)
			require.False(t, at.After(run.Evening(n)))
			require.True(t, at.After(run.Evening(n-1)))
			if k := f.Subject.Profile; !k.IsZero() {
				require.True(t, known[k], "%s is delivered before %s", k, f.Key)
			}
			if o, ok := f.Data.(*crm.Order); ok {
				require.False(t, o.Delivered.After(run.Evening(n)), "nothing is told ahead of time")
			}
		}
	}
	require.Len(t, known, 19972+701)
}
