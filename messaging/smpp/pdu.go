package smpp

import (
	"encoding/binary"
	"reflect"
)

// headerSize is the size of the header in octets.
const headerSize = 16

// PDU is a protocol data unit: one request or response.
type PDU struct {
	Command  Command
	Status   Status // of a response; 0 in requests
	Sequence uint32 // 1 to 0x7FFFFFFF; a response has that of its request
	// Body is nil where the command has none and where the answer to a request that
	// failed leaves it out.
	Body Body
}

// Append writes the PDU after dst. On an error, a *FieldError, it returns dst
// unchanged.
func (p PDU) Append(dst []byte) ([]byte, error) {
	start := len(dst)
	f := fields{cmd: p.Command, out: append(dst, make([]byte, headerSize)...)}
	if p.Body != nil {
		if !p.fits() {
			return dst, &FieldError{p.Command, "body", ErrBody}
		}
		f.body(p.Body)
	} else if want := newBody(p.Command); want != nil && !p.Command.IsResponse() {
		if _, raw := want.(*Raw); !raw {
			return dst, &FieldError{p.Command, "body", ErrBody}
		}
	}
	if f.err != nil {
		return dst, f.err
	}
	h := f.out[start:]
	binary.BigEndian.PutUint32(h, uint32(len(h)))
	binary.BigEndian.PutUint32(h[4:], uint32(p.Command))
	binary.BigEndian.PutUint32(h[8:], uint32(p.Status))
	binary.BigEndian.PutUint32(h[12:], p.Sequence)
	return f.out, nil
}

// fits reports whether the body is of the type that the command has. A Raw fits
// everywhere.
func (p PDU) fits() bool {
	switch p.Body.(type) {
	case *Message:
		if p.Command == SubmitSM || p.Command == DeliverSM {
			return true
		}
	case *MessageID:
		return p.Command == SubmitSM|response || p.Command == DeliverSM|response || p.Command == DataSM|response
	case *Raw:
		return true
	}
	want := newBody(p.Command)
	return want != nil && reflect.TypeOf(want) == reflect.TypeOf(p.Body)
}

// Decode reads one whole PDU. It keeps nothing of data. What it does not know
// it keeps as it is, so that Append writes it again. The error is a *FieldError; the
// header is returned as far as it could be read, so that a request whose body is
// malformed can be refused by its number.
func Decode(data []byte) (PDU, error) {
	if len(data) < headerSize {
		return PDU{}, &FieldError{0, "header", ErrShort}
	}
	p := PDU{Command: Command(binary.BigEndian.Uint32(data[4:])), Status: Status(binary.BigEndian.Uint32(data[8:])), Sequence: binary.BigEndian.Uint32(data[12:])}
	if int64(binary.BigEndian.Uint32(data)) != int64(len(data)) {
		return p, &FieldError{p.Command, "command_length", ErrLength}
	}
	rest := data[headerSize:]
	body := newBody(p.Command)
	if body == nil && len(rest) > 0 {
		body = new(Raw) // kept, though it should not be there
	}
	if body == nil || len(rest) == 0 && p.Command.IsResponse() {
		return p, nil
	}
	if _, raw := body.(*Raw); raw && len(rest) == 0 {
		return p, nil
	}
	f := fields{cmd: p.Command, in: rest, read: true}
	f.body(body)
	if f.err == nil && len(f.in) > 0 {
		f.fail("body", ErrLong)
	}
	if f.err != nil {
		return p, f.err
	}
	p.Body = body
	return p, nil
}
