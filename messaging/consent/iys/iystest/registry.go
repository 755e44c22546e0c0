// Package iystest simulates the Turkish registry of consents over HTTP, for tests: it has the
// rules that the registry's public pages give, from tables of its own, its limits, and faults
// that a test asks for. It is not the registry: what that does beyond its pages is unknown.
package iystest

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

var istanbul = time.FixedZone("GMT+3", 10800)

// Config configures a Registry. Now is needed; the zero value of the rest works.
type Config struct {
	Now            func() time.Time
	User, Password string // "user" and "password" by default
	// Activated is until when old consents are taken; zero: it is over.
	Activated time.Time
	// Delay is how long a request of many consents waits until it is worked on.
	Delay time.Duration
	// Page is how many changes one answer has; 0 means 100.
	Page int
}

// Fault is what goes wrong with one request.
type Fault uint8

// The faults.
const (
	None     Fault = iota
	Throttle       // 429 with Retry-After, nothing is done
	Broken         // 503, nothing is done
	Lost           // it is done, and the connection ends before the answer
	Expired        // all tokens are forgotten before it is looked at
	Twice          // it is done twice, and the second answer is given
)

// Record is one entry of the registry.
type Record struct {
	Transaction, Recipient, As, Channel, Status, Source string
	Given, Created                                      time.Time
	ByHolder                                            bool
}

// Registry is the simulator: an http.Handler. It is safe for concurrent use.
type Registry struct {
	cfg Config

	mu       sync.Mutex
	fault    func(*http.Request) Fault
	tokens   map[string]time.Time
	refresh  map[string]time.Time
	asked    []time.Time // for tokens
	added    []time.Time
	now      map[string]Record // by recipient, as, channel
	log      []Record
	requests map[string]*bulk
	serial   int
}

type bulk struct {
	at   time.Time
	list []map[string]any
	done []map[string]any
}

// New returns an empty registry.
func New(cfg Config) *Registry {
	cfg.User, cfg.Password = cmp.Or(cfg.User, "user"), cmp.Or(cfg.Password, "password")
	cfg.Page = cmp.Or(cfg.Page, 100)
	return &Registry{cfg: cfg, tokens: map[string]time.Time{}, refresh: map[string]time.Time{}, now: map[string]Record{}, requests: map[string]*bulk{}}
}

// Fail lets fault decide what goes wrong with each request from now on; nil ends it.
func (g *Registry) Fail(fault func(*http.Request) Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = fault
}

// Log returns everything that was entered, in its order.
func (g *Registry) Log() []Record {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.log)
}

// Now returns what stands for a recipient.
func (g *Registry) Now(recipient, as, channel string) (Record, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := g.now[recipient+"|"+as+"|"+channel]
	return r, ok
}

// Holder enters what the holder of an address said at the registry itself, now.
func (g *Registry) Holder(recipient, as, channel, status string) Record {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.cfg.Now()
	return g.enter(Record{Recipient: recipient, As: as, Channel: channel, Status: status, Source: "IYS_WEB", Given: at.Truncate(time.Second), ByHolder: true})
}

// enter writes a record down.
func (g *Registry) enter(r Record) Record {
	g.serial++
	r.Transaction, r.Created = fmt.Sprintf("t%08d", g.serial), g.cfg.Now()
	g.log = append(g.log, r)
	g.now[r.Recipient+"|"+r.As+"|"+r.Channel] = r
	return r
}

// ServeHTTP answers one request.
func (g *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fault := None
	if g.fault != nil {
		fault = g.fault(r)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return
	}
	switch fault {
	case Throttle:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case Broken:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case Expired:
		clear(g.tokens)
	case Twice:
		g.handle(&reply{}, r, body)
	}
	var out reply
	g.handle(&out, r, body)
	if h, ok := w.(http.Hijacker); ok && fault == Lost {
		if c, _, err := h.Hijack(); err == nil {
			_ = c.Close()
			return
		}
	}
	w.Header().Set("Content-Type", cmp.Or(out.kind, "application/json"))
	w.WriteHeader(cmp.Or(out.code, http.StatusOK))
	_, _ = w.Write(out.body)
}

// reply is an answer before it leaves.
type reply struct {
	code int
	kind string
	body []byte
}

func (p *reply) json(code int, v any) {
	p.code = code
	p.body, _ = json.Marshal(v)
}

func (g *Registry) handle(p *reply, r *http.Request, body []byte) {
	now := g.cfg.Now()
	if r.URL.Path == "/oauth2/token" {
		g.token(p, body, now)
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if until, ok := g.tokens[token]; !ok || !now.Before(until) {
		p.json(http.StatusUnauthorized, map[string]string{"error": "token"})
		return
	}
	// /sps/{code}/brands/{brand}/…
	path := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 5)
	if len(path) != 5 || path[0] != "sps" || path[2] != "brands" {
		p.code = http.StatusNotFound
		return
	}
	rest, post := path[4], r.Method == http.MethodPost
	switch {
	case post && rest == "consents":
		if !within(&g.added, now, time.Minute, 50) {
			p.json(http.StatusTooManyRequests, map[string]string{"error": "limit"})
			return
		}
		g.add(p, body, now)
	case post && rest == "consents/request":
		g.addMany(p, body, now)
	case strings.HasPrefix(rest, "consents/request/") && !post:
		g.outcomes(p, strings.TrimPrefix(rest, "consents/request/"), now)
	case post && rest == "consents/status":
		g.status(p, body)
	case rest == "consents/changes" && !post:
		g.changes(p, r.URL.Query().Get("after"), r.URL.Query().Get("source"), now)
	case strings.HasPrefix(rest, "changes/") && strings.HasSuffix(rest, "/file") && !post:
		g.file(p, strings.TrimSuffix(strings.TrimPrefix(rest, "changes/"), "/file"), now)
	default:
		p.code = http.StatusNotFound
	}
}

// within reports whether one more event keeps a limit, and notes it.
func within(past *[]time.Time, now time.Time, per time.Duration, limit int) bool {
	*past = slices.DeleteFunc(*past, func(t time.Time) bool { return now.Sub(t) >= per })
	if len(*past) >= limit {
		return false
	}
	*past = append(*past, now)
	return true
}

func (g *Registry) token(p *reply, body []byte, now time.Time) {
	if !within(&g.asked, now, time.Hour, 10) {
		p.json(http.StatusTooManyRequests, map[string]string{"error": "limit"})
		return
	}
	var in map[string]string
	_ = json.Unmarshal(body, &in)
	old := in["refresh_token"]
	until, known := g.refresh[old]
	switch in["grant_type"] {
	case "password":
		known = in["username"] == g.cfg.User && in["password"] == g.cfg.Password
	case "refresh_token":
		known = known && now.Before(until)
		delete(g.refresh, old)
	default:
		known = false
	}
	if !known {
		p.json(http.StatusUnauthorized, map[string]string{"error": "invalid_grant"})
		return
	}
	g.serial++
	access, refresh := fmt.Sprintf("a%d", g.serial), fmt.Sprintf("r%d", g.serial)
	g.tokens[access], g.refresh[refresh] = now.Add(7200*time.Second), now.Add(14400*time.Second)
	p.json(http.StatusOK, map[string]any{"access_token": access, "refresh_token": refresh, "expires_in": 7200, "refresh_expires_in": 14400, "token_type": "bearer"})
}

func (g *Registry) add(p *reply, body []byte, now time.Time) {
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		p.json(http.StatusBadRequest, map[string]any{"errors": []any{map[string]any{"code": "H000", "message": "JSON"}}})
		return
	}
	r, faults := g.judge(in, now)
	if len(faults) > 0 {
		p.json(http.StatusUnprocessableEntity, map[string]any{"errors": faults})
		return
	}
	r = g.enter(r)
	p.json(http.StatusOK, map[string]any{"transactionId": r.Transaction, "creationDate": stamp(r.Created)})
}

func (g *Registry) addMany(p *reply, body []byte, now time.Time) {
	var list []map[string]any
	if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 || len(list) > 5000 {
		p.json(http.StatusBadRequest, map[string]any{"errors": []any{map[string]any{"code": "H000", "message": "JSON"}}})
		return
	}
	g.serial++
	id := "q" + strconv.Itoa(g.serial)
	g.requests[id] = &bulk{at: now, list: list}
	subs := make([]map[string]any, len(list))
	for i := range list {
		subs[i] = map[string]any{"subrequestId": fmt.Sprintf("%s-%d", id, i+1)}
	}
	p.json(http.StatusOK, map[string]any{"requestId": id, "subRequests": subs})
}

// work does what has waited for long enough.
func (g *Registry) work(now time.Time) {
	ids := make([]string, 0, len(g.requests))
	for id := range g.requests {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		b := g.requests[id]
		if now.Sub(b.at) < g.cfg.Delay || b.done != nil {
			continue
		}
		for i, in := range b.list {
			out := map[string]any{"index": i + 1, "subrequestId": fmt.Sprintf("%s-%d", id, i+1)}
			if r, faults := g.judge(in, now); len(faults) > 0 {
				out["status"], out["error"] = "failure", map[string]any{"code": faults[0]["code"], "message": faults[0]["message"]}
			} else {
				r = g.enter(r)
				out["status"], out["transactionId"], out["creationDate"] = "success", r.Transaction, stamp(r.Created)
			}
			b.done = append(b.done, out)
		}
	}
}

func (g *Registry) outcomes(p *reply, id string, now time.Time) {
	g.work(now)
	b := g.requests[id]
	if b == nil {
		p.code = http.StatusNotFound
		return
	}
	out := b.done
	for i := len(out); i < len(b.list); i++ {
		out = append(out, map[string]any{"index": i + 1, "status": "enqueue"})
	}
	p.json(http.StatusOK, out)
}

func (g *Registry) status(p *reply, body []byte) {
	g.work(g.cfg.Now())
	var in map[string]string
	_ = json.Unmarshal(body, &in)
	r, ok := g.now[in["recipient"]+"|"+in["recipientType"]+"|"+in["type"]]
	if !ok {
		p.json(http.StatusUnprocessableEntity, map[string]any{"errors": []any{map[string]any{"code": "H114", "location": []string{"recipient"}, "message": "Alıcı bulunamadı."}}})
		return
	}
	p.json(http.StatusOK, row(r))
}

func row(r Record) map[string]any {
	out := map[string]any{"consentDate": stamp(r.Given), "creationDate": stamp(r.Created), "recipient": r.Recipient, "recipientType": r.As, "status": r.Status, "type": r.Channel, "transactionId": r.Transaction}
	if r.Source != "" {
		out["source"] = r.Source
	}
	return out
}

func stamp(t time.Time) string { return t.In(istanbul).Format("2006-01-02 15:04:05") }

// changes lists the last seven days without the last hour.
func (g *Registry) changes(p *reply, after, by string, now time.Time) {
	g.work(now)
	var list []map[string]any
	next := after
	for _, r := range g.log {
		if r.ByHolder != (by == "IYS") || r.Created.Before(now.Add(-168*time.Hour)) || r.Created.After(now.Add(-time.Hour)) {
			continue
		}
		if mark := fmt.Sprintf("%013d_%s", r.Created.UnixMilli(), r.Transaction); mark > after && len(list) < g.cfg.Page {
			list, next = append(list, row(r)), mark
		}
	}
	p.json(http.StatusOK, map[string]any{"after": next, "list": list})
}

// file writes the changes of one of the seven days before today.
func (g *Registry) file(p *reply, day string, now time.Time) {
	from, err := time.ParseInLocation("2006-01-02", day, istanbul)
	today := now.In(istanbul).Format("2006-01-02")
	if err != nil || day >= today || now.Sub(from) > 8*24*time.Hour {
		p.json(http.StatusUnprocessableEntity, map[string]any{"errors": []any{map[string]any{"code": "H501", "location": []string{"reportDate"}, "message": "Tarih"}}})
		return
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"creationDate", "transactionId", "recipient", "recipientType", "type", "status", "consentDate", "source"})
	for _, r := range g.log {
		if r.Created.In(istanbul).Format("2006-01-02") == day {
			_ = w.Write([]string{stamp(r.Created), r.Transaction, r.Recipient, r.As, r.Channel, r.Status, stamp(r.Given), r.Source})
		}
	}
	w.Flush()
	p.kind, p.body = "text/csv; charset=utf-8", []byte(b.String())
}
