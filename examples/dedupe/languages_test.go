package main

import (
	"testing"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Case GR1: what one language says, each other one says, too.
func TestLanguagesAreWhole(t *testing.T) { programtest.Languages(t, languages) }
