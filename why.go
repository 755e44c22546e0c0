package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// Why says why a customer did or did not get something.
type Why struct {
	Customer crm.CustomerID
	Cause    string
	Asked    WhyQuery
	// Effects are the decisions on record: what was planned for the customer,
	// and for each the last decision with all its reasons.
	Effects []*crm.Effect
	// Text explains what no effect says: why a rule matches or does not, where nothing
	// is on record or the rule may plan again, and why the customer is not in the
	// campaign's audience.
	Text string
}

// WhyQuery narrows what Why explains and says for whom. The zero value asks about
// everything, now, in English.
type WhyQuery struct {
	// About is the order, visit or answer that is asked about, by its whole key, the kind
	// included: others of the customer are left out. Zero: all.
	About crm.FactKey
	// Day is the evening that is asked about, as a date in Config.Home: effects that
	// were planned, decided or due on it, and the rule as it was to the customer then,
	// from what is known now. "": now.
	Day string
	// Locale is the reader's language and the form of dates: "tr", or else English.
	Locale string
	// Zone is where the reader reads dates; nil means Config.Home.
	Zone *time.Location
}

// String puts it in words, one reason per line.
func (w Why) String() string {
	l, zone := page.For(w.Asked.Locale), w.Asked.Zone
	if zone == nil {
		zone = time.UTC
	}
	var b strings.Builder
	for _, f := range w.Effects {
		fmt.Fprintf(&b, "%s: %s", f.Cause, l.Name("state", string(f.State)))
		switch {
		case !f.SentAt.IsZero():
			b.WriteString(l.Say("why.on", l.Time(f.SentAt.In(zone))))
		case f.State == crm.Planned:
			b.WriteString(l.Say("why.planned", l.Time(f.Due.In(zone))))
		case !f.Changed.IsZero():
			b.WriteString(l.Say("why.on", l.Time(f.Changed.In(zone))))
		}
		if !f.About.IsZero() {
			fmt.Fprintf(&b, " (%s)", thingName(l, f.About))
		}
		b.WriteByte('\n')
		for _, r := range f.Reasons {
			// A guard that passes is one that stopped nothing: "suppressed: passed".
			outcome := l.Say("why.stopped")
			if r.Pass {
				outcome = l.Say("why.passed")
			}
			fmt.Fprintf(&b, "  %s: %s", guardName(l, r.Guard), outcome)
			if r.Note != "" {
				fmt.Fprintf(&b, " (%s)", l.Note(r.Note, zone))
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString(w.Text)
	return b.String()
}

// Why explains a cause ("rule/…" or "campaign/…"), or what rules do by its name
// ("message/…", "survey/…", "tag/…", or an action of Config.Effects, of whatever rule),
// for a customer, by any id that it
// ever had: from the decisions on record, and where there is none, or an evening is
// asked about, or a rule plans again each day or for each row, by asking the rule or
// the segment. It reads this customer alone and waits for no night.
func (e *Engine) Why(ctx context.Context, id crm.CustomerID, cause string, q WhyQuery) (_ Why, err error) {
	defer e.took("why", time.Now(), &err)
	if q.Zone == nil {
		q.Zone = e.cfg.Home
	}
	w := Why{Customer: id, Cause: cause, Asked: q}
	if !q.About.IsZero() && q.About.Kind == "" {
		return w, &crm.Error{Op: "explain", Entity: "fact", ID: q.About.ID, Kind: crm.ErrInvalid, Err: &crm.FieldError{Field: "about.kind", Msg: "must be set, such as crm.KindOrder"}}
	}
	defer crm.Recover("explain", &err)
	now, err := e.eveningOf(ctx, q.Day)
	if err != nil {
		return w, err
	}
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
		w.Effects = nil
		effects, err := r.EffectsOf(ctx, subjects...)
		for _, f := range effects {
			if (f.Cause == cause || doneAs(f) == cause) && q.holds(f, e.cfg.Home) {
				w.Effects = append(w.Effects, f)
			}
		}
		return err
	})
	set := e.rules.Active()
	asked, known := rulesOf(set, cause)
	if len(w.Effects) > 0 && q.Day == "" {
		asked = slices.DeleteFunc(asked, func(r *rules.Rule) bool {
			return r.Once == "customer" || r.Once == "version" || r.Each != "" && !q.About.IsZero()
		})
	}
	if err != nil || len(w.Effects) > 0 && len(asked) == 0 {
		return w, err
	}
	pop, x, err := e.one(ctx, "explain", c)
	if err != nil {
		return w, err
	}
	if q.Day != "" {
		w.Text = page.For(q.Locale).Say("why.as-of", page.For(q.Locale).Time(now.In(e.cfg.Home)))
	}
	if known {
		fill, err := e.newFiller(pop, set, now, e.segmentsAt(now, func() (*segment.Index, error) { return e.segmentsOf(ctx, pop, now) }))
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
			if r.Each != "" && !q.About.IsZero() {
				ex.Cases = slices.DeleteFunc(ex.Cases, func(k rules.Case) bool { return pop.rowKey(x, facts, r.Each, k.Row) != q.About })
				ex.Fires = len(ex.Blocked) == 0 && slices.ContainsFunc(ex.Cases, func(k rules.Case) bool { return k.Pass })
				if len(ex.Cases) == 0 {
					w.Text += page.For(q.Locale).Say("why.none", thingName(page.For(q.Locale), q.About))
					continue
				}
			}
			w.Text += ex.Text(q.Locale) + ex.FlipText(q.Locale)
		}
		return w, nil
	}
	begun, err := e.begun(ctx)
	if err != nil {
		return w, err
	}
	for i := range begun {
		if camp := &begun[i]; camp.Cause() == cause && e.defines(camp.segment) {
			alone, err := e.segmentsOf(ctx, pop, now)
			if err != nil {
				return w, err
			}
			ex, err := alone.View().Explain(camp.segment, segmentName(x.home), now)
			if err != nil {
				return w, err
			}
			w.Text += ex.Text(q.Locale)
			of, err := e.whyLeaves(ctx, pop, x, now, camp.segment, q.Locale)
			w.Text += of
			return w, err
		}
	}
	return w, fmt.Errorf("vefa: %w", &crm.Error{Op: "explain", Entity: "cause", ID: cause, Kind: crm.ErrNotFound, Err: errors.New("this configuration has no such rule/…, message/…, survey/…, tag/… or campaign/…")})
}

// eveningOf returns the instant that an evening was or would be taken at; "" is now.
func (e *Engine) eveningOf(ctx context.Context, day string) (time.Time, error) {
	if day == "" {
		return e.svc.Now(), nil
	}
	n := Night{Day: day}
	at, err := e.instant(&n)
	if err != nil {
		return at, err
	}
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		rep, _, err := reportOf(ctx, r, day)
		if !rep.At.IsZero() {
			at = rep.At
		}
		return err
	})
	return at, err
}

// holds reports whether an effect is about what is asked.
func (q WhyQuery) holds(f *crm.Effect, home *time.Location) bool {
	if !q.About.IsZero() && f.About != q.About {
		return false
	}
	return q.Day == "" || slices.ContainsFunc([]time.Time{f.Created, f.Changed, f.SentAt, f.Due}, func(t time.Time) bool {
		return !t.IsZero() && t.In(home).Format(time.DateOnly) == q.Day
	})
}

// doneAs returns what a rule wrote to have an effect, such as "tag/vip", or the name of
// a message; "" of the host's own data.
func doneAs(f *crm.Effect) string {
	if f.Kind == crm.EffectMessage || f.Kind == EffectOffer {
		name, _ := MessageName(f)
		return name
	}
	p, err := rules.DecodePayload(f)
	if err != nil {
		return ""
	}
	return string(p.Action) + "/" + p.Name
}

// rulesOf returns the rules that a cause is about: the rule itself, or those that
// do it, such as "survey/visit" or "tag/vip"; known is false for a cause of another
// kind.
func rulesOf(set *rules.Set[Facts], cause string) (asked []*rules.Rule, known bool) {
	if name, ok := strings.CutPrefix(cause, rules.CausePrefix); ok {
		if r := set.Rule(name); r != nil {
			return []*rules.Rule{r}, true
		}
		return nil, false
	}
	kind, name, _ := strings.Cut(cause, "/")
	action := kind
	if _, ok := set.Schema().Action(action); !ok {
		return nil, false
	}
	for _, r := range set.Rules() {
		if slices.ContainsFunc(r.Then, func(a rules.Action) bool { return a.Kind == action && a.Name == name }) {
			asked = append(asked, r)
		}
	}
	return asked, len(asked) > 0
}
