package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// results are what the page says.
type results struct {
	o        options
	people   int
	size     messaging.Size
	enough   bool
	needed   experiment.Size
	log      []campaigns.Entry
	campaign vefa.CampaignResult
	clicks   map[crm.Verdict]int
	hours    [24]int // clicks of people by the hour after the first message
	refused  int     // people who said that they want no more
	unknown  int     // messages of which the provider cannot say whether it took them
	findings int     // of the audit
}

// campaign takes the campaign from the draft to its results.
func (w *world) campaign(ctx context.Context, screen *terminal.Screen) (*results, error) {
	w.screen = screen
	c := w.spring
	r := &results{o: w.o, people: len(w.people), clicks: map[crm.Verdict]int{}}
	script, err := c.Script()
	if err != nil {
		return nil, err
	}
	if r.size, err = script.Worst(crm.Phone); err != nil {
		return nil, err
	}
	if w.o.holdout > 0 && w.o.lift > 0 {
		if r.needed, r.enough, err = c.Power(int64(r.people), buying, w.o.lift/buying); err != nil {
			return nil, err
		}
	}
	if err := w.approve(ctx); err != nil {
		return nil, err
	}
	if err := w.send(ctx); err != nil {
		return nil, err
	}
	if err := w.live(ctx); err != nil {
		return nil, err
	}
	// The engine has closed it unless the fate of some messages will never be known.
	life, err := w.eng.Desk().Close(ctx, "spring", "ayse")
	if err != nil {
		return nil, err
	}
	r.log = life.Log
	return r, w.gather(ctx, r)
}

// approve has the draft tested by who wrote it and approved by another.
func (w *world) approve(ctx context.Context) error {
	desk := w.eng.Desk()
	_, err := desk.Tested(ctx, "spring", "ayse", w.draft.Seal, "on my own phone")
	if err == nil {
		_, err = desk.Approve(ctx, "spring", "mehmet", w.draft.Seal)
	}
	if err == nil {
		_, err = desk.Schedule(ctx, "spring", "ayse", start)
	}
	return err
}

// gather reads the results from the record.
func (w *world) gather(ctx context.Context, r *results) error {
	res, err := w.eng.Results(ctx)
	if err != nil {
		return err
	}
	if len(res.Campaigns) == 0 {
		return fmt.Errorf("nobody was considered for the campaign")
	}
	r.campaign, r.clicks, r.unknown = res.Campaigns[0], res.Clicks, res.Effects[string(crm.EffectMessage)][string(crm.Unknown)]
	audit, err := vefa.Audit(ctx, w.store, brand)
	if err != nil {
		return err
	}
	r.findings = len(audit.Findings)
	return w.store.View(ctx, func(rd crm.Reader) error {
		for f, err := range crm.FactsOfKind(ctx, rd, crm.AllParts(), crm.KindClick) {
			if err != nil {
				return err
			}
			if h := int(f.At.Sub(start) / time.Hour); h >= 0 && f.Data.(*crm.Click).Verdict == crm.Human {
				r.hours[min(h, 23)]++
			}
		}
		for f, err := range crm.FactsOfKind(ctx, rd, crm.AllParts(), crm.KindConsent) {
			if err != nil {
				return err
			}
			if f.Data.(*crm.Consent).Status == crm.Refused {
				r.refused++
			}
		}
		return nil
	})
}

// row is a line of a table: a name, a figure, a note.
type row struct{ Name, Figure, Note string }

// table is a part of the results; few have an id.
type table struct {
	ID, Title, Lead string
	Rows            []row
}

// tables are the results in words, for the terminal and the page.
func (r *results) tables(l *speak.Locale) []table {
	n, rep, rev := r.campaign.Report.Counts, r.campaign.Report, r.campaign.Revenue
	part := func(k, of int64) string { return l.Part(int(k), int(of)) }
	before := table{"", l.Say("before"), "", []row{{l.Say("size"), l.Int(r.size.Units), l.Say("size.note")}}}
	if r.needed.Total > 0 {
		note := l.Say("enough")
		if !r.enough {
			note = l.Say("short")
		}
		before.Rows = append(before.Rows, row{l.Say("needed"), l.Int(int(r.needed.Total)), note})
	}
	for _, e := range r.log {
		before.Rows = append(before.Rows, row{l.Name("verb", e.Verb), l.Name("actor", e.By), l.Name("note", l.Note(e.Note, time.UTC))})
	}
	funnel := table{"", l.Say("who"), "", []row{{l.Say("list"), l.Int(r.people), ""}}}
	for _, c := range r.campaign.Withheld {
		funnel.Rows = append(funnel.Rows, row{l.Say("withheld", l.Name("guard", c.Name)), l.Int(c.N), part(int64(c.N), int64(r.people))})
	}
	funnel.Rows = append(funnel.Rows,
		row{l.Say("heldout"), l.Int(int(n.HeldOut)), ""},
		row{l.Say("addressed"), l.Int(int(n.Assigned)), ""},
		row{l.Say("taken"), l.Int(int(n.Delivered)), part(n.Delivered, n.Assigned)},
	)
	if r.unknown > 0 {
		funnel.Rows = append(funnel.Rows, row{l.Say("unknown"), l.Int(r.unknown), l.Say("unknown.note")})
	}
	for _, d := range []messaging.Delivery{messaging.Delivered, messaging.Enroute, messaging.Expired, messaging.Undelivered, messaging.Rejected} {
		if k := r.campaign.Deliveries[d]; k > 0 {
			funnel.Rows = append(funnel.Rows, row{l.Say("reported", l.Name("delivery", string(d))), l.Int(k), ""})
		}
	}
	funnel.Rows = append(funnel.Rows, row{l.Say("leave"), l.Int(r.refused), ""})
	out := []table{before, funnel, {"clicks", l.Say("clicks"), l.Say("clicks.lead"), []row{
		{l.Say("clicked"), l.Int(int(n.Clicked)), part(n.Clicked, n.Delivered)},
		{l.Say("human"), l.Int(r.clicks[crm.Human]), ""},
		{l.Say("suspected"), l.Int(r.clicks[crm.Suspected]), ""},
		{l.Say("machine"), l.Int(r.clicks[crm.Machine]), ""},
	}}}
	what := table{"", l.Say("did"), l.Say("did.lead"), []row{
		{l.Say("bought"), l.Percent(rep.Total.Share, 1), l.Int(int(n.Converted))},
		{l.Say("bought.clickers"), l.Percent(rep.Clickers.Share, 1), l.Say("bought.clickers.note")},
		{l.Say("bought.heldout"), l.Percent(rep.HeldOut.Share, 1), l.Int(int(n.HeldOutConverted))},
	}}
	if rep.Result != experiment.Unmeasured {
		any := r.campaign.Anytime
		what.Rows = append(what.Rows, difference(l, l.Say("brought"), rep.Incremental, rep.Result),
			row{l.Say("anytime"), l.Name("result", string(any.Result)), l.Say("to", l.Signed(100*any.Interval.Lo, 1), l.Signed(100*any.Interval.Hi, 1))})
	}
	out = append(out, what)
	if v := r.campaign.Visits; v != nil {
		came := table{"", l.Say("came"), l.Say("came.lead"), []row{
			{l.Say("came.all"), l.Percent(v.Report.Total.Share, 1), l.Int(int(v.Report.Counts.Converted))},
			{l.Say("came.heldout"), l.Percent(v.Report.HeldOut.Share, 1), l.Int(int(v.Report.Counts.HeldOutConverted))},
		}}
		if v.Report.Result != experiment.Unmeasured {
			came.Rows = append(came.Rows, difference(l, l.Say("came.because"), v.Report.Incremental, v.Report.Result),
				row{l.Say("came.visits"), l.Signed(v.Extra, 0), l.Say("to", l.Signed(v.Low, 0), l.Signed(v.High, 0))})
		}
		out = append(out, came)
	}
	if len(r.campaign.Variants) > 0 {
		out = append(out, ways(r.campaign.Variants, l))
	}
	pay := table{"", l.Say("money"), "", []row{{l.Say("sales"), money(l, rev.Total), ""}, {l.Say("cost"), money(l, rev.Cost), ""}}}
	if rev.Measured {
		pay.Rows = append(pay.Rows, row{l.Say("extra"), money(l, rev.Extra), l.Say("to", money(l, rev.Low), money(l, rev.High))})
	}
	return append(out, pay, table{"", l.Say("check"), l.Say("check.lead"), []row{{l.Say("check.found"), l.Int(r.findings), ""}}})
}

func money(l *speak.Locale, m crm.Money) string {
	return l.Money(m.Amount, crm.Decimals(m.Currency), m.Currency)
}

// difference is a row with a difference in points, its interval and what it says.
func difference(l *speak.Locale, name string, in experiment.Incremental, result experiment.Result) row {
	return row{name, l.Say("points", l.Signed(100*in.Difference, 1)), l.Say("confident", l.Signed(100*in.Interval.Lo, 1), l.Signed(100*in.Interval.Hi, 1), l.Name("result", string(result)))}
}

// ways compares the ways in which the campaign was said.
func ways(list []vefa.VariantResult, l *speak.Locale) table {
	t := table{"", l.Say("ways"), l.Say("ways.lead"), nil}
	for _, v := range list {
		name := l.Say("ways.name." + cmp.Or(v.Name, "text"))
		n := v.Report.Counts
		t.Rows = append(t.Rows, row{l.Say("ways.bought", name), l.Percent(v.Report.Total.Share, 1), l.Say("ways.of", l.Int(int(n.Converted)), l.Int(int(n.Assigned)), l.Int(int(n.Clicked)))})
		if v.Name != "" {
			t.Rows = append(t.Rows, difference(l, l.Say("ways.beside", name), v.Against.Incremental, v.Against.Result))
		}
	}
	return t
}

// printed writes tables as text.
func printed(out io.Writer, tables []table) error {
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, t.Title)
		tab := terminal.Table{Right: map[int]bool{1: true}}
		for _, w := range t.Rows {
			tab.Row("  "+terminal.Printable(w.Name), terminal.Printable(w.Figure), terminal.Printable(w.Note))
		}
		if err := tab.Write(out, terminal.Width(out)); err != nil {
			return err
		}
	}
	return nil
}

// kit draws the tables and the clicks by hour.
var kit = page.NewKit(`
{{define "table"}}<figure><div class="scroll" tabindex="0" role="group" aria-label="{{say "page.table"}}"><table class="figures">{{with .Lead}}<caption>{{.}}</caption>{{end}}<tbody>{{range .Rows}}
<tr><th scope="row">{{.Name}}</th><td class="n">{{.Figure}}</td><td>{{.Note}}</td></tr>{{end}}
</tbody></table></div></figure>{{end}}
{{define "hours"}}<figure><div class="scroll" tabindex="0" role="group" aria-label="{{say "page.table"}}"><table class="figures"><caption>{{.Lead}}</caption><tbody>{{range .Rows}}
<tr><th scope="row">{{.Name}}</th><td class="n">{{.Figure}}</td><td><svg width="{{.Note}}" height="12" aria-hidden="true" focusable="false"><rect width="100%" height="12" class="bar"></rect></svg></td></tr>{{end}}
</tbody></table></div></figure>{{end}}`, `
.figures{border-collapse:collapse;width:100%}
.figures caption{text-align:left;padding-bottom:.4rem}
.figures th{text-align:left;font-weight:400}
.figures th,.figures td{padding:.25rem .75rem .25rem 0;border-top:1px solid var(--line);vertical-align:top}
.figures .n{text-align:right;white-space:nowrap;font-weight:600}
.figures .bar{fill:var(--first)}
.scroll{overflow-x:auto}
.scroll:focus-visible{outline:3px solid var(--first);outline-offset:2px}
@media print{.scroll{overflow:visible}}
`)

// written writes tables as a page, the clicks by hour beside those of that id.
func written(path string, l *speak.Locale, title, lead string, tables []table, hours table) error {
	p := page.Page{Title: title, Lead: lead, Locale: l.Tag, Footer: l.Say("footer")}
	for _, t := range tables {
		s := page.Section{Title: t.Title, Pictures: []page.Picture{kit.Draw("table", t)}}
		if t.ID == "clicks" {
			s.Pictures = append(s.Pictures, kit.Draw("hours", hours))
		}
		p.Sections = append(p.Sections, s)
	}
	return output.Write(path, 0o666, func(w io.Writer) error { return p.Write(w) })
}

// bars are the clicks by hour; the note is a width.
func (r *results) bars(l *speak.Locale) table {
	most := 1
	for _, n := range r.hours {
		most = max(most, n)
	}
	out := table{Lead: l.Say("hours")}
	for h, n := range r.hours {
		name := l.Say("hour", l.Int(h+1))
		if h == 23 {
			name = l.Say("later")
		}
		out.Rows = append(out.Rows, row{name, l.Int(n), fmt.Sprint(1 + 200*n/most)})
	}
	return out
}
