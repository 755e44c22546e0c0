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
	start0 time.Time
	warned int
}

func newDisplay(w io.Writer) *display {
	return &display{Screen: terminal.NewScreen(w), start0: time.Now()}
}

func (d *display) start(s *simulation, where string) {
	what := fmt.Sprintf("%d people, seed %d", s.o.customers, s.o.seed)
	if s.data != nil {
		what = fmt.Sprintf("%s:%s", s.o.format, s.o.dir)
	}
	d.Say("%s on %s, %d evenings from %s", what, where, s.o.evenings, s.from.Format(time.DateOnly))
	if s.state.Day > 0 || s.state.History {
		d.Say("goes on after %d evenings", s.state.Day)
	}
}

// step is vefa.Config.Progress.
func (d *display) step(name string, done, total int) {
	text := fmt.Sprintf("%s %d", name, done)
	if total > 0 {
		text += fmt.Sprintf(" of %d", total)
	}
	d.Line(text)
}

func (d *display) evening(n, total int, rep vefa.NightReport) {
	line := fmt.Sprintf("%s  %d sent, %d withheld, %d merged, %d tickets open", rep.Day, rep.Delivered.Done, rep.Delivered.Withheld, rep.Identified.Moved, rep.Tickets)
	switch {
	case d.Moves():
		d.Bar(n+1, total, line)
	case (n+1)%10 == 0 || n+1 == total:
		d.Say("evening %d of %d: %s (%.0f s)", n+1, total, line, time.Since(d.start0).Seconds())
	}
}

// warn reports a bad record; after some, it only counts.
func (d *display) warn(format string, args ...any) {
	const most = 20
	if d.warned++; d.warned <= most {
		d.Say(format, args...)
	} else if d.warned == most+1 {
		d.Say("further bad records are only counted")
	}
}
