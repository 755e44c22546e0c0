// Package programtest holds what every example program must do at the command line.
package programtest

import (
	"bytes"
	"context"
	"flag"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// Run is the run of a program.
type Run func(ctx context.Context, args []string, out, errs io.Writer) error

// OutputsFirst checks that a file that cannot be written is told before the work, by
// the path that was given.
func OutputsFirst(t *testing.T, run Run, names ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		var out, errs bytes.Buffer
		path := filepath.Join(dir, "absent", "file")
		err := run(context.Background(), []string{name, path}, &out, &errs)
		require.EqualError(t, err, name+": "+path+": no such file or directory")
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, run(context.Background(), []string{name, dir}, &out, &errs), "is a directory")
		require.Empty(t, out.String()+errs.String(), "it had begun")
	}
}

// CommandLine checks help, which goes to standard output and is no failure, and
// faults of the command line, which are one line on standard error and exit code 2.
func CommandLine(t *testing.T, name string, run Run, faults ...string) {
	t.Helper()
	for _, help := range []string{"-h", "-help", "--help"} {
		var out, errs bytes.Buffer
		err := run(t.Context(), []string{help}, &out, &errs)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Equal(t, terminal.OK, terminal.Code(name, err, false, &errs))
		require.Empty(t, errs.String())
		require.Contains(t, out.String(), "usage: "+name)
		require.Contains(t, out.String(), "\nexamples:\n  go run ./examples/"+name)
	}
	for _, args := range append([]string{"-no-such-flag", "word"}, faults...) {
		var out, errs bytes.Buffer
		err := run(t.Context(), strings.Fields(args), &out, &errs)
		require.Equal(t, terminal.Usage, terminal.Code(name, err, false, &errs), "%s: %v", args, err)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
		require.Empty(t, out.String(), "%s: it had begun", args)
	}
}

// Interrupted checks that a program that was interrupted says how far it came and
// nothing of what broke.
func Interrupted(t *testing.T, name string, run Run, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	err := run(ctx, args, &out, io.Discard)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, terminal.Interrupted, terminal.Code(name, err, true, &errs))
	require.True(t, strings.HasPrefix(errs.String(), name+": stopped"), errs.String())
	require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
}
