package dbtest

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// asTaker makes this binary a process that takes from counters, see TestMain.
const asTaker = "VEFA_TEST_TAKER"

// taker is a process that reserves, and then confirms or releases, under ids that are
// the same whenever it runs.
type taker struct {
	Schema     string
	Number     int
	Goroutines int
	Each       int // ids of each goroutine
}

// The counters, and what there is of each: less than the takers want.
const (
	takerCounters = 3
	takerShare    = 2 // of what they want, in quarters
)

func takerMain(job string) int {
	var p taker
	err := json.Unmarshal([]byte(job), &p)
	if err == nil {
		err = p.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (p taker) take(g, n int) crm.Take {
	return crm.Take{ReservationKey: crm.ReservationKey{Counter: crm.CounterKey{Kind: "budget", ID: fmt.Sprint(g % takerCounters)}, ID: fmt.Sprintf("%d.%d.%d", p.Number, g, n)},
		Amount: int64(1 + g%2), For: time.Duration(g%2) * time.Hour}
}

func (p taker) run(ctx context.Context) error {
	db, err := sql.Open("pgx", os.Getenv("VEFA_TEST_POSTGRES"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	svc := crm.New(sqlstore.New(db, sqlstore.Postgres, sqlstore.Config{Schema: p.Schema}), crm.Config{Retry: crm.Retry{Attempts: 100}})
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, p.Goroutines)
	for g := range p.Goroutines {
		wg.Go(func() {
			for n := 0; n < p.Each && errs[g] == nil; n++ {
				var told string
				told, errs[g] = p.one(ctx, svc, g, n)
				mu.Lock()
				fmt.Println(p.take(g, n).ID, told)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// one takes once and returns how it ended.
func (p taker) one(ctx context.Context, svc *crm.Service, g, n int) (string, error) {
	t := p.take(g, n)
	err := svc.Reserve(ctx, t)
	switch {
	case errors.Is(err, crm.ErrExhausted):
		return "exhausted", nil
	case errors.Is(err, crm.ErrExists): // released, before a kill
		return "released", nil
	case err != nil:
		return "failed", err
	case (g+n)%4 == 0:
		return "released", svc.Release(ctx, t.ReservationKey)
	}
	t.Amount -= int64(g % 4 / 3) // some use less than they reserved
	return "confirmed", svc.Confirm(ctx, t)
}

// TestCountersUnderKills: several processes take from few counters, each with many
// goroutines, and are killed and started again at any moment. Nothing is taken beyond
// the limit, twice or for nothing, and what they were told stays so. VEFA_LONG=1 takes
// many more ids and kills. Target O5.
func TestCountersUnderKills(t *testing.T) {
	const processes = 4
	goroutines, each, kills := 1000, 1, 8
	if testing.Short() {
		goroutines, kills = 100, 4
	}
	if os.Getenv("VEFA_LONG") == "1" {
		each, kills = 20, 200
	}
	d := openPostgres(t)
	migrate(t, d)
	var limits [takerCounters]int64
	for i := range processes {
		for g := range goroutines {
			limits[g%takerCounters] += int64(each) * (taker{Number: i}).take(g, 0).Amount
		}
	}
	svc := crm.New(d.store(), crm.Config{})
	for i := range limits {
		limits[i] = limits[i] * takerShare / 4
		require.NoError(t, svc.SetLimit(t.Context(), crm.CounterKey{Kind: "budget", ID: fmt.Sprint(i)}, limits[i]))
	}
	told := make([]map[string]string, processes)
	killed := make([]int, processes)
	var wg sync.WaitGroup
	for i := range processes {
		told[i] = map[string]string{}
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			for left := kills / processes; ; left-- {
				lines := -1
				if left > 0 {
					lines = r.IntN(goroutines * each)
				}
				ended, err := runTaker(taker{d.cfg.Schema, i, goroutines, each}, lines, told[i])
				if !assert.NoError(t, err) || ended {
					return
				}
				killed[i]++
			}
		})
	}
	wg.Wait()
	require.False(t, t.Failed())

	total, states := 0, map[string]int{}
	require.NoError(t, d.store().View(t.Context(), func(r crm.Reader) error {
		reserved, used := map[crm.CounterKey]int64{}, map[crm.CounterKey]int64{}
		kept := map[string]crm.ReservationState{}
		reservations, err := r.ScanReservations(t.Context(), crm.AllParts(), crm.ReservationKey{}, 1<<20)
		if err != nil {
			return err
		}
		for _, x := range reservations {
			kept[x.ID] = x.State
			if x.State == crm.Reserved {
				reserved[x.Counter] += x.Amount
			}
			used[x.Counter] += x.Confirmed
		}
		counters, err := r.ScanCounters(t.Context(), crm.AllParts(), crm.CounterKey{}, 1<<20)
		if err != nil {
			return err
		}
		for _, c := range counters {
			require.GreaterOrEqual(t, c.Free(), int64(0), "more was taken than there is: %+v", c)
			require.Equal(t, []int64{reserved[c.CounterKey], used[c.CounterKey]}, []int64{c.Reserved, c.Used}, "%+v", c)
			require.Zero(t, c.Reserved, "everything was confirmed or released in the end")
		}
		for i := range told {
			require.Len(t, told[i], goroutines*each)
			for id, was := range told[i] {
				total++
				states[was]++
				if was == "exhausted" {
					require.NotContains(t, kept, id)
				} else {
					require.EqualValues(t, was, kept[id], id)
				}
			}
		}
		return nil
	}))
	require.Positive(t, states["exhausted"], "there was enough for all")
	t.Logf("%d ids, %v, killed %v times", total, states, killed)
}

// runTaker runs a process, and kills it after some lines (-1: never). It notes what the
// process was told; what it was told before must not change, save that there is room again.
func runTaker(p taker, lines int, told map[string]string) (ended bool, err error) {
	job, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asTaker+"="+string(job))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	if lines == 0 {
		_ = cmd.Process.Kill()
	}
	n := 0
	for in := bufio.NewScanner(out); in.Scan(); {
		var id, state string
		if k, _ := fmt.Sscan(in.Text(), &id, &state); k < 2 {
			continue // the last line of one that was killed
		}
		if was := told[id]; was != "" && was != "exhausted" && was != state {
			err = errors.Join(err, fmt.Errorf("%s was %s, is %s", id, was, state))
		}
		told[id] = state
		if n++; n == lines {
			_ = cmd.Process.Kill()
		}
	}
	failed := cmd.Wait()
	if failed != nil && (lines < 0 || n < lines) {
		err = errors.Join(err, failed)
	}
	return failed == nil, err
}
