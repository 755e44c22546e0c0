package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Log takes reports into a record.
type Log struct {
	// Service is the record.
	Service *crm.Service
	// Keep is how long a report waits for the message that it is about; then it is
	// dropped, and Stats.Dropped counts it. 0 means 7 days.
	Keep time.Duration
	// Batch is how many reports a transaction takes; 0 means 200.
	Batch int
}

// Reason is the crm.Suppression.Reason of an address that a report says does not exist.
const Reason = "bounce"

// Stats counts what became of reports.
type Stats struct {
	Changed  int // said something new about a message
	Repeated int // said what was known
	Early    int // wait for a message that is not known yet
	Settled  int // of those that waited, how many found their message
	Dropped  int // of those that waited, how many did so for too long
	// Ambiguous are of several messages that providers know by one id; they are left out.
	Ambiguous int
	Bounced   int // addresses that are not written to any more
}

// Add adds other counts.
func (s *Stats) Add(o Stats) {
	s.Changed += o.Changed
	s.Repeated += o.Repeated
	s.Early += o.Early
	s.Settled += o.Settled
	s.Dropped += o.Dropped
	s.Ambiguous += o.Ambiguous
	s.Bounced += o.Bounced
}

// Take takes reports. The error names each report that is not valid, by its place, an
// ErrReport, and the others are taken; any other error is about the store, and what was
// counted before it is kept. Reports may be taken again.
func (l *Log) Take(ctx context.Context, reports ...messaging.Report) (Stats, error) {
	var faults []error
	good := make([]waiting, 0, len(reports))
	now := l.Service.Now()
	for i, r := range reports {
		if err := r.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("report %d: %w", i, err))
			continue
		}
		if r.At = crm.Micros(r.At); r.At.Year() < 1 {
			r.At = time.Time{}
		}
		good = append(good, waiting{r, now})
	}
	// Those about one message go into one transaction, and messages that are near one
	// another, too.
	good = sorted(good)
	var total Stats
	for chunk := range slices.Chunk(good, cmp.Or(l.Batch, 200)) {
		s, err := l.take(ctx, chunk, nil)
		if err != nil {
			return total, errors.Join(append(faults, err)...)
		}
		total.Add(s)
	}
	return total, errors.Join(faults...)
}

// sorted returns reports by the message that they are about, in the order in which they came.
func sorted(reports []waiting) []waiting {
	order := make([]int, len(reports)) // a report is long to move
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := &reports[i], &reports[j]
		if a.ID != b.ID {
			return strings.Compare(string(a.ID), string(b.ID))
		}
		if c := strings.Compare(a.Provider, b.Provider); c != 0 {
			return c
		}
		return i - j
	})
	out := make([]waiting, len(reports))
	for n, i := range order {
		out[n] = reports[i]
	}
	return out
}

// Settle looks again at reports that came before the message that they are about was
// known, and drops those that waited for too long. Call it from time to time, such as
// after each run of an outbox.
func (l *Log) Settle(ctx context.Context) (Stats, error) {
	var total Stats
	var after crm.Subject
	for {
		var page []*crm.State
		err := l.Service.Store().View(ctx, func(r crm.Reader) (err error) {
			page, err = r.ScanStates(ctx, crm.AllParts(), earlyKind, after, cmp.Or(l.Batch, 200))
			return err
		})
		if err != nil || len(page) == 0 {
			return total, err
		}
		after = page[len(page)-1].Subject
		keys := make([]crm.StateKey, len(page))
		for i, s := range page {
			keys[i] = s.StateKey
		}
		s, err := l.take(ctx, nil, keys)
		if err != nil {
			return total, err
		}
		total.Add(s)
	}
}

// waiting is a report and when it first came.
type waiting struct {
	messaging.Report
	Heard time.Time
}

// says reports whether another report says the same.
func (w waiting) says(o waiting) bool { return o.Report == w.Report }

// earlyKind is the kind of the states that keep reports whose message is not known. They
// are about a record that stands for the id, which need not be there.
const earlyKind = "delivery-early"

// maxEarly bounds the reports that wait for one message.
const maxEarly = 2 * maxParts

func earlyKey(r messaging.Report) crm.StateKey {
	id := "provider/" + r.Provider
	if r.ID != "" {
		id = "effect/" + string(r.ID)
	}
	return crm.StateKey{Kind: earlyKind, Subject: crm.OfRecord(crm.FactKey{Kind: Kind, Source: source, ID: crm.RefKey(crm.Clip(id, 400))})}
}

// take takes reports, and those that wait under keys, in one transaction.
func (l *Log) take(ctx context.Context, reports []waiting, keys []crm.StateKey) (stats Stats, err error) {
	err = l.Service.Update(ctx, func(tx crm.Tx) error {
		stats = Stats{}
		all, waited, err := withWaiting(ctx, tx, reports, keys)
		if err != nil {
			return err
		}
		about, ambiguous, err := match(ctx, tx, all)
		if err != nil {
			return err
		}
		stats.Ambiguous = ambiguous
		var early, fresh []waiting
		of := map[crm.EffectID][]waiting{}
		effects := map[crm.EffectID]*crm.Effect{}
		for i, e := range about {
			switch {
			case e == nil && all[i].Provider == ambiguousMark:
			case (e == nil || e.To.IsZero()) && i < len(reports):
				fresh = append(fresh, all[i])
			case e == nil || e.To.IsZero():
				early = append(early, all[i])
			default:
				of[e.ID] = append(of[e.ID], all[i])
				effects[e.ID] = e
				if i >= len(reports) {
					stats.Settled++
				}
			}
		}
		if err := l.keep(ctx, tx, &stats, append(early, fresh...), waited); err != nil {
			return err
		}
		return l.fold(ctx, tx, &stats, effects, of)
	})
	return stats, err
}

// ambiguousMark replaces the provider's id of a report that is about several messages. It
// is no id that a report can have: it is not printable.
const ambiguousMark = "\x00"

// waited is a state with reports that wait.
type waited struct {
	rev  int64
	list []waiting
}

// withWaiting adds to reports those that wait for the same messages, and returns the states that
// they were read from.
func withWaiting(ctx context.Context, tx crm.Tx, reports []waiting, keys []crm.StateKey) ([]waiting, map[crm.StateKey]waited, error) {
	keys = slices.Clone(keys)
	for _, r := range reports {
		keys = append(keys, earlyKey(r.Report))
	}
	slices.SortFunc(keys, func(a, b crm.StateKey) int { return a.Subject.Compare(b.Subject) })
	keys = slices.Compact(keys)
	states, err := tx.States(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	all := slices.Clone(reports)
	found := make(map[crm.StateKey]waited, len(keys))
	for _, s := range states {
		if s == nil {
			continue
		}
		var list []waiting
		if err := s.Decode(&list); err != nil {
			return nil, nil, err
		}
		found[s.StateKey] = waited{s.Rev, list}
		all = append(all, list...)
	}
	return all, found, nil
}

// match returns the message that each report is about, nil where it is not known. A report
// about one of several ids of a message becomes one about that part.
func match(ctx context.Context, tx crm.Tx, all []waiting) ([]*crm.Effect, int, error) {
	ids := make([]crm.EffectID, len(all))
	part := make([]int, len(all))
	var keys []string
	var of []int
	for i, r := range all {
		if ids[i] = r.ID; r.ID == "" {
			keys, of = append(keys, crm.ProviderKey(crm.EffectMessage, r.Provider)), append(of, i)
		}
	}
	ambiguous := 0
	if len(keys) > 0 {
		refs, err := tx.Refs(ctx, crm.RefProvider, 2, keys...)
		if err != nil {
			return nil, 0, err
		}
		for n, found := range refs {
			switch i := of[n]; {
			case len(found) == 0:
			case len(found) > 1 && found[0].Target != found[1].Target:
				ambiguous++
				all[i].Provider = ambiguousMark
			default:
				ids[i], part[i] = crm.EffectID(found[0].Target), int(found[0].Order)+1
			}
		}
	}
	asked := slices.Clone(ids)
	slices.Sort(asked)
	asked = slices.DeleteFunc(slices.Compact(asked), func(id crm.EffectID) bool { return id.Validate() != nil })
	effects, err := tx.Effects(ctx, asked...)
	if err != nil {
		return nil, 0, err
	}
	out := make([]*crm.Effect, len(all))
	for i, id := range ids {
		at, ok := slices.BinarySearch(asked, id)
		if !ok || effects[at] == nil || effects[at].Kind != crm.EffectMessage {
			continue
		}
		out[i] = effects[at]
		if n := len(strings.Fields(effects[at].Provider)); n > 1 && part[i] > 0 {
			all[i].Part, all[i].Parts = part[i], n
		}
	}
	return out, ambiguous, nil
}

// keep writes the reports that wait, as many of those that come first as there may be.
func (l *Log) keep(ctx context.Context, tx crm.Tx, stats *Stats, early []waiting, found map[crm.StateKey]waited) error {
	lists := map[crm.StateKey][]waiting{}
	oldest := l.Service.Now().Add(-cmp.Or(l.Keep, 7*24*time.Hour))
	for _, w := range early {
		k := earlyKey(w.Report)
		if w.Heard.Before(oldest) {
			stats.Dropped++
			continue
		}
		if i := slices.IndexFunc(lists[k], w.says); i >= 0 { // it waits since it first came
			if list := lists[k]; w.Heard.Before(list[i].Heard) {
				list[i].Heard = w.Heard
			}
		} else if len(lists[k]) < maxEarly {
			lists[k] = append(lists[k], w)
		}
	}
	var puts []*crm.State
	var gone []crm.StateKey
	for k, list := range lists {
		slices.SortFunc(list, func(a, b waiting) int {
			return cmp.Or(a.Heard.Compare(b.Heard), cmp.Compare(a.Part, b.Part), cmp.Compare(a.State, b.State), a.At.Compare(b.At), cmp.Compare(a.Code, b.Code))
		})
		old, known := found[k]
		same := 0
		for _, w := range list {
			if slices.ContainsFunc(old.list, func(o waiting) bool { return w.says(o) && w.Heard.Equal(o.Heard) }) {
				same++
			}
		}
		stats.Early += len(list) - same
		if same == len(list) && same == len(old.list) {
			continue // nothing new, and nothing went
		}
		s, err := crm.NewState(earlyKind, k.Subject, list)
		if err != nil {
			return err
		}
		if known {
			s.Rev = old.rev
		}
		puts = append(puts, s)
	}
	for k := range found {
		if len(lists[k]) == 0 {
			gone = append(gone, k)
		}
	}
	slices.SortFunc(puts, func(a, b *crm.State) int { return a.Subject.Compare(b.Subject) })
	slices.SortFunc(gone, func(a, b crm.StateKey) int { return a.Subject.Compare(b.Subject) })
	if len(gone) > 0 {
		if err := tx.DeleteStates(ctx, gone...); err != nil {
			return err
		}
	}
	if len(puts) == 0 {
		return nil
	}
	return tx.PutStates(ctx, puts...)
}

// fold adds reports to the fates of their messages, under the locks of the addresses that
// these went to.
func (l *Log) fold(ctx context.Context, tx crm.Tx, stats *Stats, effects map[crm.EffectID]*crm.Effect, of map[crm.EffectID][]waiting) error {
	if len(of) == 0 {
		return nil
	}
	ids := make([]crm.EffectID, 0, len(of))
	addrs := make([]crm.Address, 0, len(of))
	for id := range of {
		ids, addrs = append(ids, id), append(addrs, effects[id].To)
	}
	slices.Sort(ids)
	slices.SortFunc(addrs, crm.Address.Compare)
	if _, err := tx.LockAddresses(ctx, slices.Compact(addrs)...); err != nil {
		return err
	}
	refs := make([]crm.FactRef, len(ids))
	for i, id := range ids {
		refs[i] = crm.FactRef{Subject: crm.OfAddress(effects[id].To), Key: key(id)}
	}
	stored, err := tx.Facts(ctx, refs...)
	if err != nil {
		return err
	}
	now := l.Service.Now()
	var facts []*crm.Fact
	for i, id := range ids {
		e := effects[id]
		fate, version := &Fate{Effect: id, Cause: e.Cause}, int64(0)
		if stored[i] != nil {
			if fate, err = FateOf(stored[i]); err != nil {
				return err
			}
			version = stored[i].Version
		}
		was, _ := fate.Sum()
		changed := false
		for _, r := range of[id] {
			if fate.Add(r.Report) {
				changed = true
				stats.Changed++
			} else {
				stats.Repeated++
			}
		}
		if !changed {
			continue
		}
		f, err := fate.fact(e.To, version+1, now)
		if err != nil {
			return err
		}
		facts = append(facts, f)
		if t, _ := fate.Sum(); t.Bounce && !was.Bounce {
			stats.Bounced++
			facts = append(facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: source, ID: string(id)}, Subject: crm.OfAddress(e.To), At: now, Version: 1,
				Data: &crm.Suppression{Reason: Reason, Actor: "provider"}})
		}
	}
	if len(facts) == 0 {
		return nil
	}
	return l.Service.In(tx).Record(ctx, facts...)
}

// Fates returns the fate of each message, nil of one that has no report.
func Fates(ctx context.Context, r crm.Reader, effects ...*crm.Effect) ([]*Fate, error) {
	refs := make([]crm.FactRef, 0, len(effects))
	at := make([]int, 0, len(effects))
	for i, e := range effects {
		if e != nil && !e.To.IsZero() {
			refs, at = append(refs, crm.FactRef{Subject: crm.OfAddress(e.To), Key: key(e.ID)}), append(at, i)
		}
	}
	out := make([]*Fate, len(effects))
	facts, err := r.Facts(ctx, refs...)
	if err != nil {
		return nil, err
	}
	for n, f := range facts {
		if f == nil {
			continue
		}
		if out[at[n]], err = FateOf(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}
