package worth

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// crowd is n customers as they are kept: rates and drop-out as the models have it, over ten years.
func crowd(n int, seed uint64, today int) []summary {
	r := rand.New(rand.NewPCG(seed, 9))
	out := make([]summary, n)
	for i := range out {
		s := summary{first: int32(today - 1 - r.IntN(3650)), orders: 1, priced: true}
		s.last = s.first
		rate, leave := gamma(r, 0.5)/50, r.Float64()*0.6
		amount := 2000 + 20000*r.ExpFloat64()
		s.total = int64(amount)
		for at := float64(s.first); r.Float64() > leave; s.last = int32(at) {
			if at += 1 + r.ExpFloat64()/rate; at > float64(today) {
				break
			}
			paid := int64(amount * (0.5 + r.Float64()))
			s.repeats, s.orders, s.total, s.spent = s.repeats+1, s.orders+1, s.total+paid, s.spent+paid
		}
		out[i] = s
	}
	return out
}

// gamma draws from a gamma distribution with a shape below 1 (Ahrens and Dieter 1974).
func gamma(r *rand.Rand, shape float64) float64 {
	for {
		p := (1 + shape/math.E) * r.Float64()
		if p <= 1 {
			if x := math.Pow(p, 1/shape); r.ExpFloat64() >= x {
				return x
			}
		} else if x := -math.Log((1 + shape/math.E - p) / shape); r.Float64() <= math.Pow(x, shape-1) {
			return x
		}
	}
}

// TestByWeek: what counting by the week changes is a small part of what the data leave open.
func TestByWeek(t *testing.T) {
	const today = 20150
	m := mustModule(t, Config{})
	all := crowd(byWeek, 8, today)
	coarse, err := m.estimate(t.Context(), all, today)
	require.NoError(t, err)
	fine, err := m.estimate(t.Context(), all[:byWeek-1], today)
	require.NoError(t, err)
	for i, p := range fine.BuyingFit.Params {
		require.InDelta(t, p.Value, coarse.BuyingFit.Params[i].Value, p.StdErr/2, p.Name)
	}
	for i, p := range fine.SpendingFit.Params {
		require.InDelta(t, p.Value, coarse.SpendingFit.Params[i].Value, p.StdErr/2, p.Name)
	}
	require.InDelta(t, fine.Gap, coarse.Gap, 0.1)
}

// BenchmarkRefresh is the night of a million customers of whom every fiftieth bought: reading what is kept of them
// from the states of a store in memory, counting those who bought again, writing that, and the fit.
func BenchmarkRefresh(b *testing.B) {
	const n, changed = 1_000_000, 20_000
	at := time.Date(2025, 3, 3, 20, 0, 0, 0, time.UTC)
	today := int(at.Unix() / 86400)
	all := crowd(n, 7, today)
	parts := make([]part, crm.Parts)
	for i, s := range all {
		k := hashed(uint64(i) * 0x9E3779B97F4A7C15)
		parts[i%crm.Parts] = append(parts[i%crm.Parts], row{k, s})
	}
	states := make([]json.RawMessage, crm.Parts)
	size := 0
	for i := range parts {
		p := new(part)
		for _, r := range parts[i] {
			p.put(r)
		}
		states[i], _ = json.Marshal(p.encode(mark{}))
		size += len(states[i])
	}
	bought := make([][]crm.Purchase, changed)
	for i := range bought {
		for day := today - 90; day <= today; day += 30 {
			bought[i] = append(bought[i], crm.Purchase{At: at, Day: day, Amount: int64(5000 + i), Priced: true})
		}
	}
	m := mustModule(b, Config{})
	b.ReportMetric(float64(size)/n, "B/customer")
	for b.Loop() {
		out := make([]summary, 0, n)
		for i := range crm.Parts {
			_, p, err := readPart(states[i])
			if err != nil {
				b.Fatal(err)
			}
			for j := i; j < changed; j += crm.Parts {
				p.put(row{hashed(uint64(j) * 0x9E3779B97F4A7C15), summarise(bought[j])})
			}
			if data, err := json.Marshal(p.encode(mark{})); err != nil || len(data) == 0 {
				b.Fatal(err)
			}
			for _, r := range p {
				out = append(out, r.summary)
			}
		}
		f, err := m.estimate(b.Context(), out, today)
		if err != nil || f.Customers != n {
			b.Fatal(err)
		}
	}
}

// BenchmarkFill asks about customers of four purchases each, 256 at a time as an evening does.
func BenchmarkFill(b *testing.B) {
	const n = 256
	store, at, _ := fittedStore(b)
	of := make([]crm.FieldSubject, n)
	today := int(at.Unix() / 86400)
	for i := range of {
		of[i] = crm.FieldSubject{Home: key(i), Today: today, Zone: time.UTC}
		for j := range 4 {
			of[i].Purchases = append(of[i].Purchases, crm.Purchase{At: at, Day: today - 200 + 40*j + i%30, Amount: int64(10000 + i), Priced: true})
		}
	}
	m := mustModule(b, Config{})
	for _, names := range [][]string{{"PAlive"}, {"PAlive", "WorthNext12"}, {"PAlive", "WorthNext12", "RFM", "Loyalty", "DaysOverdue"}, {"WorthLow12"}} {
		b.Run(fmt.Sprint(names), func(b *testing.B) {
			err := store.View(b.Context(), func(r crm.Reader) error {
				for b.Loop() {
					if _, err := m.fill(b.Context(), r, at, of, names); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/customer")
		})
	}
}
