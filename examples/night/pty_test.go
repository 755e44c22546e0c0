package main

import (
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// Case GT1: on a terminal of any width no line of progress is broken.
func TestProgressOnTerminals(t *testing.T) {
	for _, columns := range []int{40, 60, 80, 120} {
		t.Run(strconv.Itoa(columns), func(t *testing.T) {
			n := programtest.Lines(t, columns, func(terminal *os.File) {
				l, err := speak("tr")
				require.NoError(t, err)
				d := newDisplay(terminal, l)
				d.step("identify", 123_456, 1_234_567)
				for i := range 12 {
					rep := vefa.NightReport{Day: "2025-09-10", Tickets: 12_345}
					rep.Delivered.Done, rep.Delivered.Withheld, rep.Identified.Moved = 123_456, 98_765, 4_321
					d.evening(i, 12, rep)
				}
				d.End()
				require.NoError(t, run(t.Context(), []string{"-db", "memory", "-customers", "60", "-evenings", "2", "-lang", "tr"}, io.Discard, terminal))
			})
			require.Greater(t, n, 12)
		})
	}
}
