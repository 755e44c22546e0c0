// Package output writes the files that the example programs are asked for.
package output

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Private is the mode of a file with personal data: only its owner reads it.
const Private fs.FileMode = 0o600

// Write writes what write gives to the file at path. A regular file is there as
// a whole or as it was before: a new one takes its place, with the mode as the
// umask leaves it. A symbolic link stays and its target is replaced. A device, a
// pipe or a socket, such as /dev/stdout, is written to: renaming a file over it
// would take it away. A directory is an error; so is a directory that takes no
// new file. Errors name path.
func Write(path string, mode fs.FileMode, write func(io.Writer) error) error {
	err := put(path, mode, write)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, cause(err))
}

// Check returns the error that Write would fail with before it wrote anything,
// so that a program finds out before it works for an hour. An empty path is nil.
func Check(path string) error {
	if path == "" {
		return nil
	}
	target, through, err := resolve(path)
	if err == nil && !through {
		var f *os.File
		if f, err = beside(target, Private); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// cause leaves out the name of a temporary file.
func cause(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}

func put(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	target, through, err := resolve(path)
	if err != nil {
		return err
	}
	if through {
		// At the end, if there is one: the shell may have sent a file here.
		f, err := os.OpenFile(target, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return fill(f, write)
	}
	f, err := beside(target, mode)
	if err != nil {
		return err
	}
	if err = fill(f, write); err == nil {
		err = os.Rename(f.Name(), target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func fill(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(f, 1<<18)
	err := write(b)
	if err == nil {
		err = b.Flush()
	}
	return errors.Join(err, f.Close())
}

// resolve follows links. It returns the file to replace or, if through, to write
// to.
func resolve(path string) (target string, through bool, err error) {
	const mostLinks = 40
	target = path
	for range mostLinks {
		info, err := os.Lstat(target)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return target, false, nil
		case err != nil:
			return "", false, err
		case info.IsDir():
			return "", false, errors.New("is a directory")
		case info.Mode()&fs.ModeSymlink == 0:
			return target, !info.Mode().IsRegular(), nil
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(target))
		if err != nil {
			return "", false, err
		}
		if dir == "/dev/fd" || strings.HasPrefix(dir, "/proc/") {
			return target, true, nil // an open file: its name leads nowhere, or to what another process writes
		}
		to, err := os.Readlink(target)
		if err != nil {
			return "", false, err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		target = to
	}
	return "", false, errors.New("too many links")
}

// beside makes a new file in the directory of another.
func beside(path string, mode fs.FileMode) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+strconv.FormatUint(rand.Uint64(), 36))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		return f, err
	}
}
