package dbtest

import (
	"encoding/json"
	"fmt"
	"os"
	osexec "os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestSharedEvenings holds on real databases what root's test holds in memory: evenings
// that several engines share end as those of one.
func TestSharedEvenings(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		s := nighttest.Sharing{People: 60, Wait: 5 * time.Millisecond, Resident: -1, Breaker: true, Late: true, Engines: 1}
		s.Open = func(t *testing.T) (crm.Store, func() crm.Store) {
			var own database
			switch d.name {
			case "sqlite":
				own = openSQLite(t)
			case "postgres":
				own = openPostgres(t)
			default:
				own = openMySQL(t)
			}
			migrate(t, own)
			return own.store(), func() crm.Store { return own.store() }
		}
		want := s.Evenings(t)
		several := []int{2, 4}
		if raced { // .ci/run has both without the race detector, too
			several = several[1:]
		}
		for _, s.Engines = range several {
			s.Each = s.Engines == 4
			got := s.Evenings(t)
			late := func(i int, r vefa.NightReport) bool {
				// An engine came when the import was over and did the evening beside the
				// others, or was not answered on a busy machine: what it delivered may have
				// been too late for the rules of the evening.
				return r.Again > 0 || r.Rows != want.Reports[i].Rows
			}
			together := true
			for i, r := range got.Reports {
				together = together && !late(i, r)
			}
			if together {
				got.Same(t, want)
			} else {
				t.Logf("%d engines were not together", s.Engines)
			}
		}
	})
}

// TestSharedNightKilled kills one of two processes on PostgreSQL in the middle of an evening,
// the one that leads or the one that helps: the other takes over what it had taken.
func TestSharedNightKilled(t *testing.T) {
	t.Setenv("VEFA_CUSTOMERS", "10000")
	night := func(t *testing.T, victim int) [32]byte {
		d := openCopying(t)
		besides(t, d)
		store := d.store()
		look := func(until func(share string) bool) {
			for deadline := time.Now().Add(time.Minute); ; {
				share := ""
				require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
					docs, err := r.Documents(t.Context(), "night-share", "night-share")
					if err == nil && docs[0] != nil {
						share = string(docs[0].Data)
					}
					return err
				}))
				if until(share) {
					return
				}
				require.True(t, time.Now().Before(deadline), share)
				<-time.After(5 * time.Millisecond)
			}
		}
		start := func() *osexec.Cmd {
			job, err := json.Marshal(nightOfOne{Schema: d.cfg.Schema})
			require.NoError(t, err)
			cmd := osexec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), asNight+"="+string(job))
			cmd.Stderr = os.Stderr
			require.NoError(t, cmd.Start())
			return cmd
		}
		processes := []*osexec.Cmd{start()}
		if victim >= 0 {
			look(func(share string) bool { return share != "" }) // the first leads
			processes = append(processes, start())
			look(func(share string) bool {
				var s struct {
					Leader string
					Jobs   []struct {
						Taken []struct{ Owner string }
					}
				}
				if share == "" {
					t.Fatal("the evening ended before the second process had a part of it")
				}
				require.NoError(t, json.Unmarshal([]byte(share), &s))
				for _, j := range s.Jobs {
					for _, p := range j.Taken {
						if p.Owner != s.Leader {
							return true
						}
					}
				}
				return false
			})
			require.NoError(t, processes[victim].Process.Kill())
			require.Error(t, processes[victim].Wait())
		}
		for i, p := range processes {
			if i != victim {
				require.NoError(t, p.Wait())
			}
		}
		look(func(share string) bool { require.Empty(t, share); return true })
		var sum [32]byte
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
			sum, err = crm.Digest(t.Context(), r, nighttest.Start.AddDate(1, 0, 0))
			return err
		}))
		return sum
	}
	want := night(t, -1)
	for victim := range 2 {
		require.Equal(t, want, night(t, victim), fmt.Sprint("process ", victim))
	}
}
