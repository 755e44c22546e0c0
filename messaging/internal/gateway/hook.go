package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// What may be wrong with what was pushed.
var (
	ErrBody   = errors.New("cannot be read")
	ErrForged = errors.New("is not the provider's")
)

// Hook serves pushes of at most 1 MiB, read within 10 seconds. Admits, which may be nil, is asked
// before the body is read and take with it. The answer is success after take returned nil, 400
// for ErrBody, 403 for ErrForged and 503 for any other error, so that the provider comes again.
// Nothing of the request or of an error is sent back.
func Hook(methods []string, success int, admits func(*http.Request) bool, take func(r *http.Request, body []byte) error) http.Handler {
	const most = 1 << 20
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		refuse := func(code int) { http.Error(w, http.StatusText(code), code) }
		allowed := false
		for _, m := range methods {
			allowed = allowed || r.Method == m
		}
		switch {
		case !allowed:
			w.Header().Set("Allow", strings.Join(methods, ", "))
			refuse(http.StatusMethodNotAllowed)
			return
		case admits != nil && !admits(r):
			refuse(http.StatusNotFound) // says nothing of what is here
			return
		case r.ContentLength > most:
			refuse(http.StatusRequestEntityTooLarge)
			return
		}
		// A writer without deadlines, such as that of a test, has no client that could be slow.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(10 * time.Second)) // of the connection, not of the record
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			refuse(http.StatusRequestEntityTooLarge)
			return
		} else if err != nil {
			refuse(http.StatusRequestTimeout)
			return
		}
		_ = control.SetReadDeadline(time.Time{})
		switch err := take(r, body); {
		case err == nil:
			w.WriteHeader(success)
		case errors.Is(err, ErrForged):
			refuse(http.StatusForbidden)
		case errors.Is(err, ErrBody):
			refuse(http.StatusBadRequest)
		default:
			refuse(http.StatusServiceUnavailable)
		}
	})
}
