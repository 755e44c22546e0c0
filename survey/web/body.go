package web

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/internal/plainpage"
)

// bodies bounds how many forms are being read at a time: in all, and of one
// invitation, so that one link cannot take every place.
type bodies struct {
	mu  sync.Mutex
	of  map[uint64]int
	all int
	max int
}

// perInvitation is how many forms of one invitation may be arriving at a time.
// People send one; a few are allowed for those who press the button again.
const perInvitation = 4

// enter takes a place for a form of an invitation, or reports that there is none.
func (b *bodies) enter(id uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= b.max || b.of[id] >= perInvitation {
		return false
	}
	b.all++
	b.of[id]++
	return true
}

// leave gives the place back.
func (b *bodies) leave(id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.of[id]--; b.of[id] == 0 {
		delete(b.of, id)
	}
}

// readForm parses the form of an invitation within bounds of size, time and
// number, or answers why it does not.
func (h *Handler) readForm(w http.ResponseWriter, r *http.Request, id uint64) bool {
	ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if ct = strings.TrimSpace(ct); ct != "" && !strings.EqualFold(ct, "application/x-www-form-urlencoded") {
		plainpage.LeaveBody(w, r)
		h.refuse(w, r, http.StatusUnsupportedMediaType)
		return false
	}
	if !h.bodies.enter(id) {
		plainpage.LeaveBody(w, r)
		h.later(w, r, http.StatusServiceUnavailable)
		return false
	}
	defer h.bodies.leave(id)
	conn := http.NewResponseController(w)
	r.Body = http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)
	// A deadline of the connection goes by the machine's clock, not by Config.Now.
	_ = conn.SetReadDeadline(time.Now().Add(h.cfg.BodyTimeout))
	err := r.ParseForm()
	if err == nil {
		// The deadline must not end the request later, while the store works.
		_ = conn.SetReadDeadline(time.Time{})
		return true
	}
	plainpage.LeaveBody(w, r)
	tooLarge := (*http.MaxBytesError)(nil)
	switch {
	case errors.As(err, &tooLarge):
		h.refuse(w, r, http.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		h.later(w, r, http.StatusRequestTimeout)
	default:
		h.refuse(w, r, http.StatusBadRequest)
	}
	return false
}
