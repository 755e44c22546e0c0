package main

import (
	"testing"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Case GT2: help goes to standard output, and a bad flag is one line and exit code 2.
func TestCommandLine(t *testing.T) { programtest.CommandLine(t, "host", run, "-night=x") }

// Case GT4: an interrupt is told in words.
func TestInterrupted(t *testing.T) { programtest.Interrupted(t, "host", run) }
