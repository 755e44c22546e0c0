package messaging

import (
	"context"
	"fmt"
	"sync"

	"github.com/vefacrm/vefa/crm"
)

// MemorySender is a provider in memory: it records what it is given, once per
// message id, and answers as it is told. Tests, examples and dry runs use it.
// It is safe for concurrent use.
type MemorySender struct {
	mu       sync.Mutex
	answer   func(Message) crm.Receipt
	messages []Message
	receipts map[crm.EffectID]crm.Receipt
	repeats  int
}

// NewMemorySender returns a provider. Answer decides about each message that is
// new to it; nil accepts everything. A message is kept if and only if the
// answer is Accepted, or crm.Uncertain (it arrived, the answer is lost). Answer is
// called under the sender's lock.
func NewMemorySender(answer func(Message) crm.Receipt) *MemorySender {
	return &MemorySender{answer: answer, receipts: map[crm.EffectID]crm.Receipt{}}
}

// Send implements Sender.
func (s *MemorySender) Send(ctx context.Context, batch []Message) ([]crm.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		if r, ok := s.receipts[m.ID]; ok {
			s.repeats++
			out[i] = r
			continue
		}
		r := crm.Receipt{Status: crm.Accepted}
		if s.answer != nil {
			r = s.answer(m)
		}
		r.ID = m.ID
		if r.Provider == "" && r.Status == crm.Accepted {
			r.Provider = fmt.Sprintf("mem-%d", len(s.messages)+1)
		}
		out[i] = r
		switch r.Status {
		case crm.Accepted, crm.Uncertain:
			s.messages = append(s.messages, m)
			s.receipts[m.ID] = crm.Receipt{ID: m.ID, Status: crm.Accepted, Provider: fmt.Sprintf("mem-%d", len(s.messages))}
		case crm.Declined:
			s.receipts[m.ID] = r
		}
	}
	return out, nil
}

// Idempotent implements Idempotent: a message id counts once.
func (*MemorySender) Idempotent() bool { return true }

// Reconcile implements Reconciler from what was recorded.
func (s *MemorySender) Reconcile(ctx context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]crm.Receipt, len(ids))
	for i, id := range ids {
		r, ok := s.receipts[id]
		if !ok {
			r = crm.Receipt{ID: id, Status: crm.Throttled, Reason: "never received"}
		}
		out[i] = r
	}
	return out, nil
}

// Messages returns everything that arrived, once per id, in order of arrival.
func (s *MemorySender) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Repeats returns how often a message came whose id had arrived before.
func (s *MemorySender) Repeats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repeats
}
