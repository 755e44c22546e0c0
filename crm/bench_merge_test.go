package crm_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// sharers imports n records that share one phone, each a customer of its own.
func sharers(t testing.TB, s *crm.Service, n int) []crm.ProfileKey {
	t.Helper()
	keys := make([]crm.ProfileKey, n)
	var b crm.Batch
	for i := range keys {
		keys[i] = pos(strconv.Itoa(i))
		b.Profiles = append(b.Profiles, person(keys[i], "A", fmt.Sprint("B", i), t0.Add(time.Duration(i)*time.Minute), phone(1)))
	}
	rep, err := s.Import(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, n, rep.Profiles)
	return keys
}

// Case A12: one phone on n records, with a ticket, which are merged, split and put
// back.
func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{5_000, 50_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var spent [3]time.Duration
			for b.Loop() {
				b.StopTimer()
				s := crm.New(memstore.New(), crm.Config{})
				keys := sharers(b, s, n)
				_, err := s.OpenTicket(b.Context(), keys[0], "desk", "1", crm.Ticket{Title: "x"})
				require.NoError(b, err)
				b.StartTimer()
				start := time.Now()
				merged, err := s.Merge(b.Context(), "desk", crm.Evidence{}, keys...)
				require.NoError(b, err)
				require.Len(b, merged, n-1)
				spent[0] += time.Since(start)
				start = time.Now()
				_, err = s.Split(b.Context(), "desk", crm.Evidence{}, keys[1])
				require.NoError(b, err)
				spent[1] += time.Since(start)
				start = time.Now()
				_, err = s.Undo(b.Context(), "desk", merged...)
				require.NoError(b, err)
				spent[2] += time.Since(start)
			}
			for i, verb := range []string{"merge", "split", "undo"} {
				b.ReportMetric(spent[i].Seconds()/float64(b.N), "s/"+verb)
			}
		})
	}
}
