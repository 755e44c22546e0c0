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
	Clicks          []share
	Story           *story
	Phases          []phase
	Total           string
	Run             string
	Bad             []string
	BadMore         int
	Digest          string
}

type tile struct{ Label, Value, Note string }

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
	Fine             string // for statisticians
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

// Style is the style of the pictures of segments and of surveys.
func (*page) Style() template.CSS { return report.Style() + surveys.Style() }

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
	p.Tiles = l.tiles(sum, l.turnover(g, s.dates(sum.Evenings)))
	p.evenings(l, g, s.dates(sum.Evenings))
	for _, c := range sum.Campaigns {
		p.Campaigns = append(p.Campaigns, l.campaign(c))
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

func (l speaker) tiles(sum summary, sales tile) []tile {
	answers, asked := int64(0), 0
	for _, v := range sum.Surveys {
		answers += v.N
		asked += v.Sent
	}
	withheld := 0
	for _, c := range sum.Withheld {
		withheld += c.N
	}
	open := sum.Tickets[crm.TicketOpen] + sum.Tickets[crm.TicketPending]
	clicks := 0
	for _, n := range sum.Clicks {
		clicks += n
	}
	out := []tile{sales}
	var extra, cost crm.Money
	measured := 0
	for _, c := range sum.Campaigns {
		if m := c.Revenue; m.Measured {
			measured++
			extra, cost = crm.Money{Amount: extra.Amount + m.Extra.Amount, Currency: m.Extra.Currency}, crm.Money{Amount: cost.Amount + m.Cost.Amount, Currency: m.Cost.Currency}
		}
	}
	if measured > 0 {
		out = append(out, tile{l.Say("tile.brought"), l.money(extra), l.Say("tile.brought.note", l.money(cost))})
	}
	out = append(out, []tile{
		{l.Say("tile.customers"), l.Int(sum.Customers), l.Say("tile.customers.note", sum.Merges, sum.Profiles)},
		{l.Say("tile.sent"), l.Int(sum.Sent), l.Say("tile.sent.note")},
		{l.Say("tile.withheld"), l.Int(withheld), l.Say("tile.withheld.note")},
		{l.Say("tile.answers"), l.Int(int(answers)), l.Say("tile.answers.note", asked)},
		{l.Say("tile.tickets"), l.Int(sum.Tickets[crm.TicketSolved]), l.Say("tile.tickets.note", open)},
		{l.Say("tile.clicks"), l.Int(sum.Clicks[crm.Human]), l.Say("tile.clicks.note", clicks)},
	}...)
	if sum.Clean() {
		return append(out, tile{l.Say("tile.audit"), l.Say("tile.clean"), l.Say("tile.clean.note", len(sum.counts()))})
	}
	return append(out, tile{l.Say("tile.audit"), l.Say("tile.violated"), l.Say("tile.violated.note")})
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
