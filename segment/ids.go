package segment

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vefacrm/vefa/segment/bitset"
)

// customerIDs maps customer ids, which are any non-empty strings, to the dense ids that
// sets hold, and back. Dense ids are given in order of first arrival and are
// never given twice. The zero value is ready; it is safe for concurrent use.
//
// A customer costs the bytes of its id, 10 to 20 bytes of hash table, and four
// more if ids differ in length. UUIDs in their usual form, 36 characters in lower
// case, are kept in 16 bytes. Readers take no lock.
type customerIDs struct {
	mu    sync.Mutex // of writers
	table atomic.Pointer[idTable]
	n     atomic.Uint64              // dense ids given
	gone  atomic.Pointer[bitset.Set] // forgotten dense ids; replaced, never changed
	used  int                        // slots that are not empty
}

// idTable is what readers use. Slots are read and written atomically; a slot is
// written after everything that it leads to.
type idTable struct {
	seed   maphash.Seed
	slots  []uint64 // open addressing: half a hash above, dense id + 1 below
	blocks []atomic.Pointer[nameBlock]
}

const (
	blockLen    = 1024 // names in a block
	maxCustomer = 1 << 16
	maxDense    = math.MaxUint32 - 1 // further ids would look like slotGone

	slotEmpty = 0
	slotGone  = math.MaxUint32 // in the lower half
)

// nameBlock holds the names of consecutive dense ids one after the other. While
// they are of one length and kind, no ends are kept. A block that readers may see
// is only added to, beyond what they look at; any other change makes a new one.
type nameBlock struct {
	text   []byte   // names, then spare room
	ends   []uint32 // with packedFlag; as many as a block has names
	width  int
	packed bool
}

const packedFlag = 1 << 31

// name is a customer id in the form in which it is kept.
type name struct {
	text   string // unless packed
	uuid   [16]byte
	packed bool
}

// nameOf packs a customer id that is written as a UUID in 16 bytes, less than half of its
// text.
func nameOf(customer string) (n name) {
	if len(customer) == 36 && packUUID(customer, &n.uuid) {
		n.packed = true
	} else {
		n.text = customer
	}
	return n
}

// packUUID reads the usual form of a UUID in lower case, eight digits at a time.
func packUUID(s string, out *[16]byte) bool {
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	four := func(s string) uint64 { return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 }
	valid := true
	for i, digits := range [4]uint64{
		four(s[0:4]) | four(s[4:8])<<32, four(s[9:13]) | four(s[14:18])<<32,
		four(s[19:23]) | four(s[24:28])<<32, four(s[28:32]) | four(s[32:36])<<32,
	} {
		const ones = 0x0101010101010101
		v := digits&(15*ones) + 9*(digits>>6&ones) // letters have that bit
		letter := (v + 6*ones) >> 4 & ones         // where the value is above 9
		valid = valid && v&^(15*ones) == 0 && v+'0'*ones+('a'-'0'-10)*letter == digits
		v = (v<<4 | v>>8) & 0x00ff00ff00ff00ff
		v = (v | v>>8) & 0x0000ffff0000ffff
		binary.LittleEndian.PutUint32(out[4*i:], uint32(v|v>>16))
	}
	return valid
}

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

// with returns the block with the name n at the place i, the next one.
func (b *nameBlock) with(i int, n *name) *nameBlock {
	size := len(n.text)
	if n.packed {
		size = len(n.uuid)
	}
	if i == 0 {
		b = &nameBlock{width: size, packed: n.packed}
	}
	if b.ends == nil && (size != b.width || n.packed != b.packed) {
		ends := make([]uint32, blockLen)
		for j := range i {
			ends[j] = uint32((j + 1) * b.width)
			if b.packed {
				ends[j] |= packedFlag
			}
		}
		b = &nameBlock{text: b.text, ends: ends}
	}
	from := i * b.width
	if b.ends != nil {
		from = int(b.ends[i-1] &^ packedFlag) // the first name alone makes no ends
	}
	if need := from + size; need > len(b.text) {
		room := max(need, 2*len(b.text))
		if b.ends == nil {
			room = min(room, blockLen*b.width)
		}
		grown := *b
		grown.text = make([]byte, room)
		copy(grown.text, b.text[:from])
		b = &grown
	}
	if n.packed {
		copy(b.text[from:], n.uuid[:])
	} else {
		copy(b.text[from:], n.text)
	}
	if b.ends != nil {
		b.ends[i] = uint32(from + size)
		if n.packed {
			b.ends[i] |= packedFlag
		}
	}
	if i == blockLen-1 && from+size < len(b.text) { // complete: give spare memory back
		full := *b
		full.text = slices.Clone(b.text[:from+size])
		b = &full
	}
	return b
}

func (t *idTable) hash(n *name) uint64 {
	if n.packed {
		return maphash.Bytes(t.seed, n.uuid[:])
	}
	return maphash.String(t.seed, n.text)
}

func (t *idTable) name(id uint32) (text []byte, packed bool) {
	return t.blocks[id/blockLen].Load().at(int(id % blockLen))
}

// find returns the slot that holds the name and its dense id, or false. Slots
// are looked at in groups of eight, a cache line, without a branch for each: one
// that cannot be predicted would wait for memory.
func (t *idTable) find(n *name, h uint64) (slot int, id uint32, ok bool) {
	mask := len(t.slots) - 1
	for first := int(h) & mask &^ 7; ; first = (first + 8) & mask {
		group := (*[8]uint64)(t.slots[first:])
		match, empty := uint64(0), uint64(0)
		for i := range group {
			s := atomic.LoadUint64(&group[i])
			match |= isZero(s>>32^h>>32) << i
			empty |= isZero(s) << i
		}
		for match &^= empty; match != 0; match &= match - 1 {
			at := first + bits.TrailingZeros64(match)
			s := uint32(atomic.LoadUint64(&t.slots[at]))
			if s == slotGone {
				continue
			}
			if text, packed := t.name(s - 1); packed == n.packed && (packed && [16]byte(text) == n.uuid || !packed && string(text) == n.text) {
				return at, s - 1, true
			}
		}
		if empty != 0 {
			return 0, 0, false
		}
	}
}

// isZero is 1 for 0 and 0 for everything else.
func isZero(v uint64) uint64 { return ((v - 1) &^ v) >> 63 }

// Assign returns the dense id of customer, giving the next one to a new customer.
// The empty string, or one of more than 65,536 bytes, is an *InvalidError; after
// 2^32 - 2 customers it is a *LimitError.
func (d *customerIDs) Assign(customer string) (uint32, error) {
	switch {
	case customer == "":
		return 0, &InvalidError{Field: "customer", Msg: "must not be empty"}
	case len(customer) > maxCustomer:
		return 0, &InvalidError{Field: "customer", Msg: "must not be longer than 65536 bytes"}
	}
	n := nameOf(customer)
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.table.Load()
	if t == nil {
		t = &idTable{seed: maphash.MakeSeed(), slots: make([]uint64, 16), blocks: make([]atomic.Pointer[nameBlock], 1)}
		d.table.Store(t)
	}
	h := t.hash(&n)
	if _, id, ok := t.find(&n, h); ok {
		return id, nil
	}
	given := d.n.Load()
	if given >= maxDense {
		return 0, &LimitError{What: "customers", Limit: maxDense}
	}
	if d.used >= len(t.slots)/5*4 {
		t = d.grow(t)
	}
	id := uint32(given)
	if int(id/blockLen) == len(t.blocks) {
		t = &idTable{seed: t.seed, slots: t.slots, blocks: moreBlocks(t.blocks)}
		d.table.Store(t)
	}
	block := &t.blocks[id/blockLen]
	old := block.Load()
	if next := old.with(int(id%blockLen), &n); next != old {
		block.Store(next)
	}
	d.n.Store(given + 1)
	t.put(h, id)
	d.used++
	return id, nil
}

func moreBlocks(old []atomic.Pointer[nameBlock]) []atomic.Pointer[nameBlock] {
	out := make([]atomic.Pointer[nameBlock], len(old)+len(old)/4+1)
	for i := range old {
		out[i].Store(old[i].Load())
	}
	return out
}

func (t *idTable) put(h uint64, id uint32) {
	mask := len(t.slots) - 1
	at := int(h) & mask &^ 7
	for atomic.LoadUint64(&t.slots[at]) != slotEmpty {
		at = (at + 1) & mask // through the group, then the next one
	}
	atomic.StoreUint64(&t.slots[at], h>>32<<32|uint64(id+1))
}

// grow makes room by leaving out forgotten ids and, if need be, by doubling.
func (d *customerIDs) grow(t *idTable) *idTable {
	n, gone, size := uint32(d.n.Load()), d.gone.Load(), len(t.slots)
	live := int(n)
	if gone != nil {
		live -= gone.Len()
	}
	if live >= size/5*3 {
		size *= 2
	}
	t = &idTable{seed: t.seed, slots: make([]uint64, size), blocks: t.blocks}
	for id := range n {
		if gone == nil || !gone.Contains(id) {
			text, _ := t.name(id)
			t.put(maphash.Bytes(t.seed, text), id) // names are hashed as they are kept
		}
	}
	d.used = live
	d.table.Store(t)
	return t
}

// Lookup returns the dense id of a known customer.
func (d *customerIDs) Lookup(customer string) (id uint32, ok bool) {
	t := d.table.Load()
	if t == nil {
		return 0, false
	}
	n := nameOf(customer)
	_, id, ok = t.find(&n, t.hash(&n))
	return id, ok
}

// noID stands for an unknown customer in the answer of lookupAll.
const noID = math.MaxUint32

// lookupAll calls found with the dense id of each customer, noID for an unknown one. In
// a large table a look-up is mostly waiting for memory; many at a time wait together.
func (d *customerIDs) lookupAll(count int, customer func(int) string, found func(i int, id uint32)) {
	t := d.table.Load()
	const batch = 32
	var names [batch]name
	var hashes [batch]uint64
	var near [batch]uint64 // one read for each, so that the processor fetches what it will need
	for from := 0; from < count; from += batch {
		part := min(batch, count-from)
		if t == nil {
			for i := range part {
				found(from+i, noID)
			}
			continue
		}
		mask := len(t.slots) - 1
		for i := range part {
			names[i] = nameOf(customer(from + i))
			hashes[i] = t.hash(&names[i])
		}
		for i := range part {
			near[i] = atomic.LoadUint64(&t.slots[int(hashes[i])&mask&^7])
		}
		for i := range part {
			if id, ok := t.candidate(hashes[i]); ok {
				near[i] += t.firstByte(id)
			}
		}
		for i := range part {
			if _, id, ok := t.find(&names[i], hashes[i]); ok {
				found(from+i, id)
			} else {
				found(from+i, noID)
			}
		}
	}
	runtime.KeepAlive(&near)
}

// candidate returns the dense id in the first group that is most likely meant.
func (t *idTable) candidate(h uint64) (id uint32, ok bool) {
	group := (*[8]uint64)(t.slots[int(h)&(len(t.slots)-1)&^7:])
	for i := range group {
		if s := atomic.LoadUint64(&group[i]); s>>32 == h>>32 && s != slotEmpty && uint32(s) != slotGone {
			return uint32(s) - 1, true
		}
	}
	return 0, false
}

func (t *idTable) firstByte(id uint32) uint64 {
	text, _ := t.name(id)
	if len(text) == 0 {
		return 0
	}
	return uint64(text[0])
}

// Name returns the customer with a dense id; false for an id never given or forgotten.
func (d *customerIDs) Name(id uint32) (string, bool) {
	var space [64]byte
	b, ok := d.appendName(space[:0], id)
	return string(b), ok
}

func (d *customerIDs) appendName(b []byte, id uint32) ([]byte, bool) {
	if uint64(id) >= d.n.Load() {
		return b, false
	}
	if gone := d.gone.Load(); gone != nil && gone.Contains(id) {
		return b, false
	}
	text, packed := d.table.Load().name(id)
	if packed {
		return appendUUID(b, text), true
	}
	return append(b, text...), true
}

// namesOf yields the dense ids of a set with the customers' names, "" for those
// forgotten. It makes strings for many at a time.
func (d *customerIDs) namesOf(s *bitset.Set) iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		const batch = 64
		ids, ends, text := make([]uint32, 0, batch), make([]int, 0, batch), []byte(nil)
		flush := func() bool {
			text = text[:0]
			ends = ends[:0]
			for _, id := range ids {
				text, _ = d.appendName(text, id)
				ends = append(ends, len(text))
			}
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
func (d *customerIDs) Len() int { return int(d.n.Load()) }

// Forget erases the customer's id for good and reports whether it was known.
// Should the same customer come again, a new dense id is given.
func (d *customerIDs) Forget(customer string) bool {
	n := nameOf(customer)
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.table.Load()
	if t == nil {
		return false
	}
	at, id, ok := t.find(&n, t.hash(&n))
	if !ok {
		return false
	}
	gone := new(bitset.Set)
	if old := d.gone.Load(); old != nil {
		gone = old.Clone()
	}
	gone.Add(id)
	d.gone.Store(gone)
	atomic.StoreUint64(&t.slots[at], slotGone)
	// Whoever reads this block now may finish; then the name is nowhere any more.
	block := &t.blocks[id/blockLen]
	without := *block.Load()
	without.text = slices.Clone(without.text)
	text, _ := without.at(int(id % blockLen))
	clear(text)
	block.Store(&without)
	return true
}
