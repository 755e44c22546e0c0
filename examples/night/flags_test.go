package main

import (
	"testing"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Case A14: a file that cannot be written is told before the work, not after it.
func TestOutputsAreCheckedFirst(t *testing.T) { programtest.OutputsFirst(t, run, "-report") }

// Cases GT2, GT3 and GT4: help, faults of the command line and an interrupt.
func TestCommandLine(t *testing.T) {
	programtest.CommandLine(t, "night", run, "-customers 0", "-evenings -1", "-from x", "-evening x", "-import x", "-lang de", "-customers 60 -evenings 1 -db memory -evening 2025-01-02")
	programtest.Interrupted(t, "night", run, "-db", "memory", "-customers", "60", "-evenings", "2")
}
