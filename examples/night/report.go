package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	worth "github.com/vefacrm/vefa/crm/report"
	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/segment/report"
	surveys "github.com/vefacrm/vefa/survey/report"
)

//go:embed report.html.tmpl
var reportTemplate string

// page is what the template shows: figures and words, laid out already.
type page struct {
	Tag             string // the language
	Title, Subtitle string
	Tiles           []tile
	Complaints      []complaint // the oldest
	Shops           []shopView
	Charts, Stays   []report.Picture // control charts of shops; where customers went
	Definitions     []string         // what the figures of the first screen mean
	Evenings        []bars
	Days            []dayRow
	Campaigns       []campaignView
	Audiences       []report.Picture // a waterfall per campaign
	Segments        []report.Picture
	Surveys         []surveyView
	Steps           []step
	Messages        []messageRow
	People          peopleView
	Audit           []check
	AuditClean      bool
	Findings        []string
	Tests           []test // of campaigns
	Clicks          []share
	Story           *story
	Phases          []phase
	Total           string
	Run             string
	Bad             []string
	BadMore         int
	Digest          string
}

type dayRow struct {
	Date                                             string
	Sent, Withheld, Orders, Merges, Answers, Tickets string
}

type campaignView struct {
	ID, Name, Window string
	Verdict, Class   string
	Rates, Increment whiskers
	Rows             []rateRow
	Withheld         []string
	Money            string // what it brought and cost
	Difference       string
	Notes            []string
}

type rateRow struct{ Label, Share, Interval, K, N, Note string }

type surveyView struct {
	ID, Name       string
	Value, Summary string
	Pictures       []report.Picture
}

type step struct {
	Label, Note, N string
	Bar            spark
	Class          string
}

type messageRow struct {
	Name                                                       string
	Planned, Withheld, HeldOut, Cancelled, Waiting, Sent, Fail string
}

type peopleView struct {
	Known       bool
	Scores      []share
	Merged      []share // Percent is their number
	Truth, Lead string
	Sizes       []share
	Sources     []share
}

type share struct {
	Label, N, Percent string
	Bar               spark
	Class             string
}

type check struct {
	Label, Count string
	N            int
}

// test is how likely chance alone is to part the groups of a campaign as much, and to split them so.
type test struct{ Campaign, P, Split string }

type phase struct {
	Name, Seconds string
	Bar           spark
}

// writeReport writes the page of -report: one file without scripts that loads
// nothing. Apart from the times at its end it is the same for every run of the
// same evenings.
func (s *simulation) writeReport(ctx context.Context, sum summary, path string) error {
	p, err := s.page(ctx, sum)
	if err != nil {
		return err
	}
	data, err := p.render(s.say)
	if err != nil {
		return err
	}
	return output.Write(path, output.Private, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// Style is the style of the pictures of customers, of segments and of surveys.
func (*page) Style() template.CSS { return report.Style() + surveys.Style() + worth.Style() }

func (p *page) render(l speaker) ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{"say": l.Say}).Parse(reportTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (s *simulation) page(ctx context.Context, sum summary) (*page, error) {
	g, err := s.gather(ctx)
	if err != nil {
		return nil, err
	}
	l := s.say
	p := &page{Tag: l.Tag, Title: l.Say("title"), Digest: sum.Digest}
	what := l.Say("world", s.o.customers, fmt.Sprint(s.o.seed))
	if s.data != nil {
		what = l.Say("import", s.o.format)
	}
	p.Subtitle = l.Say("subtitle", sum.Evenings, l.date(sum.From), what, l.Name("store", sum.Store))
	dates := s.dates(sum.Evenings)
	if err := p.brief(l, g, sum, dates); err != nil {
		return nil, err
	}
	p.evenings(l, g, dates)
	for _, c := range sum.Campaigns {
		p.Campaigns = append(p.Campaigns, l.campaign(c))
		if r := c.Report; r.Counts.Assigned > 0 && r.Counts.HeldOut > 0 {
			p.Tests = append(p.Tests, test{l.Say("campaigns.name", c.Name), l.Decimal(r.Incremental.P, 3), l.Decimal(r.SRM, 3)})
		}
	}
	if err := s.segments(ctx, p, g); err != nil {
		return nil, err
	}
	if p.Surveys, err = l.surveys(sum.Surveys, g); err != nil {
		return nil, err
	}
	p.waterfall(l, g, sum)
	p.People = l.people(g, sum)
	p.audit(l, sum)
	p.clicks(l, sum)
	if g.sample != nil {
		if p.Story, err = s.tell(ctx, g, sum); err != nil {
			return nil, err
		}
	}
	p.phases(l, sum)
	p.Run = l.Say("run.rows", sum.RowsRead, sum.RowsRejected)
	if sum.GatewayRepeats > 0 {
		p.Run += " " + l.Say("run.repeats", sum.GatewayRepeats)
	}
	if s.data != nil {
		const most = 20
		bad := s.data.Rejected()
		for _, b := range bad[:min(most, len(bad))] {
			p.Bad = append(p.Bad, b.Error())
		}
		p.BadMore = len(bad) - len(p.Bad)
	}
	return p, nil
}

// tell writes the sample customer's story.
func (s *simulation) tell(ctx context.Context, g *gathered, sum summary) (*story, error) {
	out := s.story(g)
	var profiles []*crm.Profile
	err := s.store.View(ctx, func(r crm.Reader) (err error) {
		profiles, err = r.Profiles(ctx, g.sample.Profiles...)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Profiles = s.say.members(profiles)
	out.Absent, err = s.whyNot(ctx, g, sum.Campaigns)
	return out, err
}

func (s *simulation) dates(evenings int) []string {
	out := make([]string, evenings)
	for i := range out {
		out[i] = s.day(i)
	}
	return out
}

func (p *page) evenings(l speaker, g *gathered, dates []string) {
	column := func(of func(*dayCount, *vefa.NightReport) int) []int {
		out := make([]int, len(dates))
		nights := map[string]*vefa.NightReport{}
		for i := range g.nights {
			nights[g.nights[i].Day] = &g.nights[i]
		}
		for i, date := range dates {
			out[i] = of(cmp.Or(g.days[date], &dayCount{}), cmp.Or(nights[date], &vefa.NightReport{}))
		}
		return out
	}
	sent := column(func(d *dayCount, _ *vefa.NightReport) int { return d.rules.sent })
	withheld := column(func(d *dayCount, _ *vefa.NightReport) int { return d.rules.withheld })
	drawn := column(func(d *dayCount, _ *vefa.NightReport) int { return d.drawn.sent })
	refused := column(func(d *dayCount, _ *vefa.NightReport) int { return d.drawn.withheld })
	orders := column(func(d *dayCount, _ *vefa.NightReport) int { return d.orders })
	answers := column(func(d *dayCount, _ *vefa.NightReport) int { return d.answers })
	merges := column(func(_ *dayCount, n *vefa.NightReport) int { return n.Identified.Moved })
	tickets := column(func(_ *dayCount, n *vefa.NightReport) int { return n.Tickets })
	for i, date := range dates {
		p.Days = append(p.Days, dayRow{l.date(date), l.Int(sent[i] + drawn[i]), l.Int(withheld[i] + refused[i]), l.Int(orders[i]),
			l.Int(merges[i]), l.Int(answers[i]), l.Int(tickets[i])})
	}
	rules := series{dates: dates, first: sent, second: withheld}.draw(l, "messages")
	campaigns := series{dates: dates, first: drawn, second: refused}.draw(l, "drawn")
	rules.First, rules.Second = l.Say("chart.sent"), l.Say("chart.withheld")
	campaigns.First, campaigns.Second = rules.First, rules.Second
	p.Evenings = []bars{
		rules, campaigns,
		series{dates: dates, first: orders}.draw(l, "orders"),
		series{dates: dates, first: merges}.draw(l, "merges"),
		series{dates: dates, first: answers}.draw(l, "answers"),
		series{dates: dates, first: tickets, level: true}.draw(l, "tickets"),
	}
}
