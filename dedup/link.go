package dedup

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
)

// Options tune a [Linker]; the zero value is what everybody should use.
type Options struct {
	// Threads is the number of goroutines of batch work; 0 means GOMAXPROCS. It
	// never changes a result.
	Threads int
	// Pairs is the number of pairs that a batch may compare; 0 means 8 million, or
	// 8 per record if that is more. Rules whose blocks are too large for it are capped.
	Pairs int64
	// OnePerSource names the sources that promise to have every entity once, as a
	// customer file that was cleaned does; [EverySource] for all. Two records of such a
	// source are never linked, but by a decision, and each goes to the record of
	// another source that fits it best.
	OnePerSource []string
	// Component is the number of connected records that an [Index] clusters anew during a
	// change; 0 means 10,000. What is larger waits for [Index.Settle].
	Component int
	// Review is the number of questions that a batch puts to a person, see
	// [Result.Review]; 0 is none.
	Review int
	// Edge, if set, is told every pair with positive weight before clusters are made, in
	// the order of ids; a [Result] keeps the strongest inside its clusters only.
	Edge func(Edge)
	// Truth, if set, names the entity of a record, so that [Stats.Truth] can say how well
	// blocking and scoring did. It has no influence on anything else.
	Truth func(id string) (entity string, ok bool)
	// Progress, if set, is told how far a batch is: once with Done 0 when a phase begins,
	// now and then, and once with Done equal to Total when it ends (Total is 0 while
	// reading, as nobody knows). It is called by one goroutine at a time and must be quick.
	Progress func(Progress)
}

// Progress is how far a batch is in one of its phases: read, block, learn, compare and
// cluster, in this order; learn is left out when there is a model.
type Progress struct {
	Phase       string // "read", "block", "learn", "compare" or "cluster"
	Done, Total int64  // records, rules, rounds, pairs, and components of several records
}

// begin tells of the start of a phase and returns what tells of its steps.
func (l *Linker) begin(phase string, total int64) (step func(n int64), end func()) {
	if l.opt.Progress == nil {
		return func(int64) {}, func() {}
	}
	var mu sync.Mutex
	var done, told int64
	l.opt.Progress(Progress{phase, 0, total})
	step = func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		done += n
		if done-told > max(total/100, readSize-1) && (total == 0 || done < total) {
			told = done
			l.opt.Progress(Progress{phase, done, total})
		}
	}
	return step, func() {
		if total == 0 {
			total = done
		}
		l.opt.Progress(Progress{phase, total, total})
	}
}

// EverySource, in Options.OnePerSource, means every source. Records without a
// source are not meant.
const EverySource = "*"

// Linker links records of one schema. It is immutable and safe for concurrent use.
type Linker struct {
	plan *plan
	opt  Options
}

// New checks the schema; every fault in it is reported, wrapping [ErrSchema].
func New(schema Schema, opt Options) (*Linker, error) {
	p, err := compile(schema)
	if err != nil {
		return nil, err
	}
	return &Linker{plan: p, opt: opt}, nil
}

// table returns an empty table.
func (l *Linker) table() *table {
	t := newTable(l.plan)
	if len(l.opt.OnePerSource) > 0 {
		t.promises = map[string]uint32{}
		for i, s := range l.opt.OnePerSource {
			t.promises[s] = uint32(i + 1)
		}
	}
	return t
}

// budget is the number of pairs that a batch may compare; see Options.Pairs.
func (l *Linker) budget(records int) int64 {
	if l.opt.Pairs > 0 {
		return l.opt.Pairs
	}
	return max(8_000_000, 8*int64(records))
}

// Decision is a person's word on a pair of records: they are the same, or they
// are not. It is kept whatever the evidence says. Where decisions contradict each
// other, "not the same" wins and the other one is reported as a conflict.
type Decision struct {
	A    string `json:"a"`    // id of a record
	B    string `json:"b"`    // of another, in either order
	Same bool   `json:"same"` // false: they must never be together
}

// key is the pair in a fixed order: a decision holds for either.
func (d Decision) key() [2]string {
	return [2]string{min(d.A, d.B), max(d.A, d.B)}
}

// Edge is the evidence for one pair inside a cluster.
type Edge struct {
	A           string   `json:"a"`
	B           string   `json:"b"`
	Weight      float64  `json:"weight"`            // log2 of the odds of a match
	Probability float64  `json:"probability"`       // the same as a probability
	Fields      []string `json:"fields,omitempty"`  // what agreed and how, in the order of the schema; read only
	Decided     bool     `json:"decided,omitempty"` // a person said so
}

// Cluster is one entity: the ids of its records in rising order, and the
// strongest edges that hold them together.
type Cluster struct {
	// Members are the ids, in rising order; at least one.
	Members []string `json:"members"`
	Edges   []Edge   `json:"edges,omitempty"`
	// Quality says how well three or more records hang together; of two it is nil,
	// as their edge says all.
	Quality *Quality `json:"quality,omitempty"`
}

// Stats counts what a batch did.
type Stats struct {
	Records  int          `json:"records"`            // read
	Copies   int          `json:"copies,omitempty"`   // of them, those that say the same as another; all other counts take a record and its copies for one
	Pairs    int64        `json:"pairs"`              // candidates compared
	Edges    int          `json:"edges"`              // with positive weight
	Clusters int          `json:"clusters"`           // of one record, too
	Largest  int          `json:"largest"`            // records in the largest cluster
	Blocks   []BlockStats `json:"blocks"`             // by rule, in the order of the schema
	HotKeys  []HotKey     `json:"hot_keys,omitempty"` // the ten largest blocks left out
	// LargestBlocks are the ten largest blocks that were compared.
	LargestBlocks []HotKey `json:"largest_blocks,omitempty"`
	// Matches is the expected number of matches among the pairs with positive weight, and
	// Unseen a lower bound on those that no rule picked, by how many matches one and
	// two rules picked (Chao 1987). Recall is what follows for blocking, an upper bound.
	Matches float64 `json:"matches"`
	Unseen  float64 `json:"unseen"`
	Recall  float64 `json:"recall"`
	// Weights counts the pairs compared by weight, from positive ones on, or from odds of
	// 1 in 100 with a review.
	Weights []WeightCount `json:"weights,omitempty"`
	Truth   *TruthCount   `json:"truth,omitempty"`
	Ignored int           `json:"ignored"` // identifiers that too many hold
	// Warnings say why the result is not to be trusted as it stands, if it is not.
	Warnings []Warning `json:"warnings,omitempty"`
}

// Result is a partition of the records.
type Result struct {
	Clusters  []Cluster  // every record is in one; ordered by first member
	Conflicts []Decision // decisions overruled by a contradicting one
	// Review holds the pairs about which a person's word would say most, best first;
	// the answers are [Decision] values for the next batch or index. See [Options.Review].
	Review []Question
	Model  *Model // that scored: the one given, or the one learnt
	Stats  Stats
}

// Count groups the records into blocks and returns what a [Linker.Link] of them would
// compare, without comparing: Records, Blocks (Pairs and Capped), HotKeys, LargestBlocks
// and Ignored, and as Pairs the most that it can be.
func (l *Linker) Count(ctx context.Context, records iter.Seq[Record]) (Stats, error) {
	t, err := build(ctx, l.table(), records, l.opt.Threads, nil)
	if err != nil {
		return Stats{}, err
	}
	b, _, err := newBlocking(ctx, t, caps{}, l.budget(t.len()), l.opt.Threads)
	if err != nil {
		return Stats{}, err
	}
	out := Stats{Records: t.len() + t.copied(), Copies: t.copied(), Blocks: b.stats, HotKeys: b.hots, LargestBlocks: b.large, Ignored: t.ignored}
	for _, s := range b.stats {
		out.Pairs += s.Pairs
	}
	return out, nil
}

// Train learns a model from records, without labels. Labels, if there are some, such as
// past clerical decisions, refine it by what they show beyond what the model learnt without
// them expects of their pairs. So answers to a review, which are about doubtful pairs only, do
// not make doubt common. Few labels count for little beside many pairs, all labels about
// one record count as one pair together, so that a split of a large cluster is one word and
// not its thousand pairs, and labels about records that are not there are left out. Labels
// correct no weights, see [Linker.Calibrate].
func (l *Linker) Train(ctx context.Context, records iter.Seq[Record], labels ...Decision) (*Model, error) {
	t, b, limit, err := l.prepare(ctx, records, caps{}, nil)
	if err != nil {
		return nil, err
	}
	return l.learn(ctx, t, b, limit, labels)
}

// prepare reads records and groups them into blocks.
func (l *Linker) prepare(ctx context.Context, records iter.Seq[Record], limit caps, decisions []Decision) (*table, *blocking, caps, error) {
	step, end := l.begin("read", 0)
	t, err := build(ctx, l.table(), func(yield func(Record) bool) {
		for r := range records {
			step(1)
			if !yield(r) {
				return
			}
		}
	}, l.opt.Threads, named(decisions))
	if err != nil {
		return nil, nil, limit, err
	}
	end()
	_, end = l.begin("block", int64(len(l.plan.blocks)))
	b, limit, err := newBlocking(ctx, t, limit, l.budget(t.len()), l.opt.Threads)
	if err != nil {
		return nil, nil, limit, err
	}
	end()
	return t, b, limit, nil
}

// learn learns a model and tells of its rounds.
func (l *Linker) learn(ctx context.Context, t *table, b *blocking, limit caps, labels []Decision) (*Model, error) {
	step, end := l.begin("learn", corrections+1)
	m, err := learn(ctx, t, b, limit, l.opt.Threads, labels, step)
	end()
	return m, err
}

// Link partitions the records into entities. A nil model is learnt from the same
// records, which are then read twice if there are decisions: those are its labels, see
// [Linker.Train]. The result depends on the records, the model and the decisions only,
// not on their order or on the number of threads.
func (l *Linker) Link(ctx context.Context, records iter.Seq[Record], m *Model, decisions ...Decision) (*Result, error) {
	if m != nil {
		if err := m.check(l.plan); err != nil {
			return nil, err
		}
	}
	if m == nil && len(decisions) > 0 { // records that decisions name stand apart from their copies, which is no sample
		var err error
		if m, err = l.Train(ctx, records, decisions...); err != nil {
			return nil, err
		}
	}
	limit := caps{}
	if m != nil {
		limit = caps{m.SpecificCap, m.WideCap}
	}
	t, b, limit, err := l.prepare(ctx, records, limit, decisions)
	if err != nil {
		return nil, err
	}
	if m == nil {
		if m, err = l.learn(ctx, t, b, limit, nil); err != nil {
			return nil, err
		}
	}
	s := newScorer(l.plan, m)
	s.adopt(t)
	var total int64
	for _, st := range b.stats {
		total += st.Pairs
	}
	step, end := l.begin("compare", total)
	scan := &scan{questions: l.opt.Review, truth: t.entities(l.opt.Truth), step: step}
	if err := b.compare(ctx, s, l.opt.Threads, scan); err != nil {
		return nil, err
	}
	end()
	edges := scan.edges
	out := &Result{Model: m}
	out.Stats = Stats{Records: t.len() + t.copied(), Copies: t.copied(), Pairs: scan.pairs, Edges: len(edges), Blocks: b.stats, HotKeys: b.hots, LargestBlocks: b.large, Ignored: t.ignored}
	if err := b.recall(ctx, edges, &out.Stats, l.opt.Threads); err != nil {
		return nil, err
	}
	out.Stats.Weights, out.Stats.Truth = scan.weights(), scan.measure()
	b = nil
	if l.opt.Edge != nil {
		tell(t, s, edges, l.opt.Edge)
	}
	must, cannot := resolve(decisions, t.find)
	parts := newComponents(t.len(), edges, must, cannot)
	step, end = l.begin("cluster", int64(len(parts.bounds)-1))
	if out.Clusters, out.Conflicts, err = parts.partition(ctx, t, s, l.opt.Threads, step); err != nil {
		return nil, err
	}
	end()
	out.Review = review(t, s, scan.doubtful, out.Clusters, decisions, l.opt.Review)
	out.Stats.Clusters = len(out.Clusters)
	for _, c := range out.Clusters {
		out.Stats.Largest = max(out.Stats.Largest, len(c.Members))
	}
	out.Stats.Warnings = warn(m, t, out.Clusters)
	return out, nil
}

// named reports which records decisions name.
func named(decisions []Decision) func(id string) bool {
	if len(decisions) == 0 {
		return nil
	}
	ids := make(map[string]bool, 2*len(decisions))
	for _, d := range decisions {
		ids[d.A], ids[d.B] = true, true
	}
	return func(id string) bool { return ids[id] }
}

// resolve turns decisions into pairs of rows; the last decision on a pair counts.
// Decisions about records that are not there are kept by the caller for later.
func resolve(decisions []Decision, find func(string) (uint32, bool)) (must, cannot [][2]uint32) {
	last := map[[2]string]bool{}
	for _, d := range decisions {
		last[d.key()] = d.Same
	}
	keys := make([][2]string, 0, len(last))
	for k := range last {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, k := range keys {
		a, okA := find(k[0])
		b, okB := find(k[1])
		if !okA || !okB || a == b {
			continue
		}
		if last[k] {
			must = append(must, [2]uint32{a, b})
		} else {
			cannot = append(cannot, [2]uint32{a, b})
		}
	}
	return must, cannot
}
