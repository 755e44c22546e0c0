package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/output"
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

// table is a part of the results.
type table struct {
	Title, Lead string
	Rows        []row
}

// tables are the results in words, for the terminal and the page.
func (r *results) tables(l *page.Locale) []table {
	n, rep, rev := r.campaign.Report.Counts, r.campaign.Report, r.campaign.Revenue
	part := func(k, of int64) string { return l.Part(int(k), int(of)) }
	money := func(m crm.Money) string { return l.Money(m.Amount, crm.Decimals(m.Currency), m.Currency) }
	var out []table
	before := table{"Before it was sent", "", []row{
		{"segments of the longest message", l.Int(r.size.Units), r.size.Note},
	}}
	if r.needed.Total > 0 {
		note := "the list is long enough to see it"
		if !r.enough {
			note = "the list is too short to be sure to see it: join several campaigns"
		}
		before.Rows = append(before.Rows, row{"people it takes to see the difference", l.Int(int(r.needed.Total)), note})
	}
	for _, e := range r.log {
		before.Rows = append(before.Rows, row{e.Verb, e.By, e.Note})
	}
	out = append(out, before)
	funnel := table{"Who got it", "", []row{{"people on the list", l.Int(r.people), ""}}}
	for _, c := range r.campaign.Withheld {
		funnel.Rows = append(funnel.Rows, row{"withheld: " + l.Name("guard", c.Name), l.Int(c.N), part(int64(c.N), int64(r.people))})
	}
	funnel.Rows = append(funnel.Rows,
		row{"held out, to measure by", l.Int(int(n.HeldOut)), ""},
		row{"addressed", l.Int(int(n.Assigned)), ""},
		row{"taken by the provider, and not given up", l.Int(int(n.Delivered)), part(n.Delivered, n.Assigned)},
	)
	if r.unknown > 0 {
		funnel.Rows = append(funnel.Rows, row{"of unknown fate", l.Int(r.unknown), "the answer was lost and the provider cannot be asked: not sent again"})
	}
	for _, d := range []messaging.Delivery{messaging.Delivered, messaging.Enroute, messaging.Expired, messaging.Undelivered, messaging.Rejected} {
		if k := r.campaign.Deliveries[d]; k > 0 {
			funnel.Rows = append(funnel.Rows, row{"reported: " + string(d), l.Int(k), ""})
		}
	}
	funnel.Rows = append(funnel.Rows, row{"want no more messages", l.Int(r.refused), ""})
	out = append(out, funnel)
	out = append(out, table{"Clicks", "Of people; what programs asked for is told apart.", []row{
		{"people who clicked", l.Int(int(n.Clicked)), part(n.Clicked, n.Delivered)},
		{"requests by people", l.Int(r.clicks[crm.Human]), ""},
		{"suspected", l.Int(r.clicks[crm.Suspected]), ""},
		{"by machines", l.Int(r.clicks[crm.Machine]), ""},
	}})
	what := table{"What it did", "Who clicks was likelier to buy anyway: only the people who were held out tell what the message brought.", []row{
		{"bought, of all addressed", l.Percent(rep.Total.Share, 1), l.Int(int(n.Converted))},
		{"bought, of those who clicked", l.Percent(rep.Clickers.Share, 1), "describes them, and says nothing about the message"},
		{"bought, of those held out", l.Percent(rep.HeldOut.Share, 1), l.Int(int(n.HeldOutConverted))},
	}}
	if rep.Result != experiment.Unmeasured {
		in := rep.Incremental
		what.Rows = append(what.Rows,
			row{"brought by the message", l.Signed(100*in.Difference, 1) + " points", fmt.Sprintf("%s to %s with 95 %% confidence: %s", l.Signed(100*in.Interval.Lo, 1), l.Signed(100*in.Interval.Hi, 1), rep.Result)},
			row{"the same, looked at any morning", string(r.campaign.Anytime.Result), fmt.Sprintf("%s to %s", l.Signed(100*r.campaign.Anytime.Interval.Lo, 1), l.Signed(100*r.campaign.Anytime.Interval.Hi, 1))},
		)
	}
	out = append(out, what)
	if v := r.campaign.Visits; v != nil {
		came := table{"Who came to a store", "To buy, or only to look; several times a day are one visit.", []row{
			{"came, of all addressed", l.Percent(v.Report.Total.Share, 1), l.Int(int(v.Report.Counts.Converted))},
			{"came, of those held out", l.Percent(v.Report.HeldOut.Share, 1), l.Int(int(v.Report.Counts.HeldOutConverted))},
		}}
		if v.Report.Result != experiment.Unmeasured {
			in := v.Report.Incremental
			came.Rows = append(came.Rows,
				row{"came because of the message", l.Signed(100*in.Difference, 1) + " points", fmt.Sprintf("%s to %s with 95 %% confidence: %s", l.Signed(100*in.Interval.Lo, 1), l.Signed(100*in.Interval.Hi, 1), v.Report.Result)},
				row{"visits brought by the message", l.Signed(v.Extra, 0), fmt.Sprintf("%s to %s", l.Signed(v.Low, 0), l.Signed(v.High, 0))})
		}
		out = append(out, came)
	}
	if len(r.campaign.Variants) > 0 {
		out = append(out, words(r.campaign.Variants, l))
	}
	pay := table{"Money", "", []row{{"sales to the addressed", money(rev.Total), ""}, {"cost of the messages", money(rev.Cost), ""}}}
	if rev.Measured {
		pay.Rows = append(pay.Rows, row{"sales brought by the message", money(rev.Extra), money(rev.Low) + " to " + money(rev.High)})
	}
	out = append(out, pay)
	return append(out, table{"How it was checked", "The record is read once more, as an auditor would.", []row{{"messages that should not have gone out", l.Int(r.findings), ""}}})
}

// words compares the ways in which the campaign was said.
func words(ways []vefa.VariantResult, l *page.Locale) table {
	t := table{"Which words", "Drawn for each person: nothing but the words differs.", nil}
	for _, v := range ways {
		name := "-text"
		if v.Name != "" {
			name = "-" + v.Name
		}
		n := v.Report.Counts
		t.Rows = append(t.Rows, row{name + ": bought", l.Percent(v.Report.Total.Share, 1), fmt.Sprintf("%s of %s; %s clicked", l.Int(int(n.Converted)), l.Int(int(n.Assigned)), l.Int(int(n.Clicked)))})
		if v.Name != "" {
			in := v.Against.Incremental
			t.Rows = append(t.Rows, row{name + " beside -text", l.Signed(100*in.Difference, 1) + " points",
				fmt.Sprintf("%s to %s with 95 %% confidence: %s", l.Signed(100*in.Interval.Lo, 1), l.Signed(100*in.Interval.Hi, 1), v.Against.Result)})
		}
	}
	return t
}

// print writes the results as text.
func (r *results) print(out io.Writer) error {
	l := page.For(r.o.locale)
	for i, t := range r.tables(l) {
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
{{define "table"}}<div class="scroll" tabindex="0" role="group" aria-label="{{say "page.table"}}"><table class="figures"><caption>{{if .Lead}}{{.Lead}}{{else}}{{.Title}}{{end}}</caption><tbody>{{range .Rows}}
<tr><th scope="row">{{.Name}}</th><td class="n">{{.Figure}}</td><td>{{.Note}}</td></tr>{{end}}
</tbody></table></div>{{end}}
{{define "hours"}}<div class="scroll" tabindex="0" role="group" aria-label="{{say "page.table"}}"><table class="figures"><caption>Clicks of people by the hour after the first message; the last line is all later ones.</caption><tbody>{{range .}}
<tr><th scope="row">{{.Name}}</th><td class="n">{{.Figure}}</td><td><svg width="{{.Note}}" height="12" aria-hidden="true" focusable="false"><rect width="100%" height="12" class="bar"></rect></svg></td></tr>{{end}}
</tbody></table></div>{{end}}`, `
.figures{border-collapse:collapse;width:100%}
.figures caption{text-align:left;padding-bottom:.4rem}
.figures th{text-align:left;font-weight:400}
.figures th,.figures td{padding:.25rem .75rem .25rem 0;border-top:1px solid currentColor;vertical-align:top}
.figures .n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.figures .bar{fill:currentColor;opacity:.6}
.scroll{overflow-x:auto}
`)

// write writes the page.
func (r *results) write(path string) error {
	l := page.For(r.o.locale)
	p := page.Page{Title: "A campaign and what it did", Lead: fmt.Sprintf("%s people, through a simulator of %s; what people did is simulated, too.", l.Int(r.people), r.o.provider), Locale: "en",
		Footer: "Made by examples/campaign of vefa."}
	for _, t := range r.tables(l) {
		s := page.Section{Title: t.Title, Pictures: []page.Picture{kit.Draw("table", t)}}
		if t.Title == "Clicks" {
			s.Pictures = append(s.Pictures, kit.Draw("hours", r.bars(l)))
		}
		p.Sections = append(p.Sections, s)
	}
	return output.Write(path, 0o666, func(w io.Writer) error { return p.Write(w) })
}

// bars are the clicks by hour; the note is a width.
func (r *results) bars(l *page.Locale) []row {
	most := 1
	for _, n := range r.hours {
		most = max(most, n)
	}
	var out []row
	for h, n := range r.hours {
		name := fmt.Sprintf("hour %d", h+1)
		if h == 23 {
			name = "later"
		}
		out = append(out, row{name, l.Int(n), fmt.Sprint(1 + 200*n/most)})
	}
	return out
}
