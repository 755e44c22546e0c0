package main

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
)

func (c *console) routes(mux *http.ServeMux) {
	c.get(mux, "/{$}", c.today)
	c.post(mux, "/night", func(*http.Request) (string, error) { return "/", c.night() })
	c.post(mux, "/count", func(r *http.Request) (string, error) {
		return "/", c.jobs.start("count", c.count)
	})
	mux.HandleFunc("POST /who", func(w http.ResponseWriter, r *http.Request) {
		if who := r.FormValue("who"); slices.Contains(people, who) {
			cookie(w, "who", who)
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	c.customerRoutes(mux)
	c.duplicateRoutes(mux)
	c.segmentRoutes(mux)
	c.ruleRoutes(mux)
	c.campaignRoutes(mux)
	c.surveyRoutes(mux)
}

// tonight is the first page: the evening that comes, and what those before did.
type tonight struct {
	Next     string // the date of the evening that comes
	Last     *vefa.NightReport
	Figures  []figure
	Withheld []bar
	Nights   []vefa.NightReport // the newest first
	Failed   string
}

// figure is a number with its name.
type figure struct {
	Name  string
	Value string
	Note  string
}

// bar is a number among others, with its share of the largest in permille.
type bar struct {
	Name  string
	N     int
	Width int
}

// bars turns counts into bars, the largest first.
func bars(in []vefa.Count, name func(string) string) (out []bar) {
	most := 1
	for _, x := range in {
		most = max(most, x.N)
	}
	for _, x := range in {
		out = append(out, bar{name(x.Name), x.N, x.N * 1000 / most})
	}
	slices.SortStableFunc(out, func(a, b bar) int { return cmp.Compare(b.N, a.N) })
	return out
}

// mostNights is how many evenings the first page shows.
const mostNights = 14

func (c *console) today(r *http.Request, w *words) (shown, error) {
	out := tonight{Next: w.On(c.town.date(c.town.far().Day))}
	nights, err := c.nights(r.Context())
	if err != nil {
		return shown{}, err
	}
	slices.Reverse(nights)
	nights = nights[:min(len(nights), mostNights)]
	for i := range nights {
		nights[i].Delivered.Add(c.town.far().Left[nights[i].Day])
	}
	out.Nights = nights
	if len(nights) > 0 {
		n := nights[0]
		out.Last = &n
		out.Figures = []figure{
			{w.Say("today.rows"), w.Int(n.Rows), w.Say("today.rejected", n.Rejected)},
			{w.Say("today.moved"), w.Int(n.Identified.Moved), w.Say("today.looked", n.Identified.Records)},
			{w.Say("today.planned"), w.Int(n.Rules.Planned + n.Campaigns.Planned), w.Say("today.campaigns", n.Campaigns.Planned)},
			{w.Say("today.sent"), w.Int(n.Delivered.Done), w.Say("today.unknown", n.Delivered.Unknown)},
			{w.Say("today.withheld"), w.Int(n.Delivered.Withheld), w.Say("today.withheld.note")},
			{w.Say("today.tickets"), w.Int(n.Tickets), w.Say("today.tickets.note")},
		}
	}
	out.Withheld = bars(c.last.Get().Results.Withheld, w.Guard)
	if p, _ := c.jobs.far(); p.Err != nil {
		out.Failed = p.Err.Error()
	}
	return shown{page: "today", section: "today", title: w.Say("today.title"), data: out}, nil
}

// nights reads the reports of the evenings, by date.
func (c *console) nights(ctx context.Context) (out []vefa.NightReport, err error) {
	err = c.town.store.View(ctx, func(r crm.Reader) error {
		out = nil
		for n, err := range vefa.Nights(ctx, r) {
			if err != nil {
				return err
			}
			out = append(out, n)
		}
		return nil
	})
	return out, err
}
