package verimor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// page is how many messages an answer has at most.
const page = 100

// errLimit: 20 questions a minute are used up.
var errLimit = errors.New("verimor: 20 questions a minute are used up")

// errNone: Verimor knows no such campaign of the account.
var errNone = errors.New("verimor: no such campaign")

// ask asks for a page of messages after one. Verimor wants the password in the address of
// questions, over https.
func (s *Sender) ask(ctx context.Context, path string, q url.Values) ([]item, error) {
	if s.asks.Take(s.cfg.Now()) > 0 {
		return nil, errLimit
	}
	q.Set("username", s.cfg.Username)
	q.Set("password", string(s.cfg.Password.Reveal()))
	a := s.client.Do(ctx, http.MethodGet, path+"?"+q.Encode(), nil, nil)
	switch {
	case a.OK():
		return parse(a.Body)
	case a.Code == http.StatusNotFound && path == "/v2/status":
		return nil, errNone
	}
	return nil, a.Err("verimor", path)
}

// found is what was learnt of a request by asking for its custom id.
type found struct {
	have  map[string]item // by the messages' own ids
	after int64           // where to read on
	whole bool            // all was read
	none  bool            // there is no such campaign
	at    time.Time       // of the last question
}

// A request that was asked about is not asked about again for a while, because its
// messages are reconciled in pieces.
const (
	keepFound = 10 * time.Minute
	keepNone  = time.Minute
	mostFound = 64
)

// Reconcile implements messaging.Reconciler, as the package comment says. What the limit of
// questions leaves unread is read on by the next call.
func (s *Sender) Reconcile(ctx context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(ids))
	asked := map[string]found{}
	faults := map[string]error{}
	for i, id := range ids {
		out[i] = crm.Receipt{ID: id, Status: crm.Uncertain}
		s.mu.Lock()
		req, known := s.requests[id]
		s.mu.Unlock()
		if !known {
			req = request{string(id), s.start}
		}
		f, done := asked[req.custom]
		if !done {
			f, faults[req.custom] = s.find(ctx, req.custom)
			asked[req.custom] = f
		}
		switch it, ok := f.have[string(id)]; {
		case ok:
			r := it.report()
			out[i].Status, out[i].Provider = crm.Accepted, r.Provider
			s.jobs.Add(string(it.Campaign), s.cfg.Now(), 0)
		case f.none && (known || s.cfg.Batch == 1) && f.at.Sub(req.ended) >= s.cfg.Settle:
			out[i].Status, out[i].Reason = crm.Throttled, "never received"
		case faults[req.custom] != nil:
			out[i].Reason = faults[req.custom].Error()
		default:
			out[i].Reason = "Verimor does not have it"
		}
	}
	return out, ctx.Err()
}

// find asks for the messages of a request, from where an earlier question ended.
func (s *Sender) find(ctx context.Context, custom string) (found, error) {
	now := s.cfg.Now()
	s.mu.Lock()
	f := s.found[custom]
	delete(s.found, custom) // by the reader, until it is put back
	s.mu.Unlock()
	if age := now.Sub(f.at); f.whole && age >= keepFound || f.none && age >= keepNone {
		f = found{}
	}
	have := make(map[string]item, len(f.have))
	maps.Copy(have, f.have) // another call may look at the old one
	f.have = have
	var err error
	for !f.whole && !f.none && err == nil {
		var items []item
		items, err = s.ask(ctx, "/v2/status", url.Values{"custom_id": {custom}, "greater_than": {strconv.FormatInt(f.after, 10)}})
		f.at = now
		if errors.Is(err, errNone) {
			f.none, err = true, nil
		} else if err == nil {
			for _, it := range items {
				f.after = max(f.after, it.number())
				f.have[string(it.Custom)] = it
			}
			f.whole = len(items) < page
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found) >= mostFound {
		clear(s.found)
	}
	s.found[custom] = f
	return f, err
}

// Track adds requests of a process before this one to those that Poll asks about, by what
// Receipt.Provider had. Call it at the start with the messages of the last days whose
// reports are missing; sent is about when they were handed over. What is no such id is left aside.
func (s *Sender) Track(sent time.Time, provider ...string) {
	for _, p := range provider {
		if c, _, ok := strings.Cut(p, "/"); ok && c != "" && strings.Trim(c, "0123456789") == "" {
			s.jobs.Add(c, sent, 0)
		}
	}
}

// Poll implements messaging.Poller: inbound messages after the last one, and the messages of each
// campaign of the last 72 hours until all of them have come to an end, as Webhook or a poll was
// told. Reports of a campaign that is still open may come again. It asks as often as Verimor
// allows, and for the rest at the next call; what failed is asked again then, and is an error
// only if nothing else was learnt.
func (s *Sender) Poll(ctx context.Context, cursor string) (messaging.Feedback, string, error) {
	var f messaging.Feedback
	c, err := gateway.ParseCursor(cursor)
	if err != nil {
		return f, cursor, fmt.Errorf("%w: verimor: %q %w", messaging.ErrReport, crm.Clip(cursor, 40), err)
	}
	last, err := strconv.ParseInt("0"+c.Inbox, 10, 64)
	if err != nil {
		return f, cursor, fmt.Errorf("%w: verimor: the cursor's inbox %w", messaging.ErrReport, gateway.ErrCursor)
	}
	var faults []error
	for {
		items, err := s.ask(ctx, "/v2/inbound_messages", url.Values{"greater_than": {strconv.FormatInt(last, 10)}})
		if err != nil {
			faults = append(faults, err)
			break
		}
		before := last
		for _, it := range items {
			if it.Type = "inbound"; it.number() > before {
				f.Inbound = append(f.Inbound, it.message())
				last = max(last, it.number())
			}
		}
		if len(items) < page || last == before {
			break
		}
	}
	c.Inbox = strconv.FormatInt(last, 10)
	c.Jobs, err = gateway.Sweep(s.jobs.Merge(c.Jobs, s.cfg.Now(), keepJobs), nil, func(some []gateway.Job) ([]gateway.Page, bool, error) {
		p, more, err := s.sweep(ctx, some[0], &f)
		return []gateway.Page{p}, more, err
	})
	if err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil && !errors.Is(err, errLimit) && len(f.Reports)+len(f.Inbound) == 0 {
		return messaging.Feedback{}, cursor, err
	}
	return f, c.String(), nil
}

// sweep asks for one page of a campaign.
func (s *Sender) sweep(ctx context.Context, j gateway.Job, f *messaging.Feedback) (gateway.Page, bool, error) {
	after, err := strconv.ParseInt("0"+j.At, 10, 64)
	if err != nil {
		after = 0
	}
	items, err := s.ask(ctx, "/v2/status", url.Values{"id": {j.ID}, "greater_than": {strconv.FormatInt(after, 10)}})
	switch {
	case errors.Is(err, errLimit):
		return gateway.Page{}, false, nil
	case errors.Is(err, errNone):
		return gateway.Page{Open: true}, true, nil // not yet there
	case err != nil:
		return gateway.Page{}, false, err
	}
	p := gateway.Page{Open: len(items) == 0 && after == 0}
	last := after
	for _, it := range items {
		p.Open = p.Open || !it.over()
		last = max(last, it.number())
		f.Reports = append(f.Reports, it.report())
	}
	if len(items) >= page && last > after {
		p.Next = strconv.FormatInt(last, 10)
	}
	return p, true, nil
}
