package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/retailer"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/verimor"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// storm is the night at its worst, for -storm: messages go through a simulator of Verimor that
// throttles, loses answers, reports twice and before it answers, and while its requests are on
// their way the customers of messages that wait or are being handed over refuse further ones and
// open tickets. What happens depends on the moment, so two runs differ; what the audit must not
// find, it finds in none.
type storm struct {
	s      *simulation
	sim    *providertest.Verimor
	told   int           // of its arrivals, how many the visitors know of
	flying chan struct{} // a request to send has come

	mu     sync.Mutex
	counts stormCounts
}

// stormCounts is what -storm prints.
type stormCounts struct {
	Requests  int `json:"requests"`  // to send
	Throttled int `json:"throttled"` // of them
	Lost      int `json:"lost"`      // of them, taken or not, without an answer
	Reports   int `json:"reports"`   // pushed, repeated ones too
	Refused   int `json:"refused"`   // consents that were withdrawn during a send
	Tickets   int `json:"tickets"`   // that were opened during a send
	Twice     int `json:"twice"`     // messages that the provider took more than once
}

// stormBatch is how many messages a request has, so that there are many requests.
const stormBatch = 50

// openStorm starts the simulator below a path of mux and returns the sender that reaches it.
func (s *simulation) openStorm(mux *http.ServeMux, base string) (messaging.Sender, error) {
	st := &storm{s: s, flying: make(chan struct{}, 1)}
	st.sim = providertest.NewVerimor(providertest.Config{Seed: s.o.seed, Now: s.clock.Now})
	st.sim.SetFaults(providertest.Faults{Throttle: 0.05, Lost: 0.05, Drop: 0.02, Error: 0.02, Fail: 0.03, Early: 0.1, Twice: 0.3})
	st.sim.Headers = []string{retailer.SentFrom}
	path := crm.NewSecret([]byte("a-path-that-lives-as-long-as-the-program"))
	sender, err := verimor.New(verimor.Config{URL: base + "/verimor", Username: st.sim.Username, Password: st.sim.Password, Header: retailer.SentFrom, Now: s.clock.Now, Batch: stormBatch,
		Guard: webhook.Guard{Secret: path}})
	if err != nil {
		return nil, err
	}
	st.sim.PushTo(sender.Webhook(func(ctx context.Context, f messaging.Feedback) error {
		st.count(func(c *stormCounts) { c.Reports += len(f.Reports) })
		_, err := s.eng.Feedback(ctx, f)
		return err
	}), "/pushed/"+string(path.Reveal()))
	mux.Handle("/verimor/", http.StripPrefix("/verimor", st))
	s.storm = st
	return sender, nil
}

func (st *storm) count(change func(*stormCounts)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	change(&st.counts)
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

func (w *status) WriteHeader(code int) { w.code = code; w.ResponseWriter.WriteHeader(code) }

// ServeHTTP is the simulator, which wakes those who act during a send.
func (st *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		select {
		case st.flying <- struct{}{}:
		default:
		}
		answer := &status{ResponseWriter: w}
		ended := false
		defer func() {
			st.count(func(c *stormCounts) {
				c.Requests++
				switch {
				case !ended || answer.code >= 500:
					c.Lost++
				case answer.code == http.StatusTooManyRequests:
					c.Throttled++
				}
			})
		}()
		st.sim.ServeHTTP(answer, r)
		ended = true
		return
	}
	st.sim.ServeHTTP(w, r)
}

// during does work that sends, and what customers do meanwhile.
func (st *storm) during(ctx context.Context, work func(context.Context) error) error {
	over := make(chan struct{})
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(st.s.o.seed, uint64(i)))
			for {
				select {
				case <-over:
					return
				case <-st.flying:
				}
				for range 4 {
					if errs[i] = st.act(ctx, r, i == 0); errs[i] != nil {
						return
					}
				}
			}
		})
	}
	err := work(ctx)
	close(over)
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

// act has a customer refuse or complain whose message waits or is being handed over.
func (st *storm) act(ctx context.Context, r *rand.Rand, refuse bool) error {
	var about *crm.Profile
	err := st.s.store.View(ctx, func(rd crm.Reader) error {
		about = nil
		state := []crm.EffectState{crm.Planned, crm.Sent}[r.IntN(2)]
		due, err := rd.DueEffects(ctx, crm.DueQuery{Parts: crm.AllParts(), State: state, Kinds: []crm.EffectKind{crm.EffectMessage}, Before: st.s.clock.Now().Add(time.Second), Limit: 200})
		if err != nil || len(due) == 0 {
			return err
		}
		who, err := vefa.About(due[r.IntN(len(due))])
		if err != nil || who.IsZero() {
			return err
		}
		found, err := rd.Profiles(ctx, who)
		if err == nil {
			about = found[0]
		}
		return err
	})
	if err != nil || about == nil {
		return err
	}
	svc, now := st.s.eng.Service(), st.s.clock.Now()
	if !refuse {
		_, err = svc.OpenTicket(ctx, about.ProfileKey, "storm", fmt.Sprint(now.UnixMicro(), "-", r.Uint64()), crm.Ticket{Title: "complained while the messages left"})
		st.count(func(c *stormCounts) { c.Tickets++ })
		return err
	}
	for _, to := range about.Reachable(crm.Phone) {
		consent := crm.Consent{ConsentKey: st.s.consent(), Status: crm.Refused, Actor: "the customer, during the send"}
		if err := svc.Consent(ctx, to, consent); err != nil {
			return err
		}
		st.count(func(c *stormCounts) { c.Refused++ })
	}
	return nil
}

// settle lets half an hour go by, in which what was throttled or lost is sent again or
// reconciled, and all reports are pushed.
func (st *storm) settle(ctx context.Context) error {
	for range 3 {
		st.s.clock.Set(st.s.clock.Now().Add(10 * time.Minute))
		if _, err := st.s.eng.Resume(ctx); err != nil {
			return err
		}
		got, err := st.s.eng.Deliver(ctx)
		if err != nil {
			return err
		}
		st.s.left.Add(got)
		st.sim.Deliver()
	}
	return nil
}

// drain returns the messages that the provider took since it was called last.
func (st *storm) drain() []crm.EffectID {
	all := st.sim.Arrivals()
	ids := make([]crm.EffectID, 0, len(all)-st.told)
	for _, a := range all[st.told:] {
		ids = append(ids, a.ID)
	}
	st.told = len(all)
	return ids
}

// sum counts what the provider took twice.
func (st *storm) sum() *stormCounts {
	st.mu.Lock()
	defer st.mu.Unlock()
	out := st.counts
	times := map[crm.EffectID]int{}
	for _, a := range st.sim.Arrivals() {
		if times[a.ID]++; times[a.ID] == 2 {
			out.Twice++
		}
	}
	return &out
}
