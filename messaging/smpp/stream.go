package smpp

import (
	"encoding/binary"
	"fmt"
	"io"
)

// DefaultMaxPDU is the largest PDU in octets that a Stream takes if nothing else is
// said: a message_payload of 65,535 octets and its message.
const DefaultMaxPDU = 70_000

// Stream reads PDUs from a connection. It holds at most one buffer of 4 KiB, grown by
// what has arrived up to the largest PDU, never by what a length field promises.
type Stream struct {
	r    io.Reader
	max  int
	buf  []byte
	a, b int // what was read and not taken yet is buf[a:b]
	err  error
}

// NewStream returns a reader of PDUs of up to max octets; 0 means DefaultMaxPDU.
func NewStream(r io.Reader, max int) *Stream {
	if max <= 0 {
		max = DefaultMaxPDU
	}
	return &Stream{r: r, max: max, buf: make([]byte, 4096)}
}

// Next returns the next PDU. A *FieldError is about this PDU only, and the one after
// it can be read. Any other error ends the stream: io.EOF
// between two PDUs, io.ErrUnexpectedEOF within one, ErrLength or ErrLong for a
// length that cannot be.
func (s *Stream) Next() (PDU, error) {
	for {
		n, err := s.whole()
		if err != nil {
			return PDU{}, err
		}
		if n > 0 {
			data := s.buf[s.a : s.a+n]
			s.a += n
			return Decode(data)
		}
		if s.err != nil {
			if s.err == io.EOF && s.b > s.a {
				return PDU{}, io.ErrUnexpectedEOF
			}
			return PDU{}, s.err
		}
		s.more()
	}
}

// Buffered reports that Next will not wait for the connection.
func (s *Stream) Buffered() bool {
	n, err := s.whole()
	return n > 0 || err != nil
}

// whole returns the size of the PDU that is in the buffer entirely, 0 if there is none.
func (s *Stream) whole() (int, error) {
	if s.b-s.a < 4 {
		return 0, nil
	}
	n := int64(binary.BigEndian.Uint32(s.buf[s.a:]))
	switch {
	case n < headerSize:
		return 0, fmt.Errorf("%w: %d octets", ErrLength, n)
	case n > int64(s.max):
		return 0, fmt.Errorf("%w: a PDU of %d octets, at most %d are taken", ErrLong, n, s.max)
	case int64(s.b-s.a) < n:
		return 0, nil
	}
	return int(n), nil
}

// more reads once.
func (s *Stream) more() {
	switch {
	case s.a == s.b:
		s.a, s.b = 0, 0
	case s.b == len(s.buf):
		copy(s.buf, s.buf[s.a:s.b])
		s.a, s.b = 0, s.b-s.a
	}
	if s.b == len(s.buf) {
		grown := make([]byte, min(2*len(s.buf), max(s.max, len(s.buf)+1)))
		copy(grown, s.buf)
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.b:])
		s.b += n
		if err != nil {
			s.err = err
		}
		if n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}
