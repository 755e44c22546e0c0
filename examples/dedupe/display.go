package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// display tells how far a run is: on a terminal one line that moves, elsewhere nothing but
// what must be said.
type display struct {
	w        io.Writer
	terminal bool
	shown    time.Time
	open     bool
}

func newDisplay(w io.Writer) *display {
	d := &display{w: w}
	if f, ok := w.(*os.File); ok {
		if st, err := f.Stat(); err == nil {
			d.terminal = st.Mode()&os.ModeCharDevice != 0
		}
	}
	return d
}

func (d *display) step(phase string, done, total int64) {
	if !d.terminal || time.Since(d.shown) < 100*time.Millisecond {
		return
	}
	d.shown, d.open = time.Now(), true
	if total > 0 {
		_, _ = fmt.Fprintf(d.w, "\r\x1b[K%s %d %%", phase, 100*done/total)
		return
	}
	_, _ = fmt.Fprintf(d.w, "\r\x1b[K%s %d", phase, done)
}

func (d *display) end() {
	if d.open {
		_, _ = io.WriteString(d.w, "\r\x1b[K")
		d.open = false
	}
}

func (d *display) say(format string, args ...any) {
	d.end()
	_, _ = fmt.Fprintf(d.w, format+"\n", args...)
}

// stopwatch measures phases in wall and processor time.
type stopwatch struct {
	wall, cpu map[string]float64
	current   string
	start     time.Time
	used      float64
}

func newStopwatch() stopwatch {
	return stopwatch{wall: map[string]float64{"total": 0}, cpu: map[string]float64{"total": 0}}
}

// phase ends the current phase and begins another, or goes on with it.
func (s *stopwatch) phase(name string) {
	if name == s.current {
		return
	}
	s.stop()
	s.current, s.start, s.used = name, time.Now(), cpuSeconds()
}

func (s *stopwatch) stop() {
	if s.current == "" {
		return
	}
	wall, cpu := time.Since(s.start).Seconds(), cpuSeconds()-s.used
	for _, name := range []string{s.current, "total"} {
		s.wall[name] += wall
		s.cpu[name] += cpu
	}
	s.current = ""
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// peakRSS is the largest resident size of this process in MiB. Linux counts in ru_maxrss
// what the process that started this one had, so it is asked elsewhere first.
func peakRSS() float64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				if kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
					return kb / 1024
				}
			}
		}
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss) / (1 << 20)
	}
	return float64(u.Maxrss) / 1024
}
