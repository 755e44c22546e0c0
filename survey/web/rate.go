package web

import (
	"hash/maphash"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/vefacrm/vefa/internal/plainpage"
)

// places is how many counts a meter has, 512 KiB in all.
const places = 1 << 15

// meter counts what comes to each link within a minute of the first. Its memory is fixed: links that
// fall on the same of its counts, by a hash with a random seed, share one. Of
// 10,000 links that are open in one minute that is a quarter, whose counts add up, which
// is why limits have to be several times what people do.
type meter struct {
	most int // a minute

	mu     sync.Mutex
	counts []tally // nil before the first
	seed   maphash.Seed
}

// tally is how many came since a moment, in nanoseconds since 1970.
type tally struct{ since, n int64 }

// enter counts one more of a link. wait is 0, or how long until there can be another where there
// were too many.
func (m *meter) enter(link uint64, now time.Time) (wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts, m.seed = make([]tally, places), maphash.MakeSeed()
	}
	c := &m.counts[maphash.Comparable(m.seed, link)%places]
	at := now.UnixNano()
	if c.n == 0 || at < c.since || at-c.since >= int64(time.Minute) { // at < since: the clock was set back
		*c = tally{since: at}
	}
	if c.n >= int64(m.most) {
		return time.Duration(c.since + int64(time.Minute) - at)
	}
	c.n++
	return 0
}

// more counts n more of a link that entered just now.
func (m *meter) more(link uint64, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[maphash.Comparable(m.seed, link)%places].n += int64(n)
}

// retryAfter says when it can be tried again, in whole seconds.
func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
}

// tooOften answers a form of a link that sent too many.
func (h *Handler) tooOften(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	t, lang := textsFor(language(r.URL.Query().Get("lang"), Invitation{}, r.Header.Get("Accept-Language")))
	retryAfter(w, wait)
	h.notice(w, r, notice{Lang: lang, T: t, Title: t.TooOften, Body: t.TooOftenBody}, http.StatusTooManyRequests)
}

// busy answers a visitor of a poster that too many open.
func (p *Posters) busy(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	l, err := newLook(style, false)
	if err != nil { // the style sheet is a constant
		http.Error(w, http.StatusText(http.StatusTooManyRequests), http.StatusTooManyRequests)
		return
	}
	plainpage.Headers(w, l.policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	retryAfter(w, wait)
	t, lang := textsFor(language(r.URL.Query().Get("lang"), Invitation{}, r.Header.Get("Accept-Language")))
	l.write(w, r, "notice", &notice{Lang: lang, Dir: direction(lang), T: t, HeadTitle: t.Busy, Title: t.Busy, Body: t.BusyBody}, http.StatusTooManyRequests, nil)
}
