package importer_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
)

const tillMapping = `
currency: TRY
sources:
  - name: till
    files:
      - {name: customers.csv, kind: profiles, columns: {id: id, given: given, updated: updated}}
      - {name: contacts.csv, kind: contacts, columns: {profile: profile, value: value, verified: verified}, constants: {channel: email}}
      - {name: orders.csv, kind: orders, columns: {number: number, profile: profile, at: at, returns: returns, total: total}}
      - {name: lines.csv, kind: lines, columns: {order: order, sku: sku, amount: amount, qty: qty}}
`

// till is a folder of four files with these rows below their headers.
func till(rows map[string]string) fstest.MapFS {
	out := fstest.MapFS{"mapping.yaml": {Data: []byte(tillMapping)}}
	for name, head := range map[string]string{"customers.csv": "id,given,updated", "contacts.csv": "profile,value,verified", "orders.csv": "number,profile,at,returns,total", "lines.csv": "order,sku,amount,qty"} {
		out[name] = &fstest.MapFile{Data: []byte(head + "\n" + rows[name])}
	}
	return out
}

func profilesOf(t *testing.T, d *importer.Data, until time.Time) (out []*crm.Profile) {
	t.Helper()
	for b, err := range d.Source(time.Time{}, until)(t.Context()) {
		require.NoError(t, err)
		out = append(out, b.Profiles...)
	}
	return out
}

// TestReturnSummedUp: an order is looked at again when its total is known.
func TestReturnSummedUp(t *testing.T) {
	d, err := importer.Open(t.Context(), till(map[string]string{
		"customers.csv": "1,Ada,2025-01-01\n",
		"orders.csv":    "A,1,2025-01-01,,100.00\nR,1,2025-01-05,A,\nS,1,2025-01-06,A,\n",
		"lines.csv":     "R,x,50.00,1\nS,x,-50.00,-1\n",
	}), importer.Options{})
	require.NoError(t, err)
	require.Len(t, d.Rejected(), 1)
	require.ErrorContains(t, d.Rejected()[0], "orders.csv:3: total: is the sum of the lines")
	var orders []string
	for b, err := range d.Source(time.Time{}, time.Time{})(t.Context()) {
		require.NoError(t, err)
		for _, f := range b.Facts {
			require.NoError(t, f.Validate())
			orders = append(orders, f.Key.ID)
		}
	}
	require.ElementsMatch(t, []string{"A", "S"}, orders)
}

// TestLayoutOfAZoneName: CST is an hour in China, another in Cuba and a third in Chicago.
func TestLayoutOfAZoneName(t *testing.T) {
	m := till(nil)
	m["mapping.yaml"].Data = []byte("layouts: ['2006-01-02 15:04:05 MST']\n" + tillMapping)
	_, err := importer.Open(t.Context(), m, importer.Options{})
	require.ErrorContains(t, err, "mapping.yaml:1:11: layouts: ")
	require.ErrorContains(t, err, "-0700")
}

// TestManyVersionsAndContacts: those of one profile are told apart as few of them are, the
// last one too, and each replay stops where it is told to.
func TestManyVersionsAndContacts(t *testing.T) {
	const n = 300
	var versions, contacts strings.Builder
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		fmt.Fprintf(&versions, "1,Ada%d,%s\n", i, start.AddDate(0, 0, i).Format(time.DateOnly))
		fmt.Fprintf(&contacts, "1,a%d@ada.example,\n", i)
	}
	for _, i := range []int{0, n - 1} {
		fmt.Fprintf(&versions, "1,Eve,%s\n", start.AddDate(0, 0, i).Format(time.DateOnly))
		fmt.Fprintf(&contacts, "1,a%d@ada.example,true\n", i)
	}
	d, err := importer.Open(t.Context(), till(map[string]string{"customers.csv": versions.String(), "contacts.csv": contacts.String()}), importer.Options{})
	require.NoError(t, err)
	require.Empty(t, d.Rejected())
	var odd []string
	for _, w := range d.Warnings() {
		odd = append(odd, w.Error())
	}
	require.Len(t, odd, 2)
	require.Contains(t, odd[0], "customers.csv:302: id: \"1\" stands in customers.csv:2 already")
	require.Contains(t, odd[1], "customers.csv:303: id: \"1\" stands in customers.csv:301 already")
	last := profilesOf(t, d, time.Time{})
	require.Len(t, last, 1)
	require.Len(t, last[0].Contacts, n)
	for i, c := range last[0].Contacts {
		require.Equal(t, fmt.Sprintf("a%d@ada.example", i), c.Value)
		require.Equal(t, i == 0 || i == n-1, c.Verified, i)
	}
	early := profilesOf(t, d, start.AddDate(0, 0, 10))
	require.Len(t, early, 1)
	require.Equal(t, "Ada10", early[0].Name.Given)
}

// ending is a folder whose context ends when a file has been read.
type ending struct {
	fs.FS
	name string
	stop func()
}

type endingFile struct {
	fs.File
	stop func()
}

func (f ending) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err == nil && name == f.name {
		file = endingFile{file, f.stop}
	}
	return file, err
}

func (f endingFile) Close() error {
	f.stop()
	return f.File.Close()
}

// TestOpenEndsWithItsContext: also where it ends when everything has been read.
func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err := importer.Open(ctx, ending{till(map[string]string{"customers.csv": "1,Ada,2025-01-01\n"}), "lines.csv", stop}, importer.Options{})
	require.ErrorIs(t, err, context.Canceled)
}
