package smpp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// ClientConfig configures a Client. Dial and Session.Bind.SystemID must be set.
type ClientConfig struct {
	Session Config
	// Dial opens a connection, with TLS if the provider has it: a tls.Dialer's
	// DialContext with network and address filled in.
	Dial func(context.Context) (net.Conn, error)
	// DialTimeout bounds dialling and binding together; 0 means 30 seconds.
	DialTimeout time.Duration
	// BackoffFrom and BackoffTo bound the time between two attempts to connect, which
	// doubles; 0 means half a second and a minute. Half of each is drawn at random, so
	// that many clients do not come back together.
	BackoffFrom, BackoffTo time.Duration
	// Random draws from [0, 1) for that; nil means math/rand/v2.
	Random func() float64
	// Changed is told when a session came up, with nil, when it ended and when an
	// attempt failed, with the reason; may be nil. It is called by the goroutine that
	// connects.
	Changed func(error)
}

// Client keeps a Session up: it dials and binds again after each end, until it is
// closed. Its methods may be called by several goroutines.
type Client struct {
	cfg    ClientConfig
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	session *Session      // nil while there is none
	up      chan struct{} // closed when session is set
	last    error         // why there is none
	ending  bool
	opened  int // sessions that were opened
}

// NewClient checks the configuration, of which the error names every fault, each an ErrConfig,
// and starts to connect; it does not wait for that.
// Close ends it.
func NewClient(cfg ClientConfig) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	c := &Client{cfg: cfg, done: make(chan struct{}), up: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.connecting()
	return c, nil
}

// Validate reports every fault of the configuration, each an ErrConfig.
func (cfg ClientConfig) Validate() error {
	_, err := cfg.withDefaults()
	return err
}

// withDefaults checks the configuration and fills in the times that are 0.
func (cfg ClientConfig) withDefaults() (ClientConfig, error) {
	_, err := cfg.Session.withDefaults()
	faults := []error{err}
	if cfg.Dial == nil {
		faults = append(faults, fmt.Errorf("%w: Dial is nil", ErrConfig))
	}
	for _, d := range []struct {
		name    string
		v       *time.Duration
		without time.Duration
	}{{"DialTimeout", &cfg.DialTimeout, 30 * time.Second}, {"BackoffFrom", &cfg.BackoffFrom, 500 * time.Millisecond}, {"BackoffTo", &cfg.BackoffTo, time.Minute}} {
		if *d.v < 0 {
			faults = append(faults, fmt.Errorf("%w: %s is %s", ErrConfig, d.name, *d.v))
		}
		if *d.v == 0 {
			*d.v = d.without
		}
	}
	return cfg, errors.Join(faults...)
}

// connecting opens one session after another.
func (c *Client) connecting() {
	defer close(c.done)
	failures := 0
	for c.ctx.Err() == nil {
		s, err := c.open()
		if err == nil {
			c.set(s, nil)
			select {
			case <-s.Done():
			case <-c.ctx.Done():
				s.Close()
				<-s.Done()
			}
			err = s.Err()
			if st := s.Stats(); st.Answered+st.Received > 0 {
				failures = 0 // it was of use, so the next attempt need not wait long
			}
		}
		c.set(nil, err)
		wait := c.cfg.BackoffTo
		if failures < 30 {
			wait = min(wait, c.cfg.BackoffFrom<<failures)
		}
		if wait <= 0 { // shifted out
			wait = c.cfg.BackoffTo
		}
		failures++
		wait = wait/2 + time.Duration(c.cfg.Random()*float64(wait/2))
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
		}
	}
	c.set(nil, ErrClosed)
}

func (c *Client) open() (*Session, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.DialTimeout)
	defer cancel()
	conn, err := c.cfg.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("smpp: dial: %w", err)
	}
	return Open(ctx, conn, c.cfg.Session)
}

func (c *Client) set(s *Session, err error) {
	c.mu.Lock()
	if s != nil {
		c.opened++
		close(c.up)
	} else if c.session != nil {
		c.up = make(chan struct{})
	}
	c.session, c.last = s, err
	c.mu.Unlock()
	if c.cfg.Changed != nil && !errors.Is(err, ErrClosed) {
		c.cfg.Changed(err)
	}
}

// Session returns the session that is up, and waits for it as long as the context
// lasts. The error is ErrNotSent with the last reason.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	for {
		c.mu.Lock()
		s, up, ending := c.session, c.up, c.ending
		c.mu.Unlock()
		if ending {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, ErrClosed)
		}
		if s != nil && s.Err() == nil {
			return s, nil
		}
		var ended <-chan struct{}
		if s != nil {
			up, ended = nil, s.Done() // connecting will see it, too
		}
		select {
		case <-up:
		case <-ended:
			c.gone(s)
		case <-c.ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrNotSent, ErrClosed)
		case <-ctx.Done():
			c.mu.Lock()
			last := c.last
			c.mu.Unlock()
			if last == nil {
				last = ctx.Err()
			}
			return nil, fmt.Errorf("%w: %w", ErrNotSent, last)
		}
	}
}

// gone takes away a session that has ended, if connecting has not yet.
func (c *Client) gone(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == s {
		c.session, c.last, c.up = nil, s.Err(), make(chan struct{})
	}
}

// Start is Session.Start on the session that is up; it waits for one as long as the
// context lasts.
func (c *Client) Start(ctx context.Context, cmd Command, body Body, done func(PDU, error)) error {
	for {
		s, err := c.Session(ctx)
		if err != nil {
			return err
		}
		err = s.Start(ctx, cmd, body, done)
		if err == nil || !errors.Is(err, ErrNotSent) || ctx.Err() != nil || s.Err() == nil && !c.closing() {
			return err
		}
	}
}

func (c *Client) closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// Do is Session.Do on the session that is up. A request that certainly was not sent is
// sent over the next session.
func (c *Client) Do(ctx context.Context, cmd Command, body Body) (PDU, error) {
	for {
		p, err := do(ctx, cmd, body, c.Start)
		if err == nil || !errors.Is(err, ErrNotSent) || ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return p, err
		}
	}
}

// Submit is Session.Submit on the session that is up.
func (c *Client) Submit(ctx context.Context, m *Message) (string, error) {
	p, err := c.Do(ctx, SubmitSM, m)
	return ID(p), err
}

// Stats returns the counts of the session that is up, and how many were opened so far.
func (c *Client) Stats() (now Stats, opened int) {
	c.mu.Lock()
	s, opened := c.session, c.opened
	c.mu.Unlock()
	if s != nil {
		now = s.Stats()
	}
	return now, opened
}

// Close unbinds as Session.Unbind does and connects no more. It waits for the
// client's goroutines, Config.Handler included, as long as the context lasts.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.ending = true
	s := c.session
	c.mu.Unlock()
	var err error
	if s != nil {
		err = s.Unbind(ctx)
	}
	c.cancel()
	select {
	case <-c.done:
	case <-ctx.Done():
		if err == nil {
			err = fmt.Errorf("smpp: close: %w", ctx.Err())
		}
	}
	return err
}
