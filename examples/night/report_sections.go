package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/survey"
)

func campaignOf(c vefa.CampaignResult, home *time.Location) campaignView {
	r := c.Report
	v := campaignView{ID: "campaign-" + slug(c.Name), Name: c.Name, Class: string(r.Result)}
	v.Window = fmt.Sprintf("Drawn on %s; purchases counted until %s.", c.Started.In(home).Format("2 January 2006"), c.Until.In(home).Format("2 January 2006"))
	confidence := fmt.Sprintf("%.0f%%", 100*r.Confidence)
	add := func(class, label, note string, rate experiment.Rate) *estimate {
		v.Rows = append(v.Rows, rateRow{label, percent(rate.Share), percent(rate.Interval.Lo) + " to " + percent(rate.Interval.Hi), thousands(int(rate.K)), thousands(int(rate.N)), note})
		if rate.N == 0 {
			v.Rows[len(v.Rows)-1].Share, v.Rows[len(v.Rows)-1].Interval = "–", "–"
			return nil
		}
		return &estimate{class, fmt.Sprintf("%s: %s (%s of %s)", label, percent(rate.Share), thousands(int(rate.K)), thousands(int(rate.N))),
			100 * rate.Interval.Lo, 100 * rate.Share, 100 * rate.Interval.Hi}
	}
	var list []estimate
	for _, e := range []*estimate{
		add("total", "Everybody addressed", "all who were drawn, reached or not", r.Total),
		add("heldout", "Held out", "drawn like the others, and left alone", r.HeldOut),
		add("clickers", "Clickers", "descriptive only: they chose themselves, and whoever clicks was likelier to buy anyway", r.Clickers),
	} {
		if e != nil {
			list = append(list, *e)
		}
	}
	v.Verdict = verdict(r)
	for _, w := range c.Withheld {
		v.Withheld = append(v.Withheld, fmt.Sprintf("%s (%s)", guardShort(w.Name), thousands(w.N)))
	}
	if len(list) > 0 {
		v.Rates = drawWhiskers(v.ID+"-rates", "Share who bought, "+c.Name, "Points are shares, lines their "+confidence+" intervals. The figures are in the table below.", "%", list)
	}
	if r.Counts.Assigned == 0 || r.Counts.HeldOut == 0 {
		return v // nothing to compare
	}
	i := r.Incremental
	points := fmt.Sprintf("%s points (%s interval %s to %s)", signed(100*i.Difference, 2), confidence, signed(100*i.Interval.Lo, 2), signed(100*i.Interval.Hi, 2))
	v.Increment = drawWhiskers(v.ID+"-difference", "What the messages changed, "+c.Name, "Share of everybody addressed less that of the held out: "+points+".", "", []estimate{
		{"difference", "Difference in points: " + signed(100*i.Difference, 2), 100 * i.Interval.Lo, 100 * i.Difference, 100 * i.Interval.Hi}})
	if m := c.Revenue; m.Measured {
		doubt := ""
		if m.Low.Amount <= 0 && m.High.Amount >= 0 {
			doubt = "; it may as well be nothing"
		}
		v.Money = fmt.Sprintf("They brought an estimated %s more than without them (%s interval %s to %s)%s. Those who were addressed bought for %s: %s each, and the held out for %s each.",
			money(m.Extra), confidence, money(m.Low), money(m.High), doubt, money(m.Total), money(m.PerAddressed), money(m.PerHeldOut))
		if m.Cost.Amount > 0 {
			v.Money += fmt.Sprintf(" The messages cost %s.", money(m.Cost))
		}
	}
	v.Difference = fmt.Sprintf("Difference to the held out: %s, that is %s purchases.", points, signed(i.Conversions, 1))
	if i.HasLift {
		v.Notes = append(v.Notes, fmt.Sprintf("Relative to the held out: %s%% (interval %s%% to %s%%).", signed(100*i.Lift, 0), signed(100*i.LiftInterval.Lo, 0), signed(100*i.LiftInterval.Hi, 0)))
	}
	v.Fine = fmt.Sprintf("Two-sided p %.3f, for one look at a size fixed before; check of the split p %.3f.", i.P, r.SRM)
	return v
}

// verdict says what may be said.
func verdict(r experiment.Report) string {
	switch r.Result {
	case experiment.Better:
		return "The messages brought purchases: the whole interval lies above zero."
	case experiment.Worse:
		return "The messages cost purchases: the whole interval lies below zero."
	case experiment.Broken:
		return "No verdict: the split does not fit the share that was to be held out."
	case experiment.Unmeasured:
		return "Not measured: nobody was held out, or nobody drawn."
	}
	return "Not decided: the interval holds zero, so these figures do not show that the messages changed anything."
}

// surveysOf shows each survey with its places, the worst first: by the end of the
// interval that speaks for them, so that a few answers put no place on top.
func surveysOf(list []vefa.SurveyResult) []surveyView {
	var out []surveyView
	for _, total := range list {
		v := surveyView{ID: "survey-" + slug(total.Survey), Name: total.Survey, Total: scoreOf("", total.N, total.Result), Sent: thousands(total.Sent)}
		v.Unit, v.Low, v.High = scale(total.Result.Metric)
		shown := int64(0)
		var places []vefa.PlaceResult
		for _, p := range total.Places {
			if p.Hidden {
				v.Hidden++
				continue
			}
			shown += p.N
			places = append(places, p)
		}
		v.HiddenAnswers = thousands(int(total.N - shown))
		slices.SortFunc(places, func(a, b vefa.PlaceResult) int {
			return cmp.Or(cmp.Compare(a.Result.Interval.High, b.Result.Interval.High), cmp.Compare(a.Result.Value, b.Result.Value), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Place, b.Place))
		})
		const most = 60 // at each end
		if n := len(places) - 2*most; n > 0 {
			v.Left = n
			places = append(places[:most:most], places[len(places)-most:]...)
		}
		for _, p := range places {
			v.Stores = append(v.Stores, scoreOf(cmp.Or(p.Name, p.Place, "without a place"), p.N, p.Result))
		}
		out = append(out, v)
	}
	return out
}

// scale returns what a metric's values are and where they end.
func scale(m survey.Metric) (unit, low, high string) {
	switch m {
	case survey.NPS:
		return "net promoter score, −100 to 100", "−100", "100"
	case survey.CSAT:
		return "satisfied, in percent", "0", "100"
	case survey.CES:
		return "mean ease, 1 to 7", "1", "7"
	}
	return "score", "", ""
}

func scoreOf(name string, n int64, r survey.Result) scoreRow {
	lo, whole, digits := 0.0, 100.0, 0
	switch r.Metric {
	case survey.NPS:
		lo, whole = -100, 200
	case survey.CES:
		lo, whole, digits = 1, 6, 1
	}
	at := func(x float64) float64 { return coord(100 * min(1, max(0, (x-lo)/whole))) }
	plain := func(x float64) string { return strings.TrimPrefix(signed(x, digits), "+") }
	row := scoreRow{Place: name, Value: plain(r.Value), Interval: plain(r.Interval.Low) + " to " + plain(r.Interval.High), N: thousands(int(n)),
		Lo: at(r.Interval.Low), At: at(r.Value), Hi: at(r.Interval.High), Middle: at(0)}
	row.Width = coord(row.Hi - row.Lo)
	return row
}

// waterfall follows all messages from the plan to the provider.
func (p *page) waterfall(g *gathered, sum summary) {
	states := sum.Effects[string(crm.EffectMessage)]
	all := 0
	for _, n := range states {
		all += n
	}
	left := all
	p.Steps = append(p.Steps, step{"Planned by rules and campaigns", "", thousands(all), sparkOf(0, all, all), "all"})
	off := func(label, note string, n int) {
		if n > 0 {
			left -= n
			p.Steps = append(p.Steps, step{label, note, "−" + thousands(n), sparkOf(left, n, all), "off"})
		}
	}
	for _, c := range sum.Withheld {
		off(guardShort(c.Name), guardNote(c.Name), c.N)
	}
	off("Held out", "drawn, and left alone to compare with", states[string(crm.HeldOut)])
	off("Cancelled", "what they were about went away: goods came back, a newer visit, …", states[string(crm.Cancelled)])
	off("Not due yet", "wait for their day, or for the end of quiet hours", states[string(crm.Planned)])
	p.Steps = append(p.Steps, step{"Handed to the provider", "", thousands(left), sparkOf(0, left, all), "all"})
	off("Refused by the provider", "the number does not exist", states[string(crm.Failed)])
	off("Of unknown fate", "the provider cannot tell; asked again, never sent twice", states[string(crm.Unknown)])
	off("Answer awaited", "", states[string(crm.Sent)])
	p.Steps = append(p.Steps, step{"Accepted by the provider", "", thousands(left), sparkOf(0, left, all), "good"})
	for _, name := range slices.Sorted(maps.Keys(g.messages)) {
		m := g.messages[name]
		p.Messages = append(p.Messages, messageRow{messageLabel(name), thousands(m.planned), thousands(m.withheld), thousands(m.heldOut), thousands(m.cancelled),
			thousands(m.waiting), thousands(m.sent), thousands(m.failed)})
	}
}

// guardShort names a refusal of a guard.
func guardShort(guard string) string {
	if l, ok := map[string]string{
		"suppressed": "Address suppressed", "consent": "No consent", "open-ticket": "A ticket is open", "excluded-tag": "Excluding tag",
		"invalid-address": "No usable address", "cap": "Too many messages", "holdout": "Held out", "render": "Text incomplete", "ended": "Campaign over",
		"recipient": "Address now somebody else's", "delivered": "Goods not handed over", "repeated": "Sent to this person before",
		"rule": "Rule holds no more", "guard": "Guard of the rule",
	}[guard]; ok {
		return l
	}
	if name, ok := strings.CutPrefix(guard, "cancel_on "); ok {
		return "“" + name + "” came true"
	}
	return strings.ToUpper(guard[:min(1, len(guard))]) + guard[min(1, len(guard)):]
}

func guardNote(guard string) string {
	if strings.HasPrefix(guard, "cancel_on ") {
		return "what the rule asked about went away"
	}
	return map[string]string{
		"consent": "nobody said yes for this address, or somebody took it back", "open-ticket": "silence on every address until the matter is solved",
		"excluded-tag": "head office turned a tag of theirs red", "suppressed": "bounced, not this person, or a legal request",
		"recipient": "the address moved between plan and sending", "repeated": "another record of the same person had it already",
		"guard": "the rule's own condition failed when the message was due",
	}[guard]
}

func peopleOf(g *gathered, sum summary) peopleView {
	d := sum.Dedup
	v := peopleView{Known: d.Known, Pairs: thousands(int(d.Pairs)), Merges: thousands(sum.Merges)}
	of := func(label string, x float64) share {
		return share{Label: label, N: strconv.FormatFloat(x, 'f', 4, 64), Bar: sparkOf(0, int(math.Round(1000*x)), 1000)}
	}
	v.Scores = []share{of("Precision", d.Precision), of("Recall", d.Recall), of("F1", d.F1)}
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
			label = "6 and more"
		}
		v.Sizes = append(v.Sizes, shareOf(label, "", sizes[n], sum.Customers))
	}
	for _, s := range byCount(g.sources) {
		v.Sources = append(v.Sources, shareOf(s.Name, "", s.N, sum.Profiles))
	}
	return v
}

func shareOf(label, class string, n, whole int) share {
	s := share{Label: label, Class: class, N: thousands(n), Bar: sparkOf(0, n, whole)}
	if whole > 0 {
		s.Percent = percent(float64(n) / float64(whole))
	}
	return s
}

func (p *page) audit(sum summary) {
	a := sum.AuditReport
	p.AuditClean, p.Findings = a.Clean(), a.Findings
	p.Audit = []check{
		{"messages sent twice", a.EffectsRepeated}, {"sent without consent", a.SentWithoutConsent}, {"sent while a ticket was open", a.SentToOpenTicket},
		{"sent to carriers of an excluding tag", a.SentToExcludedTag}, {"surveys before the goods were handed over", a.SurveyBeforeDelivery},
		{"bad answers without a ticket", a.AnswersBadWithoutTicket}, {"contradictions in the record", a.RecordContradicts},
	}
}

func (p *page) clicks(sum summary) {
	whole := 0
	for _, n := range sum.Clicks {
		whole += n
	}
	if whole == 0 {
		return
	}
	p.Clicks = []share{
		shareOf("People", "good", sum.Clicks[crm.Human], whole), shareOf("Perhaps machines", "off", sum.Clicks[crm.Suspected], whole),
		shareOf("Machines, such as link scanners", "off", sum.Clicks[crm.Machine], whole),
	}
}

func (p *page) phases(sum summary) {
	p.Total = strconv.FormatFloat(sum.TotalSeconds, 'f', 1, 64)
	names := slices.SortedFunc(maps.Keys(sum.Seconds), func(a, b string) int { return cmp.Or(cmp.Compare(sum.Seconds[b], sum.Seconds[a]), cmp.Compare(a, b)) })
	for _, name := range names {
		t := sum.Seconds[name]
		p.Phases = append(p.Phases, phase{name, strconv.FormatFloat(t, 'f', 2, 64), sparkOf(0, int(1000*t), int(1000*sum.TotalSeconds))})
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
