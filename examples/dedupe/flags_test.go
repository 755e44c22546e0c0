package main

import (
	"testing"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Case A14: a file that cannot be written is told before the work, not after it.
func TestOutputsAreCheckedFirst(t *testing.T) {
	programtest.OutputsFirst(t, run, "-out", "-pairs", "-report", "-questions")
}

// Cases GT2, GT3 and GT4: help, faults of the command line and an interrupt.
func TestCommandLine(t *testing.T) {
	programtest.CommandLine(t, "dedupe", run, "-threads 0", "-in2 x", "-delimiter ab", "-map nothing", "-region XX")
	programtest.Interrupted(t, "dedupe", run)
}
