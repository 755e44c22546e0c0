package bitset

import (
	"encoding/binary"
	"fmt"
)

// Constants of the portable Roaring format,
// https://github.com/RoaringBitmap/RoaringFormatSpec.
const (
	cookieNoRuns   = 12346
	cookieRuns     = 12347
	noOffsets      = 4    // with runs, fewer containers than this have no offset header
	portableArrays = 4096 // larger containers without runs are bitmaps
)

// CodecError says where the bytes of a set are not the portable Roaring format.
type CodecError struct {
	Offset int    // bytes from the start
	Msg    string // what is wrong there
}

func (e *CodecError) Error() string {
	return fmt.Sprintf("bitset: not a portable roaring bitmap: byte %d: %s", e.Offset, e.Msg)
}

// MarshalBinary writes the portable Roaring format, readable by the Roaring
// libraries of Java, C, Go and by pg_roaringbitmap. Equal sets give equal bytes.
func (s *Set) MarshalBinary() ([]byte, error) { return s.appendBinary(nil) }

// appendBinary appends what MarshalBinary returns to b. The error is always nil.
func (s *Set) appendBinary(b []byte) ([]byte, error) {
	size, anyRuns := len(s.cs), false
	asRun := make([]bool, size)
	payload := make([]int, size)
	for i := range s.cs {
		c := &s.cs[i]
		flat := 8 * bitmapLen
		if c.n <= portableArrays {
			flat = 2 * int(c.n)
		}
		payload[i] = flat
		if run := 2 + 4*c.runs(); run < flat {
			asRun[i], payload[i], anyRuns = true, run, true
		}
	}
	le := binary.LittleEndian
	start := len(b)
	if anyRuns {
		b = le.AppendUint32(b, cookieRuns|uint32(size-1)<<16)
		flags := make([]byte, (size+7)/8)
		for i, r := range asRun {
			if r {
				flags[i/8] |= 1 << (i % 8)
			}
		}
		b = append(b, flags...)
	} else {
		b = le.AppendUint32(b, cookieNoRuns)
		b = le.AppendUint32(b, uint32(size))
	}
	for i, key := range s.keys {
		b = le.AppendUint16(b, key)
		b = le.AppendUint16(b, uint16(s.cs[i].n-1))
	}
	if !anyRuns || size >= noOffsets {
		at := len(b) - start + 4*size
		for i := range s.cs {
			b = le.AppendUint32(b, uint32(at))
			at += payload[i]
		}
	}
	for i := range s.cs {
		b = s.cs[i].appendTo(b, asRun[i])
	}
	return b, nil
}

// appendTo writes a container in the portable format of RoaringFormatSpec, as runs or as
// its size prescribes.
func (c *container) appendTo(b []byte, asRun bool) []byte {
	le := binary.LittleEndian
	switch {
	case asRun:
		b = le.AppendUint16(b, uint16(c.runs()))
		c.eachRun(func(first, last uint16) {
			b = le.AppendUint16(b, first)
			b = le.AppendUint16(b, last-first)
		})
	case c.n <= portableArrays:
		c.each(func(v uint16) bool { b = le.AppendUint16(b, v); return true })
	default:
		words := c.bits
		if c.kind != kindBitmap {
			words = new(bitmap)
			c.orInto(words)
		}
		for _, w := range words {
			b = le.AppendUint64(b, w)
		}
	}
	return b
}

// UnmarshalBinary replaces the members by those in data, which must be exactly
// one bitmap in the portable Roaring format. Every length, order and count is
// checked; a fault is a *CodecError and leaves the set as it was. Memory is
// bounded by a small multiple of len(data).
func (s *Set) UnmarshalBinary(data []byte) error {
	r := reader{data: data}
	size, flags := r.header()
	if r.err != nil {
		return r.err
	}
	head := r.bytes(4*size, "container header")
	offsets := []byte(nil)
	if flags == nil || size >= noOffsets {
		offsets = r.bytes(4*size, "offset header")
	}
	if r.err != nil {
		return r.err
	}
	le := binary.LittleEndian
	out := Set{keys: make([]uint16, size), cs: make([]container, size)}
	o := out.token()
	for i := range size {
		key, n := le.Uint16(head[4*i:]), int32(le.Uint16(head[4*i+2:]))+1
		if i > 0 && out.keys[i-1] >= key {
			return &CodecError{Offset: r.at, Msg: "container keys are not ascending"}
		}
		if offsets != nil && int64(le.Uint32(offsets[4*i:])) != int64(r.at) {
			return &CodecError{Offset: r.at, Msg: fmt.Sprintf("offset header says container %d is elsewhere", i)}
		}
		out.keys[i] = key
		c := r.container(n, flags != nil && flags[i/8]>>(i%8)&1 != 0)
		if r.err != nil {
			return r.err
		}
		c.owner = o
		c.shrink()
		out.cs[i] = c
	}
	if r.at != len(data) {
		return &CodecError{Offset: r.at, Msg: "bytes after the last container"}
	}
	s.keys, s.cs = out.keys, out.cs
	s.own.Store(o)
	return nil
}

// reader reads hostile bytes: the first error ends it, and nothing is allocated before its
// bytes are there.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &CodecError{Offset: r.at, Msg: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) bytes(n int, what string) []byte {
	if r.err != nil || n > len(r.data)-r.at {
		r.fail("%s is cut off", what)
		return nil
	}
	b := r.data[r.at : r.at+n]
	r.at += n
	return b
}

// header returns the number of containers and, with runs, the run flags.
func (r *reader) header() (size int, flags []byte) {
	le := binary.LittleEndian
	b := r.bytes(4, "cookie")
	if r.err != nil {
		return 0, nil
	}
	switch cookie := le.Uint32(b); {
	case cookie&0xffff == cookieRuns:
		size = int(cookie>>16) + 1
		return size, r.bytes((size+7)/8, "run flags")
	case cookie == cookieNoRuns:
		if b = r.bytes(4, "container count"); r.err != nil {
			return 0, nil
		}
		if n := le.Uint32(b); n > chunkSize {
			r.fail("%d containers, at most 65536 exist", n)
		} else {
			size = int(n)
		}
		return size, nil
	default:
		r.fail("unknown cookie %#x", cookie)
		return 0, nil
	}
}

func (r *reader) container(n int32, run bool) container {
	le := binary.LittleEndian
	switch {
	case run:
		b := r.bytes(2, "run count")
		if r.err != nil {
			return container{}
		}
		b = r.bytes(4*int(le.Uint16(b)), "runs")
		arr := make([]uint16, 0, len(b)/2)
		total, end := int32(0), -1
		for ; len(b) > 0; b = b[4:] {
			first := int(le.Uint16(b))
			last := first + int(le.Uint16(b[2:]))
			if first <= end || last >= chunkSize {
				r.fail("runs overlap, are out of order or leave the chunk")
				return container{}
			}
			total += int32(last - first + 1)
			if first == end+1 && len(arr) > 0 { // adjacent: one run to us
				arr[len(arr)-1] = uint16(last)
			} else {
				arr = append(arr, uint16(first), uint16(last))
			}
			end = last
		}
		if r.err == nil && total != n {
			r.fail("runs hold %d values, the header says %d", total, n)
		}
		return container{kind: kindRun, arr: arr, n: n}
	case n <= portableArrays:
		b := r.bytes(2*int(n), "array")
		arr := make([]uint16, len(b)/2)
		for i := range arr {
			arr[i] = le.Uint16(b[2*i:])
			if i > 0 && arr[i-1] >= arr[i] {
				r.fail("array values are not ascending")
				return container{}
			}
		}
		return container{kind: kindArray, arr: arr, n: n}
	default:
		b := r.bytes(8*bitmapLen, "bitmap")
		if r.err != nil {
			return container{}
		}
		words := new(bitmap)
		for i := range words {
			words[i] = le.Uint64(b[8*i:])
		}
		if got := words.count(); got != n {
			r.fail("bitmap holds %d values, the header says %d", got, n)
		}
		return container{kind: kindBitmap, bits: words, n: n}
	}
}
