package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Handler answers the provider's POSTs. What is not signed is refused: before
// its body is read where the headers say so, with 401, or 400 and 413 for what
// cannot be read. What is signed goes to take; 204 says that it was taken, 500
// that take failed and the provider may send it again. take may be called
// again with the same delivery, see the package comment.
func (v *Verifier) Handler(take func(context.Context, Delivery) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, http.StatusMethodNotAllowed)
			return
		}
		s, err := v.read(r.Header)
		if err != nil {
			answer(w, err)
			return
		}
		if r.ContentLength > v.cfg.MaxBody {
			answer(w, ErrTooLarge)
			return
		}
		// A writer without deadlines, such as that of a test, has no client that
		// could be slow.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(v.cfg.ReadTimeout)) // of the connection, not of the record
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, v.cfg.MaxBody))
		if err != nil {
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				answer(w, ErrTooLarge)
				return
			}
			refuse(w, http.StatusRequestTimeout)
			return
		}
		_ = control.SetReadDeadline(time.Time{})
		d, err := v.check(s, body)
		if err != nil {
			answer(w, err)
			return
		}
		if err := take(r.Context(), d); err != nil {
			refuse(w, http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge)
	case errors.Is(err, ErrMalformed):
		refuse(w, http.StatusBadRequest)
	default:
		refuse(w, http.StatusUnauthorized)
	}
}

// refuse answers with a status and its own words: nothing of the request or of
// an error is sent back.
func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }
