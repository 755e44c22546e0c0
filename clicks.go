package vefa

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/link"
)

// clickSource is the source of click facts.
const clickSource = "link"

// sinkClicks writes a group of clicks. The verdict of a click by itself comes
// first; the evening looks at it among its neighbours again.
func (e *Engine) sinkClicks(ctx context.Context, clicks []link.Click) error {
	ids := make([]uint64, len(clicks))
	for i, c := range clicks {
		ids[i] = c.ID
	}
	return e.recordOfLinks(ctx, ids, func(i int, f *crm.Effect, d MessageData) *crm.Fact {
		verdict, reasons := link.Classify(clicks[i], link.Context{Delivered: f.SentAt})
		return clickFact(f, d, clicks[i], verdict, reasons, 1)
	})
}

// reasonSurplus is the reason of the verdict on requests that were only counted.
const reasonSurplus = "too-many"

// sinkSurplus writes how many requests came beyond those that are kept. Each
// count is a fact of its own, whose version is the count: processes add to one
// another, and what is written twice counts once.
func (e *Engine) sinkSurplus(ctx context.Context, counts []link.Surplus) error {
	ids := make([]uint64, len(counts))
	for i, s := range counts {
		ids[i] = s.ID
	}
	return e.recordOfLinks(ctx, ids, func(i int, f *crm.Effect, d MessageData) *crm.Fact {
		s := counts[i]
		return &crm.Fact{
			Key:     crm.FactKey{Kind: crm.KindClick, Source: clickSource, ID: fmt.Sprintf("%s/%s/%s/%d", f.ID, s.Hour.Format("2006-01-02T15"), e.writer, s.Serial)},
			Subject: clickSubject(f, d), At: s.Hour, Version: int64(s.Count),
			Data: &crm.Click{Effect: f.ID, Campaign: f.Cause, Verdict: crm.Suspected, Reasons: []string{reasonSurplus}, Classifier: link.Classifier, Count: int64(s.Count)},
		}
	})
}

// recordOfLinks records a fact for each link's number. A number of ours whose
// message is no more, or cannot be read, is left out: it must not hold up the
// clicks of others.
func (e *Engine) recordOfLinks(ctx context.Context, numbers []uint64, fact func(i int, f *crm.Effect, d MessageData) *crm.Fact) error {
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		messages, err := e.messagesOfLinks(ctx, tx, numbers)
		if err != nil {
			return err
		}
		var facts []*crm.Fact
		for i, n := range numbers {
			if m, ok := messages[n]; ok {
				facts = append(facts, fact(i, m.effect, m.data))
			}
		}
		return deliver(ctx, e.svc.In(tx), facts...)
	})
}

type linked struct {
	effect *crm.Effect
	data   MessageData
}

// messagesOfLinks finds the messages that links belong to, by their numbers.
func (e *Engine) messagesOfLinks(ctx context.Context, r crm.Reader, numbers []uint64) (map[uint64]linked, error) {
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	keys := make([]string, len(numbers))
	for i, n := range numbers {
		keys[i] = linkKey(n)
	}
	refs, err := r.Refs(ctx, refLink, 1, keys...)
	if err != nil {
		return nil, err
	}
	var ids []crm.EffectID
	var found []uint64
	for i, list := range refs {
		if len(list) > 0 {
			ids = append(ids, crm.EffectID(list[0].Target))
			found = append(found, numbers[i])
		}
	}
	effects, err := r.Effects(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := make(map[uint64]linked, len(ids))
	for i, f := range effects {
		if f == nil {
			continue
		}
		d, err := decodeMessage(f)
		if err != nil {
			e.cfg.Logger.Error("vefa: clicks on a message that cannot be read are dropped", "effect", f.ID, "err", err)
			continue
		}
		out[found[i]] = linked{f, d}
	}
	return out, nil
}

// recentClicks reads the clicks after an instant, and forgets older ones. The
// change feed told of those that came since the population was loaded, whichever
// process took them, and the load itself of those of the days before. Only an
// evening that is done much later than its own day looks through all clicks.
func (e *Engine) recentClicks(ctx context.Context, after time.Time) ([]*crm.Fact, error) {
	if after.Before(e.feed.clicksFrom) {
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindClick) {
				if err != nil {
					return err
				}
				if f.At.After(after) {
					e.feed.clicks[f.Ref()] = true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	e.feed.clicksFrom = after
	refs := slices.SortedFunc(maps.Keys(e.feed.clicks), crm.FactRef.Compare)
	var facts []*crm.Fact
	for chunk := range slices.Chunk(refs, loadBatch) {
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			got, err := r.Facts(ctx, chunk...)
			if err != nil {
				return err
			}
			for i, f := range got {
				if f == nil || !f.At.After(after) {
					delete(e.feed.clicks, chunk[i])
					continue
				}
				facts = append(facts, f)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return facts, nil
}

func clickSubject(f *crm.Effect, d MessageData) crm.Subject {
	if !d.Profile.IsZero() {
		return crm.OfProfile(d.Profile)
	}
	return f.Subject
}

func clickFact(f *crm.Effect, d MessageData, c link.Click, verdict crm.Verdict, reasons []string, version int64) *crm.Fact {
	return &crm.Fact{
		Key: crm.FactKey{Kind: crm.KindClick, Source: clickSource, ID: string(f.ID) + "/" + c.RequestID}, Subject: clickSubject(f, d), At: c.At, Version: version,
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
	if c.Network != link.NetworkUnknown {
		b.WriteString(" net=" + string(c.Network))
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
		for _, s := range fields[2:] {
			if network, ok := strings.CutPrefix(s, "net="); ok {
				c.Network = link.Network(network)
			}
		}
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
// Where an evening goes on later, what came since are neighbours, too. How much
// it reads is bounded by Config.ClicksPerLink for each link and hour, and judging
// takes time in proportion to it.
func (e *Engine) collect(ctx context.Context, now time.Time) (map[crm.Verdict]int, error) {
	if err := e.clicks.Flush(ctx); err != nil {
		return nil, err
	}
	if err := e.forgetVisitors(ctx); err != nil {
		return nil, err
	}
	if _, err := e.refresh(ctx); err != nil {
		return nil, err
	}
	recent, err := e.recentClicks(ctx, now.Add(-neighbour))
	if err != nil {
		return nil, err
	}
	counts := map[crm.Verdict]int{}
	ofDay := func(f *crm.Fact) bool { return f.At.After(now.Add(-judged)) && !f.At.After(now) }
	facts := recent[:0]
	for _, f := range recent {
		switch d := f.Data.(*crm.Click); {
		case d.Count == 0:
			facts = append(facts, f)
		case ofDay(f):
			counts[d.Verdict] += int(d.Count)
		}
	}
	var changed []*crm.Fact
	err = e.judge(ctx, facts, func(f *crm.Fact, v crm.ClickVerdict) {
		if !ofDay(f) {
			return
		}
		counts[v.Verdict]++
		if f := judgedAs(f, v); f != nil {
			changed = append(changed, f)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(changed) == 0 {
		return counts, nil
	}
	return counts, deliver(ctx, e.svc, changed...)
}

// judge tells the verdict on each click among the others.
func (e *Engine) judge(ctx context.Context, facts []*crm.Fact, each func(*crm.Fact, crm.ClickVerdict)) error {
	clicks := make([]link.Click, len(facts))
	sent := map[uint64]time.Time{}
	for i, f := range facts {
		clicks[i] = clickOf(f)
		sent[clicks[i].ID] = time.Time{}
	}
	if err := e.sentTimes(ctx, facts, clicks, sent); err != nil {
		return err
	}
	contexts, err := link.Contexts(ctx, clicks, func(id uint64) time.Time { return sent[id] }, link.Window{})
	if err != nil {
		return err
	}
	for i, x := range contexts {
		verdict, reasons := link.Classify(clicks[i], x)
		each(facts[i], crm.ClickVerdict{Verdict: verdict, Reasons: reasons, Classifier: link.Classifier})
	}
	return nil
}

// judgedAs returns the next version of a click, nil where it is judged so already.
func judgedAs(f *crm.Fact, v crm.ClickVerdict) *crm.Fact {
	d := *f.Data.(*crm.Click)
	if !d.Judge(v) {
		return nil
	}
	next := *f
	next.Data = &d
	next.Version++
	return &next
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
