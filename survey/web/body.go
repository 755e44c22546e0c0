package web

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
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

// enter takes a place for a form of an invitation, and as many in all as its size is worth, or
// reports that there is none.
func (b *bodies) enter(id uint64, places int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all > 0 && b.all+places > b.max || b.of[id] >= perInvitation {
		return false
	}
	b.all += places
	b.of[id]++
	return true
}

// leave gives the places back.
func (b *bodies) leave(id uint64, places int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all -= places
	if b.of[id]--; b.of[id] == 0 {
		delete(b.of, id)
	}
}

// inParts tells a form that may bring files.
func inParts(r *http.Request) bool {
	ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(ct), "multipart/form-data")
}

// asksForFiles looks whether the survey of an invitation takes files; of one that is not known it is false.
func (h *Handler) asksForFiles(ctx context.Context, id uint64) (bool, error) {
	inv, err := h.cfg.Store.Invitation(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && inv.Definition != nil && takesFiles(inv.Definition), err
}

// readForm parses the form of an invitation within bounds of size, time and
// number, or answers why it does not.
func (h *Handler) readForm(w http.ResponseWriter, r *http.Request, v *visit) bool {
	files := inParts(r)
	ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if ct = strings.TrimSpace(ct); !files && ct != "" && !strings.EqualFold(ct, "application/x-www-form-urlencoded") {
		plainpage.LeaveBody(w, r)
		h.refuse(w, r, http.StatusUnsupportedMediaType)
		return false
	}
	most, places := h.cfg.MaxBody, 1
	if files {
		most = max(h.cfg.MaxUpload, h.cfg.MaxBody)
		places = int((most + h.cfg.MaxBody - 1) / h.cfg.MaxBody)
	}
	if !h.bodies.enter(v.id, places) {
		plainpage.LeaveBody(w, r)
		h.later(w, r, http.StatusServiceUnavailable)
		return false
	}
	defer h.bodies.leave(v.id, places)
	conn := http.NewResponseController(w)
	r.Body = http.MaxBytesReader(w, r.Body, most)
	// A deadline of the connection goes by the machine's clock, not by Config.Now.
	_ = conn.SetReadDeadline(time.Now().Add(h.cfg.BodyTimeout))
	var err error
	if files {
		v.form, err = readParts(r)
	} else if err = r.ParseForm(); err == nil {
		v.form = form{Values: r.PostForm}
	}
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

// maxParts bounds the parts of a form.
const maxParts = 10_000

// errParts is a form of too many parts.
var errParts = errors.New("survey/web: too many parts in a form")

// readParts reads a form with files into memory, whose size the reader of the body bounds.
func readParts(r *http.Request) (form, error) {
	f := form{Values: url.Values{}, files: map[string][]upload{}}
	parts, err := r.MultipartReader()
	if err != nil {
		return f, err
	}
	for range maxParts {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return f, err
		}
		_, params, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if _, isFile := params["filename"]; !isFile {
			f.Add(p.FormName(), string(data))
			continue
		}
		if p.FileName() == "" || len(data) == 0 { // no file was chosen
			continue
		}
		media, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			media = "application/octet-stream"
		}
		f.files[p.FormName()] = append(f.files[p.FormName()], upload{
			name: p.FileName(), media: media, content: "data:" + media + ";base64," + base64.StdEncoding.EncodeToString(data),
		})
	}
	return f, errParts
}
