package dbtest

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// besides is a retailer on a database with VEFA_CUSTOMERS customers (5,000), of
// whom one in a hundred has an open ticket, and how many customers those are.
func besides(b testing.TB, d database) (*nighttest.Retailer, int) {
	b.Helper()
	n := 5_000
	if s := os.Getenv("VEFA_CUSTOMERS"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(b, err)
	}
	migrate(b, d)
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(b, d.store(), clock, func(c *vefa.Config) { c.TrainAt = -1 })
	tickets := 0
	for batch := range crmtest.Customers(n, crmtest.Options{Orders: 1, Brand: nighttest.Brand.Brand, Batch: 20_000}) {
		rep, err := shop.Engine.Service().Import(b.Context(), batch)
		require.NoError(b, err)
		require.Empty(b, rep.Rejected)
		for i := 0; i < len(batch.Profiles); i += 100 {
			_, err := shop.Engine.Service().OpenTicket(b.Context(), batch.Profiles[i].ProfileKey, "desk", fmt.Sprint(tickets), crm.Ticket{Title: "a benchmark"})
			require.NoError(b, err)
			tickets++
		}
	}
	return shop, tickets
}

// BenchmarkBesideTheNight asks for the open tickets again and again while a night
// runs over everybody: what is measured is how long an answer takes.
func BenchmarkBesideTheNight(b *testing.B) {
	for name, open := range openers {
		b.Run(name, func(b *testing.B) {
			shop, tickets := besides(b, open(b))
			for b.Loop() {
				shop.Clock.Set(nighttest.Start.AddDate(0, 0, b.N))
				done := make(chan error, 1)
				start := time.Now()
				go func() {
					_, err := shop.Engine.Night(b.Context(), vefa.Night{Source: func(context.Context) iter.Seq2[crm.Batch, error] { return func(func(crm.Batch, error) bool) {} }})
					done <- err
				}()
				var took []time.Duration
				for running := true; running; {
					select {
					case err := <-done:
						require.NoError(b, err)
						running = false
					default:
						asked := time.Now()
						got, err := shop.Engine.Unsolved(b.Context())
						require.NoError(b, err)
						require.Len(b, got, tickets)
						took = append(took, time.Since(asked))
					}
				}
				slices.Sort(took)
				b.ReportMetric(time.Since(start).Seconds(), "s/night")
				b.ReportMetric(float64(len(took)), "answers")
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
			}
		})
	}
}

// BenchmarkDeliveryAlone delivers what waits on a database with many customers, as
// a process that does nothing else: how long until the first message leaves, and
// how much memory is in use then and at the most.
func BenchmarkDeliveryAlone(b *testing.B) {
	for name, open := range openers {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			shop, _ := besides(b, d)
			shop.Clock.Set(nighttest.Start.Add(-15 * time.Hour)) // the evening before: the campaign waits
			waiting := nighttest.New(b, d.store(), shop.Clock, func(c *vefa.Config) {
				c.TrainAt, c.Rules, c.Campaigns[0].On = -1, nil, []string{"2025-03-02"}
				c.Campaigns[0].Start = nighttest.Start.Add(-time.Hour)
			})
			rep, err := waiting.Engine.Night(b.Context(), vefa.Night{})
			require.NoError(b, err)
			require.Positive(b, rep.Campaigns.Planned, "%+v", rep)
			waiting.Engine.Close()
			runtime.GC()
			var before, m runtime.MemStats
			runtime.ReadMemStats(&before)
			shop.Clock.Set(nighttest.Start)
			for b.Loop() {
				var first time.Time
				var most uint64
				sender := messaging.NewMemorySender(func(messaging.Message) crm.Receipt {
					if first.IsZero() {
						first = time.Now()
					}
					return crm.Receipt{Status: crm.Accepted}
				})
				start := time.Now()
				alone := nighttest.New(b, d.store(), shop.Clock, func(c *vefa.Config) {
					c.Sender, c.Progress = sender, func(string, int, int) {
						runtime.ReadMemStats(&m)
						most = max(most, m.HeapInuse)
					}
				})
				got, err := alone.Engine.Deliver(b.Context())
				require.NoError(b, err)
				require.Positive(b, got.Done, "%+v", got)
				b.ReportMetric(float64(first.Sub(start).Microseconds())/1000, "ms/first-message")
				b.ReportMetric(float64(got.Done), "sent")
				b.ReportMetric(float64(most-min(most, before.HeapInuse))/(1<<20), "MiB-more")
			}
		})
	}
}
