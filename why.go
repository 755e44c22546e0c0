package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// Why says why a customer did or did not get something.
type Why struct {
	Customer crm.CustomerID
	Cause    string
	// Effects are the decisions on record: what was planned for the customer,
	// and for each the last decision with all its reasons.
	Effects []*crm.Effect
	// Text explains, in English, what no effect says: why a rule matches or does not
	// now, where nothing is on record or the rule may plan again, and why the customer
	// is not in the campaign's audience.
	Text string
}

// String puts it in words, one reason per line.
func (w Why) String() string {
	var b strings.Builder
	for _, f := range w.Effects {
		fmt.Fprintf(&b, "%s: %s", f.Cause, f.State)
		if !f.SentAt.IsZero() {
			fmt.Fprintf(&b, " on %s", f.SentAt.Format("2006-01-02 15:04"))
		} else if f.State == crm.Planned {
			fmt.Fprintf(&b, " for %s", f.Due.Format("2006-01-02 15:04"))
		}
		b.WriteByte('\n')
		for _, r := range f.Reasons {
			// A guard that passes is one that stopped nothing: "suppressed: passed".
			outcome := "stopped it"
			if r.Pass {
				outcome = "passed"
			}
			fmt.Fprintf(&b, "  %s: %s", r.Guard, outcome)
			if r.Note != "" {
				fmt.Fprintf(&b, " (%s)", r.Note)
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString(w.Text)
	return b.String()
}

// Why explains a cause ("rule/…" or "campaign/…"), or a message by its name
// ("message/…" or "survey/…", of whatever rule), for a customer, by any id that it
// ever had: from the decisions on record, and where there is none, or a rule plans
// again each day or for each row, by asking the rule or the segment now. It reads this customer alone and waits for
// no night.
func (e *Engine) Why(ctx context.Context, id crm.CustomerID, cause string) (_ Why, err error) {
	w := Why{Customer: id, Cause: cause}
	defer crm.Recover("explain", &err)
	c, err := e.svc.Customer(ctx, id)
	if err != nil {
		return w, err
	}
	subjects := make([]crm.Subject, 0, len(c.Profiles)+len(c.Contacts))
	for _, k := range c.Profiles {
		subjects = append(subjects, crm.OfProfile(k))
	}
	for _, a := range c.Contacts {
		subjects = append(subjects, crm.OfAddress(a.Address))
	}
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		effects, err := r.EffectsOf(ctx, subjects...)
		for _, f := range effects {
			name := ""
			if f.Kind == crm.EffectMessage {
				name, _ = MessageName(f) // of the host's own data it has none
			}
			if f.Cause == cause || name == cause {
				w.Effects = append(w.Effects, f)
			}
		}
		return err
	})
	set := e.rules.Active()
	asked, known := rulesOf(set, cause)
	if len(w.Effects) > 0 {
		asked = slices.DeleteFunc(asked, func(r *rules.Rule) bool { return r.Once == rules.PerCustomer || r.Once == rules.PerVersion })
	}
	if err != nil || len(w.Effects) > 0 && len(asked) == 0 {
		return w, err
	}
	pop, x, err := e.one(ctx, "explain", c)
	if err != nil {
		return w, err
	}
	now := e.svc.Now()
	if known {
		fill, err := e.newFiller(pop, set, now, func() (*segment.Index, error) { return e.segmentsOf(ctx, pop, now) })
		if err != nil {
			return w, err
		}
		facts, err := fill.one(ctx, x)
		if err != nil {
			return w, err
		}
		for _, r := range asked {
			ex, err := set.Explain(r.Name, facts, rules.NewMoment(now, pop.zone(x)))
			if err != nil {
				return w, err
			}
			w.Text += ex.String() + ex.FlipText("en")
		}
		return w, nil
	}
	for i := range e.cfg.Campaigns {
		if camp := &e.cfg.Campaigns[i]; camp.Cause() == cause {
			alone, err := e.segmentsOf(ctx, pop, now)
			if err != nil {
				return w, err
			}
			ex, err := alone.Explain(camp.Segment, segmentName(x.home), now)
			if err != nil {
				return w, err
			}
			w.Text = ex.String()
			return w, nil
		}
	}
	return w, fmt.Errorf("vefa: %w", &crm.Error{Op: "explain", Entity: "cause", ID: cause, Kind: crm.ErrNotFound, Err: errors.New("this configuration has no such rule/…, message/…, survey/… or campaign/…")})
}

// rulesOf returns the rules that a cause is about: the rule itself, or those that
// send the message or ask the survey; known is false for a cause of another kind.
func rulesOf(set *rules.Set[Facts], cause string) (asked []*rules.Rule, known bool) {
	if name, ok := strings.CutPrefix(cause, rules.CausePrefix); ok {
		if r := set.Rule(name); r != nil {
			return []*rules.Rule{r}, true
		}
		return nil, false
	}
	kind, name, _ := strings.Cut(cause, "/")
	action := rules.ActionKind(kind)
	if action != rules.DoMessage && action != rules.DoSurvey {
		return nil, false
	}
	for _, r := range set.Rules() {
		if slices.ContainsFunc(r.Then, func(a rules.Action) bool { return a.Kind == action && a.Name == name }) {
			asked = append(asked, r)
		}
	}
	return asked, len(asked) > 0
}
