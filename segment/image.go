package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unsafe"
)

// An image is many sets in one piece of bytes, laid out so that they can be used
// where they lie, for instance in a mapped file. All numbers are little-endian,
// all parts begin at multiples of eight bytes:
//
//	magic, checksum of what follows, number of sets, number of chunks, 0
//	per set: number of chunks, as uint32
//	per chunk: key and kind as uint16, members and length of the payload as uint32
//	the payloads: values, runs or words
//
// For exchange with other programs there is the portable Roaring format.
const (
	imageMagic  = "vefaset1"
	imageHeader = 24
	imageChunk  = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendImage appends an image of the sets to b; OpenImage reads it back. It is
// about as large as the sets' Bytes.
func AppendImage(b []byte, sets ...*Set) []byte {
	le, start := binary.LittleEndian, len(b)
	chunks := 0
	for _, s := range sets {
		chunks += len(s.cs)
	}
	b = append(b, imageMagic...)
	b = le.AppendUint32(b, 0) // the checksum comes last
	b = le.AppendUint32(b, uint32(len(sets)))
	b = le.AppendUint32(b, uint32(chunks))
	b = le.AppendUint32(b, 0)
	pad := func() {
		for (len(b)-start)%8 != 0 {
			b = append(b, 0)
		}
	}
	for _, s := range sets {
		b = le.AppendUint32(b, uint32(len(s.cs)))
	}
	pad()
	for _, s := range sets {
		for i := range s.cs {
			c := &s.cs[i]
			length := len(c.arr)
			if c.kind == kindBitmap {
				length = bitmapLen
			}
			b = le.AppendUint16(b, s.keys[i])
			b = le.AppendUint16(b, uint16(c.kind))
			b = le.AppendUint32(b, uint32(c.n))
			b = le.AppendUint32(b, uint32(length))
		}
	}
	pad()
	for _, s := range sets {
		for i := range s.cs {
			if c := &s.cs[i]; c.kind == kindBitmap {
				for _, w := range c.bits {
					b = le.AppendUint64(b, w)
				}
			} else {
				for _, v := range c.arr {
					b = le.AppendUint16(b, v)
				}
				pad()
			}
		}
	}
	le.PutUint32(b[start+8:], crc32.Checksum(b[start+12:], castagnoli))
	return b
}

// OpenImage returns the sets of an image without copying them: they use data,
// which must not change as long as they or their clones are in use. Changing a
// set copies the chunks that change. Where data does not begin at a multiple of
// eight bytes, or on a big-endian machine, they are copied.
//
// The structure is checked, and faults are a *CodecError; the members are taken
// as they are. An image that may be damaged or from strangers must pass
// CheckImage first, otherwise the sets may be wrong and their use may panic.
func OpenImage(data []byte) ([]*Set, error) {
	le := binary.LittleEndian
	if len(data) < imageHeader || string(data[:8]) != imageMagic {
		return nil, &CodecError{Msg: "not an image of sets"}
	}
	count, chunks := uint64(le.Uint32(data[12:])), uint64(le.Uint32(data[16:]))
	dir := align(imageHeader + 4*count)
	at := align(dir + imageChunk*chunks)
	if at > uint64(len(data)) {
		return nil, &CodecError{Offset: 12, Msg: "the directory is cut off"}
	}
	sets, backing := make([]*Set, count), make([]Set, count)
	keys, cs := make([]uint16, chunks), make([]container, chunks)
	direct := binary.NativeEndian.Uint16([]byte{1, 0}) == 1 &&
		uintptr(unsafe.Pointer(unsafe.SliceData(data)))%8 == 0
	next := uint64(0)
	for i := range sets {
		n := uint64(le.Uint32(data[imageHeader+4*i:]))
		if n > chunks-next {
			return nil, &CodecError{Offset: imageHeader + 4*i, Msg: "a set has more chunks than there are"}
		}
		s := &backing[i]
		s.keys, s.cs = keys[next:next+n:next+n], cs[next:next+n:next+n]
		sets[i] = s
		for j := range s.cs {
			entry := data[dir+imageChunk*(next+uint64(j)):]
			key, k := le.Uint16(entry), kind(le.Uint16(entry[2:]))
			members, length := le.Uint32(entry[4:]), uint64(le.Uint32(entry[8:]))
			fault := func(msg string) error {
				return &CodecError{Offset: int(dir + imageChunk*(next+uint64(j))), Msg: fmt.Sprintf("chunk %d of set %d: %s", j, i, msg)}
			}
			size := 2 * length
			switch {
			case j > 0 && s.keys[j-1] >= key:
				return nil, fault("keys are not ascending")
			case members == 0 || members > chunkSize:
				return nil, fault("an impossible number of members")
			case k == kindBitmap && length == bitmapLen:
				size = 8 * bitmapLen
			case k == kindArray && length == uint64(members) && length <= chunkSize:
			case k == kindRun && length%2 == 0 && length >= 2 && length <= chunkSize:
			default:
				return nil, fault("kind and length do not agree")
			}
			if at+size > uint64(len(data)) {
				return nil, fault("the payload is cut off")
			}
			s.keys[j] = key
			c := &s.cs[j]
			c.kind, c.n = k, int32(members)
			c.borrow(data[at:at+size], direct)
			at = align(at + size)
		}
		next += n
	}
	if next != chunks || at != align(uint64(len(data))) || len(data)%8 != 0 {
		return nil, &CodecError{Offset: len(data), Msg: "the image is longer than what it holds"}
	}
	return sets, nil
}

func align(n uint64) uint64 { return (n + 7) &^ 7 }

// borrow makes payload the members of c, in place if it can be read directly. No
// set owns them, so that whoever changes the chunk copies it.
func (c *container) borrow(payload []byte, direct bool) {
	le := binary.LittleEndian
	switch {
	case c.kind == kindBitmap && direct:
		c.bits = (*bitmap)(unsafe.Pointer(unsafe.SliceData(payload)))
	case c.kind == kindBitmap:
		c.bits = new(bitmap)
		for i := range c.bits {
			c.bits[i] = le.Uint64(payload[8*i:])
		}
	case direct:
		c.arr = unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(payload))), len(payload)/2)
	default:
		c.arr = make([]uint16, len(payload)/2)
		for i := range c.arr {
			c.arr[i] = le.Uint16(payload[2*i:])
		}
	}
}

// CheckImage reads a whole image and reports the first fault as a *CodecError: a
// wrong checksum, or members that are out of order or miscounted.
func CheckImage(data []byte) error {
	sets, err := OpenImage(data)
	if err != nil {
		return err
	}
	if crc32.Checksum(data[12:], castagnoli) != binary.LittleEndian.Uint32(data[8:]) {
		return &CodecError{Offset: 8, Msg: "the checksum is wrong"}
	}
	for i, s := range sets {
		for j := range s.cs {
			if msg := s.cs[j].fault(); msg != "" {
				return &CodecError{Offset: len(data), Msg: fmt.Sprintf("chunk %d of set %d: %s", j, i, msg)}
			}
		}
	}
	return nil
}

// fault says what is wrong with a container, "" if nothing is.
func (c *container) fault() string {
	switch c.kind {
	case kindBitmap:
		if c.bits.count() != c.n {
			return "the members are miscounted"
		}
	case kindRun:
		total := int32(0)
		for i := 0; i < len(c.arr); i += 2 {
			first, last := c.arr[i], c.arr[i+1]
			if first > last || i > 0 && int(first) <= int(c.arr[i-1])+1 {
				return "runs overlap, touch or are out of order"
			}
			total += int32(last) - int32(first) + 1
		}
		if total != c.n {
			return "the members are miscounted"
		}
	default:
		for i := 1; i < len(c.arr); i++ {
			if c.arr[i-1] >= c.arr[i] {
				return "values are not ascending"
			}
		}
	}
	return ""
}
