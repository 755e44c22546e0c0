package terminal

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Case GT1: the bar is as wide as the terminal, and absent where nothing moves.
func TestBarFits(t *testing.T) {
	for _, width := range []int{1, 10, 20, 40, 80, 112, 200} {
		var b bytes.Buffer
		s := &Screen{W: &b, width: func() int { return width }, now: time.Now}
		for n := range 60 {
			s.Bar(n+1, 60, "2025-02-11  4812 sent, 1290 withheld, 12 merged, 44 tickets open, and more that nobody has room for")
		}
		for line := range strings.SplitSeq(b.String(), "\r\x1b[K") {
			require.Less(t, utf8.RuneCountInString(line), width)
		}
		require.NotContains(t, b.String(), "\n")
	}
	var b bytes.Buffer
	s := NewScreen(&b)
	require.False(t, s.Moves())
	s.Bar(1, 2, "x")
	s.Line("y")
	s.End()
	require.Empty(t, b.String())
}

// Case GT1: files, /dev/null and dumb terminals are plain.
func TestWidthOfWhatIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	require.Zero(t, Width(null))
	t.Setenv("TERM", "dumb")
	require.Zero(t, Width(os.Stderr))
	require.Zero(t, Width(new(bytes.Buffer)))
}

// Case GT2: help goes to stdout and is no failure; a bad flag is one line and 2.
func TestHelpAndBadFlags(t *testing.T) {
	for _, help := range []string{"-h", "-help", "--help"} {
		var out bytes.Buffer
		f := NewFlags("night", "Runs evenings.", "night -evenings 3")
		f.Int("evenings", 60, "evenings to run")
		err := f.Parse([]string{help}, &out)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Contains(t, out.String(), "usage: night [flags]")
		require.Contains(t, out.String(), "evenings to run")
		require.Contains(t, out.String(), "examples:\n  night -evenings 3\n")
		var errs bytes.Buffer
		require.Equal(t, OK, Code("night", err, false, &errs))
		require.Empty(t, errs.String())
	}
	for _, args := range [][]string{{"-bad"}, {"-evenings", "x"}, {"word"}} {
		var out, errs bytes.Buffer
		f := NewFlags("night", "Runs evenings.")
		f.Int("evenings", 60, "evenings to run")
		err := f.Parse(args, &out)
		require.Empty(t, out.String())
		require.Equal(t, Usage, Code("night", err, false, &errs))
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
	}
}

// Case GT4: help fits 80 columns, and a long command line can be pasted.
func TestHelpFits(t *testing.T) {
	var out bytes.Buffer
	f := NewFlags("night", strings.Repeat("Runs the evenings of a watch retailer. ", 4), "go run ./examples/night -customers 20000 -evenings 60 -lang tr -report page.html -storm", "night  # short")
	f.String("db", "memory", strings.Repeat("where the record is kept ", 8))
	f.String("in", "", "a file of `rows`")
	f.String("text", "two words", "what to say")
	require.ErrorIs(t, f.Parse([]string{"-h"}, &out), flag.ErrHelp)
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	require.Contains(t, text, "-in rows a file of rows")
	require.Contains(t, text, "kept (default memory)")
	require.Contains(t, text, `say (default "two words")`)
	require.Contains(t, out.String(), "-lang tr \\\n      -report page.html -storm\n")
	require.Contains(t, out.String(), "\n  night  # short\n")
}

// Case GT4: an interrupt is 130 and tells how far it came, not what it broke.
func TestInterrupt(t *testing.T) {
	broken := fmt.Errorf("Post \"http://127.0.0.1/s/TOKEN\": %w", context.Canceled)
	var errs bytes.Buffer
	require.Equal(t, Interrupted, Code("night", &Stopped{"stopped after 22 of 40 evenings", broken}, true, &errs))
	require.Equal(t, "night: stopped after 22 of 40 evenings\n", errs.String())
	errs.Reset()
	require.Equal(t, Interrupted, Code("night", broken, true, &errs))
	require.NotContains(t, errs.String(), "TOKEN")
	errs.Reset()
	require.Equal(t, Failed, Code("rules", errors.New("rules: 9 faults"), false, &errs))
	require.Equal(t, "rules: 9 faults\n", errs.String())
}

// Case GT4: tables fit a terminal and are whole on a pipe.
func TestTableFits(t *testing.T) {
	table := Table{Right: map[int]bool{1: true}}
	table.Row("RULE", "N", "DOES")
	table.Row("battery-reminder", "12", strings.Repeat("message ", 20))
	for _, width := range []int{20, 40, 80} {
		var b bytes.Buffer
		require.NoError(t, table.Write(&b, width))
		if width > 30 {
			for line := range strings.Lines(b.String()) {
				require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), width)
			}
		}
	}
	var b bytes.Buffer
	require.NoError(t, table.Write(&b, 0))
	require.Contains(t, b.String(), strings.TrimSpace(strings.Repeat("message ", 20)))
}
