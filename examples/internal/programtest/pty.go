package programtest

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"syscall"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// progress is a line that takes the place of the one before; one that ends stays, and may be broken
// as any text.
var progress = regexp.MustCompile(`\r\x1b\[K([^\r\n\x1b]*)(\r\n)?`)

// Lines runs a program on a terminal of so many columns and checks that no line of its progress is
// broken: each leaves the last column free. It returns how many there were.
func Lines(t *testing.T, columns int, run func(terminal *os.File)) int {
	t.Helper()
	t.Setenv("COLUMNS", "")
	t.Setenv("TERM", "xterm")
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		require.Empty(t, os.Getenv("VEFA_REQUIRE_ALL"), "no terminals: %v", err)
		t.Skip("no terminals: ", err)
	}
	defer func() { _ = master.Close() }()
	control := func(request uintptr, arg unsafe.Pointer) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(arg))
		require.Zero(t, errno)
	}
	var unlocked, number int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := struct{ rows, columns, x, y uint16 }{25, uint16(columns), 0, 0}
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	var shown bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = shown.ReadFrom(master) // ends with an error when the other end is closed
	}()
	run(slave)
	require.NoError(t, slave.Close())
	<-read
	n := 0
	for _, m := range progress.FindAllStringSubmatch(shown.String(), -1) {
		if m[1] == "" || m[2] != "" {
			continue
		}
		n++
		require.Less(t, utf8.RuneCountInString(m[1]), columns, "%q at %d columns", m[1], columns)
	}
	return n
}
