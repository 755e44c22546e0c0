package vefa

import (
	"strings"
	"sync"
)

// texts gives repeated texts small numbers.
type texts struct {
	mu   sync.RWMutex
	ids  map[string]uint32
	list []string
}

func (t *texts) id(s string) uint32 {
	t.mu.RLock()
	n, ok := t.ids[s]
	t.mu.RUnlock()
	if ok {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.ids[s]; ok {
		return n
	}
	if t.ids == nil {
		t.ids = map[string]uint32{"": 0}
		t.list = []string{""}
		if s == "" {
			return 0
		}
	}
	s = strings.Clone(s)
	n = uint32(len(t.list))
	t.ids[s] = n
	t.list = append(t.list, s)
	return n
}

func (t *texts) text(n uint32) string {
	if n == 0 {
		return ""
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list[n]
}
