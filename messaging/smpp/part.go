package smpp

import "errors"

// ErrHeader: a user data header that is longer than the text, or whose elements do
// not fill it.
var ErrHeader = errors.New("smpp: malformed user data header")

// Part is the place of a message among those that a long one was cut into.
type Part struct {
	Reference uint16
	Wide      bool // the reference has 16 bits
	SAR       bool // the place comes from the parameters sar_*, not from a header
	Number    int  // from 1
	Of        int  // 1 for a message of one part
}

// SplitHeader parts user data into the header with its length octet and the text
// after it. Without UDHI in the class there is no header. The error is ErrHeader.
func SplitHeader(class byte, data []byte) (header, text []byte, err error) {
	if class&UDHI == 0 {
		return nil, data, nil
	}
	if len(data) == 0 || len(data) < 1+int(data[0]) {
		return nil, nil, ErrHeader
	}
	n := 1 + int(data[0])
	return data[:n:n], data[n:], nil
}

// PartOf returns the place of a message: from the header's element 0x00 or 0x08, or
// from the parameters sar_*. A place that cannot be, such as part 3 of 2, is read as a
// message of one part (3GPP TS 23.040 section 9.2.3.24.1). The error is ErrHeader.
func PartOf(m *Message) (Part, error) {
	header, _, err := SplitHeader(m.ESMClass, m.UserData())
	if err != nil {
		return Part{}, err
	}
	one := Part{Number: 1, Of: 1}
	p := one
	for rest := header[min(1, len(header)):]; len(rest) > 0; {
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return Part{}, ErrHeader
		}
		v := rest[2 : 2+int(rest[1])]
		switch id := rest[0]; {
		case id == 0x00 && len(v) == 3:
			p = Part{Reference: uint16(v[0]), Of: int(v[1]), Number: int(v[2])}
		case id == 0x08 && len(v) == 4:
			p = Part{Reference: uint16(v[0])<<8 | uint16(v[1]), Wide: true, Of: int(v[2]), Number: int(v[3])}
		}
		rest = rest[2+len(v):]
	}
	if p == one {
		ref, hasRef := m.TLVs.Uint(TagSARRef)
		of, hasOf := m.TLVs.Uint(TagSARTotal)
		number, hasNumber := m.TLVs.Uint(TagSARSequence)
		if hasRef && hasOf && hasNumber && ref <= 0xFFFF && of <= 255 && number <= 255 {
			p = Part{Reference: uint16(ref), Wide: true, SAR: true, Of: int(of), Number: int(number)}
		}
	}
	if p.Of < 1 || p.Number < 1 || p.Number > p.Of {
		return one, nil
	}
	return p, nil
}
