package vefa

import (
	"fmt"
	"net/http"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Observer is told what an engine does, for the host's metrics. Its methods are called
// by several goroutines and must be quick; a panic of theirs is logged and changes
// nothing. Names are those below and those of Config.Steps: there are few, and nothing
// that they say is about a person.
//
//	type meter struct{ took metric.Float64Histogram; counts metric.Int64Counter } // OpenTelemetry
//
//	func (m meter) Took(name string, d time.Duration, err error) {
//		m.took.Record(context.Background(), d.Seconds(), metric.WithAttributes(
//			attribute.String("name", name), attribute.Bool("failed", err != nil)))
//	}
//	func (m meter) Count(name string, n int) {
//		m.counts.Add(context.Background(), int64(n), metric.WithAttributes(attribute.String("name", name)))
//	}
type Observer interface {
	// Took says how long something took, waiting for others included, and the error
	// that it ended with. The verbs are "night", "deliver", "resume", "receive",
	// "reply", "respond", "feedback", "occur", "why", "results", "unsolved", "segments",
	// "columns", "learn", "draw", "preview", "progress", "take-back-not-me", "kiosks",
	// "put-kiosk", "judge-clicks", "erase-drafts" and "prune", the steps
	// of a night "night/" and their names, requests for pages "page/link" and
	// "page/survey", whose error is a status of 500 or more.
	Took(name string, d time.Duration, err error)
	// Count adds to a number. "rows/" says what became of delivered records:
	// accepted, repeated, rejected; "planned/" what rules and campaigns planned;
	// "message/", "tag/", "ticket/", "task/" and the kinds of Config.Effects what became
	// of effects: done, withheld, deferred, failed, throttled, unknown; "night/unpriced"
	// the customers with an amount that has no rate.
	Count(name string, n int)
}

// took is deferred by a verb before all else, so that it sees the error at the end.
func (e *Engine) took(name string, start time.Time, err *error) {
	if e.cfg.Observer != nil {
		d := time.Since(start)
		e.observe(func(o Observer) { o.Took(name, d, *err) })
	}
}

// observe calls the host's observer.
func (e *Engine) observe(tell func(Observer)) {
	if e.cfg.Observer == nil {
		return
	}
	var err error
	func() {
		defer crm.Recover("observe", &err)
		tell(e.cfg.Observer)
	}()
	if err != nil {
		e.cfg.Logger.Error("vefa: Config.Observer", "err", err)
	}
}

// countNight tells what one run of an evening did; what leaves is counted as it goes.
func (e *Engine) countNight(r *NightReport) {
	e.countEach([]Count{
		{"rows/accepted", r.Accepted}, {"rows/repeated", r.Repeated}, {"rows/rejected", r.Rejected},
		{"planned/rules", r.Rules.Planned}, {"planned/campaigns", r.Campaigns.Planned},
		{"night/unpriced", r.Unpriced},
	})
}

// countEffects tells what a run of the worker did with effects of a kind.
func (e *Engine) countEffects(kind crm.EffectKind, s crm.WorkStats) {
	of := string(kind) + "/"
	e.countEach([]Count{{of + "done", s.Done}, {of + "withheld", s.Withheld}, {of + "deferred", s.Deferred},
		{of + "failed", s.Failed}, {of + "throttled", s.Throttled}, {of + "unknown", s.Unknown}})
}

func (e *Engine) countEach(list []Count) {
	for _, c := range list {
		if c.N != 0 {
			e.observe(func(o Observer) { o.Count(c.Name, c.N) })
		}
	}
}

// observed is a handler whose requests are told of.
func (e *Engine) observed(name string, h http.Handler) http.Handler {
	if e.cfg.Observer == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		var err error
		defer e.took(name, time.Now(), &err)
		h.ServeHTTP(s, r)
		if s.status >= http.StatusInternalServerError {
			err = fmt.Errorf("status %d", s.status)
		}
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController the deadlines of the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
