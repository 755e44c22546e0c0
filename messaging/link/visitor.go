package link

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ipHasher hashes addresses of clients under a key for each UTC day.
type ipHasher struct {
	key     func(ctx context.Context, day time.Time) ([]byte, error)
	timeout time.Duration

	days [2]atomic.Pointer[dayKey] // by the parity of the day: around midnight two are in use
	mu   sync.Mutex                // held while a key is asked for
	// again is when key is asked once more after it failed
	again time.Time
}

type dayKey struct {
	day   int64
	block cipher.Block
}

// keyPause is how long a key that could not be had is not asked for again, so
// that redirects do not wait for a store that is down.
const keyPause = 10 * time.Second

// hash returns the hash of an address, or 0 where the address or the key of the
// day is not known.
func (h *ipHasher) hash(ctx context.Context, a netip.Addr, at time.Time) uint64 {
	if !a.IsValid() {
		return 0
	}
	day := at.Unix() / 86400
	k := h.days[day&1].Load()
	if k == nil || k.day != day {
		if k = h.ask(ctx, day, at); k == nil {
			return 0
		}
	}
	b := a.As16()
	k.block.Encrypt(b[:], b[:])
	return binary.BigEndian.Uint64(b[:]) | 1 // never 0
}

// ask gets the key of a day. A client that gives up does not end it: others
// wait for the same key.
func (h *ipHasher) ask(ctx context.Context, day int64, at time.Time) *dayKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	slot := &h.days[day&1]
	if k := slot.Load(); k != nil && k.day == day {
		return k
	}
	if at.Before(h.again) && h.again.Sub(at) <= keyPause { // a clock that was set back does not count
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	key, err := h.key(ctx, time.Unix(day*86400, 0).UTC())
	if err == nil && len(key) < 16 {
		err = errors.New("link: the key of a day has less than 16 bytes")
	}
	var block cipher.Block
	if err == nil {
		sum := sha256.Sum256(key)
		block, err = aes.NewCipher(sum[:16])
	}
	if err != nil {
		h.again = at.Add(keyPause)
		return nil
	}
	k := &dayKey{day, block}
	slot.Store(k)
	return k
}

// ownKey makes a key that only this process knows.
func ownKey(context.Context, time.Time) ([]byte, error) {
	key := make([]byte, 32)
	_, err := rand.Read(key)
	return key, err
}
