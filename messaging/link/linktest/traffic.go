package linktest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/vefacrm/vefa/messaging/link"
)

// Mix says how much of each there is. The zero value is no traffic.
type Mix struct {
	// People have an address of their own, or share it with few. A third click in
	// an app's browser, a fifth click twice.
	People int
	// Offices are addresses that PerOffice people share.
	Offices, PerOffice int
	// Carriers are addresses of carriers that PerCarrier people share who click
	// on the same campaign. KnownCarriers of them are in a range that is known.
	Carriers, PerCarrier, KnownCarriers int
	// Machines is how many links each family of machines asks for.
	Machines int
}

// Mixes of an evening with about as many requests by machines as by people, of one
// with nine of ten by machines, and of one with none but what the people's own phones do.
var (
	Evening  = Mix{People: 4000, Offices: 20, PerOffice: 25, Carriers: 3, PerCarrier: 1500, KnownCarriers: 1, Machines: 250}
	Scanned  = Mix{People: 1900, Offices: 5, PerOffice: 20, Carriers: 1, PerCarrier: 400, Machines: 750}
	NoRobots = Mix{People: 4000, Offices: 20, PerOffice: 40, Carriers: 4, PerCarrier: 2500, KnownCarriers: 1}
)

// Kind is who makes a family's requests.
type Kind string

// The kinds.
const (
	Person  Kind = "person"
	Machine Kind = "machine"
	// Undecidable machines do what a person does, from an address that nothing is
	// known of: their requests bound what any verdict can promise.
	Undecidable Kind = "undecidable"
)

// Request is one simulated request for a link.
type Request struct {
	Click  link.Click
	Family string
	Kind   Kind
}

// HTTP returns the request as a host's handler gets it, for a link's URL. The
// address, which a click has as a hash alone, is one of 10.0.0.0/8 made of it.
func (r Request) HTTP(url string) (*http.Request, error) {
	out, err := http.NewRequest(r.Click.Method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("linktest: %w", err)
	}
	set := func(on bool, name, value string) {
		if on {
			out.Header.Set(name, value)
		}
	}
	set(true, "User-Agent", r.Click.Agent) // "" sends none
	set(r.Click.Language, "Accept-Language", "tr-TR,tr;q=0.9")
	set(r.Click.Fetch, "Sec-Fetch-Mode", "navigate")
	set(r.Click.Prefetch, "Sec-Purpose", "prefetch")
	ip := r.Click.IP ^ r.Click.IP>>24 ^ r.Click.IP>>48
	out.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:4000", byte(ip>>16), byte(ip>>8), byte(ip))
	return out, nil
}

// Traffic is what was asked for, and when each link's message arrived.
type Traffic struct {
	Requests  []Request
	Delivered map[uint64]time.Time // by the number of the link

	rng  *rand.Rand
	next uint64
}

// start is when the first message of simulated traffic arrives.
var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// New returns the traffic of a seed and a mix, in the order of time.
func New(seed uint64, mix Mix) *Traffic {
	t := &Traffic{Delivered: map[uint64]time.Time{}, rng: rand.New(rand.NewPCG(seed, 0x6c696e6b))}
	t.people(mix)
	t.machines(mix.Machines)
	slices.SortStableFunc(t.Requests, func(a, b Request) int { return a.Click.At.Compare(b.Click.At) })
	return t
}

// Families returns the kinds of the traffic's families.
func (t *Traffic) Families() map[string]Kind {
	out := map[string]Kind{}
	for _, r := range t.Requests {
		out[r.Family] = r.Kind
	}
	return out
}

// names returns the families, people's first, each kind in the order of the alphabet.
func (t *Traffic) names() []string {
	kinds := t.Families()
	rank := map[Kind]int{Person: 0, Machine: 1, Undecidable: 2}
	return slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank[kinds[a]], rank[kinds[b]]), cmp.Compare(a, b))
	})
}

// message sends one message that arrives at an instant.
func (t *Traffic) message(at time.Time) uint64 {
	t.next++
	t.Delivered[t.next] = at
	return t.next
}

// campaign sends n messages, over ten seconds, minutes or an hour as the seed has
// it, and returns their links in the order of sending.
func (t *Traffic) campaign(n int) []uint64 {
	over := []time.Duration{10 * time.Second, 5 * time.Minute, time.Hour}[t.rng.IntN(3)]
	from := start.Add(t.between(0, time.Hour))
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = t.message(from.Add(over * time.Duration(i) / time.Duration(n)))
	}
	return ids
}

// request adds a click of a family.
func (t *Traffic) request(kind Kind, family string, c link.Click) {
	c.RequestID = fmt.Sprint("r", len(t.Requests))
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	t.Requests = append(t.Requests, Request{c, family, kind})
}

func (t *Traffic) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.rng.Int64N(int64(to-from)))
}

// address is one that nobody shares.
func (t *Traffic) address() uint64 { return t.rng.Uint64() | 1 }

func (t *Traffic) pick(of ...string) string { return of[t.rng.IntN(len(of))] }

// reading is how long after its arrival a person follows a message's link: half
// of them within twelve minutes, one of a hundred within 15 seconds, none within
// five, and nobody after 20 hours (log-normal, sigma 1.7, cut at both ends).
func (t *Traffic) reading() time.Duration {
	for {
		d := time.Duration(12 * float64(time.Minute) * math.Exp(1.7*t.rng.NormFloat64()))
		if d >= 5*time.Second && d <= 20*time.Hour {
			return d
		}
	}
}
