package memstore

import "slices"

// Sizes chosen by measurement: smaller pages copy less per write, larger ones
// need fewer nodes.
const (
	maxPage = 1024 // bytes of a page before it is split
	maxKids = 32   // children of a node before it is split
)

// A tree is an ordered map from bytes to bytes, a B-tree whose nodes and pages
// are never changed once another tree may see them. To copy the struct is to
// take a snapshot.
type tree struct {
	root *node
	n    int // entries
}

// A node has either kids or pages below it.
type node struct {
	owner uint64
	low   []string // a bound: not above any key in child i, above all in child i-1; low[0] is not looked at
	kids  []*node
	pages []page
}

// child returns the child that a key belongs to.
func (n *node) child(key []byte) int {
	lo, hi := 1, len(n.low)
	for lo < hi {
		m := int(uint(lo+hi) / 2)
		if n.low[m] <= string(key) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo - 1
}

// own returns the node, or a copy of it that owner may change.
func (n *node) own(owner uint64) *node {
	if n.owner == owner {
		return n
	}
	c := &node{owner: owner, low: grown(n.low)}
	if n.kids != nil {
		c.kids = grown(n.kids)
	} else {
		c.pages = grown(n.pages)
	}
	return c
}

// grown returns a copy with room for one more.
func grown[T any](s []T) []T { return append(make([]T, 0, len(s)+1), s...) }

// get returns the value of a key, which is part of a page: keep a copy, or the page stays in
// memory.
func (t *tree) get(key []byte) (string, bool) {
	n := t.root
	if n == nil {
		return "", false
	}
	for n.kids != nil {
		n = n.kids[n.child(key)]
	}
	return n.pages[n.child(key)].get(key)
}

func (t *tree) has(key []byte) bool {
	_, ok := t.get(key)
	return ok
}

// put sets the value of a key and reports whether the key is new.
func (t *tree) put(w *writer, key, val []byte) bool {
	w.one[0] = entry{key, val}
	return t.putAll(w, w.one[:]) == 1
}

// writer is who writes to trees: one transaction. Nodes that it owns nobody
// else sees; they are changed in place.
type writer struct {
	owner uint64
	buf   []byte // scratch
	one   [1]entry
}

// entry is a key and its value on the way into a tree.
type entry struct{ key, val []byte }

// putAll sets the values of keys, which are sorted and differ, and returns how
// many of them are new. What lies together is written together: a page is
// copied once, however many entries go there.
func (t *tree) putAll(w *writer, entries []entry) (added int) {
	if len(entries) == 0 {
		return 0
	}
	if t.root == nil {
		t.root = &node{owner: w.owner, low: []string{""}, pages: []page{""}}
	}
	root, more, added := t.root.putAll(w, entries)
	for len(more) > 0 {
		up := &node{owner: w.owner, low: []string{""}, kids: []*node{root}}
		for _, m := range more {
			up.low, up.kids = append(up.low, m.low), append(up.kids, m.node)
		}
		root, more = up, up.divide()
	}
	t.root = root
	t.n += added
	return added
}

// sibling is what came off a node, with the bound between the two.
type sibling struct {
	low  string
	node *node
}

// putAll sets sorted entries below a node, which it copies first unless the transaction made
// it.
func (n *node) putAll(w *writer, entries []entry) (self *node, more []sibling, added int) {
	n = n.own(w.owner)
	for end := len(entries); end > 0; {
		// The entries of the last child concerned come first: what its split
		// inserts does not move the children still to come.
		i, from := n.child(entries[end-1].key), end-1
		for from > 0 && (i == 0 || string(entries[from-1].key) >= n.low[i]) {
			from--
		}
		group := entries[from:end]
		end = from
		if n.kids != nil {
			kid, split, a := n.kids[i].putAll(w, group)
			n.kids[i] = kid
			added += a
			for j, s := range split {
				n.low = slices.Insert(n.low, i+1+j, s.low)
				n.kids = slices.Insert(n.kids, i+1+j, s.node)
			}
			continue
		}
		p, split, a := n.pages[i].putAll(w, group)
		n.pages[i] = p
		added += a
		for j, s := range split {
			n.low = slices.Insert(n.low, i+1+j, s.low)
			n.pages = slices.Insert(n.pages, i+1+j, s.page)
		}
	}
	return n, n.divide(), added
}

// divide cuts what a node has too much off into siblings.
func (n *node) divide() (more []sibling) {
	if len(n.low) <= maxKids {
		return nil
	}
	low, kids, pages := n.low, n.kids, n.pages
	count := (len(low) + maxKids - 1) / maxKids
	for i := range count {
		from, to := i*len(low)/count, (i+1)*len(low)/count
		part := &node{owner: n.owner, low: slices.Clone(low[from:to])}
		if kids != nil {
			part.kids = slices.Clone(kids[from:to])
		} else {
			part.pages = slices.Clone(pages[from:to])
		}
		if i == 0 {
			*n = *part
		} else {
			more = append(more, sibling{low[from], part})
		}
	}
	return more
}

// remove takes a key out and reports whether it was there.
func (t *tree) remove(w *writer, key []byte) bool {
	if !t.has(key) {
		return false
	}
	t.root = t.root.remove(w.owner, key)
	for t.root != nil && len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
	}
	t.n--
	return true
}

// remove returns nil when nothing is left.
func (n *node) remove(owner uint64, key []byte) *node {
	n = n.own(owner)
	i := n.child(key)
	if n.kids != nil {
		if n.kids[i] = n.kids[i].remove(owner, key); n.kids[i] == nil {
			n.kids = slices.Delete(n.kids, i, i+1)
			n.low = slices.Delete(n.low, i, i+1)
		} else if j := max(i, 1); len(n.kids) > 1 && len(n.kids[j-1].low)+len(n.kids[j].low) <= maxKids/2 {
			left, right := n.kids[j-1].own(owner), n.kids[j]
			left.low = append(append(left.low, n.low[j]), right.low[1:]...)
			left.kids = append(left.kids, right.kids...)
			left.pages = append(left.pages, right.pages...)
			n.kids[j-1] = left
			n.kids = slices.Delete(n.kids, j, j+1)
			n.low = slices.Delete(n.low, j, j+1)
		}
	} else {
		if n.pages[i], _ = n.pages[i].remove(key); n.pages[i] == "" {
			n.pages = slices.Delete(n.pages, i, i+1)
			n.low = slices.Delete(n.low, i, i+1)
		} else if j := max(i, 1); len(n.pages) > 1 && len(n.pages[j-1])+len(n.pages[j]) <= maxPage/2 {
			n.pages[j-1] = n.pages[j-1].join(n.pages[j])
			n.pages = slices.Delete(n.pages, j, j+1)
			n.low = slices.Delete(n.low, j, j+1)
		}
	}
	if len(n.low) == 0 {
		return nil
	}
	return n
}

// A cursor walks a tree in order. It sees the tree as it was when the cursor
// was placed, if that tree is a snapshot; within a transaction no cursor lives
// on across a write.
type cursor struct {
	t    *tree
	path []step
	page page
	next int    // where the entry after the current one starts
	key  []byte // of the current entry; valid until the cursor moves
	val  string // part of the page; keep a copy, not a slice of it
	ok   bool   // there is a current entry
}

// step is where a cursor is within one node on the way to its page.
type step struct {
	n *node
	i int
}

// seek places the cursor on the first entry whose key is not below key.
func (c *cursor) seek(key []byte) {
	c.path, c.page, c.next, c.key, c.ok = c.path[:0], "", 0, c.key[:0], false
	n := c.t.root
	for n != nil {
		i := n.child(key)
		c.path = append(c.path, step{n, i})
		if n.kids == nil {
			c.page = n.pages[i]
			break
		}
		n = n.kids[i]
	}
	c.scan(key, 0)
}

// forward is seek for a key that is not below the current one. It mostly finds
// it without leaving the page.
func (c *cursor) forward(key []byte) {
	if !c.ok || len(c.path) == 0 {
		c.seek(key)
		return
	}
	s := c.path[len(c.path)-1]
	if s.i+1 >= len(s.n.low) || string(key) >= s.n.low[s.i+1] {
		c.seek(key)
		return
	}
	m := common(string(key), c.key)
	if m == len(key) || (m < len(c.key) && c.key[m] > key[m]) {
		return // not below it already
	}
	c.scan(key, m)
}

// scan moves on within the page to the first entry that is not below key; the
// current key shares match bytes with it.
func (c *cursor) scan(key []byte, match int) {
	for c.next < len(c.page) {
		shared, rest, size, body := c.page.head(c.next)
		c.key = append(c.key[:shared], c.page[body:body+rest]...)
		c.next = body + rest + size
		if shared > match {
			continue
		}
		if shared == match {
			tail := key[match:]
			l := common(string(c.page[body:body+rest]), tail)
			if l < len(tail) && (l == rest || c.page[body+l] < tail[l]) {
				match += l
				continue
			}
		}
		c.val, c.ok = string(c.page[body+rest:c.next]), true
		return
	}
	c.turn()
}

// step moves to the next entry.
func (c *cursor) step() {
	if c.next == len(c.page) {
		c.turn()
		return
	}
	shared, rest, size, body := c.page.head(c.next)
	c.key = append(c.key[:shared], c.page[body:body+rest]...)
	c.next = body + rest + size
	c.val, c.ok = string(c.page[body+rest:c.next]), true
}

// turn moves to the first entry of the next page.
func (c *cursor) turn() {
	c.ok = false
	for d := len(c.path) - 1; d >= 0; d-- {
		if c.path[d].i++; c.path[d].i >= len(c.path[d].n.low) {
			continue
		}
		c.path = c.path[:d+1]
		s := c.path[d]
		for s.n.kids != nil {
			s = step{s.n.kids[s.i], 0}
			c.path = append(c.path, s)
		}
		c.page, c.next, c.key = s.n.pages[s.i], 0, c.key[:0]
		c.step()
		return
	}
	c.path = c.path[:0]
	c.page, c.next = "", 0
}
