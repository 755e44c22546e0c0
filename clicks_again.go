package vefa

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/link"
)

// JudgedAgain is what JudgeClicksAgain did.
type JudgedAgain struct {
	Clicks  int                 `json:"clicks"`  // that another version had judged
	Changed int                 `json:"changed"` // of them those whose verdict is another one now
	Before  map[crm.Verdict]int `json:"before"`  // their verdicts by the other versions
	After   map[crm.Verdict]int `json:"after"`   // and by link.Classifier
}

// JudgeClicksAgain judges the clicks that another version of link.Classifier
// judged, however old they are, among their neighbours and from the signals that
// were kept of them. A host calls it once after an upgrade: evenings look at the
// last day only. What the other version had said stays in crm.Click.Earlier, and
// Results counts by the new verdicts from then on; reports of evenings stay as
// they were. Requests that were only counted keep their verdict, as there are no
// signals of them.
//
// It may be stopped anywhere and called again, and changes nothing the second time.
// It reads all clicks, one day of them at a time; of the days to be judged it holds
// a reference of each click in memory.
func (e *Engine) JudgeClicksAgain(ctx context.Context) (out JudgedAgain, err error) {
	defer e.took("judge-clicks", time.Now(), &err)
	if err = e.lock(ctx); err != nil {
		return out, err
	}
	defer e.release("judge clicks again", &err)
	out = JudgedAgain{Before: map[crm.Verdict]int{}, After: map[crm.Verdict]int{}}
	due := map[int64]bool{} // days
	if err := e.eachClick(ctx, func(f *crm.Fact) {
		if outdated(f) {
			due[dayOf(f.At)] = true
		}
	}); err != nil || len(due) == 0 {
		return out, err
	}
	refs := map[int64][]crm.FactRef{} // by the day that they are judged or looked at with
	if err := e.eachClick(ctx, func(f *crm.Fact) {
		for d := dayOf(f.At.Add(-beside)); d <= dayOf(f.At.Add(beside)); d++ {
			if due[d] {
				refs[d] = append(refs[d], f.Ref())
			}
		}
	}); err != nil {
		return out, err
	}
	for _, day := range slices.Sorted(maps.Keys(due)) {
		if err := e.judgeDayAgain(ctx, day, refs[day], &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// beside is more than link.Window looks to each side.
const beside = neighbour - judged

// dayOf numbers UTC days.
func dayOf(at time.Time) int64 { return at.Unix() / 86400 }

// outdated reports clicks whose verdict is of another version of the rules.
func outdated(f *crm.Fact) bool {
	c := f.Data.(*crm.Click)
	return c.Count == 0 && c.Classifier != link.Classifier
}

// eachClick calls each with every click that is kept by itself.
func (e *Engine) eachClick(ctx context.Context, each func(*crm.Fact)) error {
	return e.cfg.Store.View(ctx, func(r crm.Reader) error {
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindClick) {
			if err != nil {
				return err
			}
			if f.Data.(*crm.Click).Count == 0 {
				each(f)
			}
		}
		return nil
	})
}

// judgeDayAgain judges the clicks of a day.
func (e *Engine) judgeDayAgain(ctx context.Context, day int64, refs []crm.FactRef, out *JudgedAgain) error {
	var facts []*crm.Fact
	for chunk := range slices.Chunk(refs, loadBatch) {
		if err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			got, err := r.Facts(ctx, chunk...)
			for _, f := range got {
				if f != nil {
					facts = append(facts, f)
				}
			}
			return err
		}); err != nil {
			return err
		}
	}
	var old []*crm.Fact
	verdicts := map[crm.FactRef]crm.ClickVerdict{}
	if err := e.judge(ctx, facts, func(f *crm.Fact, v crm.ClickVerdict) {
		if dayOf(f.At) == day && outdated(f) {
			old = append(old, f)
			verdicts[f.Ref()] = v
		}
	}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(old, loadBatch) {
		if err := e.writeVerdicts(ctx, chunk, verdicts, out); err != nil {
			return err
		}
	}
	return nil
}

// writeVerdicts writes new verdicts on clicks that are still as they were read: an evening or
// another call of another process may have judged them meanwhile. Each is counted by one.
func (e *Engine) writeVerdicts(ctx context.Context, old []*crm.Fact, verdicts map[crm.FactRef]crm.ClickVerdict, out *JudgedAgain) error {
	refs := make([]crm.FactRef, len(old))
	for i, f := range old {
		refs[i] = f.Ref()
	}
	var was, next []*crm.Fact
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		was, next = was[:0], next[:0]
		now, err := tx.Facts(ctx, refs...)
		if err != nil {
			return err
		}
		for i, f := range now {
			if f == nil || f.Version != old[i].Version {
				continue
			}
			if judged := judgedAs(f, verdicts[refs[i]]); judged != nil {
				was, next = append(was, f), append(next, judged)
			}
		}
		if len(next) == 0 {
			return nil
		}
		rep, err := e.svc.In(tx).Import(ctx, crm.Batch{Facts: next})
		for _, r := range rep.Rejected {
			err = errors.Join(err, r.Err)
		}
		if err == nil && rep.Facts < len(next) { // another process wrote some since they were read: look again
			err = &crm.Error{Op: "judge", Entity: "click", Kind: crm.ErrConflict}
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, f := range next {
		before, after := was[i].Data.(*crm.Click).Verdict, f.Data.(*crm.Click).Verdict
		out.Clicks++
		out.Before[before]++
		out.After[after]++
		if before != after {
			out.Changed++
		}
	}
	return nil
}
