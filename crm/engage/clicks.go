package engage

import (
	"context"
	"fmt"
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
	return e.cfg.Store.Update(ctx, func(tx crm.Tx) error {
		var facts []*crm.Fact
		for _, c := range clicks {
			f, d, err := effectOfLink(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			verdict, reasons := link.Classify(c, link.Context{Delivered: f.SentAt})
			facts = append(facts, clickFact(f, d, c, verdict, reasons, 1))
		}
		return e.svc.In(tx).Record(ctx, facts...)
	})
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
func (e *Engine) collect(ctx context.Context, now time.Time) (map[crm.Verdict]int, error) {
	if err := e.clicks.Flush(ctx); err != nil {
		return nil, err
	}
	var facts []*crm.Fact
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		facts = facts[:0]
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindClick) {
			if err != nil {
				return err
			}
			if f.At.After(now.Add(-neighbour)) && !f.At.After(now) {
				facts = append(facts, f)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(facts, func(a, b *crm.Fact) int { return a.Ref().Compare(b.Ref()) })
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
		if !facts[i].At.After(now.Add(-judged)) {
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
