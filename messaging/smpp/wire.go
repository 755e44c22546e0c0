package smpp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Errors of the codec. They come wrapped in a *FieldError; match them with errors.Is.
var (
	// ErrShort: the PDU ends before its last field does.
	ErrShort = errors.New("smpp: the PDU is too short")
	// ErrLong: a field or the PDU is longer than it may be.
	ErrLong = errors.New("smpp: too long")
	// ErrLength: command_length is less than a header, or not the octets there are.
	ErrLength = errors.New("smpp: wrong command_length")
	// ErrText: a text has a NUL octet, which would end it.
	ErrText = errors.New("smpp: NUL octet within a text")
	// ErrBody: the body is not one that its command has.
	ErrBody = errors.New("smpp: the body is not that of the command")
)

// FieldError names the field of a PDU that cannot be read or written.
type FieldError struct {
	Command Command
	Field   string // the name in the specification, such as destination_addr
	Err     error
}

// Error names command and field.
func (e *FieldError) Error() string { return fmt.Sprintf("%v: %s of %s", e.Err, e.Field, e.Command) }

// Unwrap returns what is wrong with it.
func (e *FieldError) Unwrap() error { return e.Err }

// The largest texts, in octets with the NUL that ends them: SMPP 3.4 section 5.2. A
// password has 9 there, which providers do not keep to.
const (
	maxSystemID     = 16
	maxPassword     = 65
	maxSystemType   = 13
	maxAddressRange = 41
	maxServiceType  = 6
	maxAddress      = 21
	maxDataAddress  = 65
	maxTime         = 17
	maxMessageID    = 65
	maxShortMessage = 254
)

// fields reads or writes the fields of a body, one after another. After the first
// error it does nothing.
type fields struct {
	cmd  Command
	in   []byte // what is left to be read
	out  []byte // what was written
	read bool
	err  error
}

func (f *fields) fail(name string, err error) {
	if f.err == nil {
		f.err = &FieldError{f.cmd, name, err}
	}
}

// body reads or writes the fields of a body. The two that come by the million are
// called by their types, so that f need not be allocated for them.
func (f *fields) body(b Body) {
	switch b := b.(type) {
	case *Message:
		b.fields(f)
	case *MessageID:
		b.fields(f)
	default:
		g := *f
		b.fields(&g)
		*f = g
	}
}

func (f *fields) octet(name string, v *byte) {
	switch {
	case f.err != nil:
	case !f.read:
		f.out = append(f.out, *v)
	case len(f.in) == 0:
		f.fail(name, ErrShort)
	default:
		*v, f.in = f.in[0], f.in[1:]
	}
}

// text is a C-Octet String of at most limit octets with its NUL.
func (f *fields) text(name string, v *string, limit int) {
	if f.err != nil {
		return
	}
	if !f.read {
		switch {
		case len(*v) == 0:
			f.out = append(f.out, 0)
			return
		case len(*v) >= limit:
			f.fail(name, ErrLong)
		case strings.IndexByte(*v, 0) >= 0:
			f.fail(name, ErrText)
		}
		f.out = append(append(f.out, *v...), 0)
		return
	}
	n := bytes.IndexByte(f.in[:min(len(f.in), limit)], 0)
	switch {
	case n >= 0:
		*v, f.in = string(f.in[:n]), f.in[n+1:]
	case len(f.in) >= limit:
		f.fail(name, ErrLong)
	default:
		f.fail(name, ErrShort)
	}
}

// last is a text at the end of a response, whose NUL some SMSCs leave out.
func (f *fields) last(name string, v *string, limit int) {
	if f.read && f.err == nil && len(f.in) < limit && bytes.IndexByte(f.in, 0) < 0 {
		*v, f.in = string(f.in), nil
		return
	}
	f.text(name, v, limit)
}

// address is a type, a plan and a text; whose is the beginning of their names.
func (f *fields) address(whose string, a *Address, limit int) {
	if f.err != nil {
		return
	}
	f.octet("ton", &a.TON)
	f.octet("npi", &a.NPI)
	f.text("addr", &a.Addr, limit)
	if e, ok := f.err.(*FieldError); ok {
		e.Field = whose + "_" + e.Field
	}
}

// short is sm_length with short_message.
func (f *fields) short(v *[]byte) {
	const name = "short_message"
	if f.err != nil {
		return
	}
	if !f.read {
		if len(*v) > maxShortMessage {
			f.fail(name, ErrLong)
			return
		}
		f.out = append(append(f.out, byte(len(*v))), *v...)
		return
	}
	var n byte
	f.octet("sm_length", &n)
	switch {
	case f.err != nil:
	case n > maxShortMessage:
		f.fail(name, ErrLong)
	case len(f.in) < int(n):
		f.fail(name, ErrShort)
	case n > 0:
		*v, f.in = bytes.Clone(f.in[:n]), f.in[n:]
	}
}

func (f *fields) tlvs(v *TLVs) {
	if !f.read {
		for _, t := range *v {
			if len(t.Value) > 0xFFFF {
				f.fail(t.Tag.String(), ErrLong)
				return
			}
			f.out = binary.BigEndian.AppendUint16(f.out, uint16(t.Tag))
			f.out = binary.BigEndian.AppendUint16(f.out, uint16(len(t.Value)))
			f.out = append(f.out, t.Value...)
		}
		return
	}
	for f.err == nil && len(f.in) > 0 {
		if len(f.in) < 4 {
			f.fail("optional parameter", ErrShort)
			return
		}
		tag, n := Tag(binary.BigEndian.Uint16(f.in)), int(binary.BigEndian.Uint16(f.in[2:]))
		if len(f.in) < 4+n {
			f.fail(tag.String(), ErrShort)
			return
		}
		*v = append(*v, TLV{tag, bytes.Clone(f.in[4 : 4+n])})
		f.in = f.in[4+n:]
	}
}
