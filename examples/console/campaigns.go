package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/messaging/experiment"
)

func (c *console) campaignRoutes(mux *http.ServeMux) {
	c.get(mux, "/campaigns", c.campaigns)
	c.post(mux, "/campaigns", c.saveDraft)
	c.get(mux, "/campaigns/{name}", c.campaign)
	c.post(mux, "/campaigns/{name}/count", c.countCampaign)
	c.post(mux, "/campaigns/{name}/{verb}", c.advance)
}

// drawings is the list of campaigns.
type drawings struct {
	Desk   []atDesk
	Others []measured
	Form   sheet
	Fault  string
}

// atDesk is a campaign of the desk in a list.
type atDesk struct{ Name, State, Audience, By, At string }

// sheet is the form of a draft.
type sheet struct {
	Name, Text, URL, Segment string
	Holdout                  int // percent
	Segments                 []string
	New                      bool
}

// tried is a draft that was refused, with what is wrong.
type tried struct {
	Form  sheet
	Fault string
}

func (c *console) campaigns(r *http.Request, w *words) (shown, error) {
	out := drawings{Form: sheet{New: true, Text: "Size özel bir teklifimiz var: {link} SMS istemiyorsanız RET yazın.", Holdout: 10}}
	lives, err := c.eng.Desk().All(r.Context())
	if err != nil {
		return shown{}, err
	}
	for _, l := range lives {
		out.Desk = append(out.Desk, atDesk{l.Campaign.Name, w.Name("life", string(l.State)), l.Audience, w.author(l), w.At(cmp.Or(l.Began, l.At))})
	}
	for _, x := range c.last.Get().Results.Campaigns {
		if !slices.ContainsFunc(lives, func(l *campaigns.Life) bool { return l.Campaign.Name == x.Name }) {
			out.Others = append(out.Others, w.measured(x))
		}
	}
	if id := r.URL.Query().Get("d"); id != "" {
		t, ok := of[tried](&c.kept, id)
		if !ok {
			return shown{}, errGone
		}
		out.Form, out.Fault = t.Form, t.Fault
	}
	out.Form.Segments = c.segmentNames()
	return shown{page: "campaigns", section: "campaigns", title: w.Say("campaigns.title"), data: out}, nil
}

func (w *words) author(l *campaigns.Life) string { return strings.Join(l.Authors, ", ") }

func (c *console) segmentNames() (out []string) {
	if v := c.last.Get().Segments; v != nil {
		for d := range v.Definitions() {
			out = append(out, d.Name)
		}
	}
	return out
}

// saveDraft makes or changes a draft; one that is refused comes back with what is wrong.
func (c *console) saveDraft(r *http.Request) (string, error) {
	f := sheet{Name: strings.TrimSpace(r.PostFormValue("name")), Text: r.PostFormValue("text"), URL: r.PostFormValue("url"), Segment: r.PostFormValue("segment"), New: r.PostFormValue("new") != ""}
	share, err := strconv.Atoi(r.PostFormValue("holdout"))
	if f.Holdout = share; err != nil {
		f.Holdout = 10
	}
	m := messaging.Campaign{Name: f.Name, From: "SAAT", Locale: "tr", Text: f.Text, URL: f.URL, Quiet: messaging.EveningQuiet(),
		Caps: []messaging.Cap{{Max: 3, Per: 7 * 24 * time.Hour}}, Cost: crm.Money{Amount: 12, Currency: "TRY"}, Holdout: float64(f.Holdout) / 100, Window: 14 * 24 * time.Hour}
	if f.Holdout == 0 {
		m.Unmeasured = "nobody is held out"
	}
	_, err = c.eng.Desk().Get(r.Context(), f.Name)
	switch {
	case err != nil && !errors.Is(err, crm.ErrNotFound) && !errors.Is(err, crm.ErrInvalid):
		return "", err
	case err == nil && f.New:
		err = fmt.Errorf("%w: there is a campaign %q", messaging.ErrCampaign, f.Name)
	default:
		_, err = c.eng.Desk().Draft(r.Context(), c.actor(r), f.Segment, m)
	}
	if errors.Is(err, messaging.ErrCampaign) || errors.Is(err, messaging.ErrTemplate) || errors.Is(err, crm.ErrInvalid) {
		return "/campaigns?d=" + c.kept.put(tried{f, err.Error()}) + "#draft", nil
	}
	return "/campaigns/" + f.Name + "?done=drafted", err
}

// paper is the page of a campaign.
type paper struct {
	Name    string
	Life    *campaigns.Life // nil of one of the configuration
	State   string
	Message messaging.Campaign
	Segment string
	Cost    string // of a message
	Quiet   string
	Caps    []string
	Drawing *drawing
	Verbs   []string // that the state allows
	Missing int
	Self    bool // who looks wrote it, and so cannot approve it
	Log     []entry
	Far     []figure
	Lost    []bar
	Result  *measured
	Form    sheet
}

// entry is a thing that a person did with a campaign.
type entry struct{ At, By, Verb, Note string }

// drawing is whom a campaign would reach.
type drawing struct {
	vefa.Drawing
	Cost     string
	Withheld []bar
	Sample   []row
	Stale    bool // of the campaign as it was before a change
}

// verbs are what may be done with a campaign, by its state.
var verbs = map[campaigns.State][]string{
	campaigns.Draft:     {"test", "approve", "cancel"},
	campaigns.Approved:  {"schedule", "cancel"},
	campaigns.Scheduled: {"cancel"},
	campaigns.Sending:   {"pause", "cancel"},
	campaigns.Paused:    {"resume", "cancel"},
}

func (c *console) campaign(r *http.Request, w *words) (shown, error) {
	ctx, name := r.Context(), r.PathValue("name")
	out := paper{Name: name}
	at := slices.IndexFunc(c.town.cfg.Campaigns, func(x vefa.Campaign) bool { return x.Name == name })
	if at >= 0 {
		x := c.town.cfg.Campaigns[at]
		out.Message, out.Segment, out.State = x.Campaign, x.Segment, w.Say("campaign.fixed")
	} else {
		l, err := c.eng.Desk().Get(ctx, name)
		if err != nil {
			return shown{}, err
		}
		out.Life = l
		c.lay(w, &out, l, c.actor(r))
	}
	p := c.last.Get().Progress[name]
	out.Cost = w.Cash(out.Message.Cost)
	out.Quiet = out.Message.Quiet.From + "–" + out.Message.Quiet.To
	for _, x := range out.Message.Caps {
		out.Caps = append(out.Caps, w.Say("campaign.cap", x.Max, int(x.Per.Hours()/24)))
	}
	if p.Planned > 0 {
		out.Far = []figure{{w.Say("campaign.planned"), w.Int(p.Planned), ""}, {w.Say("campaign.waiting"), w.Int(p.Waiting), ""}, {w.Say("campaign.sent"), w.Int(p.Sent), ""},
			{w.Say("campaign.heldout"), w.Int(p.HeldOut), ""}, {w.Say("campaign.failed"), w.Int(p.Failed + p.Unknown), ""}}
		out.Lost = bars(p.Withheld, w.Guard)
	}
	for _, x := range c.last.Get().Results.Campaigns {
		if x.Name == name {
			m := w.measured(x)
			out.Result = &m
		}
	}
	if id := r.URL.Query().Get("p"); id != "" {
		d, ok := of[vefa.Drawing](&c.kept, id)
		if !ok {
			return shown{}, errGone
		}
		var err error
		if out.Drawing, err = c.drawing(r, w, d, &out); err != nil {
			return shown{}, err
		}
	}
	return shown{page: "campaign", section: "campaigns", title: name, data: out}, nil
}

// lay shows what the desk knows of a campaign.
func (c *console) lay(w *words, out *paper, l *campaigns.Life, who string) {
	out.Message, out.Segment, out.State = l.Campaign, l.Audience, w.Name("life", string(l.State))
	out.Self = slices.Contains(l.Authors, who)
	out.Missing = c.eng.Desk().Missing(l)
	for _, v := range verbs[l.State] {
		if v == "approve" && (out.Self || len(l.Tests) == 0) {
			continue
		}
		out.Verbs = append(out.Verbs, v)
	}
	for _, x := range l.Log {
		out.Log = append(out.Log, entry{w.At(x.At), w.Who(x.By), w.Name("verb", x.Verb), x.Note})
	}
	slices.Reverse(out.Log)
	if l.Began.IsZero() && !l.State.Final() {
		out.Form = sheet{Name: l.Campaign.Name, Text: l.Campaign.Text, URL: l.Campaign.URL, Segment: l.Audience, Holdout: int(l.Campaign.Holdout*100 + .5), Segments: c.segmentNames()}
	}
}

// drawing shows whom a campaign would reach, what that costs, and who would get nothing and why.
func (c *console) drawing(r *http.Request, w *words, d vefa.Drawing, out *paper) (*drawing, error) {
	x := &drawing{Drawing: d, Withheld: bars(d.Withheld, w.Guard), Stale: out.Life == nil || d.Life == nil || out.Life.Seal != d.Life.Seal}
	cost := out.Message.Cost
	cost.Amount *= int64(d.Planned)
	x.Cost = w.Cash(cost)
	var who []*crm.Customer
	err := c.town.store.View(r.Context(), func(rd crm.Reader) (err error) {
		who, err = c.svc.FoldMany(r.Context(), rd, d.Sample)
		return err
	})
	for _, k := range present(who) {
		x.Sample = append(x.Sample, w.rowOf(k))
	}
	return x, err
}

// countCampaign looks whom a campaign would reach.
func (c *console) countCampaign(r *http.Request) (string, error) {
	name := r.PathValue("name")
	d, err := c.eng.Preview(r.Context(), name, sampled)
	return "/campaigns/" + name + "?p=" + c.kept.put(d) + "#reach", err
}

// advance does a verb of the desk, on the campaign as who acts saw it.
func (c *console) advance(r *http.Request) (string, error) {
	ctx, name, who, desk := r.Context(), r.PathValue("name"), c.actor(r), c.eng.Desk()
	seal, why := campaigns.Seal(r.PostFormValue("seal")), r.PostFormValue("why")
	var err error
	verb := r.PathValue("verb")
	switch verb {
	case "test":
		_, err = desk.Tested(ctx, name, who, seal, cmp.Or(why, "console"))
	case "approve":
		_, err = desk.Approve(ctx, name, who, seal)
	case "schedule":
		_, err = desk.Schedule(ctx, name, who, c.svc.Now())
	case "pause":
		_, err = desk.Pause(ctx, name, who, why)
	case "resume":
		_, err = desk.Resume(ctx, name, who, why)
	case "cancel":
		_, err = desk.Cancel(ctx, name, who, why)
	default:
		return "", errNoPage
	}
	if errors.Is(err, campaigns.ErrState) || errors.Is(err, campaigns.ErrChanged) {
		err = fmt.Errorf("%w: %w", crm.ErrStale, err)
	}
	if errors.Is(err, campaigns.ErrAuthor) || errors.Is(err, campaigns.ErrUntested) {
		err = fmt.Errorf("%w: %w", crm.ErrInvalid, err)
	}
	return "/campaigns/" + name + "?done=" + verb, err
}

// measured is what a campaign changed.
type measured struct {
	Name, Started, Until     string
	Assigned, HeldOut        string
	Share, Without           string // who bought
	Difference, Span         string // in points
	Verdict                  string
	Plot                     plot
	Extra, ExtraSpan, Cost   string // money; empty: not measured
	Withheld                 []bar
	Confidence               string
	Better, Worse, Undecided bool
}

func (w *words) measured(x vefa.CampaignResult) measured {
	r := x.Report
	d := r.Incremental
	wide := max(0.01, -d.Interval.Lo, d.Interval.Hi) * 1.15
	out := measured{Name: x.Name, Started: w.On(x.Started), Until: w.On(x.Until), Assigned: w.Int(int(r.Counts.Assigned)), HeldOut: w.Int(int(r.Counts.HeldOut)),
		Share: w.Percent(r.Total.Share, 1), Without: w.Percent(r.HeldOut.Share, 1), Difference: w.Points(d.Difference), Span: w.Say("span", w.Points(d.Interval.Lo), w.Points(d.Interval.Hi)),
		Verdict: w.Name("verdict", string(r.Result)), Plot: newPlot(-wide, wide, d.Interval.Lo, d.Interval.Hi, d.Difference), Withheld: bars(x.Withheld, w.Guard),
		Confidence: w.Percent(r.Confidence, 0), Better: r.Result == experiment.Better, Worse: r.Result == experiment.Worse, Undecided: r.Result == experiment.Inconclusive}
	out.Plot.From, out.Plot.To = w.Points(-wide), w.Points(wide)
	if v := x.Revenue; v.Measured {
		out.Extra, out.ExtraSpan, out.Cost = w.Cash(v.Extra), w.Say("span", w.Cash(v.Low), w.Cash(v.High)), w.Cash(v.Cost)
	}
	return out
}
