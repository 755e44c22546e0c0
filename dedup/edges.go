package dedup

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// WeightCount counts pairs with weights from Weight up to the next whole number of bits.
// The last one has all that are above.
type WeightCount struct {
	// Weight is the lower end of the bin, in bits; a bin is one bit wide.
	Weight int `json:"weight"`
	// Pairs is how many candidates have such a weight.
	Pairs int64   `json:"pairs"`
	Right int64   `json:"right,omitempty"` // of one entity, where the truth is known
	Match float64 `json:"match"`           // probability at Weight and a half
}

// TruthCount compares pairs of records that differ with the truth; equal ones are joined before
// ([Stats].Copies), and pairs of a record of which it is unknown are
// not counted.
type TruthCount struct {
	Pairs    int64 `json:"pairs"`    // of one entity, compared or not
	Compared int64 `json:"compared"` // of them, those that a rule picked
	Edges    int64 `json:"edges"`    // pairs with positive weight
	Right    int64 `json:"right"`    // of them, those of one entity

	BlockingRecall float64 `json:"blocking_recall"` // Compared / Pairs
	Precision      float64 `json:"precision"`       // Right / Edges
	Recall         float64 `json:"recall"`          // Right / Pairs
	F1             float64 `json:"f1"`
}

const (
	leastBin = -7 // weight of the first count
	binCount = 48
)

// bins counts pairs by weight.
type bins struct{ all, right [binCount]int64 }

// binOf is the bin of a weight in the histogram, one per bit; what is beyond the ends
// falls into the outermost.
func binOf(w float64) int {
	return min(max(int(math.Floor(w))-leastBin, 0), binCount-1)
}

// scan is a pass over all candidates: what is asked of it, and what it found.
type scan struct {
	questions int      // see Options.Review
	truth     []uint32 // by row: entity, 0 unknown; nil if nothing is known
	step      func(int64)

	edges    []edge // above the threshold, in order
	doubtful []edge // some that are nearest to it
	pairs    int64
	met      int64 // pairs of one entity
	bins     bins
}

// entities numbers the entities that the truth names.
func (t *table) entities(truth func(string) (string, bool)) []uint32 {
	if truth == nil {
		return nil
	}
	out, numbers := make([]uint32, t.len()), map[string]uint32{}
	for i := range out {
		if e, ok := truth(t.id(uint32(i))); ok {
			n := numbers[e]
			if n == 0 {
				n = uint32(len(numbers) + 1)
				numbers[e] = n
			}
			out[i] = n
		}
	}
	return out
}

// compare scores all candidates.
func (b *blocking) compare(ctx context.Context, s *scorer, threads int, out *scan) error {
	least := float64(threshold)
	if out.questions > 0 {
		least = leastMatch
	}
	const chunkPairs = 20_000
	type chunk struct {
		rule, from, to int
		pairs          int
	}
	var chunks []chunk
	for r := range b.runs {
		run, from, pairs := &b.runs[r], 0, 0
		for k := range run.keys {
			n := int(run.bounds[k+1] - run.bounds[k])
			pairs += n * (n - 1) / 2
			if pairs >= chunkPairs || k == len(run.keys)-1 {
				chunks = append(chunks, chunk{r, from, k + 1, pairs})
				from, pairs = k+1, 0
			}
		}
	}
	counts := make([]int64, len(chunks))
	workers, err := parallel(ctx, threads, len(chunks), func(k int, w *worker) error {
		if w.comparer == nil {
			w.comparer = newComparer(b.t)
		}
		c := chunks[k]
		run := &b.runs[c.rule]
		near := nearby{to: c.from}
		for q := c.from; q < c.to; q++ {
			if q == near.to {
				near.gather(b, run, q, c.to, w)
			}
			records, key := run.records[run.bounds[q]:run.bounds[q+1]], run.keys[q]
			first := int(run.bounds[q] - near.first)
			for x, i := range records {
				row, live := near.row(first+x), near.live[first+x]&(1<<c.rule-1)
				for y, j := range records[x+1:] {
					other := near.row(first + x + 1 + y)
					if b.t.rivals(i, j) || !b.fresh(c.rule, key, live&near.live[first+x+1+y], row, other) {
						continue
					}
					counts[k]++
					right := out.truth != nil && out.truth[i] != 0 && out.truth[i] == out.truth[j]
					if right {
						w.met++
					}
					_, v, ok := s.above(w.comparer, row, other, least)
					if !ok {
						continue
					}
					bin := binOf(v)
					w.bins.all[bin]++
					if right {
						w.bins.right[bin]++
					}
					e := edge{min(i, j), max(i, j), float32(v)}
					if v > threshold {
						w.edges.add(e)
					}
					if out.questions > 0 && v < -leastMatch {
						w.doubtful = nearest(append(w.doubtful, e), out.questions, false)
					}
				}
			}
		}
		out.step(int64(c.pairs))
		return nil
	})
	if err != nil {
		return err
	}
	total := 0
	for _, w := range workers {
		total += w.edges.len()
	}
	out.edges = make([]edge, 0, total)
	for _, w := range workers {
		for _, page := range w.edges {
			out.edges = append(out.edges, page...)
		}
		out.doubtful = append(out.doubtful, w.doubtful...)
		out.met += w.met
		for i := range w.bins.all {
			out.bins.all[i] += w.bins.all[i]
			out.bins.right[i] += w.bins.right[i]
		}
		w.edges = nil
	}
	out.doubtful = nearest(out.doubtful, out.questions, true)
	slices.SortFunc(out.edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b)) })
	// two keys of a rule with one hash make a pair that a later rule picks once more
	out.edges = slices.Compact(out.edges)
	for r := range b.stats {
		b.stats[r].New = 0
	}
	for k, n := range counts {
		out.pairs += n
		b.stats[chunks[k].rule].New += n
	}
	return nil
}

// nearby is the rows of some runs side by side. They are fetched together, as they lie far
// apart in a large table, and the processor would wait for each of them in turn.
type nearby struct {
	rows  []uint32
	live  []uint32 // by record: see blocking.live
	width int
	first uint32 // place of the first record in the rule's runs
	to    int    // the run after the last
}

// mostNearby is the number of records that are fetched together, unless a run has more.
const mostNearby = 256

// gather fetches run q and those after it.
func (n *nearby) gather(b *blocking, run *runs, q, end int, w *worker) {
	n.width, n.first = len(b.t.dicts), run.bounds[q]
	n.to = q + 1
	for n.to < end && run.bounds[n.to+1]-n.first <= mostNearby {
		n.to++
	}
	records := run.records[n.first:run.bounds[n.to]]
	w.rows, w.live = w.rows[:0], w.live[:0]
	for _, i := range records {
		w.rows, w.live = append(w.rows, b.t.row(i)...), append(w.live, b.live[i])
	}
	n.rows, n.live = w.rows, w.live
	for f := range b.t.dicts {
		if d := &b.t.dicts[f]; len(d.sketches) >= manyValues {
			for k := f; k < len(n.rows); k += n.width {
				w.touched += uint32(d.sketches[n.rows[k]])
			}
		}
	}
}

// row is the copy of a record's values that lies beside those of its block.
func (n *nearby) row(k int) []uint32 { return n.rows[k*n.width : (k+1)*n.width : (k+1)*n.width] }

// edgePages is a growing list of edges, of which none moves.
type edgePages [][]edge

const pageEdges = 8192

// add appends an edge. Pages are not copied as the list grows, which would take its memory
// twice.
func (p *edgePages) add(e edge) {
	n := len(*p)
	if n == 0 || len((*p)[n-1]) == pageEdges {
		*p = append(*p, make([]edge, 0, pageEdges))
		n++
	}
	(*p)[n-1] = append((*p)[n-1], e)
}

// len is the number of edges on all pages.
func (p edgePages) len() (n int) {
	for _, page := range p {
		n += len(page)
	}
	return n
}

// weights lists the counts by weight, without empty ones at either end.
func (s *scan) weights() (out []WeightCount) {
	for i, n := range s.bins.all {
		if n == 0 && out == nil {
			continue
		}
		w := leastBin + i
		out = append(out, WeightCount{w, n, s.bins.right[i], round(Probability(float64(w) + 0.5))})
	}
	for len(out) > 0 && out[len(out)-1].Pairs == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// measure compares with the truth, nil if it is unknown.
func (s *scan) measure() *TruthCount {
	if s.truth == nil {
		return nil
	}
	out := &TruthCount{Compared: s.met}
	sizes := map[uint32]int64{}
	for _, e := range s.truth {
		if e != 0 {
			out.Pairs += sizes[e]
			sizes[e]++
		}
	}
	for _, e := range s.edges {
		if a, b := s.truth[e.a], s.truth[e.b]; a != 0 && b != 0 {
			out.Edges++
			if a == b {
				out.Right++
			}
		}
	}
	ratio := func(a, b int64) float64 {
		if b == 0 {
			return 0
		}
		return float64(a) / float64(b)
	}
	out.BlockingRecall, out.Precision, out.Recall = ratio(out.Compared, out.Pairs), ratio(out.Right, out.Edges), ratio(out.Right, out.Pairs)
	out.F1 = ratio(2*out.Right, out.Edges+out.Pairs)
	return out
}

// tell passes all edges on.
func tell(t *table, s *scorer, edges []edge, to func(Edge)) {
	x := newComparer(t)
	fields := &fieldNames{p: t.plan}
	for _, e := range edges {
		p := x.compare(t.row(e.a), t.row(e.b))
		w := s.weight(x, p)
		to(Edge{A: t.id(e.a), B: t.id(e.b), Weight: round(w), Probability: round(Probability(w)), Fields: fields.of(p)})
	}
}
