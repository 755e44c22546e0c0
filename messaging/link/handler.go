package link

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// ErrNotFound is what a Resolver returns for an id that leads nowhere.
var ErrNotFound = errors.New("link: no such link")

// Config configures a Handler. Codec, Resolver and Log must be set.
type Config struct {
	Codec *Codec
	// Resolver returns the URL that the link of an id leads to, or an error that is
	// ErrNotFound where it leads nowhere. It is called for each request.
	Resolver func(ctx context.Context, id uint64) (string, error)
	// Onward returns where a link with a query leads, such as one of a scale of links, "/l/TOKEN?a=9",
	// from its destination and that query, which anybody can change. It is not asked where there is no
	// query. What Allow refuses is not followed: the link then leads to its destination. Nil
	// drops queries.
	Onward func(destination string, query url.Values) string
	Log    *Log
	// VisitorKey returns the key, of at least 16 bytes, under which the addresses
	// of a UTC day's clients are hashed. It is asked once a day; where it fails,
	// clicks carry no hash for some seconds, then it is asked again. Processes
	// that serve the same links must get the same key, or one visitor looks like
	// several. The key should be random and deleted when the day is over: then
	// nothing leads from a hash back to an address, which is why no secret of
	// the configuration is used. Nil means random keys that this Handler alone
	// knows and forgets.
	VisitorKey func(ctx context.Context, day time.Time) ([]byte, error)
	// Allow says where links may lead. It is checked when a destination is
	// loaded into the cache, so at serve time.
	Allow Destinations
	// Purpose of the tokens; empty means PurposeClick.
	Purpose string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// RequestID gives the idempotency key of a request; nil, or an empty key,
	// means 128 random bits. A key that is longer than 128 bytes or not
	// printable ASCII is hashed.
	RequestID func(*http.Request) string
	// ClientIP finds the client's address; nil means that of the connection.
	// Behind a proxy read it from a header that the proxy alone can set.
	ClientIP func(*http.Request) netip.Addr
	// Network says what is known of the range that a client's address is in, such
	// as Networks.Of; nil knows nothing. It is called for each click and must be
	// quick: a table in memory, no look-up elsewhere.
	Network func(netip.Addr) Network
	// CacheSize is how many destinations are kept; 0 means 65,536.
	CacheSize int
	// Fresh is how long a destination is used without asking the Resolver
	// again; 0 means 10 minutes. An older one is still used while the Resolver
	// fails.
	Fresh time.Duration
	// Timeout bounds one call of the Resolver or VisitorKey; 0 means 2 seconds.
	Timeout time.Duration
}

// Handler redirects tracked links: GET or HEAD of a path whose last element is
// a token, with or without a slash after it, answers 302 to the link's
// destination and records a Click. A token that does not verify gets 404, one
// whose key is not in use any more 410, both without a look into cache, Resolver
// or Log.
// GET never changes anything but the log of clicks.
type Handler struct {
	cfg   Config
	cache *cache
	ips   ipHasher
}

// NewHandler checks the configuration and reports every fault of it.
func NewHandler(cfg Config) (*Handler, error) {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("link: Config."+what))
		}
	}
	need(cfg.Codec != nil, "Codec must be set")
	need(cfg.Resolver != nil, "Resolver must be set")
	need(cfg.Log != nil, "Log must be set")
	need(len(cfg.Purpose) <= maxPurpose, "Purpose is longer than 64 bytes")
	for _, h := range cfg.Allow.Hosts {
		need(h != "" && h == strings.ToLower(h) && !strings.ContainsAny(h, "/:@ "), fmt.Sprintf("Allow.Hosts: %q is no host in lower case", h))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.Purpose == "" {
		cfg.Purpose = PurposeClick
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ClientIP == nil {
		cfg.ClientIP = remoteIP
	}
	if cfg.CacheSize <= 0 {
		cfg.CacheSize = 65536
	}
	if cfg.Fresh <= 0 {
		cfg.Fresh = 10 * time.Minute
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.VisitorKey == nil {
		cfg.VisitorKey = ownKey
	}
	return &Handler{cfg: cfg, cache: newCache(cfg.CacheSize), ips: ipHasher{key: cfg.VisitorKey, timeout: cfg.Timeout}}, nil
}

// Header values that every answer shares; net/http only reads them.
var (
	noStore    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
	noIndex    = []string{"noindex"}
	closing    = []string{"close"}
)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head["Cache-Control"], head["Referrer-Policy"], head["X-Robots-Tag"] = noStore, noReferrer, noIndex
	if r.ContentLength != 0 {
		leaveBody(w)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/") // some messengers append one
	token, err := h.cfg.Codec.verify(h.cfg.Purpose, path[strings.LastIndexByte(path, '/')+1:])
	switch {
	case errors.Is(err, ErrUnknownKey):
		http.Error(w, "this link has expired", http.StatusGone)
		return
	case err != nil:
		http.Error(w, "no such link", http.StatusNotFound)
		return
	}
	now := h.cfg.Now().UTC()
	id, location, err := h.locate(r.Context(), token, now)
	if err != nil {
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDestination) {
			http.Error(w, "no such link", http.StatusNotFound)
			return
		}
		head.Set("Retry-After", "5")
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	if !h.cfg.Log.counted(id, now) {
		from := h.cfg.ClientIP(r)
		c := Click{ID: id, At: now, IP: h.ips.hash(r.Context(), from, now)}
		if h.cfg.RequestID != nil {
			c.RequestID = requestKey(h.cfg.RequestID(r))
		}
		if h.cfg.Network != nil {
			c.Network = h.cfg.Network(from)
		}
		c.fill(r)
		// A click that finds no room is counted by the log; the person goes on.
		_ = h.cfg.Log.Record(r.Context(), c)
	}
	head["Location"] = h.onward(location, r)
	w.WriteHeader(http.StatusFound)
}

// onward is the Location of a request, by Config.Onward.
func (h *Handler) onward(location []string, r *http.Request) []string {
	if h.cfg.Onward == nil || r.URL.RawQuery == "" {
		return location
	}
	to := h.cfg.Onward(location[0], r.URL.Query())
	if to == location[0] || h.cfg.Allow.Check(to) != nil {
		return location
	}
	return []string{to}
}

// leaveBody answers without waiting for the body that a request of no use has,
// and ends the connection after it. Otherwise net/http reads the body first, for
// as long as the client takes.
func leaveBody(w http.ResponseWriter) {
	w.Header()["Connection"] = closing
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // what cannot be set is the host's to bound
}

// locate returns the id of a link and its Location header. The destinations of links are kept by
// the numbers of their tokens, so that an id is worked out once while its link is in use.
func (h *Handler) locate(ctx context.Context, token verified, now time.Time) (uint64, []string, error) {
	number := token.number()
	e := h.cache.get(number)
	if e != nil && now.Sub(e.loaded) < h.cfg.Fresh {
		return e.id, e.location, nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	id := token.id()
	dest, err := h.cfg.Resolver(ctx, id)
	switch {
	case err == nil:
		if err := h.cfg.Allow.Check(dest); err != nil {
			h.cache.drop(number)
			return 0, nil, err
		}
		e = &entry{number: number, id: id, location: []string{dest}, loaded: now}
		h.cache.put(e)
		return id, e.location, nil
	case errors.Is(err, ErrNotFound):
		h.cache.drop(number)
		return 0, nil, err
	case e != nil: // better the last known destination than none
		return id, e.location, nil
	}
	return 0, nil, err
}

// Forget drops a cached destination, after the record of a link has changed.
func (h *Handler) Forget(id uint64) {
	for _, number := range h.cfg.Codec.numbers(id) {
		h.cache.drop(number)
	}
}
