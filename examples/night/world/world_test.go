package world_test

import (
	"context"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/world"
)

func TestProbe(t *testing.T) {
	w, _ := world.New(world.Config{Seed: 1})
	st := time.Now()
	n := map[string]int{}
	for b := range w.History(context.Background()) {
		count(t, n, b)
	}
	t.Log(time.Since(st), n)
	st = time.Now()
	n = map[string]int{}
	for d := range 60 {
		count(t, n, w.Day(d))
	}
	t.Log(time.Since(st), n)
}

func count(t *testing.T, n map[string]int, b crm.Batch) {
	for _, p := range b.Profiles {
		n["profile"]++
		n["p/"+p.Source]++
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range b.Facts {
		n[string(f.Key.Kind)]++
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
		if o, ok := f.Data.(*crm.Order); ok {
			n["o/"+o.Channel]++
			n["s/"+string(o.Status)]++
			if o.Gift {
				n["gift"]++
			}
			if !o.Returns.IsZero() {
				n["return"]++
			}
		}
		if o, ok := f.Data.(*crm.Ticket); ok {
			n["t/"+string(o.State)]++
		}
		if o, ok := f.Data.(*crm.Consent); ok {
			n["c/"+string(o.Status)]++
		}
	}
}

func BenchmarkHistory(b *testing.B) {
	w, _ := world.New(world.Config{Seed: 1, People: 100000, Known: 1})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		st := time.Now()
		for x := range w.History(context.Background()) {
			n += x.Len()
		}
		b.ReportMetric(float64(n)/time.Since(st).Seconds(), "records/s")
		b.ReportMetric(float64(n)/100000, "records/person")
	}
}
func BenchmarkDay(b *testing.B) {
	w, _ := world.New(world.Config{Seed: 1})
	for b.Loop() {
		w.Day(30)
	}
}
