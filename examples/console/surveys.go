package main

import (
	"context"
	"html/template"
	"net/http"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/qr"
	"github.com/vefacrm/vefa/survey/web"
)

func (c *console) surveyRoutes(mux *http.ServeMux) {
	c.get(mux, "/surveys", c.surveys)
	c.get(mux, "/surveys/{name}", c.survey)
}

// definition is of a survey, for the preview of its pages.
func (c *console) definition(_ context.Context, name string) (*survey.Definition, error) {
	for _, s := range c.town.cfg.Surveys {
		if s.Name == name {
			return s.Definition, nil
		}
	}
	return nil, web.ErrNotFound
}

// polls are the surveys with their results.
type polls struct {
	Known bool
	List  []poll
}

// poll is a survey.
type poll struct {
	Name                string
	Ask                 string // the message that invites
	Sent                int
	N                   int
	Known               bool
	Metric, Value, Span string
	Plot                plot
	Places              []poll
	Links               []posted
}

// posted is a link to a survey that everybody may open.
type posted struct {
	Code, Address string
	Picture       template.HTML // SVG of package qr, which escapes
}

func (c *console) surveys(_ *http.Request, w *words) (shown, error) {
	f := c.last.Get()
	out := polls{Known: !f.At.IsZero()}
	for i := range c.town.cfg.Surveys {
		out.List = append(out.List, w.poll(&c.town.cfg.Surveys[i], f))
	}
	return shown{page: "surveys", section: "surveys", title: w.Say("surveys.title"), data: out}, nil
}

func (w *words) poll(s *vefa.Survey, f *figures) poll {
	out := poll{Name: s.Name, Ask: s.Invitation.Text}
	for _, x := range f.Results.Surveys {
		if x.Survey != s.Name {
			continue
		}
		out.Sent, out.N = x.Sent, int(x.N)
		out.result(w, x.Result)
		for _, p := range x.Places {
			if p.Hidden || p.Place == "" {
				continue
			}
			at := poll{Name: p.Name, N: int(p.N)}
			at.result(w, p.Result)
			out.Places = append(out.Places, at)
		}
	}
	return out
}

// result takes in a metric with its interval.
func (p *poll) result(w *words, r survey.Result) {
	if p.Known = r.N > 0; !p.Known {
		return
	}
	p.Metric = w.Name("metric", string(r.Metric))
	p.Value = w.Signed(r.Value, 0)
	p.Span = w.Say("span", w.Signed(r.Interval.Low, 0), w.Signed(r.Interval.High, 0))
	p.Plot = newPlot(-100, 100, r.Interval.Low, r.Interval.High, r.Value)
	p.Plot.From, p.Plot.To = w.Signed(-100, 0), w.Signed(100, 0)
}

func (c *console) survey(r *http.Request, w *words) (shown, error) {
	for i := range c.town.cfg.Surveys {
		s := &c.town.cfg.Surveys[i]
		if s.Name != r.PathValue("name") {
			continue
		}
		out := w.poll(s, c.last.Get())
		for _, l := range s.Links {
			address := c.town.cfg.BaseURL + "/q/" + l.Code
			code, err := qr.New(address, qr.M)
			if err != nil {
				return shown{}, err
			}
			out.Links = append(out.Links, posted{l.Code, address, template.HTML(code.SVG(qr.Look{Title: w.Say("surveys.code", s.Name)}))})
		}
		return shown{page: "survey", section: "surveys", title: s.Name, data: out}, nil
	}
	return shown{}, crm.ErrNotFound
}

// plot places an interval and a point on a scale 0 to 1000, from left to right.
type plot struct {
	Zero, Lo, Hi, At, Width int
	From, To                string // the ends of the scale
}

func newPlot(from, to, lo, hi, at float64) plot {
	x := func(v float64) int { return int(1000 * min(1, max(0, (v-from)/(to-from)))) }
	p := plot{Zero: x(0), Lo: x(lo), Hi: x(hi), At: x(at)}
	p.Width = max(4, p.Hi-p.Lo)
	return p
}
