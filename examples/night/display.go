package main

import (
	"fmt"
	"io"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// display shows how far a run is: a bar on a terminal, a line per ten evenings
// elsewhere.
type display struct {
	*terminal.Screen
	say    speaker
	start0 time.Time
	warned int
}

func newDisplay(w io.Writer, say speaker) *display {
	return &display{Screen: terminal.NewScreen(w), say: say, start0: time.Now()}
}

func (d *display) start(s *simulation, where string) {
	what := d.say.Say("show.world", s.o.customers, fmt.Sprint(s.o.seed))
	if s.data != nil {
		what = s.o.format + ":" + s.o.dir
	}
	d.line("show.start", s.o.evenings, d.say.Date(s.from), what, d.say.Name("store", where))
	if s.state.Day > 0 || s.state.History {
		d.line("show.resume", s.state.Day)
	}
}

// step is vefa.Config.Progress.
func (d *display) step(name string, done, total int) {
	name = d.say.Name("phase", name)
	if total > 0 {
		d.Line(d.say.Say("show.part", name, done, total))
	} else {
		d.Line(name + " " + d.say.Int(done))
	}
}

func (d *display) evening(n, total int, rep vefa.NightReport) {
	line := d.say.Say("show.evening", d.say.date(rep.Day), int(rep.Delivered.Done), int(rep.Delivered.Withheld), rep.Identified.Moved, rep.Tickets)
	switch {
	case d.Moves():
		d.Bar(n+1, total, line)
	case (n+1)%10 == 0 || n+1 == total:
		d.line("show.evenings", n+1, total, line, int(time.Since(d.start0).Seconds()))
	}
}

// line says a line in the reader's words.
func (d *display) line(key string, args ...any) { d.Say("%s", d.say.Say(key, args...)) }

// warn reports a bad record; after some, it only counts.
func (d *display) warn(format string, args ...any) {
	const most = 20
	if d.warned++; d.warned <= most {
		d.Say(format, args...)
	} else if d.warned == most+1 {
		d.line("show.further")
	}
}
