package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
)

// display shows how far a run is: a bar on a terminal, a line per ten evenings
// elsewhere.
type display struct {
	w        io.Writer
	terminal bool
	start0   time.Time
	last     time.Time
	warned   int
	drawn    bool
}

func newDisplay(w io.Writer) *display {
	d := &display{w: w, start0: time.Now()}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			d.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return d
}

func (d *display) start(s *simulation, where string) {
	what := fmt.Sprintf("%d people, seed %d", s.o.customers, s.o.seed)
	if s.data != nil {
		what = fmt.Sprintf("%s:%s", s.o.format, s.o.dir)
	}
	fmt.Fprintf(d.w, "%s on %s, %d evenings from %s\n", what, where, s.o.evenings, s.from.Format(time.DateOnly))
	if s.state.Day > 0 || s.state.History {
		fmt.Fprintf(d.w, "goes on after %d evenings\n", s.state.Day)
	}
}

// step is vefa.Config.Progress.
func (d *display) step(name string, done, total int) {
	now := time.Now()
	if !d.terminal || now.Sub(d.last) < 100*time.Millisecond {
		return
	}
	d.last = now
	text := fmt.Sprintf("%s %d", name, done)
	if total > 0 {
		text += fmt.Sprintf(" of %d", total)
	}
	fmt.Fprintf(d.w, "\r%-40.40s", text)
	d.drawn = true
}

func (d *display) evening(n, total int, rep vefa.NightReport) {
	line := fmt.Sprintf("%s  %d sent, %d withheld, %d merged, %d tickets open", rep.Day, rep.Delivered.Done, rep.Delivered.Withheld, rep.Identified.Moved, rep.Tickets)
	if d.terminal {
		const width = 30
		full := width * (n + 1) / max(1, total)
		fmt.Fprintf(d.w, "\r[%s%s] %3d/%d %-70.70s", strings.Repeat("=", full), strings.Repeat(" ", width-full), n+1, total, line)
		d.drawn = true
		return
	}
	if (n+1)%10 == 0 || n+1 == total {
		fmt.Fprintf(d.w, "evening %d of %d: %s (%.0f s)\n", n+1, total, line, time.Since(d.start0).Seconds())
	}
}

// warn reports a bad record; after some, it only counts.
func (d *display) warn(format string, args ...any) {
	const most = 20
	if d.warned++; d.warned <= most {
		d.end()
		fmt.Fprintf(d.w, format+"\n", args...)
	} else if d.warned == most+1 {
		fmt.Fprintln(d.w, "further bad records are only counted")
	}
}

func (d *display) end() {
	if d.drawn {
		fmt.Fprintln(d.w)
		d.drawn = false
	}
}
