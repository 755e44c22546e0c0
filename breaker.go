package vefa

import (
	"context"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// breakerKind are documents that hold what the breaker counted and decided, by
// evening: an evening that is stopped and goes on decides the same.
const breakerKind = "rule-reach"

// reach is such a document.
type reach struct {
	Matched map[string]int `json:"matched"` // customers by rule
	Tripped []rules.Trip   `json:"tripped,omitempty"`
}

// learntKind is the kind and id of the document that holds what the breaker
// learnt from evenings whose counts were pruned.
const learntKind = "rule-reach-learnt"

type learntCounts struct {
	Through string            `json:"through"` // the last of those evenings
	Past    rules.Populations `json:"past"`
}

func learntReach(ctx context.Context, r crm.Reader) (out learntCounts, rev int64, err error) {
	docs, err := r.Documents(ctx, learntKind, learntKind)
	if err != nil || docs[0] == nil {
		return out, 0, err
	}
	return out, docs[0].Rev, docs[0].Decode(&out)
}

// trip returns the causes of rules that reach many times their usual number of customers,
// whose effects are to be left out, and what tripped. Config.Wide names those that may.
func (e *Engine) trip(ctx context.Context, day string, matched map[string]int) (map[string]bool, []rules.Trip, error) {
	got, err := e.decideReach(ctx, day, matched)
	if err != nil || len(got.Tripped) == 0 {
		return nil, nil, err
	}
	causes := map[string]bool{}
	for _, t := range got.Tripped {
		causes[rules.CausePrefix+t.Rule] = true
		e.cfg.Logger.Warn("vefa: a rule reaches many times its usual number of customers and is left out tonight",
			"rule", t.Rule, "customers", t.Matched, "usual", t.Usual, "limit", t.Limit)
	}
	return causes, got.Tripped, nil
}

// without leaves out the effects of some causes.
func without(intents []rules.Intent, causes map[string]bool) []rules.Intent {
	if len(causes) == 0 {
		return intents
	}
	kept := intents[:0]
	for _, in := range intents {
		in.Effects = slices.DeleteFunc(in.Effects, func(f *crm.Effect) bool { return causes[f.Cause] })
		if len(in.Effects) > 0 {
			kept = append(kept, in)
		}
	}
	return kept
}

// decideReach returns what was decided about an evening, deciding it if it was
// not yet.
func (e *Engine) decideReach(ctx context.Context, day string, matched map[string]int) (reach, error) {
	var got reach
	var past rules.Populations
	known := false
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		got, known = reach{}, false
		learnt, _, err := learntReach(ctx, r)
		if err != nil {
			return err
		}
		past = learnt.Past
		for d, err := range crm.Documents(ctx, r, breakerKind) {
			if err != nil {
				return err
			}
			var evening reach
			if err := d.Decode(&evening); err != nil {
				return err
			}
			if d.ID == day {
				got, known = evening, true
			}
			if d.ID < day && d.ID > learnt.Through {
				past = e.cfg.Breaker.Learn(past, evening.Matched, evening.Tripped)
			}
		}
		return nil
	})
	if err != nil || known {
		return got, err
	}
	got.Matched = matched
	for _, t := range e.cfg.Breaker.Check(past, got.Matched) {
		if !slices.Contains(e.cfg.Wide, t.Rule) {
			got.Tripped = append(got.Tripped, t)
		}
	}
	doc, err := crm.NewDocument(breakerKind, day, got)
	if err != nil {
		return got, err
	}
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		docs, err := tx.Documents(ctx, breakerKind, day)
		if err != nil {
			return err
		}
		if docs[0] != nil { // another engine decided meanwhile
			got = reach{}
			return docs[0].Decode(&got)
		}
		return tx.PutDocuments(ctx, &crm.Document{Kind: doc.Kind, ID: doc.ID, Data: doc.Data})
	})
	return got, err
}

// unmatched returns the rules of the evening, each with no customer yet.
func (e *Engine) unmatched() map[string]int {
	out := map[string]int{}
	for _, r := range e.rules.Active().Rules() {
		if !r.Disabled && (r.On.Kind == rules.OnEvening || r.On.Kind == rules.OnDate) {
			out[r.Name] = 0
		}
	}
	return out
}

// count adds the customers that each rule plans for.
func count(matched map[string]int, intents []rules.Intent) {
	for _, in := range intents {
		last := ""
		for _, f := range in.Effects { // those of a rule stand together
			if name, ok := strings.CutPrefix(f.Cause, rules.CausePrefix); ok && name != last {
				matched[name]++
				last = name
			}
		}
	}
}
