package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/households"
	"github.com/vefacrm/vefa/messaging/experiment"
)

func (l speaker) campaign(c vefa.CampaignResult) campaignView {
	r := c.Report
	v := campaignView{ID: "campaign-" + slug(c.Name), Name: c.Name, Class: string(r.Result)}
	v.Window = l.Say("campaign.window", l.Date(c.Started.In(l.home)), l.Date(c.Until.In(l.home)))
	confidence := l.Percent(r.Confidence, 0)
	add := func(class string, rate experiment.Rate) *estimate {
		label := l.Say("group." + class)
		row := rateRow{label, l.percent(rate.Share), l.span(l.percent(rate.Interval.Lo), l.percent(rate.Interval.Hi)), l.Int(int(rate.K)), l.Int(int(rate.N)), l.Say("group." + class + ".note")}
		if rate.N == 0 {
			row.Share, row.Interval = "–", "–"
		}
		v.Rows = append(v.Rows, row)
		if rate.N == 0 {
			return nil
		}
		return &estimate{class, l.Say("campaign.rate", label, row.Share, int(rate.K), int(rate.N)), 100 * rate.Interval.Lo, 100 * rate.Share, 100 * rate.Interval.Hi}
	}
	var list []estimate
	for _, e := range []*estimate{add("total", r.Total), add("heldout", r.HeldOut), add("clickers", r.Clickers)} {
		if e != nil {
			list = append(list, *e)
		}
	}
	v.Verdict = l.Name("verdict", string(r.Result))
	for _, w := range c.Withheld {
		v.Withheld = append(v.Withheld, l.Say("campaign.withheld", l.guard("refused", w.Name), w.N))
	}
	if len(list) > 0 {
		v.Rates = drawWhiskers(v.ID+"-rates", l.Say("campaign.rates", c.Name), l.Say("campaign.rates.note", confidence),
			func(v float64, decimals int) string { return l.Percent(v/100, decimals) }, list)
	}
	if r.Counts.Assigned == 0 || r.Counts.HeldOut == 0 {
		return v // nothing to compare
	}
	i := r.Incremental
	points := l.Say("campaign.points", l.points(i.Difference), confidence, l.points(i.Interval.Lo), l.points(i.Interval.Hi))
	v.Increment = drawWhiskers(v.ID+"-difference", l.Say("campaign.changed", c.Name), l.Say("campaign.changed.note", points), l.Decimal, []estimate{
		{"difference", l.Say("campaign.difference.label", l.points(i.Difference)), 100 * i.Interval.Lo, 100 * i.Difference, 100 * i.Interval.Hi}})
	if m := c.Revenue; m.Measured {
		key := "campaign.money"
		if m.Low.Amount <= 0 && m.High.Amount >= 0 {
			key += ".doubt"
		}
		v.Money = l.Say(key, l.money(m.Extra), confidence, l.money(m.Low), l.money(m.High)) + " " + l.Say("campaign.bought", l.money(m.Total), l.money(m.PerAddressed), l.money(m.PerHeldOut))
		if m.Cost.Amount > 0 {
			v.Money += " " + l.Say("campaign.cost", l.money(m.Cost))
		}
	}
	v.Difference = l.Say("campaign.difference", points, l.Signed(i.Conversions, 1))
	if i.HasLift {
		v.Notes = append(v.Notes, l.Say("campaign.lift", l.change(i.Lift), l.change(i.LiftInterval.Lo), l.change(i.LiftInterval.Hi)))
	}
	return v
}

// change writes a share by which something grew or shrank.
func (l speaker) change(share float64) string {
	if share > 0 {
		return "+" + l.Percent(share, 0)
	}
	return l.Percent(share, 0)
}

// waterfall follows all messages from the plan to the provider.
func (p *page) waterfall(l speaker, g *gathered, sum summary) {
	states := sum.Effects[string(crm.EffectMessage)]
	all := 0
	for _, n := range states {
		all += n
	}
	left := all
	p.Steps = append(p.Steps, step{l.Say("step.planned"), "", l.Int(all), sparkOf(0, all, all), "all"})
	off := func(label, note string, n int) {
		if n > 0 {
			left -= n
			p.Steps = append(p.Steps, step{label, note, "−" + l.Int(n), sparkOf(left, n, all), "off"})
		}
	}
	for _, c := range sum.Withheld {
		note := ""
		if key := "refused.note." + strings.Split(c.Name, " ")[0]; l.Say(key) != key {
			note = l.Say(key)
		}
		off(l.guard("refused", c.Name), note, c.N)
	}
	for _, state := range []crm.EffectState{crm.HeldOut, crm.Cancelled, crm.Planned} {
		off(l.Say("step."+string(state)+".off"), l.Say("step."+string(state)+".note"), states[string(state)])
	}
	p.Steps = append(p.Steps, step{l.Say("step.handed"), "", l.Int(left), sparkOf(0, left, all), "all"})
	for _, state := range []crm.EffectState{crm.Failed, crm.Unknown, crm.Sent} {
		off(l.Say("step."+string(state)+".off"), l.Say("step."+string(state)+".note"), states[string(state)])
	}
	p.Steps = append(p.Steps, step{l.Say("step.accepted"), "", l.Int(left), sparkOf(0, left, all), "good"})
	for _, name := range slices.Sorted(maps.Keys(g.messages)) {
		m := g.messages[name]
		p.Messages = append(p.Messages, messageRow{l.named("message", name), l.Int(m.planned), l.Int(m.withheld), l.Int(m.heldOut), l.Int(m.cancelled),
			l.Int(m.waiting), l.Int(m.sent), l.Int(m.failed)})
	}
}

func (l speaker) people(g *gathered, sum summary) peopleView {
	d := sum.Dedup
	v := peopleView{Known: d.Known, Truth: l.Say("truth.note", int(d.Pairs)), Lead: l.Say("people.lead", sum.Merges, sum.Profiles, sum.Customers)}
	of := func(label string, x float64) share {
		return share{Label: label, N: l.Decimal(x, 4), Bar: sparkOf(0, int(math.Round(1000*x)), 1000)}
	}
	v.Scores = []share{of(l.Say("truth.precision"), d.Precision), of(l.Say("truth.recall"), d.Recall), of(l.Say("truth.f1"), d.F1)}
	for _, how := range households.Relations() {
		n := d.Merged[how]
		v.Merged = append(v.Merged, share{Label: l.Name("kin", string(how)), N: l.Int(n.Pairs), Percent: l.Int(n.Merged), Bar: sparkOf(0, n.Merged, n.Pairs)})
	}
	sizes := map[int]int{}
	for n, c := range g.sizes {
		sizes[min(n, 6)] += c
	}
	for n := 1; n <= 6; n++ {
		if sizes[n] == 0 {
			continue
		}
		label := strconv.Itoa(n)
		if n == 6 {
			label = l.Say("people.more", n)
		}
		v.Sizes = append(v.Sizes, l.shareOf(label, "", sizes[n], sum.Customers))
	}
	for _, s := range byCount(g.sources) {
		v.Sources = append(v.Sources, l.shareOf(l.Name("source", s.Name), "", s.N, sum.Profiles))
	}
	return v
}

func (l speaker) shareOf(label, class string, n, whole int) share {
	s := share{Label: label, Class: class, N: l.Int(n), Bar: sparkOf(0, n, whole)}
	if whole > 0 {
		s.Percent = l.percent(float64(n) / float64(whole))
	}
	return s
}

func (p *page) audit(l speaker, sum summary) {
	a := sum.AuditReport
	p.AuditClean, p.Findings = a.Clean(), a.Findings
	for _, c := range sum.counts() {
		p.Audit = append(p.Audit, check{l.Say("audit." + c.Name), l.Int(c.N), c.N})
	}
}

func (p *page) clicks(l speaker, sum summary) {
	whole := 0
	for _, n := range sum.Clicks {
		whole += n
	}
	if whole == 0 {
		return
	}
	p.Clicks = []share{
		l.shareOf(l.Say("clicks.human"), "good", sum.Clicks[crm.Human], whole), l.shareOf(l.Say("clicks.suspected"), "off", sum.Clicks[crm.Suspected], whole),
		l.shareOf(l.Say("clicks.machine"), "off", sum.Clicks[crm.Machine], whole),
	}
}

func (p *page) phases(l speaker, sum summary) {
	p.Total = l.Say("run.total", l.Decimal(sum.TotalSeconds, 1))
	if sum.PeakRSS > 0 {
		p.Total = l.Say("run.memory", l.Decimal(sum.TotalSeconds, 1), int(sum.PeakRSS))
	}
	names := slices.SortedFunc(maps.Keys(sum.Seconds), func(a, b string) int { return cmp.Or(cmp.Compare(sum.Seconds[b], sum.Seconds[a]), cmp.Compare(a, b)) })
	for _, name := range names {
		t := sum.Seconds[name]
		p.Phases = append(p.Phases, phase{l.Name("phase", name), l.Decimal(t, 2), sparkOf(0, int(1000*t), int(1000*sum.TotalSeconds))})
	}
}

// slug makes an id of a name: letters, digits and hyphens of ASCII, the rest as
// numbers.
func slug(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "_%x", r)
		}
	}
	return b.String()
}
