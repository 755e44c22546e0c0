package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
	"unsafe"
)

// plainWidth is the width of a terminal that does not tell it.
const plainWidth = 80

// Width returns how many columns w has if it is a terminal that can move its
// cursor, else 0: a file, a pipe, TERM=dumb.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return 0
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return 0
	}
	var size struct{ rows, columns, x, y uint16 }
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))); errno != 0 {
		return 0 // a device that is no terminal: /dev/null
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if size.columns == 0 {
		return plainWidth
	}
	return int(size.columns)
}

// Screen shows how far a program is: one line that moves on a terminal, nothing
// elsewhere but what is said.
type Screen struct {
	W     io.Writer
	width func() int
	now   func() time.Time
	shown time.Time
	open  bool
}

// NewScreen returns a screen on w, whose width is asked at every line: windows are
// resized.
func NewScreen(w io.Writer) *Screen {
	return &Screen{W: w, width: func() int { return Width(w) }, now: time.Now}
}

// Moves reports whether lines move.
func (s *Screen) Moves() bool { return s.width() > 0 }

// Line shows a text in the place of the line before, cut to the width. It shows ten
// a second.
func (s *Screen) Line(text string) {
	if now := s.now(); now.Sub(s.shown) >= 100*time.Millisecond {
		s.shown = now
		s.draw(text)
	}
}

// Bar shows done of total as a bar with a text behind it, as wide as the terminal.
func (s *Screen) Bar(done, total int, text string) {
	n := s.width()
	if n == 0 {
		return
	}
	count := fmt.Sprintf(" %*d/%d ", len(strconv.Itoa(total)), done, total)
	width := min(30, (n-len(count))/3)
	if width < 4 {
		s.draw(strings.TrimSpace(count) + " " + text)
		return
	}
	full := width * min(done, total) / max(1, total)
	s.draw("[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "]" + count + text)
}

func (s *Screen) draw(text string) {
	n := s.width()
	if n == 0 {
		return
	}
	s.open = true
	// The last column stays free: some terminals break the line there.
	_, _ = fmt.Fprintf(s.W, "\r\x1b[K%s", Cut(Printable(text), n-1))
}

// Say writes a line that stays.
func (s *Screen) Say(format string, args ...any) {
	s.End()
	_, _ = fmt.Fprintf(s.W, format+"\n", args...)
}

// End takes the moving line away.
func (s *Screen) End() {
	if s.open {
		_, _ = io.WriteString(s.W, "\r\x1b[K")
		s.open = false
	}
}

// Keep leaves the moving line where it is and goes to the next.
func (s *Screen) Keep() {
	if s.open {
		_, _ = io.WriteString(s.W, "\n")
		s.open = false
	}
}

// Cut returns at most n characters of s, with … at the end if some are left out.
func Cut(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
