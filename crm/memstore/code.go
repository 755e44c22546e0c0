package memstore

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// Records are kept as bytes: whole numbers as varints, texts with their length
// in front, and short texts that come again and again (places, articles,
// currencies, sources) as numbers of words.

// words is the list of texts that are kept once. It only grows, up to a bound;
// after that texts are simply written out. Readers hold a slice of the list as
// it was when their snapshot was taken.
type words struct {
	ids  map[string]uint32
	list []string
}

const (
	maxWords   = 1 << 16
	maxWordLen = 64
)

// id returns the number of a text, which it adds where there is room. Texts that are not UTF-8
// are not kept: JSON would change them, and odd must see them.
func (w *words) id(s string) (uint32, bool) {
	if id, ok := w.ids[s]; ok {
		return id, true
	}
	if len(w.list) >= maxWords || len(s) > maxWordLen || !utf8.ValidString(s) {
		return 0, false
	}
	id := uint32(len(w.list))
	s = string([]byte(s))
	w.ids[s] = id
	w.list = append(w.list, s)
	return id, true
}

// An encoder appends to b.
type encoder struct {
	b     []byte
	words *words
	// odd is set by what JSON would not give back unchanged: texts that are not
	// UTF-8, times that are not UTC or finer than microseconds.
	odd bool
}

// uint, int and byte write numbers, the first two as varints: small ones take one byte.
func (e *encoder) uint(n uint64) { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) int(n int64)   { e.b = binary.AppendVarint(e.b, n) }
func (e *encoder) byte(c byte)   { e.b = append(e.b, c) }

// bool takes a byte of its own; what has many of them packs its own flags.
func (e *encoder) bool(v bool) {
	if v {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

// text writes a text that is mostly met once.
func (e *encoder) text(s string) {
	if !utf8.ValidString(s) {
		e.odd = true
	}
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

// raw writes bytes that may be no text.
func (e *encoder) raw(b []byte) {
	e.uint(uint64(len(b)))
	e.b = append(e.b, b...)
}

// word writes a text that is met again and again.
func (e *encoder) word(s string) {
	if id, ok := e.words.id(s); ok {
		e.uint(uint64(id)<<1 | 1)
		return
	}
	if !utf8.ValidString(s) {
		e.odd = true
	}
	e.uint(uint64(len(s)) << 1)
	e.b = append(e.b, s...)
}

// The instant that times are counted from.
const epoch = 1577836800 // 2020-01-01 in Unix seconds

// time writes a time in whole microseconds, in whole seconds where it can.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.b = append(e.b, 0)
		return
	}
	us := t.UnixMicro() - epoch*1e6
	second := uint64(0)
	if us%1e6 == 0 {
		us, second = us/1e6, 1
	}
	e.uint((uint64(us)<<1^uint64(us>>63))<<1 | second + 1)
}

// exactTime is time for times within a fact's content, which have to come back
// as JSON would give them.
func (e *encoder) exactTime(t time.Time) {
	if y := t.Year(); t.Location() != time.UTC && !t.IsZero() || t.Nanosecond()%1000 != 0 || y < 1 || y > 9999 {
		e.odd = true
	}
	e.time(t)
}

// float writes the bits, so that what is read equals what was written.
func (e *encoder) float(f float64) { e.b = binary.BigEndian.AppendUint64(e.b, math.Float64bits(f)) }

// Keys are a word for what few have in common (a source, a kind, a channel) and a text for the
// rest.
func (e *encoder) profileKey(k crm.ProfileKey) { e.word(k.Source); e.text(k.ID) }
func (e *encoder) factKey(k crm.FactKey)       { e.word(string(k.Kind)); e.word(k.Source); e.text(k.ID) }
func (e *encoder) address(a crm.Address)       { e.word(string(a.Channel)); e.text(a.Value) }

// subject writes the letter of Subject.Flat, which says how to read the two texts.
func (e *encoder) subject(s crm.Subject) {
	kind, a, b := s.Flat()
	e.byte(kind[0])
	e.word(a)
	e.text(b)
}

// customer writes an id, which is a UUID more often than not.
func (e *encoder) customer(id crm.CustomerID) { e.b = appendCustomer(e.b, id) }

// A decoder reads what an encoder wrote. The texts that it returns are pieces
// of s or words of the list, so s must be the caller's own copy.
type decoder struct {
	s     string
	words []string
	short bool // more was asked for than there is
}

// end returns an error unless all bytes of a record, and no more, were read.
func (d *decoder) end(entity string) error {
	if d.s == "" && !d.short {
		return nil
	}
	return d.fault(entity)
}

// fault says that a stored value is not what this package writes, which is a defect of it and
// none of the caller's.
func (d *decoder) fault(entity string) error {
	return &crm.Error{Op: "decode", Entity: entity, Kind: crm.ErrInvalid, Err: fmt.Errorf("the store's own form is not followed: %d bytes are left over, read beyond the end: %t", len(d.s), d.short)}
}

// uint reads a varint. It returns 0 and marks the decoder where the bytes end before the number
// does; end reports it.
func (d *decoder) uint() uint64 {
	if len(d.s) > 0 && d.s[0] < 0x80 {
		n := uint64(d.s[0])
		d.s = d.s[1:]
		return n
	}
	var n uint64
	for i, shift := 0, 0; i < len(d.s); i, shift = i+1, shift+7 {
		c := d.s[i]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			d.s = d.s[i+1:]
			return n
		}
	}
	d.s, d.short = "", true
	return 0
}

// int reads a number whose sign is its lowest bit (zigzag).
func (d *decoder) int() int64 {
	n := d.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// byte reads one byte, or 0 beyond the end.
func (d *decoder) byte() byte {
	if d.s == "" {
		d.short = true
		return 0
	}
	c := d.s[0]
	d.s = d.s[1:]
	return c
}

func (d *decoder) bool() bool { return d.byte() != 0 }

// take cuts n bytes off, or as many as there are.
func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.s)) {
		n, d.short = uint64(len(d.s)), true
	}
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}

func (d *decoder) text() string { return d.take(d.uint()) }

// raw is the inverse of the encoder's, except that empty comes back as nil.
func (d *decoder) raw() []byte {
	if s := d.text(); s != "" {
		return []byte(s)
	}
	return nil
}

// word reads a number of the list, which the lowest bit tells, or a text that stands there
// itself.
func (d *decoder) word() string {
	n := d.uint()
	if n&1 == 0 {
		return d.take(n >> 1)
	}
	if n >>= 1; n < uint64(len(d.words)) {
		return d.words[n]
	}
	d.short = true
	return ""
}

// time is the inverse of the encoder's. The zero time has a form of its own, because its
// microseconds do not fit the others.
func (d *decoder) time() time.Time {
	n := d.uint()
	if n == 0 {
		return time.Time{}
	}
	n--
	z := n >> 1
	us := int64(z>>1) ^ -int64(z&1)
	if n&1 == 1 {
		return time.Unix(us+epoch, 0).UTC()
	}
	return time.UnixMicro(us + epoch*1e6).UTC()
}

// float is the inverse of the encoder's.
func (d *decoder) float() float64 {
	var b [8]byte
	copy(b[:], d.take(8))
	return math.Float64frombits(binary.BigEndian.Uint64(b[:]))
}

func (d *decoder) profileKey() crm.ProfileKey {
	return crm.ProfileKey{Source: d.word(), ID: d.text()}
}

func (d *decoder) factKey() crm.FactKey {
	return crm.FactKey{Kind: crm.FactKind(d.word()), Source: d.word(), ID: d.text()}
}

func (d *decoder) address() crm.Address {
	return crm.Address{Channel: crm.Channel(d.word()), Value: d.text()}
}

func (d *decoder) subject() crm.Subject {
	kind := d.take(1)
	return crm.SubjectOf(kind, d.word(), d.text())
}

func (d *decoder) customer() crm.CustomerID {
	id, rest := cutCustomer(d.s)
	d.s = rest
	return id
}

// count reads a number of things that follow; each takes a byte at least.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.s)) {
		n, d.short = uint64(len(d.s)), true
	}
	return int(n)
}

// list decodes a number of records, or returns nil for none, as JSON does.
func list[T any](d *decoder, one func() T) []T {
	n := d.count()
	if n == 0 {
		return nil
	}
	out := make([]T, 0, n)
	for range n {
		out = append(out, one())
	}
	return out
}
