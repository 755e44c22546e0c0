package main

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Case A14: a file that cannot be written is told before the work, not after it.
func TestOutputsAreCheckedFirst(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"-report"} {
		var out, errs bytes.Buffer
		path := filepath.Join(dir, "absent", "file")
		err := run(context.Background(), []string{name, path}, &out, &errs)
		require.EqualError(t, err, name+": "+path+": no such file or directory")
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, run(context.Background(), []string{name, dir}, &out, &errs), "is a directory")
		require.Empty(t, out.String()+errs.String(), "it had begun")
	}
}
