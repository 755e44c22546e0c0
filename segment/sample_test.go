package segment_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"
)

func TestLotteryIsHMAC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		salt := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "salt")
		customer := rapid.String().Draw(t, "customer") + strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "long"))
		mac := hmac.New(sha256.New, salt)
		mac.Write([]byte(customer))
		require.Equal(t, binary.BigEndian.Uint64(mac.Sum(nil)), segment.NewLottery(salt).Number(customer))
	})
}

func TestSamplesAreNestedAndEven(t *testing.T) {
	l := segment.NewLottery([]byte("s"))
	const n = 20_000
	in := 0
	arms := make([]int, 3)
	for i := range n {
		c := fmt.Sprint(i)
		require.False(t, l.Sample(c, 0, 100))
		require.True(t, l.Sample(c, 100, 100))
		if l.Sample(c, 5, 100) {
			in++
			require.True(t, l.Sample(c, 6, 100))
		}
		arms[l.Split(c, 1, 0, 3)]++
	}
	within := func(got int, p float64) {
		require.InDelta(t, n*p, got, 5*math.Sqrt(n*p*(1-p)))
	}
	within(in, 0.05)
	within(arms[0], 0.25)
	require.Zero(t, arms[1])
	within(arms[2], 0.75)
	require.Equal(t, -1, l.Split("a"))
	require.Equal(t, -1, l.Split("a", 0, -3))
	require.Equal(t, -1, l.Split("a", math.MaxInt, math.MaxInt))
	require.False(t, l.Sample("a", 1, 0))
}

func TestStratified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := segment.NewLottery([]byte("s"))
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
		got := l.Stratified(seq, part, 10)
		for s, n := range sizes {
			want := math.Min(float64(n), float64(n*part)/10)
			require.InDelta(t, want, len(got[s]), 0.5)
			require.True(t, slices.IsSorted(got[s]))
		}
		slices.Reverse(rows)
		require.Equal(t, got, l.Stratified(seq, part, 10))
		larger := l.Stratified(seq, part+1, 10)
		for s := range sizes {
			for _, c := range got[s] {
				require.Contains(t, larger[s], c)
			}
		}
	})
}
