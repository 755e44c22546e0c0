package main

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding is how the bytes of a file are characters.
type encoding int

const (
	undecided encoding = iota // nothing but ASCII so far
	encodedUTF8
	encoded1254 // and 1252, which has six other letters, all of Icelandic
	encodedUTF16
	encodedUTF16BE
)

func (e encoding) String() string {
	return [...]string{"ASCII", "UTF-8", "Windows-1254", "UTF-16", "UTF-16, big-endian"}[e]
}

// chunk is the number of bytes that are looked at to tell an encoding.
const chunk = 1 << 16

// decoder reads a file as UTF-8 with \n or \r\n between its lines. The encoding is told by a
// byte order mark, by where zeros stand, or by the first chunk that has more than ASCII.
type decoder struct {
	path string
	src  io.Reader
	enc  encoding
	cr   bool // lines end with \r alone

	raw   [chunk]byte
	ready []byte // decoded, not yet given out
	out   []byte // its memory
	half  []byte // the beginning of a character of UTF-16
	begun bool
	lines int // before the chunk, while undecided
	err   error
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.ready) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n := 0
		for n < len(d.raw) && d.err == nil { // io.ReadFull would not tell a file that was cut off from one that ends
			var more int
			more, d.err = d.src.Read(d.raw[n:])
			n += more
		}
		if fault := d.decode(d.raw[:n]); fault != nil {
			d.ready, d.err = nil, fault
		}
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

// decode makes a chunk ready. It fails where no encoding is certain.
func (d *decoder) decode(b []byte) error {
	first := !d.begun
	d.begun = true
	if first {
		b = d.mark(b)
	}
	if d.enc == undecided {
		enc, at, why := tell(b)
		if why != "" {
			return &rowError{d.path, 1 + d.lines + bytes.Count(b[:at], []byte{'\n'}), why}
		}
		if d.enc = enc; enc == undecided {
			d.lines += bytes.Count(b, []byte{'\n'})
		}
	}
	switch d.enc {
	case encoded1254:
		d.out = d.out[:0]
		for _, c := range b {
			d.out = utf8.AppendRune(d.out, rune1254(c))
		}
		b = d.out
	case encodedUTF16, encodedUTF16BE:
		var err error
		if b, err = d.wide(b); err != nil {
			return err
		}
	}
	if first {
		d.cr = bytes.IndexByte(b, '\r') >= 0 && bytes.IndexByte(b, '\n') < 0
	}
	if d.cr {
		for i, c := range b {
			if c == '\r' {
				b[i] = '\n'
			}
		}
	}
	d.ready = b
	return nil
}

// mark reads a byte order mark, or the zeros of UTF-16 without one.
func (d *decoder) mark(b []byte) []byte {
	for _, m := range []struct {
		mark string
		enc  encoding
	}{{"\xef\xbb\xbf", encodedUTF8}, {"\xff\xfe", encodedUTF16}, {"\xfe\xff", encodedUTF16BE}} {
		if bytes.HasPrefix(b, []byte(m.mark)) {
			d.enc = m.enc
			return b[len(m.mark):]
		}
	}
	// Of ASCII, one byte of two is zero.
	var zeros [2]int
	for i, c := range b[:min(len(b), 4096)] {
		if c == 0 {
			zeros[i&1]++
		}
	}
	pairs := min(len(b), 4096) / 2
	switch {
	case pairs < 2:
	case 2*zeros[1] > pairs && 10*zeros[0] < pairs:
		d.enc = encodedUTF16
	case 2*zeros[0] > pairs && 10*zeros[1] < pairs:
		d.enc = encodedUTF16BE
	}
	return b
}

// tell returns the encoding of a chunk, or why none is certain and where.
func tell(b []byte) (enc encoding, at int, why string) {
	var sequences, strays, pairs int // of UTF-8; high bytes that are none; of those, beside another one
	first := -1
	unknown := -1
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		if first < 0 {
			first = i
		}
		r, n := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError || n > 1 {
			sequences++
			i += n
			continue
		}
		if !utf8.FullRune(b[i:]) {
			break // the end of the chunk
		}
		strays++
		if i+1 < len(b) && b[i+1] >= 0xC0 {
			pairs++
		}
		switch b[i] {
		case 0x81, 0x8D, 0x8E, 0x8F, 0x90, 0x9D, 0x9E:
			if unknown < 0 {
				unknown = i
			}
		}
		i++
	}
	switch {
	case first < 0:
		return undecided, 0, ""
	case sequences >= strays:
		return encodedUTF8, 0, "" // rows that are not are refused
	case unknown >= 0:
		return 0, unknown, fmt.Sprintf("byte %#x is neither UTF-8 nor Windows-1254, perhaps it is DOS; save the file as UTF-8", b[unknown])
	case strays >= 8 && 2*pairs > strays:
		return 0, first, "the letters seem to be of another alphabet, in an encoding that is not UTF-8; save the file as UTF-8"
	}
	return encoded1254, 0, ""
}

// high1254 are the characters of the bytes 0x80 to 0x9F in Windows-1254.
var high1254 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8D, 0x8E, 0x8F,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9D, 0x9E, 'Ÿ',
}

// rune1254 returns the character of a byte of Windows-1254.
func rune1254(c byte) rune {
	switch {
	case c >= 0x80 && c < 0xA0:
		return high1254[c-0x80]
	case c == 0xD0:
		return 'Ğ'
	case c == 0xDD:
		return 'İ'
	case c == 0xDE:
		return 'Ş'
	case c == 0xF0:
		return 'ğ'
	case c == 0xFD:
		return 'ı'
	case c == 0xFE:
		return 'ş'
	}
	return rune(c)
}

// wide decodes UTF-16 and keeps what is half a character.
func (d *decoder) wide(b []byte) ([]byte, error) {
	b = append(d.half, b...)
	unit := func(i int) rune {
		if d.enc == encodedUTF16BE {
			return rune(b[i])<<8 | rune(b[i+1])
		}
		return rune(b[i+1])<<8 | rune(b[i])
	}
	d.out = d.out[:0]
	i := 0
	for ; i+2 <= len(b); i += 2 {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			if i+4 > len(b) {
				break
			}
			if r = utf16.DecodeRune(r, unit(i+2)); r != utf8.RuneError {
				i += 2
			}
		}
		d.out = utf8.AppendRune(d.out, r)
	}
	d.half = append([]byte(nil), b[i:]...)
	if d.err != nil && len(d.half) > 0 {
		return nil, &rowError{d.path, 1 + bytes.Count(d.out, []byte{'\n'}), "the file ends within a character of UTF-16"}
	}
	return d.out, nil
}
