package segment

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestLotteryIsHMAC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		salt := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "salt")
		customer := rapid.String().Draw(t, "customer") + strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "long"))
		mac := hmac.New(sha256.New, salt)
		mac.Write([]byte(customer))
		require.Equal(t, binary.BigEndian.Uint64(mac.Sum(nil)), newLottery(salt).number(customer))
	})
}

func TestStratified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLottery([]byte("s"))
		type row struct{ customer, stratum string }
		var rows []row
		sizes := map[string]int{}
		for i := range rapid.IntRange(0, 200).Draw(t, "n") {
			s := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "stratum"))
			rows = append(rows, row{fmt.Sprint(i), s})
			sizes[s]++
		}
		seq := func(yield func(string, string) bool) {
			for _, r := range rows {
				if !yield(r.customer, r.stratum) {
					return
				}
			}
		}
		part := rapid.IntRange(0, 12).Draw(t, "part")
		got := l.stratified(seq, part, 10)
		for s, n := range sizes {
			want := math.Min(float64(n), float64(n*part)/10)
			require.InDelta(t, want, len(got[s]), 0.5)
			require.True(t, slices.IsSorted(got[s]))
		}
		slices.Reverse(rows)
		require.Equal(t, got, l.stratified(seq, part, 10))
		larger := l.stratified(seq, part+1, 10)
		for s := range sizes {
			for _, c := range got[s] {
				require.Contains(t, larger[s], c)
			}
		}
	})
}

// stratified draws, from each stratum by itself, the nearest whole number to
// part out of whole of its customers (halves up): those with the lowest numbers. Rows are
// (customer, stratum), in any order; the result is by stratum and customer. A
// customer named twice in a stratum counts once.
func (l *lottery) stratified(rows iter.Seq2[string, string], part, whole int) map[string][]string {
	type ticket struct {
		number   uint64
		customer string
	}
	strata := make(map[string][]ticket)
	for customer, stratum := range rows {
		strata[stratum] = append(strata[stratum], ticket{l.number(customer), customer})
	}
	out := make(map[string][]string, len(strata))
	for stratum, tickets := range strata {
		slices.SortFunc(tickets, func(a, b ticket) int {
			return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.customer, b.customer))
		})
		tickets = slices.Compact(tickets)
		tickets = tickets[:share(len(tickets), part, whole)]
		picked := make([]string, len(tickets))
		for i, t := range tickets {
			picked[i] = t.customer
		}
		slices.Sort(picked)
		out[stratum] = picked
	}
	return out
}
