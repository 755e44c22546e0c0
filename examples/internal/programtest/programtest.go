// Package programtest holds what every example program must do at the command line.
package programtest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
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

// Languages checks that each file languages/TAG.json of files says what each other one says, with
// the same parts {1}, {2}, …; what one lacks is named.
func Languages(t *testing.T, files fs.ReadFileFS) {
	t.Helper()
	names, err := fs.Glob(files, "languages/*.json")
	require.NoError(t, err)
	require.Subset(t, names, []string{"languages/en.json", "languages/tr.json"})
	words := map[string]map[string]any{}
	for _, name := range names {
		data, err := files.ReadFile(name)
		require.NoError(t, err)
		var in struct{ Words map[string]any }
		require.NoError(t, json.Unmarshal(data, &in), name)
		words[name] = in.Words
	}
	var faults []string
	for _, name := range names {
		for key, text := range words["languages/en.json"] {
			said, ok := words[name][key]
			if !ok {
				faults = append(faults, name+" lacks "+key)
			} else if want, got := parts(text), parts(said); !slices.Equal(want, got) {
				faults = append(faults, fmt.Sprintf("%s: %s has %v, not %v", name, key, got, want))
			}
		}
		for key := range words[name] {
			if _, ok := words["languages/en.json"][key]; !ok {
				faults = append(faults, "languages/en.json lacks "+key+" of "+name)
			}
		}
	}
	slices.Sort(faults)
	require.Empty(t, strings.Join(faults, "\n"))
}

// parts returns which of {1}, {2}, … a text has; of one that counts, the form of many.
func parts(text any) []string {
	if forms, ok := text.(map[string]any); ok {
		text = forms["other"]
	}
	found := regexp.MustCompile(`\{\d\}`).FindAllString(fmt.Sprint(text), -1)
	slices.Sort(found)
	return slices.Compact(found)
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
