package web

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Posters lead from links that everybody may open, such as that of a QR code at a till, to an
// invitation of the visitor's own, which is answered once as any other. Nothing is stored
// before an answer: an invitation is an id that carries the number of its poster.
//
//	mux.Handle("/q/", &web.Posters{Path: "/q/", Find: find, Mint: codec.Mint, Surveys: "/s/"})
//
// The Store of the handler at Surveys tells such an id from those of its other invitations by
// the codec: give posters one of their own, and a handler of their own. It answers an
// invitation that it does not know yet as open, with the definition and the place of
// PosterOf. A visitor who opens the link twice has two invitations: what may be answered once by
// each person needs a personal link. Its fields are not to be changed once it serves.
type Posters struct {
	// Path is where it is mounted, such as "/q/".
	Path string
	// Find returns the number of a poster, 0 to MaxPoster, by what stands behind Path, as
	// survey/invite.ParseCode reads it or in any other way. The error is ErrNotFound where
	// there is none.
	Find func(code string) (poster uint32, err error)
	// Mint makes the token of an id: the Mint of an invite.Codec.
	Mint func(id uint64) (string, error)
	// Surveys is the Path of the Handler. Default "/s/".
	Surveys string
	// PerMinute is how many visitors of one poster are sent on within a minute, so that a
	// program that opens it does not have as many invitations as it likes; who comes later reads
	// that it is busy, with 429. Defaults to 600.
	PerMinute int
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time

	once   sync.Once
	visits meter
	now    func() time.Time
}

// MaxPoster is the largest number of a poster.
const MaxPoster = 1<<20 - 1

// PosterOf returns the number of the poster that an invitation came from. It is for ids that
// Posters made, and for no others.
func PosterOf(id uint64) uint32 { return uint32(id >> 44) }

// ServeHTTP sends the visitor on. Two of a million visitors of one poster get the same
// invitation with a chance of 3 in 100; the second is told that it was answered.
func (p *Posters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	code, ok := strings.CutPrefix(r.URL.Path, p.Path)
	if !ok || code == "" {
		http.NotFound(w, r)
		return
	}
	poster, err := p.Find(strings.TrimSuffix(code, "/"))
	switch {
	case errors.Is(err, ErrNotFound), err == nil && poster > MaxPoster:
		http.NotFound(w, r)
		return
	case err != nil:
		h.Set("Retry-After", "60")
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	p.once.Do(func() {
		p.visits.most, p.now = p.PerMinute, p.Now
		if p.visits.most <= 0 {
			p.visits.most = 600
		}
		if p.now == nil {
			p.now = time.Now
		}
	})
	if wait := p.visits.enter(uint64(poster), p.now()); wait > 0 {
		p.busy(w, r, wait)
		return
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	token, err := p.Mint(uint64(poster)<<44 | binary.BigEndian.Uint64(b[:])>>20)
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	to := p.Surveys
	if to == "" {
		to = "/s/"
	}
	to += token
	if r.URL.RawQuery != "" { // ?lang=en
		if lang := r.URL.Query().Get("lang"); isTag(lang) {
			to += "?lang=" + lang
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
