package memstore

import "bytes"

// descend calls fn with the entries whose keys are below a key, the largest first, until
// it returns false. The key that fn gets is its own for the call alone.
func (t *tree) descend(below []byte, fn func(key []byte, val string) bool) {
	if t.root != nil {
		t.root.descend(below, fn)
	}
}

// descend goes through the children backwards and reports whether fn wants more.
func (n *node) descend(below []byte, fn func(key []byte, val string) bool) bool {
	for i := n.child(below); i >= 0; i-- {
		if n.kids != nil {
			if !n.kids[i].descend(below, fn) {
				return false
			}
			continue
		}
		if !n.pages[i].descend(below, fn) {
			return false
		}
	}
	return true
}

// descend reads a page, whose entries say what their keys share with the one before and
// so are read forwards, and gives it backwards.
func (p page) descend(below []byte, fn func(key []byte, val string) bool) bool {
	type place struct{ key, end, val, next int }
	var keys, key []byte
	var all []place
	for at := 0; at < len(p); {
		shared, rest, size, body := p.head(at)
		key = append(key[:shared], p[body:body+rest]...)
		if at = body + rest + size; bytes.Compare(key, below) >= 0 {
			break
		}
		all = append(all, place{len(keys), len(keys) + len(key), body + rest, at})
		keys = append(keys, key...)
	}
	for i := len(all) - 1; i >= 0; i-- {
		if x := all[i]; !fn(keys[x.key:x.end], string(p[x.val:x.next])) {
			return false
		}
	}
	return true
}
