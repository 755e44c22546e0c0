package vefa_test

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

func inMemory(*testing.T) (crm.Store, func() crm.Store) { return memstore.New(), nil }

// bubble runs evenings in a time of their own.
func bubble(t *testing.T, s nighttest.Sharing) (end nighttest.SharedEnd) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { end = s.Evenings(t) })
	return end
}

// further is the transaction to try after another one: every second one at first, then
// samples; more of them with VEFA_LONG.
func further(n int) int {
	if os.Getenv("VEFA_LONG") != "" {
		return n + 1 + n/4
	}
	return 2*n + 1
}

// TestSharedEvenings: evenings that two and four engines share end as those of one, with
// the same reports, and each has done a part of the work where customers are read page by
// page.
func TestSharedEvenings(t *testing.T) {
	for _, resident := range []int{-1, 0} {
		for _, breaker := range []bool{false, true} {
			for _, stay := range []bool{false, true} {
				if resident == 0 && breaker != stay {
					continue // nothing is read page by page, so little differs
				}
				s := nighttest.Sharing{Open: inMemory, People: 120, Wait: 5 * time.Millisecond, Resident: resident, Breaker: breaker, Stay: stay, Engines: 1}
				want := bubble(t, s)
				require.Positive(t, want.Sent)
				for _, s.Engines = range []int{2, 4} {
					for _, s.Each = range []bool{false, true} {
						t.Run(fmt.Sprintf("resident %d, breaker %t, stay %t, engines %d, each imports %t", resident, breaker, stay, s.Engines, s.Each), func(t *testing.T) {
							got := bubble(t, s)
							got.Same(t, want)
							if resident < 0 {
								for _, n := range got.Asked {
									require.Positive(t, n, "an engine has done nothing: %v", got.Asked)
								}
							}
						})
					}
				}
			}
		}
	}
}

// TestSharedEveningsKilled: an engine that is killed at any transaction of an evening,
// whether it leads or helps, leaves the evening to the others: it ends as if it had not been
// there, once its lease has ended.
func TestSharedEveningsKilled(t *testing.T) {
	for _, breaker := range []bool{false, true} {
		s := nighttest.Sharing{Open: inMemory, People: 50, Wait: 5 * time.Millisecond, Resident: -1, Breaker: breaker, Engines: 1}
		want := bubble(t, s)
		s.Engines, s.All = 3, true
		for s.Victim = range 2 {
			killed, together := 0, 0
			for s.Kill = 1; ; s.Kill = further(s.Kill) {
				got := bubble(t, s)
				at := fmt.Sprintf("engine %d at transaction %d, breaker %t", s.Victim, s.Kill, breaker)
				require.Equal(t, want.Digest, got.Digest, at)
				require.Equal(t, want.Sent, got.Sent, at)
				for i := range want.Reports {
					a, b := want.Reports[i].Rules, got.Reports[i].Rules
					if got.Reports[i].Again > 0 { // before it had answered: those who were left did it beside each other
						continue
					}
					together++
					require.Equal(t, a.Planned+a.Repeated, b.Planned+b.Repeated, "%s: evening %d", at, i)
				}
				if !got.Killed {
					break
				}
				killed++
			}
			require.Greater(t, killed, 4)
			require.Greater(t, together, 2*killed)
		}
	}
}

// TestSharedEveningsOfWrongClocks: a clock of the leases that jumps takes work away from
// those who are at it or leaves it to those who are gone; the evening ends the same.
func TestSharedEveningsOfWrongClocks(t *testing.T) {
	s := nighttest.Sharing{Open: inMemory, People: 60, Wait: 5 * time.Millisecond, Resident: -1, Engines: 1}
	silent := func(c *vefa.Config) { // messages go by the same leases, and twice where they end too early
		c.Steps = slices.DeleteFunc(vefa.DefaultSteps(), func(s vefa.Step) bool { return s.Name == vefa.StepDeliver })
	}
	s.Change = func(_ int, c *vefa.Config) { silent(c) }
	want := bubble(t, s)
	s.Engines, s.All = 2, true // else one may be done before the other has imported anything
	for name, jump := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour} {
		for every := 1; every < 200; every = further(every) {
			var calls atomic.Int64
			s.Change = func(_ int, c *vefa.Config) {
				silent(c)
				c.LeaseNow = func() time.Time { return time.Now().Add(time.Duration(calls.Add(1)/int64(every)) * jump) }
			}
			got := bubble(t, s)
			require.Equal(t, want.Digest, got.Digest, "%s at every %d", name, every)
		}
	}
}

// TestSharedEveningsOfStoresThatFail: an engine whose store fails once ends with that error,
// or not at all; the others go on without it.
func TestSharedEveningsOfStoresThatFail(t *testing.T) {
	s := nighttest.Sharing{Open: inMemory, People: 50, Wait: 5 * time.Millisecond, Resident: -1, Engines: 1}
	want := bubble(t, s)
	s.Engines, s.All, s.Fails = 2, true, crmtest.ErrFault
	for _, where := range []crmtest.Where{crmtest.Before, crmtest.Inside, crmtest.After, crmtest.Lost} {
		for victim := range 2 {
			for n := 1; n < 400; n = further(n) {
				s.Change = func(i int, c *vefa.Config) {
					if i == victim {
						f := crmtest.NewFaulty(c.Store)
						f.Fail(crmtest.Fault{Where: where, N: n})
						c.Store = f
					}
				}
				got := bubble(t, s)
				require.Equal(t, want.Digest, got.Digest, "engine %d, %s %d", victim, where, n)
				require.Equal(t, want.Sent, got.Sent, "engine %d, %s %d", victim, where, n)
			}
		}
	}
}
