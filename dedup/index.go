package dedup

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Index holds records and their clusters and keeps both up to date: after any
// series of calls of [Index.Apply] its clusters are those that [Linker.Link] finds in its
// records with the same model and decisions. It is safe for concurrent use.
type Index struct {
	mu        lock
	linker    *Linker
	scorer    *scorer
	fields    *fieldNames
	t         *table
	x         *comparer
	resolver  *resolver
	slots     map[string]uint32
	free      []uint32
	postings  postings
	near      [][]neighbour // pairs above the threshold
	clusters  []*Cluster    // of every record
	decisions map[[2]string]bool
	decided   map[string][]string // ids in decisions with an id
	mark      []uint32            // scratch: the record was met in round
	round     uint32
	queued    map[uint32]bool // seeds of components that wait for Settle
	work      work
	met       []uint32  // scratch: records that rules pair with one
	pending   []pending // scratch: those of them that may be above a weight
	members   []uint32  // scratch: of a component
	rows      []uint32  // scratch: of a cluster
	edges     []edge    // scratch: of a component
	row       []uint32  // scratch: row to come
	was, is   []listed  // scratch: keys of a record before and after
	guest     []uint32  // scratch: row of a question
}

// neighbour is a record whose pair with another has positive weight.
type neighbour struct {
	record uint32
	weight float32
}

// mostConnected is the number of connected records that a change clusters at once unless
// [Options.Component] says otherwise: about a second of work.
const mostConnected = 10_000

// Change says what [Index.Apply] did.
type Change struct {
	// Clusters are all clusters with other members than before and those that hold
	// an upserted record, ordered by first member; members are complete.
	Clusters []Cluster
	Removed  []string // ids that are gone, in rising order
	// Conflicts are decisions of the affected clusters that a contradicting one overrules.
	Conflicts []Decision
	// Waiting is the number of records whose clusters are as they were, new ones alone,
	// because too many records are connected with them; see [Index.Settle].
	Waiting int
}

// NewIndex returns an empty index that scores with the model.
func (l *Linker) NewIndex(m *Model) (*Index, error) {
	if m == nil {
		return nil, fmt.Errorf("dedup: index: %w: it is nil", ErrModel)
	}
	if err := m.check(l.plan); err != nil {
		return nil, err
	}
	x := &Index{mu: make(lock, 1), linker: l, scorer: newScorer(l.plan, m), fields: &fieldNames{p: l.plan}, t: l.table(),
		slots: map[string]uint32{}, queued: map[uint32]bool{}, decisions: map[[2]string]bool{}, decided: map[string][]string{}}
	x.resolver = newResolver(x.t, x.scorer, x.fields, 1)
	x.x = x.resolver.x
	x.row, x.guest = make([]uint32, len(x.t.dicts)), make([]uint32, len(x.t.dicts))
	return x, nil
}

// Settle clusters what changes left waiting, however large. After it the index holds what
// a batch would find. It is meant for the night.
func (x *Index) Settle(ctx context.Context) (Change, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	var out Change
	x.work.reset()
	for i := range x.queued {
		x.work.seed(i)
	}
	clear(x.queued)
	x.recluster(&x.work, &out, maxRecords)
	return out, nil
}

// Len is the number of records.
func (x *Index) Len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.slots)
}

// Cluster returns the cluster of a record.
func (x *Index) Cluster(id string) (Cluster, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := x.slots[id]
	if !ok {
		return Cluster{}, false
	}
	if !x.clusters[i].has(id) { // a copy of a record that says too little
		return Cluster{Members: []string{strings.Clone(id)}}, true
	}
	return *x.clusters[i], true
}

// Clusters yields a snapshot of all clusters, ordered by first member.
func (x *Index) Clusters() iter.Seq[Cluster] {
	return func(yield func(Cluster) bool) {
		x.mu.Lock()
		var all []*Cluster
		for id, i := range x.slots {
			switch c := x.clusters[i]; {
			case c.Members[0] == id:
				all = append(all, c)
			case !c.has(id):
				all = append(all, &Cluster{Members: []string{id}})
			}
		}
		x.mu.Unlock()
		slices.SortFunc(all, func(a, b *Cluster) int { return cmp.Compare(a.Members[0], b.Members[0]) })
		for _, c := range all {
			if !yield(*c) {
				return
			}
		}
	}
}

// Decisions returns what people decided about pairs of records, ordered by them: the last
// word on each, also on records that are not there now.
func (x *Index) Decisions() []Decision {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.settled()
}

// settled lists the decisions by their ids. Callers hold the lock.
func (x *Index) settled() []Decision {
	out := make([]Decision, 0, len(x.decisions))
	for k, same := range x.decisions {
		out = append(out, Decision{k[0], k[1], same})
	}
	sortDecisions(out)
	return out
}

// Model returns the model that the index scores with.
func (x *Index) Model() *Model { return x.scorer.m }
