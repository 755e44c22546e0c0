package link

import (
	"sync"
	"sync/atomic"
	"time"
)

// cache keeps destinations by the number of their token: a fixed number of shards, each a map
// and a clock hand that evicts what was not asked for since it last came by.
type cache struct {
	shards [16]shard
	limit  int // entries per shard
}

type shard struct {
	mu    sync.RWMutex
	index map[uint64]*entry
	order []*entry
	hand  int
}

type entry struct {
	number   uint64   // of the token
	id       uint64   // of the link
	location []string // the header value, ready to be shared
	loaded   time.Time
	at       int // its place in order
	used     atomic.Bool
}

func newCache(size int) *cache {
	c := &cache{limit: max(1, size/16)}
	for i := range c.shards {
		c.shards[i].index = map[uint64]*entry{}
	}
	return c
}

func (c *cache) shard(number uint64) *shard { return &c.shards[number*0x9e3779b97f4a7c15>>60] }

func (c *cache) get(number uint64) *entry {
	s := c.shard(number)
	s.mu.RLock()
	e := s.index[number]
	s.mu.RUnlock()
	if e != nil && !e.used.Load() { // a plain load keeps the line shared
		e.used.Store(true)
	}
	return e
}

func (c *cache) put(e *entry) {
	s := c.shard(e.number)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.index[e.number]; old != nil {
		e.at = old.at
		s.order[e.at], s.index[e.number] = e, e
		return
	}
	if len(s.order) < c.limit {
		e.at = len(s.order)
		s.order, s.index[e.number] = append(s.order, e), e
		return
	}
	for s.order[s.hand].used.Swap(false) { // ends after one round at the latest
		s.hand = (s.hand + 1) % len(s.order)
	}
	delete(s.index, s.order[s.hand].number)
	e.at = s.hand
	s.order[e.at], s.index[e.number] = e, e
	s.hand = (s.hand + 1) % len(s.order)
}

func (c *cache) drop(number uint64) {
	s := c.shard(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.index[number]
	if e == nil {
		return
	}
	delete(s.index, number)
	last := s.order[len(s.order)-1]
	last.at = e.at
	s.order[e.at] = last
	s.order = s.order[:len(s.order)-1]
	if s.hand >= len(s.order) {
		s.hand = 0
	}
}
