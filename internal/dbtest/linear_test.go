package dbtest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// history collects the calls of several clients.
type history struct {
	tick atomic.Int64
	mu   sync.Mutex
	ops  []porcupine.Operation
}

// call runs a verb until others are no longer in its way and notes what it answered.
func (h *history) call(client int, input any, verb func() (output any, err error)) error {
	op := porcupine.Operation{ClientId: client, Input: input, Call: h.tick.Add(1)}
	for {
		out, err := verb()
		if errors.Is(err, crm.ErrBusy) || errors.Is(err, crm.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		op.Output, op.Return = out, h.tick.Add(1)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ops = append(h.ops, op)
		return nil
	}
}

// atOnce runs clients at once.
func atOnce(t *testing.T, clients int, client func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { assert.NoError(t, client(i)) })
	}
	wg.Wait()
}

// linearPeople is how many profiles the clients merge, split and return. The
// first is the earliest, so a customer bears the id of its first profile.
const linearPeople = 5

// where says for each profile the profile that its customer is named after.
type where [linearPeople]int8

// group makes profiles one customer; those that they leave stay together.
func (w where) group(groups ...[]int8) where {
	out, in := w, map[int8]int{}
	for i, g := range groups {
		for _, k := range g {
			in[k], out[k] = i+1, slices.Min(g)
		}
	}
	left := map[int8]int8{} // by the customer that they were in
	for k := range int8(linearPeople) {
		if in[k] > 0 {
			continue
		}
		if _, ok := left[w[k]]; !ok {
			left[w[k]] = k
		}
		out[k] = left[w[k]]
	}
	return out
}

func (w where) members(of int8) (out []int8) {
	for k, at := range w {
		if at == of {
			out = append(out, int8(k))
		}
	}
	return out
}

// returned is the record after an operation that moved profiles away from where
// before says is taken back.
func (w where) returned(before, after where) where {
	moved := map[int8]bool{}
	for k := range int8(linearPeople) {
		moved[k] = before[k] != after[k] // each plus one; both zero where it stayed
	}
	groups := map[int8][]int8{} // by the customer that they return to, or by linearPeople+id
	for k := range int8(linearPeople) {
		if id := before[k] - 1; moved[k] {
			if moved[id] {
				groups[linearPeople+id] = append(groups[linearPeople+id], k)
				continue
			}
			at := w[id]
			if groups[at] == nil {
				groups[at] = slices.DeleteFunc(w.members(at), func(k int8) bool { return moved[k] })
			}
			groups[at] = append(groups[at], k)
		}
	}
	return w.group(slices.Collect(maps.Values(groups))...)
}

type linkInput struct {
	verb string // merge, split, apart, undo, read
	a, b int8
	op   string // that is undone
}

// linkOutput is what a verb said: what moved where, or who is one customer.
type linkOutput struct {
	op    string
	moved map[int8]int8
	home  int8
	with  []int8 // of apart: about whom it decided
	stale bool   // they are one
}

type linkState struct {
	at   where
	ops  map[string][2]where // where operations moved profiles from and to, see returned
	back map[string][]string // by operation, those that took it back
}

// undone reports whether an operation was taken back, and that not.
func (s linkState) undone(op string) bool {
	return slices.ContainsFunc(s.back[op], func(by string) bool { return !s.undone(by) })
}

var linkModel = porcupine.Model{
	Init: func() any {
		s := linkState{}
		for k := range s.at {
			s.at[k] = int8(k)
		}
		return s
	},
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(linkState), input.(linkInput), output.(linkOutput)
		next := s.at
		switch in.verb {
		case "read":
			return out.home == s.at[in.a] && slices.Equal(out.with, s.at.members(s.at[in.a])), s
		case "apart":
			one := s.at[in.a] == s.at[in.b]
			if one || out.stale || out.op == "" { // it may have been said before
				return out.stale == one, s
			}
			both := slices.Sorted(slices.Values(append(s.at.members(s.at[in.a]), s.at.members(s.at[in.b])...)))
			return slices.Equal(out.with, both) && len(out.moved) == 0, s
		case "merge":
			g := s.at.members(s.at[in.a])
			if s.at[in.b] != s.at[in.a] {
				g = append(g, s.at.members(s.at[in.b])...)
			}
			next = s.at.group(g)
		case "split":
			next = s.at.group([]int8{in.a})
		case "undo":
			if out.op == "" || s.undone(in.op) { // once is enough
				return out.op == "" && s.undone(in.op), s
			}
			if x, moved := s.ops[in.op]; moved {
				next = s.at.returned(x[0], x[1])
			}
		}
		moved := map[int8]int8{}
		for k := range int8(linearPeople) {
			if next[k] != s.at[k] {
				moved[k] = next[k]
			}
		}
		if !maps.Equal(moved, out.moved) {
			return false, s
		}
		ops := s.ops
		if len(moved) > 0 {
			ops = maps.Clone(s.ops)
			if ops == nil {
				ops = map[string][2]where{}
			}
			// Only what moved: histories that differ in the others go on alike.
			x := [2]where{}
			for k, to := range moved {
				x[0][k], x[1][k] = s.at[k]+1, to+1
			}
			ops[out.op] = x
		}
		back := s.back
		if in.verb == "undo" {
			if back = maps.Clone(back); back == nil {
				back = map[string][]string{}
			}
			back[in.op] = append(slices.Clip(back[in.op]), out.op)
		}
		return true, linkState{next, ops, back}
	},
	Equal: func(a, b any) bool {
		x, y := a.(linkState), b.(linkState)
		return x.at == y.at && maps.Equal(x.ops, y.ops) && maps.EqualFunc(x.back, y.back, slices.Equal)
	},
}

// TestLinearLinks: what eight people see and are told who merge, split and return
// the same few profiles at once is what they would be told one after the other.
// Case A1.
func TestLinearLinks(t *testing.T) {
	const clients, calls, rounds = 8, 5, 10
	d := openPostgres(t)
	migrate(t, d)
	var now atomic.Int64
	svc := crm.New(d.store(), crm.Config{Now: func() time.Time { return day.Add(time.Duration(now.Add(1)) * time.Millisecond) }})
	for round := range rounds {
		key := func(k int8) crm.ProfileKey {
			return crm.ProfileKey{Source: "till", ID: fmt.Sprintf("%d-%d", round, k)}
		}
		homes, profiles := map[crm.CustomerID]int8{}, map[crm.ProfileKey]int8{}
		for k := range int8(linearPeople) {
			p := &crm.Profile{ProfileKey: key(k), Name: crm.Name{Given: "A"}, Since: day.Add(time.Duration(k) * time.Hour), At: day}
			require.NoError(t, svc.PutProfile(t.Context(), p))
			c, err := svc.CustomerOf(t.Context(), key(k))
			require.NoError(t, err)
			homes[c.ID], profiles[key(k)] = k, k
		}
		var mu sync.Mutex
		var done [][]crm.Link
		told := func(links []crm.Link, err error) (any, error) {
			out := linkOutput{moved: map[int8]int8{}}
			for _, l := range links {
				if out.op = l.Op; !l.Stays {
					out.moved[profiles[l.Profile]] = homes[l.Customer]
				}
			}
			if err == nil && out.op != "" {
				mu.Lock()
				done = append(done, links)
				mu.Unlock()
			}
			return out, err
		}
		var h history
		atOnce(t, clients, func(i int) error {
			r := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			for range calls {
				in := linkInput{verb: []string{"merge", "merge", "split", "undo", "read", "read", "apart"}[r.IntN(7)], a: int8(r.IntN(linearPeople)), b: int8(r.IntN(linearPeople))}
				var back []crm.Link
				if mu.Lock(); in.verb == "undo" && len(done) > 0 {
					back = done[r.IntN(len(done))]
					in.op = back[0].Op
				} else if in.verb == "undo" {
					in.verb = "read"
				}
				mu.Unlock()
				err := h.call(i, in, func() (any, error) {
					switch in.verb {
					case "merge":
						return told(svc.Merge(t.Context(), "desk", crm.Evidence{}, key(in.a), key(in.b)))
					case "split":
						return told(svc.Split(t.Context(), "desk", crm.Evidence{}, key(in.a)))
					case "apart":
						links, err := svc.KeepApart(t.Context(), "desk", crm.Evidence{}, key(in.a), key(in.b))
						if errors.Is(err, crm.ErrStale) || in.a == in.b && errors.Is(err, crm.ErrInvalid) {
							return linkOutput{stale: true}, nil
						}
						out, err := told(links, err)
						o := out.(linkOutput)
						for _, l := range links {
							o.with = append(o.with, profiles[l.Profile])
						}
						slices.Sort(o.with)
						return o, err
					case "undo":
						return told(svc.Undo(t.Context(), "desk", back...))
					}
					c, err := svc.CustomerOf(t.Context(), key(in.a))
					if err != nil {
						return nil, err
					}
					out := linkOutput{home: homes[c.ID]}
					for _, p := range c.Profiles {
						out.with = append(out.with, profiles[p])
					}
					slices.Sort(out.with)
					return out, nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		requireLinear(t, linkModel, &h, "round %d", round)
	}
}

func requireLinear(t *testing.T, m porcupine.Model, h *history, why ...any) {
	t.Helper()
	// Which of many calls came first may take too long to find out: that is no fault.
	switch porcupine.CheckOperationsTimeout(m, h.ops, 5*time.Second) {
	case porcupine.Unknown:
		t.Log("not judged: there are too many orders to try")
	case porcupine.Illegal:
		slices.SortFunc(h.ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range h.ops {
			t.Logf("%4d-%4d %d: %+v -> %+v", op.Call, op.Return, op.ClientId, op.Input, op.Output)
		}
		require.Fail(t, "not linearizable", why...)
	}
}

type ticketInput struct {
	state crm.TicketState // none: it reads
	note  string
}

// ticketOutput is what a reader saw: the state, and the log as it stands. Of a call
// that moved the ticket the output is how long the log is with its entry.
type ticketOutput struct {
	state crm.TicketState
	log   string
}

var ticketModel = porcupine.Model{
	Init: func() any { return ticketOutput{state: crm.TicketOpen} },
	Step: func(state, input, output any) (bool, any) {
		s, in := state.(ticketOutput), input.(ticketInput)
		if in.state == "" {
			return output.(ticketOutput) == s, s
		}
		next := ticketOutput{in.state, s.log + in.note + ":" + string(in.state) + " "}
		return output.(int) == len(next.log), next
	},
}

// TestLinearTickets: the same of one ticket that several people move.
// Case A16.
func TestLinearTickets(t *testing.T) {
	const clients, calls = 8, 12
	d := openPostgres(t)
	migrate(t, d)
	var now atomic.Int64
	svc := crm.New(d.store(), crm.Config{Now: func() time.Time { return day.Add(time.Duration(now.Add(1)) * time.Millisecond) }})
	require.NoError(t, svc.PutProfile(t.Context(), person(0)))
	ref, err := svc.OpenTicket(t.Context(), person(0).ProfileKey, "desk", "1", crm.Ticket{Title: "strap"})
	require.NoError(t, err)
	var h history
	atOnce(t, clients, func(i int) error {
		for n := range calls {
			in := ticketInput{}
			if n%3 != 2 {
				in = ticketInput{[]crm.TicketState{crm.TicketOpen, crm.TicketPending, crm.TicketSolved}[(i+n)%3], fmt.Sprintf("%d.%d", i, n)}
			}
			err := h.call(i, in, func() (any, error) {
				if in.state != "" {
					return nil, svc.SetTicket(t.Context(), ref, in.state, "desk", in.note)
				}
				return logOf(t, svc, ref), nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	// The log says in which order they came; without it there are too many to try.
	end, last := map[string]int{}, 0
	log := logOf(t, svc, ref)
	for _, entry := range strings.SplitAfter(log.log, " ") {
		note, _, _ := strings.Cut(entry, ":")
		last += len(entry)
		end[note] = last
	}
	for i, op := range h.ops {
		if in := op.Input.(ticketInput); in.state != "" {
			require.Contains(t, end, in.note, "a call that returned nil is not in the log")
			h.ops[i].Output = end[in.note]
		}
	}
	requireLinear(t, ticketModel, &h)
}

// logOf reads a ticket.
func logOf(t *testing.T, svc *crm.Service, ref crm.FactRef) (out ticketOutput) {
	assert.NoError(t, svc.Store().View(t.Context(), func(r crm.Reader) error {
		found, err := r.Facts(t.Context(), ref)
		if err != nil {
			return err
		}
		ticket, log := found[0].Data.(*crm.Ticket), strings.Builder{}
		for _, l := range ticket.Log {
			log.WriteString(l.Note + ":" + string(l.State) + " ")
		}
		out = ticketOutput{ticket.State, log.String()}
		return nil
	}))
	return out
}
