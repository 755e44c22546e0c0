package vefa_test

import (
	"context"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// BenchmarkEvening does one ordinary evening over customers with four orders
// each, right after their import into the memory store: everybody is read and
// linked for the first time, twenty rules run over all; what they plan leaves on
// the next day, measured apart. VEFA_CUSTOMERS=1000000
// is the size that README quotes:
//
//	VEFA_CUSTOMERS=1000000 go test -run xxx -bench Evening -benchtime 1x .
func BenchmarkEvening(b *testing.B) {
	n := 20_000
	if s := os.Getenv("VEFA_CUSTOMERS"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(b, err)
	}
	// What a host that runs a night in 2.4 GiB would set.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(2250 << 20))
	for b.Loop() {
		evening(b, n)
	}
}

func evening(b *testing.B, n int) {
	ctx := context.Background()
	now := time.Date(2025, 1, 1, 15, 0, 0, 0, time.UTC)
	store := memstore.New()
	cfg := vefa.Config{Store: store, Now: func() time.Time { return now }, Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example",
		Keys: nighttest.Keys(), Consent: crm.ConsentKey{Brand: "bench"}}
	nighttest.Ordinary(b, &cfg)
	eng, err := vefa.New(cfg)
	require.NoError(b, err)
	require.NoError(b, store.Update(ctx, func(tx crm.Tx) error {
		for _, p := range crmtest.Places() {
			d, err := crm.NewDocument("place", p.ID, p)
			if err != nil {
				return err
			}
			if err := tx.PutDocuments(ctx, d); err != nil {
				return err
			}
		}
		return nil
	}))
	phase := time.Now()
	for batch := range crmtest.Customers(n, crmtest.Options{Orders: 4, Brand: "bench", Twice: 0.2, Batch: 20_000}) {
		rep, err := eng.Service().Import(ctx, batch)
		require.NoError(b, err)
		require.Empty(b, rep.Rejected)
	}
	b.ReportMetric(time.Since(phase).Seconds(), "s/import")
	runtime.GC()
	phase = time.Now()
	rep, err := eng.Night(ctx, vefa.Night{Day: "2025-01-01", Source: func(context.Context) iter.Seq2[crm.Batch, error] { return func(func(crm.Batch, error) bool) {} }})
	require.NoError(b, err)
	require.True(b, rep.Closed)
	require.Positive(b, rep.Rules.Planned)
	b.ReportMetric(time.Since(phase).Seconds(), "s/evening")
	for _, step := range []string{"identify", "clicks", "rules", "carry", "campaigns", "deliver"} {
		b.ReportMetric(seconds(rep, step), "s/"+step)
	}
	b.ReportMetric(float64(rep.Rules.Planned), "effects")
	phase = time.Now()
	now = now.AddDate(0, 0, 1) // what waited for the morning
	morning, err := eng.Deliver(ctx)
	require.NoError(b, err)
	require.Positive(b, morning.Done)
	b.ReportMetric(time.Since(phase).Seconds(), "s/next-day")
	b.ReportMetric(float64(rep.Delivered.Done+morning.Done), "sent")
	b.ReportMetric(float64(rep.Identified.Moved), "merged")
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		b.ReportMetric(float64(u.Maxrss)/1024, "MiB-peak")
	}
}
