package dedup

import (
	"hash/maphash"
	"strings"
)

// texts stores strings one after the other in large chunks, so that a million of them
// are a few objects to the garbage collector and four bytes each beside their own. What
// is stored never moves, so a string handed out stays good.
type texts struct {
	at     []uint32 // where a string starts, in words of 4 bytes, chunk by chunk
	chunks []string
	tail   strings.Builder // the newest chunk, chunks[len(chunks)-1] being what it holds
	guests []string        // numbered after the others, for the time of a question only
}

const (
	chunkBits = 18 // 2^18 words of 4 bytes, 1 MB
	chunkSize = 4 << chunkBits
	// mostTexts bytes of text fit into one field's dictionary.
	mostTexts = 1 << 34
)

// add stores s, of less than 64 KB, and returns its number.
func (t *texts) add(s string) uint32 {
	t.at = append(t.at, t.put(s))
	return uint32(len(t.at) - 1)
}

// set makes s the string of a number that was given.
func (t *texts) set(id uint32, s string) { t.at[id] = t.put(s) }

func (t *texts) put(s string) uint32 {
	if s == "" && len(t.chunks) > 0 {
		return 0 // the first chunk begins with one
	}
	need := len(s) + 2
	if len(t.chunks) == 0 || t.tail.Len()+need+3 > t.tail.Cap() {
		t.tail = strings.Builder{}
		size := chunkSize
		if len(t.chunks) == 0 {
			size = 1 << 12 // a small table stays small
		}
		t.tail.Grow(max(size, need+8))
		t.chunks = append(t.chunks, "")
		if len(t.chunks) == 1 {
			t.tail.WriteString("\x00\x00\x00\x00")
			t.chunks[0] = t.tail.String()
			if s == "" {
				return 0
			}
		}
	}
	at := uint32(len(t.chunks)-1)<<chunkBits | uint32(t.tail.Len()/4)
	t.tail.WriteByte(byte(len(s)))
	t.tail.WriteByte(byte(len(s) >> 8))
	t.tail.WriteString(s)
	for t.tail.Len()%4 != 0 {
		t.tail.WriteByte(0)
	}
	t.chunks[len(t.chunks)-1] = t.tail.String()
	return at
}

// text returns the string of a number.
func (t *texts) text(id uint32) string {
	if int(id) >= len(t.at) {
		return t.guests[int(id)-len(t.at)]
	}
	at := t.at[id]
	s := t.chunks[at>>chunkBits][at&(1<<chunkBits-1)*4:]
	return s[2 : 2+int(s[0])+int(s[1])<<8]
}

// len is the number of texts, those of a question included.
func (t *texts) len() int { return len(t.at) + len(t.guests) }

// full reports that no more may be added.
func (t *texts) full() bool { return len(t.chunks) >= mostTexts/chunkSize-1 }

// names is a set of strings that are numbered as they come.
type names struct {
	texts
	slots []slot // open hash table; number 0 is never looked up
}

// slot is a number, 0 if it is free, and the hash of its string, which spares most looks at
// strings that are others.
type slot struct{ hash, id uint32 }

// The hash is seeded anew in every process; nothing that is seen outside depends on it.
var seed = maphash.MakeSeed()

// hash is for tables of this process only: its seed differs from one to the next.
func hash(s string) uint32 { return uint32(maphash.String(seed, s)) }

// lookup returns the number of a string with hash h, 0 if it has none.
func (n *names) lookup(s string, h uint32) uint32 {
	if len(n.slots) > 0 {
		m := uint32(len(n.slots) - 1)
		for i := h & m; n.slots[i].id != 0; i = (i + 1) & m {
			if x := n.slots[i]; x.hash == h && n.text(x.id) == s {
				return x.id
			}
		}
	}
	for k, g := range n.guests {
		if g == s {
			return uint32(len(n.at) + k)
		}
	}
	return 0
}

// enter makes the newest string, whose number is id and whose hash is h, be found.
func (n *names) enter(id, h uint32) {
	if 3*len(n.slots) < 4*(n.len()+1) {
		old := n.slots
		n.slots = make([]slot, max(16, 2*len(old)))
		for _, x := range old {
			if x.id != 0 {
				n.place(x)
			}
		}
	}
	n.place(slot{h, id})
}

// place puts a slot into the first free place from that of its hash.
func (n *names) place(x slot) {
	m := uint32(len(n.slots) - 1)
	i := x.hash & m
	for n.slots[i].id != 0 {
		i = (i + 1) & m
	}
	n.slots[i] = x
}
