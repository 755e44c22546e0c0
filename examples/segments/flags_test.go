package main

import (
	"testing"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Case A14: a file that cannot be written is told before the work, not after it.
func TestOutputsAreCheckedFirst(t *testing.T) { programtest.OutputsFirst(t, run, "-report") }

// Cases GT2, GT3 and GT4: help, faults of the command line and an interrupt.
func TestCommandLine(t *testing.T) {
	programtest.CommandLine(t, "segments", run, "-at x", "-before x", "-definitions x", "-pairs x")
	programtest.Interrupted(t, "segments", run)
}
