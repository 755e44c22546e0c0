package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"encoding/json"
)

// jobs does one long work at a time, such as an evening, and tells how far it is.
type jobs struct {
	wake chan func(context.Context) error

	mu      sync.Mutex
	now     progress
	changed chan struct{} // closed and replaced at each change
}

// progress is how far the work is.
type progress struct {
	Running bool
	Name    string // "night", "seed", "count": a key of words, job.NAME
	Day     string // of an evening; a date
	Step    string
	Done    int
	Total   int // 0: not known
	Err     error
}

var errBusy = errors.New("console: a work is running already")

func newJobs() *jobs {
	return &jobs{wake: make(chan func(context.Context) error, 1), changed: make(chan struct{})}
}

// run does what start gives, until ctx ends.
func (j *jobs) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case work := <-j.wake:
			err := call(ctx, work)
			j.change(func(p *progress) { *p = progress{Name: p.Name, Err: err} })
		}
	}
}

// call turns a panic of a work into an error.
func call(ctx context.Context, work func(context.Context) error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("console: panic: %v", x)
		}
	}()
	return work(ctx)
}

// start begins a work, unless one is running.
func (j *jobs) start(name string, work func(context.Context) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now.Running {
		return errBusy
	}
	j.now = progress{Running: true, Name: name}
	j.tell()
	j.wake <- work // there is room: nothing was running
	return nil
}

func (j *jobs) change(f func(*progress)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&j.now)
	j.tell()
}

func (j *jobs) tell() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// step notes how far the work is; it is vefa.Config.Progress.
func (j *jobs) step(step string, done, total int) {
	j.change(func(p *progress) { p.Step, p.Done, p.Total = step, done, total })
}

// far returns how far the work is, and what is closed when that has changed.
func (j *jobs) far() (progress, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now, j.changed
}

// often is how often a stream tells of progress.
const often = 200 * time.Millisecond

// events streams progress as server-sent events until the work ends.
func (c *console) events(w http.ResponseWriter, r *http.Request) {
	say := c.wordsOf(r)
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		p, changed := c.jobs.far()
		_ = out.SetWriteDeadline(time.Now().Add(30 * time.Second))
		if !p.Running {
			_, _ = fmt.Fprint(w, "event: end\ndata: {}\n\n")
			return
		}
		data, err := json.Marshal(struct {
			Text  string `json:"text"`
			Done  int    `json:"done"`
			Total int    `json:"total"`
		}{say.progress(p), p.Done, p.Total})
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "event: step\ndata: %s\n\n", data); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		select { // nothing new is not told, but the line is kept open
		case <-r.Context().Done():
			return
		case <-changed:
		case <-time.After(15 * time.Second):
		}
	}
}

// progress says how far a work is, in a line.
func (w *words) progress(p progress) string {
	text := w.Say("job."+p.Name, w.Evening(p.Day))
	if p.Step == "" {
		return text
	}
	text += " · " + w.Name("step", p.Step)
	if p.Total > 0 {
		return text + " · " + w.Say("job.part", p.Done, p.Total)
	}
	if p.Done > 0 {
		return text + " · " + w.Int(p.Done)
	}
	return text
}
