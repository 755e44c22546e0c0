package segment

import (
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment/bitset"
)

func uuidOf(n int) string {
	h := md5.Sum([]byte{byte(n), byte(n >> 8)})
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:])
}

// Names of all kinds, remembered and forgotten, behave as in a map.
func TestIDsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		kinds := rapid.IntRange(1, 5).Draw(t, "kinds")
		draw := func() string {
			n := rng.IntN(1500)
			switch rng.IntN(kinds + 1) {
			case 5: // almost a UUID
				b := []byte(uuidOf(n))
				b[n%36] = byte(n % 256)
				return string(b)
			case 0:
				return fmt.Sprintf("c%06d", n)
			case 1:
				return uuidOf(n)
			case 2:
				return strings.ToUpper(uuidOf(n))
			case 3:
				return strings.Repeat("ş", 1+n%40)
			default:
				return string([]byte{byte(n), 0, 255, '-'}) + strings.Repeat("-", n%40)
			}
		}
		var ids customerIDs
		lookup := func(asked []string) []uint32 {
			out := make([]uint32, len(asked))
			ids.lookupAll(len(asked), func(i int) string { return asked[i] }, func(i int, id uint32) { out[i] = id })
			return out
		}
		require.EqualValues(t, noID, lookup([]string{"x"})[0])
		known, names := map[string]uint32{}, []string{}
		for range 2500 {
			customer := draw()
			if rng.IntN(6) == 0 {
				_, ok := known[customer]
				require.Equal(t, ok, ids.Forget(customer))
				if ok {
					names[known[customer]] = ""
					delete(known, customer)
				}
				continue
			}
			id, err := ids.Assign(customer)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := known[customer]
			if !ok {
				want = uint32(len(names))
				known[customer] = want
				names = append(names, customer)
			}
			if want != id {
				t.Fatalf("%q has %d, not %d", customer, id, want)
			}
		}
		require.Equal(t, len(names), ids.Len())
		asked := []string{"", "nobody"}
		for range 100 {
			asked = append(asked, draw())
		}
		all := lookup(asked)
		for i, customer := range asked {
			want, ok := known[customer]
			if !ok {
				want = noID
			}
			require.Equal(t, want, all[i], "%q", customer)
		}
		for customer, want := range known {
			if id, ok := ids.Lookup(customer); !ok || id != want {
				t.Fatalf("%q has %d, not %d", customer, id, want)
			}
		}
		for i, want := range names {
			if got, ok := ids.Name(uint32(i)); got != want || ok != (want != "") {
				t.Fatalf("%d is %q, not %q", i, got, want)
			}
		}
	})
}

// An index with UUIDs for customers shows them as they came, in every answer.
func TestUUIDCustomers(t *testing.T) {
	idx := NewIndex(Options{})
	var want []string
	_, err := idx.Load(day0, func(yield func(string, []string) bool) {
		for i := range 200 {
			c := uuidOf(i)
			want = append(want, c)
			if !yield(c, []string{"x"}) {
				return
			}
		}
	})
	require.NoError(t, err)
	define(t, idx, "segment s = x")
	require.Equal(t, want, members(t, idx.View(), "s", day0))
	for c := range idx.View().Customers(bitset.Of(5, 7)) {
		require.Equal(t, want[5], c)
		break
	}
	require.NoError(t, idx.Track("s"))
	got, err := listed(idx.SetPolarity(day0, PolarityRule{Tag: "x", Polarity: Red}))
	require.NoError(t, err)
	var gone []string
	for _, c := range got {
		gone = append(gone, c.Customer)
	}
	require.Equal(t, want, gone)
	_, err = idx.Join(day0, strings.Repeat("x", 1<<17))
	require.Error(t, err)
	require.False(t, slices.Contains(want, ""))
}

func TestIDs(t *testing.T) {
	var ids customerIDs
	a, err := ids.Assign("ayşe")
	require.NoError(t, err)
	b, err := ids.Assign("İbrahim")
	require.NoError(t, err)
	again, err := ids.Assign("ayşe")
	require.NoError(t, err)
	require.Equal(t, []uint32{0, 1, 0}, []uint32{a, b, again})
	name, ok := ids.Name(1)
	require.True(t, ok)
	require.Equal(t, "İbrahim", name)
	_, err = ids.Assign("")
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	require.True(t, ids.Forget("ayşe"))
	require.False(t, ids.Forget("ayşe"))
	_, ok = ids.Name(0)
	require.False(t, ok)
	_, ok = ids.Name(99)
	require.False(t, ok)
	c, err := ids.Assign("ayşe")
	require.NoError(t, err)
	require.Equal(t, uint32(2), c)
	require.Equal(t, 3, ids.Len())
}
