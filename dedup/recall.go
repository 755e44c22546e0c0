package dedup

import (
	"context"
	"math/bits"
)

// recall fills in what is expected of the rules: which matches each picks, which only it
// does, and how many none may have picked.
func (b *blocking) recall(ctx context.Context, edges []edge, stats *Stats, threads int) error {
	const chunkEdges = 16_384
	type sums struct {
		all, once, twice float64
		by, only         [maxBlocks]float64
	}
	chunks := make([]sums, (len(edges)+chunkEdges-1)/chunkEdges)
	_, err := parallel(ctx, threads, len(chunks), func(k int, _ *worker) error {
		s := &chunks[k]
		for _, e := range edges[k*chunkEdges : min((k+1)*chunkEdges, len(edges))] {
			p := Probability(float64(e.weight))
			x, y := b.t.row(e.a), b.t.row(e.b)
			picked := uint32(0)
			for both := b.live[e.a] & b.live[e.b]; both != 0; both &= both - 1 {
				if r := bits.TrailingZeros32(both); b.shares(r, x, y) {
					picked |= 1 << r
					s.by[r] += p
				}
			}
			s.all += p
			switch bits.OnesCount32(picked) {
			case 1:
				s.once += p
				s.only[bits.TrailingZeros32(picked)] += p
			case 2:
				s.twice += p
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var total sums
	for _, s := range chunks { // in order, so that the sums are the same on any number of threads
		total.all += s.all
		total.once += s.once
		total.twice += s.twice
		for r := range s.by {
			total.by[r] += s.by[r]
			total.only[r] += s.only[r]
		}
	}
	for r := range stats.Blocks {
		stats.Blocks[r].Matches, stats.Blocks[r].Only = round(total.by[r]), round(total.only[r])
	}
	stats.Matches, stats.Recall = round(total.all), 1
	if total.all > 0 {
		// the form that is good for small counts: f1 (f1 - 1) / 2 (f2 + 1)
		stats.Unseen = round(max(0, total.once*(total.once-1)/(2*(total.twice+1))))
		stats.Recall = round(stats.Matches / (stats.Matches + stats.Unseen))
	}
	return nil
}
