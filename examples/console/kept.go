package main

import (
	"crypto/rand"
	"sync"
)

// kept holds what people typed, a search or a draft, under a number that means nothing, so that
// no name and no address of a customer stands in the address of a page. It forgets the oldest.
type kept struct {
	mu    sync.Mutex
	byID  map[string]any
	order []string
}

const maxKept = 2000

// put keeps a value and returns its number.
func (k *kept) put(v any) string {
	id := rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = map[string]any{}
	}
	k.byID[id] = v
	if k.order = append(k.order, id); len(k.order) > maxKept {
		delete(k.byID, k.order[0])
		k.order = k.order[1:]
	}
	return id
}

// of returns what is kept under a number, if it is of this type.
func of[T any](k *kept, id string) (v T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok = k.byID[id].(T)
	return v, ok
}
