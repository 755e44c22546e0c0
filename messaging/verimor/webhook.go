package verimor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// Webhook answers Verimor's pushes of reports and inbound messages, both at one address that ends
// in Config.Guard's secret. What is pushed is confirmed by asking Verimor unless
// Config.Unconfirmed is set, and then goes to take; the answer is 200 only after take returned
// nil. Verimor may push the same again.
func (s *Sender) Webhook(take func(context.Context, messaging.Feedback) error) http.Handler {
	return gateway.Hook([]string{http.MethodPost}, http.StatusOK, s.cfg.Guard.Admits, func(r *http.Request, body []byte) error {
		items, err := parse(body)
		if err != nil {
			return err
		}
		if !s.cfg.Unconfirmed {
			if items, err = s.confirm(r.Context(), items); err != nil {
				return err
			}
		}
		f := feedback(items)
		if len(f.Reports)+len(f.Inbound) == 0 {
			return nil
		}
		if err := take(r.Context(), f); err != nil {
			return err
		}
		for _, it := range items {
			if !it.inbound() && it.over() {
				s.jobs.End(string(it.Campaign), string(it.MessageID))
			}
		}
		return nil
	})
}

func feedback(items []item) messaging.Feedback {
	var f messaging.Feedback
	for _, it := range items {
		if it.inbound() {
			f.Inbound = append(f.Inbound, it.message())
		} else {
			f.Reports = append(f.Reports, it.report())
		}
	}
	return f
}

// mostTold bounds Sender.told; what is beyond is asked about again.
const mostTold = 10000

// tell keeps the answer to a question about entries that do not change any more.
func (s *Sender) tell(items []item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil || len(s.told)+len(items) > mostTold {
		s.told = map[int64]item{}
	}
	for _, it := range items {
		s.told[it.number()] = it
	}
}

// known returns the entry as an earlier answer had it.
func (s *Sender) known(it item) (item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.told[it.number()]
	return was, ok && was.inbound() == it.inbound()
}

// confirm returns the entries as Verimor has them when asked. An answer has up to 100 messages
// of a campaign, so that of its reports, pushed one by one, most are confirmed without a
// question of their own.
func (s *Sender) confirm(ctx context.Context, items []item) ([]item, error) {
	groups := map[string][]item{} // by campaign; "" are inbound ones
	var out []item
	for _, it := range items {
		if was, ok := s.known(it); ok {
			out = append(out, was)
			continue
		}
		key := ""
		if !it.inbound() {
			key = string(it.Campaign)
		}
		groups[key] = append(groups[key], it)
	}
	var keys []string
	for k := range groups {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, key := range keys {
		path, q := "/v2/status", url.Values{"id": {key}}
		if key == "" {
			path, q = "/v2/inbound_messages", url.Values{}
		}
		group := groups[key]
		slices.SortStableFunc(group, func(a, b item) int { return cmp.Compare(a.number(), b.number()) })
		for len(group) > 0 {
			q.Set("greater_than", strconv.FormatInt(group[0].number()-1, 10))
			got, err := s.ask(ctx, path, q)
			if errors.Is(err, errNone) {
				return nil, fmt.Errorf("verimor: a pushed report %w", gateway.ErrForged)
			}
			if err != nil {
				return nil, err
			}
			have := map[int64]item{}
			var ended []item
			for _, it := range got {
				if key == "" {
					it.Type = "inbound"
				}
				have[it.number()] = it
				if it.inbound() || it.over() {
					ended = append(ended, it)
				}
			}
			s.tell(ended)
			rest := group[:0:0]
			for i, it := range group {
				if confirmed, ok := have[it.number()]; ok {
					out = append(out, confirmed)
				} else if i == 0 {
					return nil, fmt.Errorf("verimor: a pushed message %w", gateway.ErrForged)
				} else {
					rest = append(rest, it)
				}
			}
			group = rest
		}
	}
	return out, nil
}
