package main

import (
	"context"
	"io"
	"math"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// preview is what a person reads who is asked to approve a campaign.
type preview struct {
	o        options
	text     string
	other    string
	people   int
	size     messaging.Size
	assigned int
	heldOut  int
	withheld []vefa.Count
	each     crm.Money
	needed   experiment.Size
	enough   bool
}

// preview plans the campaign in a world that is thrown away, by the code that plans it once it is
// approved: the lots that leave people out are the same, and nothing is sent.
func (w *world) preview(ctx context.Context) (*preview, error) {
	c := w.spring
	p := &preview{o: w.o, people: len(w.people), each: c.Cost}
	script, err := c.Script()
	if err != nil {
		return nil, err
	}
	if p.size, err = script.Worst(crm.Phone); err != nil {
		return nil, err
	}
	p.each.Amount *= int64(p.size.Units)
	values := messaging.Values{"name": "Ayşe", "link": base + "/l/abcdefgh"}
	said := func(s *messaging.Script) (string, error) {
		m, err := s.Render(crm.Phone, values)
		return m.Text, err
	}
	if p.text, err = said(script); err != nil {
		return nil, err
	}
	if len(c.Variants) > 0 {
		if p.other, err = said(script.Variant(c.Variants[0].Name)); err != nil {
			return nil, err
		}
	}
	if w.o.holdout > 0 && w.o.lift > 0 {
		if p.needed, p.enough, err = c.Power(int64(p.people), buying, w.o.lift/buying); err != nil {
			return nil, err
		}
	}
	if err := w.approve(ctx); err != nil {
		return nil, err
	}
	if _, err := w.eng.DrawDue(ctx); err != nil {
		return nil, err
	}
	res, err := w.eng.Results(ctx)
	if err != nil || len(res.Campaigns) == 0 {
		return p, err
	}
	r := res.Campaigns[0]
	p.withheld, p.assigned, p.heldOut = r.Withheld, int(r.Report.Counts.Assigned), int(r.Report.Counts.HeldOut)
	return p, nil
}

// nothing is the interval that the result would have, had the message no effect at all.
func (p *preview) nothing() (experiment.Interval, error) {
	of := func(n int) int64 { return int64(math.Round(buying * float64(n))) }
	r, err := experiment.Evaluate(experiment.Counts{Assigned: int64(p.assigned), Delivered: int64(p.assigned), Converted: of(p.assigned), HeldOut: int64(p.heldOut), HeldOutConverted: of(p.heldOut)}, p.o.holdout, .95)
	return r.Incremental.Interval, err
}

func (p *preview) tables(l *speak.Locale) ([]table, error) {
	says := table{"", l.Say("preview.text"), "", []row{{l.Say("preview.text.name"), "", p.text}}}
	if p.other != "" {
		says.Rows = append(says.Rows, row{l.Say("preview.other.name"), "", p.other})
	}
	who := table{"", l.Say("preview.who"), "", []row{{l.Say("preview.list"), l.Int(p.people), ""}}}
	for _, c := range p.withheld {
		who.Rows = append(who.Rows, row{l.Say("preview.withheld", l.Name("guard", c.Name)), l.Int(c.N), l.Part(c.N, p.people)})
	}
	who.Rows = append(who.Rows, row{l.Say("preview.heldout"), l.Int(p.heldOut), l.Part(p.heldOut, p.heldOut+p.assigned)},
		row{l.Say("preview.addressed"), l.Int(p.assigned), l.Part(p.assigned, p.people)})
	all := crm.Money{Amount: p.each.Amount * int64(p.assigned), Currency: p.each.Currency}
	cost := table{"", l.Say("preview.money"), "", []row{
		{l.Say("preview.units"), l.Int(p.size.Units), l.Say("size.note")}, {l.Say("preview.each"), money(l, p.each), ""}, {l.Say("preview.cost"), money(l, all), ""},
	}}
	measure := table{"", l.Say("preview.measure"), "", []row{{l.Say("preview.base"), l.Percent(buying, 1), l.Say("preview.base.note")}}}
	if p.heldOut == 0 || p.assigned == 0 {
		measure.Lead = l.Say("preview.unmeasured")
		return []table{says, who, cost, measure}, nil
	}
	in, err := p.nothing()
	if err != nil {
		return nil, err
	}
	measure.Rows = append(measure.Rows, row{l.Say("preview.interval"), l.Say("preview.interval.value", l.Signed(100*in.Lo, 1), l.Signed(100*in.Hi, 1)), l.Say("preview.interval.note")})
	if p.needed.Total > 0 {
		note := l.Say("enough")
		if !p.enough {
			note = l.Say("short")
		}
		measure.Rows = append(measure.Rows, row{l.Say("preview.needed", l.Decimal(100*p.o.lift, 1)), l.Int(int(p.needed.Total)), note})
	}
	return []table{says, who, cost, measure}, nil
}

// show prints the preview and writes its page.
func (p *preview) show(out io.Writer, l *speak.Locale) error {
	tables, err := p.tables(l)
	if err != nil {
		return err
	}
	if err := printed(out, tables); err != nil || p.o.report == "" {
		return err
	}
	return written(p.o.report, l, l.Say("preview.title"), l.Say("preview.lead", l.Date(start)), tables, table{})
}
