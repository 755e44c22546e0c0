package output_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/output"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// only checks that nothing was left beside the files.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	require.Equal(t, names, got)
}

func TestWriteRegular(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	require.NoError(t, output.Check(path))
	only(t, dir)
	require.NoError(t, output.Write(path, output.Private, text("first")))
	require.Equal(t, "first", content(t, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, output.Private, info.Mode().Perm(), "personal data is read by its owner only (case H10)")
	// One that fails leaves what was there.
	boom := errors.New("boom")
	err = output.Write(path, output.Private, func(w io.Writer) error { return errors.Join(text("half")(w), boom) })
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, path)
	require.Equal(t, "first", content(t, path))
	// A file that others could read is replaced by one that they cannot.
	require.NoError(t, os.Chmod(path, 0o644))
	require.NoError(t, output.Write(path, output.Private, text("second")))
	info, err = os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, output.Private, info.Mode().Perm())
	require.NoError(t, output.Check(path))
	require.Equal(t, "second", content(t, path))
	only(t, dir, "report.html")
}

// Case A14: a link stays a link, whatever it leads to.
func TestWriteThroughLinks(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	real := filepath.Join(elsewhere, "real.html")
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	require.NoError(t, os.Symlink(real, second))
	require.NoError(t, os.Symlink("second", first))
	for _, s := range []string{"made", "replaced"} { // at first the link dangles
		require.NoError(t, output.Check(first))
		require.NoError(t, output.Write(first, 0o644, text(s)))
		require.Equal(t, s, content(t, real))
	}
	for _, link := range []string{first, second} {
		info, err := os.Lstat(link)
		require.NoError(t, err)
		require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	}
	only(t, dir, "first", "second")
	only(t, elsewhere, "real.html")
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	require.ErrorContains(t, output.Check(loop), loop)
	require.Error(t, output.Write(loop, 0o644, text("x")))
}

// Case A14: a pipe is written to and stays a pipe.
func TestWriteFIFO(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	require.NoError(t, os.Symlink(path, link))
	for _, target := range []string{path, link} {
		require.NoError(t, output.Check(target))
		read := make(chan string, 1)
		go func() {
			b, err := os.ReadFile(path)
			if err != nil {
				b = []byte(err.Error())
			}
			read <- string(b)
		}()
		require.NoError(t, output.Write(target, output.Private, text("through")))
		require.Equal(t, "through", <-read)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, fs.ModeNamedPipe, info.Mode().Type())
	}
	only(t, dir, "link", "pipe")
}

// Case A14: as root, /dev/null became a file.
func TestWriteDevice(t *testing.T) {
	require.NoError(t, output.Check(os.DevNull))
	require.NoError(t, output.Write(os.DevNull, output.Private, text("away")))
	info, err := os.Lstat(os.DevNull)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeCharDevice)
}

// A process of its own has the standard output that a shell would give it.
func TestMain(m *testing.M) {
	if path := os.Getenv("OUTPUT_TEST_WRITE"); path != "" {
		_, err := os.Stdout.WriteString("before\n")
		if err = errors.Join(err, output.Check(path), output.Write(path, output.Private, text("report\n"))); err == nil {
			_, err = os.Stdout.WriteString("after\n")
		}
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestWriteStdout(t *testing.T) {
	for _, path := range []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"} {
		if _, err := os.Lstat(path); err != nil {
			t.Skip("this system has no " + path)
		}
		run := func() *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "OUTPUT_TEST_WRITE="+path)
			return cmd
		}
		out, err := run().Output() // a pipe
		require.NoError(t, err, path)
		require.Equal(t, "before\nreport\nafter\n", string(out), path)
		// A file that the shell opened, to add to it: >>.
		dir := t.TempDir()
		name := filepath.Join(dir, "redirected")
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		require.NoError(t, err)
		cmd := run()
		cmd.Stdout = f
		require.NoError(t, cmd.Run(), path)
		require.NoError(t, f.Close())
		require.Equal(t, "before\nreport\nafter\n", content(t, name), path)
		only(t, dir, "redirected")
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	for path, why := range map[string]string{
		dir: "is a directory",
		filepath.Join(dir, "absent", "report.html"): "no such file or directory",
	} {
		for _, err := range []error{output.Check(path), output.Write(path, output.Private, text("x"))} {
			require.EqualError(t, err, path+": "+why)
		}
	}
	link := filepath.Join(dir, "to-directory")
	require.NoError(t, os.Symlink(dir, link))
	require.EqualError(t, output.Check(link), link+": is a directory")
	require.NoError(t, output.Check(""), "a flag that was not given")
}

func TestUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root may write everywhere but where nothing can be made.
		require.Error(t, output.Check("/proc/self/report.html"))
		require.Error(t, output.Write("/proc/self/report.html", output.Private, text("x")))
		return
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	path := filepath.Join(dir, "report.html")
	require.ErrorIs(t, output.Check(path), fs.ErrPermission)
	require.ErrorIs(t, output.Write(path, output.Private, text("x")), fs.ErrPermission)
}
