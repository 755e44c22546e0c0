package world_test

import (
	"context"
	"testing"

	"github.com/vefacrm/vefa/examples/night/world"
)

// The customers of a large retailer, each with about 4 orders.
func BenchmarkHistory(b *testing.B) {
	w := newWorld(b, world.Config{People: 100_000, Seed: 1, Known: 1})
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		for batch := range w.History(context.Background()) {
			records += batch.Len()
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkDay(b *testing.B) {
	w := newWorld(b, world.Config{Seed: 1})
	for b.Loop() {
		w.Day(30)
	}
}
