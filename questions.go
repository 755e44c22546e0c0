package vefa

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// Question asks a person whether two profiles are of one person. Yes is [crm.Service.Merge],
// no to two who are one customer is [crm.Service.Split], no to others [crm.Service.KeepApart];
// who is not sure leaves it.
type Question struct {
	A, B      crm.ProfileKey
	Customers [2]crm.CustomerID // theirs, by now
	// Together says that they are one customer, and that it is doubtful.
	Together    bool
	Weight      float64  // log2 of the odds that they are one
	Probability float64  // the same as a probability
	Fields      []string // what agreed and how
	Pairs       int      // pairs of profiles that hang on the answer
	// Effect is how many of them the answer is expected to put right: Pairs times the
	// probability that it is not what linkage does.
	Effect float64
}

// Questions returns at most limit pairs of profiles about which a person's word would mend most, by
// what linkage knew when it last ended: the largest expected effect first, of equal ones
// those where a yes finds somebody before those who are together, then by key. There is one
// question about any two customers, and none that was answered: what people decided since
// linkage ended is left out. Reading everybody takes a second for some ten thousand profiles, and
// others are served meanwhile. It fails where Config.TrainAt says that only people merge,
// with [errors.ErrUnsupported].
func (e *Engine) Questions(ctx context.Context, limit int) ([]Question, error) {
	if e.cfg.TrainAt < 0 {
		return nil, &crm.Error{Op: "questions", Entity: "profile", Kind: errors.ErrUnsupported}
	}
	x, err := e.everybody(ctx)
	if err != nil || limit <= 0 {
		return nil, err
	}
	// Some may be answered since; more are kept than are told.
	list, err := x.Questions(ctx, min(limit, 1<<20)+answered)
	if err != nil {
		return nil, err
	}
	list = append(list, x.open...)
	keys := make([]crm.ProfileKey, 0, 2*len(list))
	for _, q := range list {
		keys = append(keys, keyOf(q.A), keyOf(q.B))
	}
	var ids []crm.CustomerID
	if err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		ids, err = r.CustomersOf(ctx, keys...)
		return err
	}); err != nil {
		return nil, err
	}
	var out []Question
	for i, q := range list {
		c, linked := x.Cluster(q.A)
		together := linked && slices.Contains(c.Members, q.B)
		at := [2]crm.CustomerID{ids[2*i], ids[2*i+1]}
		if at[0] == "" || at[1] == "" || together != (at[0] == at[1]) {
			continue // gone, or decided since
		}
		wrong := q.Probability
		if together {
			wrong = 1 - wrong
		}
		out = append(out, Question{A: keys[2*i], B: keys[2*i+1], Customers: at, Together: together, Weight: q.Weight, Probability: q.Probability,
			Fields: q.Fields, Pairs: q.Pairs, Effect: math.Round(wrong*float64(q.Pairs)*1e6) / 1e6})
	}
	slices.SortFunc(out, func(a, b Question) int {
		if a.Together != b.Together && a.Effect == b.Effect {
			if b.Together {
				return -1
			}
			return 1
		}
		return cmp.Or(-cmp.Compare(a.Effect, b.Effect), a.A.Compare(b.A), a.B.Compare(b.B))
	})
	return e.unanswered(ctx, out, limit)
}

// unanswered returns at most limit questions, without those about two of whom somebody said since
// linkage ended that they are two, and with one about any two customers.
func (e *Engine) unanswered(ctx context.Context, list []Question, limit int) (out []Question, err error) {
	asked := map[[2]crm.CustomerID]bool{}
	for chunk := range slices.Chunk(list, loadBatch) {
		if len(out) >= limit {
			break
		}
		keys := make([]crm.ProfileKey, 0, 2*len(chunk))
		for _, q := range chunk {
			keys = append(keys, q.A, q.B)
		}
		var logs [][]crm.Link
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
			logs, err = r.Links(ctx, keys...)
			return err
		}); err != nil {
			return nil, err
		}
		for i, q := range chunk {
			about := [2]crm.CustomerID{min(q.Customers[0], q.Customers[1]), max(q.Customers[0], q.Customers[1])}
			if len(out) < limit && !asked[about] && !keptApart(logs[2*i], logs[2*i+1]) {
				asked[about] = true
				out = append(out, q)
			}
		}
	}
	return out, nil
}

// keptApart reports whether the logs of two profiles say that they are two persons.
func keptApart(a, b []crm.Link) bool {
	for _, x := range crm.KeptApart(a) {
		for _, y := range crm.KeptApart(b) {
			if x.Op == y.Op && x.Customer != y.Customer {
				return true
			}
		}
	}
	return false
}

// answered is how many questions people may answer between two evenings before Questions
// returns fewer than it is asked for.
const answered = 200
