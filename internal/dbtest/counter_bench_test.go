package dbtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// BenchmarkCounters compares what a store reserves in a second with a bare conditional
// UPDATE of one number in a table of the same database, which keeps no reservations, in
// the same run: of one hot row, of 10,000 rows, and 100 at a time of one row. The
// figures are medians of ratios of the rates of alternate rounds; one iteration is a
// round of all. Both sides commit each take by itself: "tx" compares with one in a
// transaction of the driver's, as a host has it that does anything else with it.
// Target O6.
func BenchmarkCounters(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres", "mysql"} {
		b.Run(name, func(b *testing.B) {
			d := openers[name](b)
			migrate(b, d)
			benchCounters(b, d)
		})
	}
}

const spreadCounters = 10_000

func benchCounters(b *testing.B, d database) {
	const workers, takes, fold = 16, 800, 100
	ctx := context.Background()
	store := d.store()
	bare := qualified(d, "bare")
	exec(b, d.db, "CREATE TABLE "+bare+" (part smallint NOT NULL, k bigint NOT NULL, onhand bigint NOT NULL, reserved bigint NOT NULL, PRIMARY KEY (part, k))")
	limits := make([]crm.Counter, spreadCounters)
	for i := range limits {
		limits[i] = crm.Counter{CounterKey: crm.CounterKey{Kind: "stock", ID: fmt.Sprint(i)}, Limit: crm.MaxAmount}
		exec(b, d.db, fmt.Sprintf("INSERT INTO %s VALUES (%d, %d, 1000000000, 0)", bare, limits[i].Part(), i))
	}
	require.NoError(b, store.Update(ctx, func(tx crm.Tx) error { return tx.SetLimits(ctx, limits...) }))
	update := "UPDATE " + bare + " SET reserved = reserved + 1 WHERE part = $1 AND k = $2 AND onhand - reserved >= 1"
	one := func(k int) error {
		_, err := d.db.ExecContext(ctx, update, int64(limits[k].Part()), k)
		return err
	}
	inTx := func(k int) error {
		tx, err := d.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, update, int64(limits[k].Part()), k); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}
	var ids atomic.Int64
	reserve := func(n int) func(k int) error {
		return func(k int) error {
			list := make([]crm.Take, n)
			for i := range list {
				list[i] = crm.Take{ReservationKey: crm.ReservationKey{Counter: limits[k].CounterKey, ID: fmt.Sprint("order/", ids.Add(1))}, Amount: 1}
			}
			return store.Update(ctx, func(tx crm.Tx) error {
				states, err := tx.Reserve(ctx, list...)
				if err == nil && slices.ContainsFunc(states, func(s crm.ReservationState) bool { return s != crm.Reserved }) {
					err = errors.New("not reserved")
				}
				return err
			})
		}
	}
	hot := func(*rand.Rand) int { return 0 }
	spread := func(r *rand.Rand) int { return r.IntN(spreadCounters) }
	// rate runs n calls by all workers and returns calls per second.
	rate := func(n int, pick func(*rand.Rand) int, call func(k int) error) float64 {
		start := time.Now()
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), uint64(ids.Load())))
				for range n / workers {
					if err := call(pick(r)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		return float64(n) / time.Since(start).Seconds()
	}
	if d.dialect == sqlstore.SQLite {
		d.db.SetMaxOpenConns(workers)
	}
	ratios := map[string][]float64{}
	for b.Loop() {
		bareHot, txHot := rate(takes, hot, one), rate(takes, hot, inTx)
		oursHot, folded := rate(takes, hot, reserve(1)), fold*rate(takes/10, hot, reserve(fold))
		bareSpread, txSpread, oursSpread := rate(takes, spread, one), rate(takes, spread, inTx), rate(takes, spread, reserve(1))
		for name, x := range map[string]float64{
			"hot/bare": oursHot / bareHot, "hot/tx": oursHot / txHot, "folded/bare": folded / bareHot,
			"spread/bare": oursSpread / bareSpread, "spread/tx": oursSpread / txSpread, "takes/s": oursSpread,
		} {
			ratios[name] = append(ratios[name], x)
		}
	}
	for name, x := range ratios {
		slices.Sort(x)
		b.ReportMetric(x[len(x)/2], name)
	}
}
