package engage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/link"
)

// clickSource is the source of click facts.
const clickSource = "link"

// sinkClicks writes a group of clicks. The verdict of a click by itself comes
// first; the evening looks at it among its neighbours again.
func (e *Engine) sinkClicks(ctx context.Context, clicks []link.Click) error {
	var facts []*crm.Fact
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		facts = facts[:0]
		effects, err := effectsOfLinks(ctx, tx, clicks)
		if err != nil {
			return err
		}
		for _, c := range clicks {
			f := effects[c.ID]
			if f == nil {
				continue // a token of ours for a message that is no more
			}
			d, err := decodeMessage(f)
			if err != nil {
				return err
			}
			verdict, reasons := link.Classify(c, link.Context{Delivered: f.SentAt})
			facts = append(facts, clickFact(f, d, c, verdict, reasons, 1))
		}
		return e.svc.In(tx).Record(ctx, facts...)
	})
	if err == nil {
		e.recent.add(facts)
	}
	return err
}

// effectsOfLinks finds the effects that links belong to, by their numbers.
func effectsOfLinks(ctx context.Context, r crm.Reader, clicks []link.Click) (map[uint64]*crm.Effect, error) {
	keys := make([]string, len(clicks))
	for i, c := range clicks {
		keys[i] = linkKey(c.ID)
	}
	refs, err := r.Refs(ctx, crm.RefLink, 1, keys...)
	if err != nil {
		return nil, err
	}
	var ids []crm.EffectID
	var numbers []uint64
	for i, list := range refs {
		if len(list) > 0 {
			ids = append(ids, crm.EffectID(list[0].Target))
			numbers = append(numbers, clicks[i].ID)
		}
	}
	effects, err := r.Effects(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := make(map[uint64]*crm.Effect, len(ids))
	for i, f := range effects {
		if f != nil {
			out[numbers[i]] = f
		}
	}
	return out, nil
}

// recentClicks are where the clicks are that an evening judges again, so that
// it need not look through all that there ever were.
type recentClicks struct {
	mu     sync.Mutex
	loaded bool
	refs   map[crm.FactRef]time.Time
}

func (r *recentClicks) add(facts []*crm.Fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refs == nil {
		r.refs = map[crm.FactRef]time.Time{}
	}
	for _, f := range facts {
		r.refs[f.Ref()] = f.At
	}
}

// since reads the clicks after an instant.
func (r *recentClicks) since(ctx context.Context, store crm.Store, after time.Time) ([]*crm.Fact, error) {
	if !r.loaded { // what other processes took, or this one before it was started again
		err := store.View(ctx, func(tx crm.Reader) error {
			for f, err := range crm.FactsOfKind(ctx, tx, crm.AllParts(), crm.KindClick) {
				if err != nil {
					return err
				}
				if f.At.After(after) {
					r.add([]*crm.Fact{f})
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		r.loaded = true
	}
	r.mu.Lock()
	var refs []crm.FactRef
	for ref, at := range r.refs {
		if !at.After(after) {
			delete(r.refs, ref)
			continue
		}
		refs = append(refs, ref)
	}
	r.mu.Unlock()
	slices.SortFunc(refs, crm.FactRef.Compare)
	var facts []*crm.Fact
	for chunk := range slices.Chunk(refs, loadBatch) {
		err := store.View(ctx, func(tx crm.Reader) error {
			got, err := tx.Facts(ctx, chunk...)
			for _, f := range got {
				if f != nil {
					facts = append(facts, f)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return facts, nil
}

func clickFact(f *crm.Effect, d MessageData, c link.Click, verdict crm.Verdict, reasons []string, version int64) *crm.Fact {
	who := f.Subject
	if !d.Profile.IsZero() {
		who = crm.OfProfile(d.Profile)
	}
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindClick, Source: clickSource, ID: string(f.ID) + "/" + c.RequestID}, Subject: who, At: c.At, Version: version,
		Data: &crm.Click{Effect: f.ID, Campaign: f.Cause, Method: c.Method, Agent: c.Agent, Verdict: verdict, Reasons: reasons,
			Classifier: link.Classifier, Signals: signals(c)},
	}
}

// signals writes what a click fact has no field for.
func signals(c link.Click) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%x %x", c.ID, c.IP)
	for _, s := range []struct {
		on   bool
		name string
	}{{c.Prefetch, "prefetch"}, {c.Language, "language"}, {c.Fetch, "fetch"}} {
		if s.on {
			b.WriteString(" " + s.name)
		}
	}
	return b.String()
}

// clickOf is the inverse of clickFact.
func clickOf(f *crm.Fact) link.Click {
	d := f.Data.(*crm.Click)
	_, request, _ := strings.Cut(f.Key.ID, "/")
	c := link.Click{RequestID: request, At: f.At, Method: d.Method, Agent: d.Agent}
	fields := strings.Fields(d.Signals)
	if len(fields) >= 2 {
		fmt.Sscanf(fields[0], "%x", &c.ID)
		fmt.Sscanf(fields[1], "%x", &c.IP)
		c.Prefetch = slices.Contains(fields[2:], "prefetch")
		c.Language = slices.Contains(fields[2:], "language")
		c.Fetch = slices.Contains(fields[2:], "fetch")
	}
	return c
}

// An evening judges the clicks of the last day again. It looks at somewhat older
// ones beside them, for what they tell about the first of the day.
const (
	judged    = 25 * time.Hour
	neighbour = 26 * time.Hour
)

// collect flushes the click log and judges the clicks since the evening before
// among their neighbours: a scanner gives itself away by what it does next.
// Where an evening goes on later, what came since are neighbours, too.
func (e *Engine) collect(ctx context.Context, now time.Time) (map[crm.Verdict]int, error) {
	if err := e.clicks.Flush(ctx); err != nil {
		return nil, err
	}
	facts, err := e.recent.since(ctx, e.cfg.Store, now.Add(-neighbour))
	if err != nil {
		return nil, err
	}
	clicks := make([]link.Click, len(facts))
	sent := map[uint64]time.Time{}
	for i, f := range facts {
		clicks[i] = clickOf(f)
		sent[clicks[i].ID] = time.Time{}
	}
	if err := e.sentTimes(ctx, facts, clicks, sent); err != nil {
		return nil, err
	}
	counts := map[crm.Verdict]int{}
	var changed []*crm.Fact
	for i, x := range link.Contexts(clicks, func(id uint64) time.Time { return sent[id] }, link.Window{}) {
		if !facts[i].At.After(now.Add(-judged)) || facts[i].At.After(now) {
			continue
		}
		verdict, reasons := link.Classify(clicks[i], x)
		counts[verdict]++
		was := facts[i].Data.(*crm.Click)
		if was.Verdict != verdict || !slices.Equal(was.Reasons, reasons) {
			d := *was
			d.Verdict, d.Reasons, d.Classifier = verdict, reasons, link.Classifier
			f := *facts[i]
			f.Data = &d
			f.Version++
			changed = append(changed, &f)
		}
	}
	if len(changed) == 0 {
		return counts, nil
	}
	rep, err := e.svc.Import(ctx, crm.Batch{Facts: changed})
	if err == nil && len(rep.Rejected) > 0 {
		err = rep.Rejected[0].Err
	}
	return counts, err
}

func (e *Engine) sentTimes(ctx context.Context, facts []*crm.Fact, clicks []link.Click, sent map[uint64]time.Time) error {
	for start := 0; start < len(facts); start += loadBatch {
		end := min(start+loadBatch, len(facts))
		ids := make([]crm.EffectID, 0, end-start)
		for _, f := range facts[start:end] {
			ids = append(ids, f.Data.(*crm.Click).Effect)
		}
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			effects, err := r.Effects(ctx, ids...)
			for i, f := range effects {
				if f != nil {
					sent[clicks[start+i].ID] = f.SentAt
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
