// Package token is what the tokens in web addresses share: their digits, the keys that
// make them and may be replaced while they serve, and what can be wrong with them. What a
// token holds, and how long it is, the packages that make tokens say.
package token

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// What can be wrong with a token or a key; test with errors.Is. None holds the token, which
// is not for logs.
var (
	ErrMalformed  = errors.New("malformed token")         // the text cannot be a token
	ErrForged     = errors.New("forged token")            // its tag does not fit, or it is for another purpose
	ErrUnknownKey = errors.New("key that is not known")   // it was retired, or never added
	ErrKey        = errors.New("key that cannot be used") // to add, to sign with or to retire
)

// MaxKeys is how many keys a Ring has room for; their ids are 0 to MaxKeys-1.
const MaxKeys = 16

// Ring holds keys by their ids, of which one signs. The zero value has none. It is safe
// for concurrent use, and readers wait for no change.
type Ring[K any] struct {
	mu  sync.Mutex // of changes
	now atomic.Pointer[keys[K]]
}

type keys[K any] struct {
	of     [MaxKeys]*K
	signer *K
	id     int
}

// Add makes a key known. It fails with ErrKey for an id that is in use or out of range.
func (r *Ring[K]) Add(id int, key *K) error {
	return r.change(id, func(next *keys[K]) error {
		if next.of[id] != nil {
			return fmt.Errorf("%w: %d is in use", ErrKey, id)
		}
		next.of[id] = key
		return nil
	})
}

// Sign makes Signer return a key from now on. It fails with ErrKey and ErrUnknownKey for
// one that was not added: first let every process that reads tokens know a key.
func (r *Ring[K]) Sign(id int) error {
	return r.change(id, func(next *keys[K]) error {
		if next.of[id] == nil {
			return fmt.Errorf("%w: %d: %w", ErrKey, id, ErrUnknownKey)
		}
		next.signer, next.id = next.of[id], id
		return nil
	})
}

// Retire forgets a key; one that is not known stays so. It fails with ErrKey for the key
// that signs.
func (r *Ring[K]) Retire(id int) error {
	return r.change(id, func(next *keys[K]) error {
		if next.signer != nil && next.id == id {
			return fmt.Errorf("%w: %d still signs", ErrKey, id)
		}
		next.of[id] = nil
		return nil
	})
}

func (r *Ring[K]) change(id int, fn func(*keys[K]) error) error {
	if id < 0 || id >= MaxKeys {
		return fmt.Errorf("%w: id %d is not from 0 to %d", ErrKey, id, MaxKeys-1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var next keys[K]
	if old := r.now.Load(); old != nil {
		next = *old
	}
	if err := fn(&next); err != nil {
		return err
	}
	r.now.Store(&next)
	return nil
}

// Key returns the key of an id, nil if it is not known.
func (r *Ring[K]) Key(id int) *K {
	if k := r.now.Load(); k != nil && id >= 0 && id < MaxKeys {
		return k.of[id]
	}
	return nil
}

// Signer returns the key that signs, with its id; nil if none does.
func (r *Ring[K]) Signer() (id int, key *K) {
	if k := r.now.Load(); k != nil {
		return k.id, k.signer
	}
	return 0, nil
}
