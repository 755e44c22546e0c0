package segment

import (
	"hash/maphash"
	"iter"
	"math"
	"sync"
)

// IDs maps customer ids, which are any non-empty strings, to the dense ids that
// sets hold, and back. Dense ids are given in order of first arrival and are
// never given twice. The zero value is ready; it is safe for concurrent use.
//
// A customer costs the bytes of its id, 10 to 20 bytes of hash table, and four
// more if ids differ in length. UUIDs in their usual form, 36 characters in lower
// case, are kept in 16 bytes.
type IDs struct {
	mu     sync.RWMutex
	seed   maphash.Seed
	slots  []uint64 // open addressing: half a hash above, dense id + 1 below
	used   int      // slots that are not empty
	n      uint64   // dense ids given
	blocks []nameBlock
	gone   Set // forgotten dense ids
}

const (
	blockLen    = 1024 // names in a block
	maxCustomer = 1 << 16
	maxDense    = math.MaxUint32 - 1 // further ids would look like slotGone

	slotEmpty = 0
	slotGone  = math.MaxUint32 // in the lower half
)

// nameBlock holds the names of consecutive dense ids one after the other. While
// they are of one length and kind, no ends are kept.
type nameBlock struct {
	text   []byte
	ends   []uint32 // with packedFlag
	width  int
	packed bool
	n      int
}

const packedFlag = 1 << 31

// name is a customer id in the form in which it is kept.
type name struct {
	text   string // unless packed
	uuid   [16]byte
	packed bool
}

func nameOf(customer string) (n name) {
	if len(customer) == 36 && packUUID(customer, &n.uuid) {
		n.packed = true
	} else {
		n.text = customer
	}
	return n
}

// packUUID reads the usual form of a UUID in lower case.
func packUUID(s string, out *[16]byte) bool {
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	at, bad := 0, byte(0)
	for i := range out {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			at++
		}
		hi, lo := hexValue[s[at]], hexValue[s[at+1]]
		out[i] = hi<<4 | lo&15
		bad |= hi | lo
		at += 2
	}
	return bad < 16
}

// hexValue holds the values of lower-case hexadecimal digits, 255 for the rest.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	return t
}()

func appendUUID(b []byte, uuid []byte) []byte {
	const digits = "0123456789abcdef"
	for i, c := range uuid {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

func (b *nameBlock) at(i int) (text []byte, packed bool) {
	if b.ends == nil {
		return b.text[i*b.width : (i+1)*b.width], b.packed
	}
	from := uint32(0)
	if i > 0 {
		from = b.ends[i-1] &^ packedFlag
	}
	return b.text[from : b.ends[i]&^packedFlag], b.ends[i]&packedFlag != 0
}

func (b *nameBlock) add(n *name) {
	size := len(n.text)
	if n.packed {
		size = len(n.uuid)
	}
	if b.n == 0 {
		b.width, b.packed = size, n.packed
	}
	if b.ends == nil && (size != b.width || n.packed != b.packed) {
		b.ends = make([]uint32, b.n, blockLen)
		for i := range b.ends {
			b.ends[i] = uint32((i + 1) * b.width)
			if b.packed {
				b.ends[i] |= packedFlag
			}
		}
	}
	if n.packed {
		b.text = append(b.text, n.uuid[:]...)
	} else {
		b.text = append(b.text, n.text...)
	}
	if b.ends != nil {
		end := uint32(len(b.text))
		if n.packed {
			end |= packedFlag
		}
		b.ends = append(b.ends, end)
	}
	if b.n++; b.n == blockLen { // complete: give spare memory back
		b.text = append(make([]byte, 0, len(b.text)), b.text...)
	}
}

func (d *IDs) hash(n *name) uint64 {
	if n.packed {
		return maphash.Bytes(d.seed, n.uuid[:])
	}
	return maphash.String(d.seed, n.text)
}

// find returns the slot that holds the name, or false.
func (d *IDs) find(n *name, h uint64) (slot int, ok bool) {
	if len(d.slots) == 0 {
		return 0, false
	}
	mask := len(d.slots) - 1
	for at := int(h) & mask; ; at = (at + 1) & mask {
		s := d.slots[at]
		if s == slotEmpty {
			return 0, false
		}
		if s>>32 != h>>32 || uint32(s) == slotGone {
			continue
		}
		id := uint32(s) - 1
		text, packed := d.blocks[id/blockLen].at(int(id % blockLen))
		if packed == n.packed && (packed && [16]byte(text) == n.uuid || !packed && string(text) == n.text) {
			return at, true
		}
	}
}

// Assign returns the dense id of customer, giving the next one to a new customer.
// The empty string, or one of more than 65,536 bytes, is an *InvalidError; after
// 2^32 - 2 customers it is a *LimitError.
func (d *IDs) Assign(customer string) (uint32, error) {
	switch {
	case customer == "":
		return 0, &InvalidError{Field: "customer", Msg: "must not be empty"}
	case len(customer) > maxCustomer:
		return 0, &InvalidError{Field: "customer", Msg: "must not be longer than 65536 bytes"}
	}
	n := nameOf(customer)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.slots == nil {
		d.seed = maphash.MakeSeed()
		d.slots = make([]uint64, 16)
	}
	h := d.hash(&n)
	if at, ok := d.find(&n, h); ok {
		return uint32(d.slots[at]) - 1, nil
	}
	if d.n >= maxDense {
		return 0, &LimitError{What: "customers", Limit: maxDense}
	}
	if d.used >= len(d.slots)/5*4 {
		d.grow()
	}
	id := uint32(d.n)
	d.n++
	if id%blockLen == 0 {
		d.blocks = append(d.blocks, nameBlock{})
	}
	d.blocks[id/blockLen].add(&n)
	d.put(h, id)
	return id, nil
}

func (d *IDs) put(h uint64, id uint32) {
	mask := len(d.slots) - 1
	at := int(h) & mask
	for d.slots[at] != slotEmpty {
		at = (at + 1) & mask
	}
	d.slots[at] = h>>32<<32 | uint64(id+1)
	d.used++
}

// grow makes room by leaving out forgotten ids and, if need be, by doubling.
func (d *IDs) grow() {
	size := len(d.slots)
	if live := int(d.n) - d.gone.Len(); live >= size/5*3 {
		size *= 2
	}
	d.slots, d.used = make([]uint64, size), 0
	for i := range d.n {
		id := uint32(i)
		if d.gone.Contains(id) {
			continue
		}
		text, _ := d.blocks[id/blockLen].at(int(id % blockLen))
		d.put(maphash.Bytes(d.seed, text), id) // names are hashed as they are kept
	}
}

// Lookup returns the dense id of a known customer.
func (d *IDs) Lookup(customer string) (id uint32, ok bool) {
	n := nameOf(customer)
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.slots == nil {
		return 0, false
	}
	at, ok := d.find(&n, d.hash(&n))
	if !ok {
		return 0, false
	}
	return uint32(d.slots[at]) - 1, true
}

// Name returns the customer with a dense id; false for an id never given or forgotten.
func (d *IDs) Name(id uint32) (string, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var space [64]byte
	b, ok := d.appendName(space[:0], id)
	return string(b), ok
}

func (d *IDs) appendName(b []byte, id uint32) ([]byte, bool) {
	if uint64(id) >= d.n || d.gone.Contains(id) {
		return b, false
	}
	text, packed := d.blocks[id/blockLen].at(int(id % blockLen))
	if packed {
		return appendUUID(b, text), true
	}
	return append(b, text...), true
}

// namesOf yields the dense ids of a set with the customers' names, "" for those
// forgotten. It makes strings for many at a time and holds no lock in between.
func (d *IDs) namesOf(s *Set) iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		const batch = 64
		ids, ends, text := make([]uint32, 0, batch), make([]int, 0, batch), []byte(nil)
		flush := func() bool {
			text = text[:0]
			ends = ends[:0]
			d.mu.RLock()
			for _, id := range ids {
				text, _ = d.appendName(text, id)
				ends = append(ends, len(text))
			}
			d.mu.RUnlock()
			all, from := string(text), 0
			for i, id := range ids {
				if !yield(id, all[from:ends[i]]) {
					return false
				}
				from = ends[i]
			}
			ids = ids[:0]
			return true
		}
		for id := range s.All() {
			if ids = append(ids, id); len(ids) == batch && !flush() {
				return
			}
		}
		flush()
	}
}

// Len returns the number of dense ids given so far, forgotten ones included.
func (d *IDs) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return int(d.n)
}

// Forget erases the customer's id for good and reports whether it was known.
// Should the same customer come again, a new dense id is given.
func (d *IDs) Forget(customer string) bool {
	n := nameOf(customer)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.slots == nil {
		return false
	}
	at, ok := d.find(&n, d.hash(&n))
	if !ok {
		return false
	}
	id := uint32(d.slots[at]) - 1
	d.slots[at] = slotGone
	text, _ := d.blocks[id/blockLen].at(int(id % blockLen))
	clear(text)
	d.gone.Add(id)
	return true
}
