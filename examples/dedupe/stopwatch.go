package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopwatch measures phases in wall and processor time.
type stopwatch struct {
	wall, cpu map[string]float64
	current   string
	before    string // the last that was ended
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
	s.before, s.current = s.current, ""
}

// last is the phase that runs, or the one that ran last.
func (s *stopwatch) last() string {
	if s.current != "" {
		return s.current
	}
	return s.before
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
