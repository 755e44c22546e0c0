package link

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Crowd tells a farm of machines behind one address from the people behind one
// of a carrier, by the first request that the address made for each link around
// a click; previews, prefetches and probes are left out. Nothing is said of fewer
// than nine links. Each sign is false for people who click by themselves, but for
// less than one window in a thousand.
type Crowd struct {
	// Even: the gaps between the requests vary less than those of people, which
	// come independently of one another.
	Even bool
	// Ordered: the links came mostly in the order in which they were sent, or
	// against it. Links of one instant count as sent in the order of their numbers.
	Ordered bool
	// Prompt: three of four came within 15 seconds of their arrival.
	Prompt bool
	// OneAgent: of at least 24 links all came with the same agent, or of at least
	// 64 nearly all. People have several, even where three of four have the phone
	// that most have.
	OneAgent bool
	// Varied: there were at least half as many agents as links, as among people.
	// Whatever the signs are, they are then one suspicion and no more.
	Varied bool
}

// signs counts what speaks for a farm.
func (c Crowd) signs() (n int) {
	for _, sign := range [...]bool{c.Even, c.Ordered, c.Prompt, c.OneAgent} {
		if sign {
			n++
		}
	}
	return n
}

// The bounds of Crowd's signs.
const (
	crowdLinks  = 9 // nothing is said of fewer
	promptDelay = 15 * time.Second
	oneAgent    = 24 // links, all with one agent
	mostAgents  = 64 // links, nearly all with one agent
)

// evenness are the bounds of Even by the number of gaps: of so many gaps between
// independent arrivals at a steady rate (exponential ones) the squared
// coefficient of variation is below the bound 2 times in 10,000, by simulation.
// Where the rate changes, it is below more rarely.
var evenness = [...]struct {
	gaps  int
	bound float64
}{{64, 0.44}, {32, 0.30}, {24, 0.25}, {16, 0.17}, {12, 0.12}, {8, 0.05}}

// spread counts, network by network, how many other links it asked for around
// each click, and how.
func spread(ctx context.Context, clicks []Click, order []int, machine []bool, d time.Duration, out []Context) error {
	slices.SortFunc(order, func(a, b int) int {
		x, y := &clicks[a], &clicks[b]
		return cmp.Or(cmp.Compare(x.IP, y.IP), x.At.Compare(y.At), cmp.Compare(x.ID, y.ID), cmp.Compare(x.RequestID, y.RequestID),
			cmp.Compare(x.Method, y.Method), cmp.Compare(x.Agent, y.Agent), cmp.Compare(a, b))
	})
	first := make([]bool, len(clicks)) // an address's first request for a link
	asked := map[uint64]bool{}
	return groups(clicks, order, func(a, b *Click) bool { return a.IP == b.IP }, func(order []int) error {
		if clicks[order[0]].IP == 0 || len(order) == 1 { // nothing is beside it
			return ctx.Err()
		}
		clear(asked)
		for _, i := range order {
			c := &clicks[i]
			if first[i] = ordinary(c.Method) && !c.Prefetch && !machine[i] && !asked[c.ID]; first[i] {
				asked[c.ID] = true
			}
		}
		seen := map[uint64]int{}
		w := window{clicks: clicks, context: out, agents: map[string]int{}}
		return around(ctx, clicks, order, d, func(i int) {
			seen[clicks[i].ID]++
			if first[i] {
				w.add(i)
			}
		}, func(i int) {
			drop(seen, clicks[i].ID)
			if first[i] {
				w.remove()
			}
		}, func(i int) {
			out[i].Recipients = len(seen) - 1
			out[i].Crowd = w.crowd()
		})
	})
}

// window sums up the first requests for links within reach, oldest first. All
// sums are whole numbers, so that what was added and taken away leaves nothing.
type window struct {
	clicks  []Click
	context []Context
	in      []int // the requests within reach are in[head:]
	head    int
	gaps    int64 // ms
	squares int64 // of the gaps
	rises   int   // neighbours in the order of sending
	falls   int   // neighbours against it
	prompt  int
	agents  map[string]int
	alike   int64 // sum of the squared counts in agents
}

func (w *window) add(i int) {
	w.in = append(w.in, i)
	if n := len(w.in); n-w.head > 1 {
		w.pair(w.in[n-2], i, 1)
	}
	w.one(i, 1)
}

func (w *window) remove() {
	i := w.in[w.head]
	w.head++
	if w.head < len(w.in) {
		w.pair(i, w.in[w.head], -1)
	}
	w.one(i, -1)
}

// pair counts two neighbours in or out.
func (w *window) pair(a, b, sign int) {
	gap := w.clicks[b].At.Sub(w.clicks[a].At).Milliseconds()
	w.gaps += int64(sign) * gap
	w.squares += int64(sign) * gap * gap
	if cmp.Or(w.context[a].Delivered.Compare(w.context[b].Delivered), cmp.Compare(w.clicks[a].ID, w.clicks[b].ID)) < 0 {
		w.rises += sign
	} else {
		w.falls += sign
	}
}

// one counts a request in or out.
func (w *window) one(i, sign int) {
	if at := w.context[i].Delivered; !at.IsZero() && w.clicks[i].At.Sub(at) < promptDelay {
		w.prompt += sign
	}
	agent := w.clicks[i].Agent
	n := w.agents[agent]
	w.alike += int64(2*n*sign + 1)
	if n += sign; n == 0 {
		delete(w.agents, agent)
	} else {
		w.agents[agent] = n
	}
}

func (w *window) crowd() (c Crowd) {
	n := len(w.in) - w.head
	if n < crowdLinks {
		return c
	}
	gaps := n - 1
	for _, e := range evenness {
		if gaps >= e.gaps {
			c.Even = float64(gaps)*float64(w.squares) <= (1+e.bound)*float64(w.gaps)*float64(w.gaps)
			break
		}
	}
	// The rises of a random order have the mean gaps/2 and the variance
	// (n+1)/12; beyond four deviations are 6 in 100,000. Where people click right
	// after a message that reaches them one by one, a large crowd has a small
	// surplus: three of four must go one way.
	surplus := max(w.rises-w.falls, w.falls-w.rises)
	c.Ordered = 3*surplus*surplus >= 16*(n+1) && 2*surplus >= gaps
	c.Prompt = 4*w.prompt >= 3*n
	c.OneAgent = len(w.agents) == 1 && n >= oneAgent || n >= mostAgents && 100*w.alike >= 92*int64(n)*int64(n)
	c.Varied = 2*len(w.agents) >= n
	return c
}
