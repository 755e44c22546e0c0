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
)

//go:embed report.html.tmpl
var reportTemplate string

// page is what the template shows: figures and words, laid out already.
type page struct {
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
	Peak            int64
	Read, Rejected  string
	Bad             []string
	BadMore         int
	Repeats         int
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
	ID, Name, Unit string
	Low, High      string // ends of the scale
	Total          scoreRow
	Sent           string
	Stores         []scoreRow // worst first
	Left           int        // stores in the middle that are left out
	Hidden         int        // stores with too few answers
	HiddenAnswers  string     // of all of them together
}

type scoreRow struct {
	Place, Value, Interval, N string
	Lo, At, Hi, Middle        float64 // 0 to 100 of the scale
	Width                     float64
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
	Known         bool
	Scores        []share
	Pairs, Merges string
	Sizes         []share
	Sources       []share
}

type share struct {
	Label, N, Percent string
	Bar               spark
	Class             string
}

type check struct {
	Label string
	N     int
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
	data, err := p.render()
	if err != nil {
		return err
	}
	return output.Write(path, output.Private, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// Style is the style of the pictures of package report.
func (*page) Style() template.CSS { return report.Style() }

func (p *page) render() ([]byte, error) {
	t, err := template.New("report").Parse(reportTemplate)
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
	p := &page{Title: "The retailer's nights", Digest: sum.Digest, Peak: sum.PeakRSS, Repeats: sum.GatewayRepeats}
	what := fmt.Sprintf("a simulated watch retailer, %s people, seed %d", thousands(s.o.customers), s.o.seed)
	if s.data != nil {
		what = s.o.format + " data"
	}
	p.Subtitle = fmt.Sprintf("%s evenings from %s: %s. Record kept in %s.", thousands(sum.Evenings), longDate(sum.From), what, sum.Store)
	p.Tiles = tiles(sum, g.turnover(s.home, s.dates(sum.Evenings)))
	p.evenings(g, s.dates(sum.Evenings))
	for _, c := range sum.Campaigns {
		p.Campaigns = append(p.Campaigns, campaignOf(c, s.home))
	}
	if err := s.segments(ctx, p, g); err != nil {
		return nil, err
	}
	p.Surveys = surveysOf(sum.Surveys)
	p.waterfall(g, sum)
	p.People = peopleOf(g, sum)
	p.audit(sum)
	p.clicks(sum)
	if g.sample != nil {
		if p.Story, err = s.tell(ctx, g, sum); err != nil {
			return nil, err
		}
	}
	p.phases(sum)
	p.Read, p.Rejected = thousands(sum.RowsRead), thousands(sum.RowsRejected)
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
	out.Profiles = members(s.home, profiles)
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

func tiles(sum summary, sales tile) []tile {
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
		out = append(out, tile{"Brought by campaigns", money(extra), "an estimate, for " + money(cost) + " of messages; see the intervals"})
	}
	out = append(out, []tile{
		{"Customers", thousands(sum.Customers), thousands(sum.Merges) + " of " + thousands(sum.Profiles) + " records joined"},
		{"Messages sent", thousands(sum.Sent), "each with its own link"},
		{"Messages withheld", thousands(withheld), "each with its reasons"},
		{"Survey answers", thousands(int(answers)), "of " + thousands(asked) + " asked"},
		{"Tickets solved", thousands(sum.Tickets[crm.TicketSolved]), thousands(open) + " still open"},
		{"Clicks by people", thousands(sum.Clicks[crm.Human]), "of " + thousands(clicks) + " requests"},
	}...)
	if sum.Clean() {
		return append(out, tile{"Audit", "clean", "six rules, no violation"})
	}
	return append(out, tile{"Audit", "violated", "see below"})
}

func (p *page) evenings(g *gathered, dates []string) {
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
		p.Days = append(p.Days, dayRow{longDate(date), thousands(sent[i] + drawn[i]), thousands(withheld[i] + refused[i]), thousands(orders[i]),
			thousands(merges[i]), thousands(answers[i]), thousands(tickets[i])})
	}
	rules := series{dates: dates, first: sent, second: withheld}.draw("messages", "Messages of rules", "messages sent")
	campaigns := series{dates: dates, first: drawn, second: refused}.draw("drawn", "Messages of campaigns", "messages sent")
	rules.First, rules.Second, campaigns.First, campaigns.Second = "sent", "withheld", "sent", "withheld"
	p.Evenings = []bars{
		rules, campaigns,
		series{dates: dates, first: orders}.draw("orders", "Orders imported, by their day", "orders"),
		series{dates: dates, first: merges}.draw("merges", "Records recognised", "records"),
		series{dates: dates, first: answers}.draw("answers", "Survey answers", "answers"),
		series{dates: dates, first: tickets, level: true}.draw("tickets", "Tickets open in the evening", "tickets open"),
	}
}
