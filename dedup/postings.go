package dedup

// postings maps block keys to the records that have them: an open hash table whose
// entries head lists of records.
type postings struct {
	entries []posting
	nodes   []node
	free    uint32 // head of the list of unused nodes; 0 is none
	used    int    // entries that hold a key
}

type posting struct {
	key  uint64 // 0 is empty
	head uint32 // node, 0 is none
	n    uint32
}

type node struct{ record, next uint32 }

func (p *postings) find(key uint64) *posting {
	if len(p.entries) == 0 {
		return nil
	}
	m := uint64(len(p.entries) - 1)
	for i := mix(key) & m; ; i = (i + 1) & m {
		e := &p.entries[i]
		if e.key == key {
			return e
		}
		if e.key == 0 {
			return nil
		}
	}
}

// add puts a record on a key's list and returns the list's length.
func (p *postings) add(key uint64, record uint32) int {
	if 4*(p.used+1) > 3*len(p.entries) {
		p.grow()
	}
	e := p.find(key)
	if e == nil {
		m := uint64(len(p.entries) - 1)
		i := mix(key) & m
		for p.entries[i].key != 0 {
			i = (i + 1) & m
		}
		e = &p.entries[i]
		e.key = key
		p.used++
	}
	if len(p.nodes) == 0 {
		p.nodes = append(p.nodes, node{})
	}
	at := p.free
	if at != 0 {
		p.free = p.nodes[at].next
		p.nodes[at] = node{record, e.head}
	} else {
		at = uint32(len(p.nodes))
		p.nodes = append(p.nodes, node{record, e.head})
	}
	e.head = at
	e.n++
	return int(e.n)
}

// remove takes a record off a key's list and returns what is left of it, or -1 if it
// was not there. Emptied keys stay until the table grows.
func (p *postings) remove(key uint64, record uint32) int {
	e := p.find(key)
	if e == nil {
		return -1
	}
	for at := &e.head; *at != 0; at = &p.nodes[*at].next {
		k := *at
		if p.nodes[k].record == record {
			*at = p.nodes[k].next
			p.nodes[k] = node{0, p.free}
			p.free = k
			e.n--
			return int(e.n)
		}
	}
	return -1
}

// each yields the records of a key.
func (p *postings) each(e *posting, yield func(uint32)) {
	for at := e.head; at != 0; at = p.nodes[at].next {
		yield(p.nodes[at].record)
	}
}

func (p *postings) grow() {
	old := p.entries
	live := 0
	for _, e := range old {
		if e.n > 0 {
			live++
		}
	}
	size := 64
	for size < 2*live+2 {
		size *= 2
	}
	p.entries, p.used = make([]posting, size), live
	m := uint64(size - 1)
	for _, e := range old {
		if e.n == 0 {
			continue
		}
		i := mix(e.key) & m
		for p.entries[i].key != 0 {
			i = (i + 1) & m
		}
		p.entries[i] = e
	}
}
