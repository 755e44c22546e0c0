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

func (t *texts) len() int { return len(t.at) + len(t.guests) }

// full reports that no more may be added.
func (t *texts) full() bool { return len(t.chunks) >= mostTexts/chunkSize-1 }

// names is a set of strings that are numbered as they come.
type names struct {
	texts
	slots []uint32 // open hash table of numbers; 0 is free, number 0 is never looked up
}

// The hash is seeded anew in every process; nothing that is seen outside depends on it.
var seed = maphash.MakeSeed()

// lookup returns the number of a string, 0 if it has none.
func (n *names) lookup(s string) uint32 {
	if len(n.slots) == 0 {
		n.slots = make([]uint32, 16)
	}
	m := uint64(len(n.slots) - 1)
	for i := maphash.String(seed, s) & m; ; i = (i + 1) & m {
		id := n.slots[i]
		if id != 0 && n.text(id) != s {
			continue
		}
		if id == 0 {
			for k, g := range n.guests {
				if g == s {
					return uint32(len(n.at) + k)
				}
			}
		}
		return id
	}
}

// enter makes the newest string, whose number is id, be found.
func (n *names) enter(id uint32) {
	if 3*len(n.slots) >= 4*(n.len()+1) {
		n.place(id)
		return
	}
	n.slots = make([]uint32, max(16, 2*len(n.slots)))
	for id := 1; id < n.len(); id++ {
		n.place(uint32(id))
	}
}

func (n *names) place(id uint32) {
	m := uint64(len(n.slots) - 1)
	i := maphash.String(seed, n.text(id)) & m
	for n.slots[i] != 0 {
		i = (i + 1) & m
	}
	n.slots[i] = id
}
