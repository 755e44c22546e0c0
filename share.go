package vefa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// shareKind is the kind and the id of the document by which processes share an evening:
// there is one, of the evening that runs.
const shareKind = "night-share"

const (
	// shareLease is how long what a process has taken is left to it after it last said
	// that it is at work.
	shareLease = 15 * time.Second
	// shareBeat is how often a process looks whether others have come.
	shareBeat = 250 * time.Millisecond
	// shareAnswer is how long one that comes waits for the answer of the one that leads,
	// which may have been killed; then it does the evening by itself.
	shareAnswer = 8 * shareBeat
	// sharePause is how often one that has nothing to do looks for work.
	sharePause = 40 * time.Millisecond
)

// shared is such a document. The process that begins the evening leads: it does its steps
// as if it were alone, and what can be divided it offers to those who come later, as jobs.
// They do no step by themselves, so that the evening ends as that of one process, but for
// those of the host, which may prepare what is in the memory of each.
type shared struct {
	ID      string    `json:"id"`
	Day     string    `json:"day"`
	Config  uint64    `json:"config"` // a hash of what must be the same in all processes
	Leader  string    `json:"leader"`
	Until   time.Time `json:"until"` // of the leader's lease
	Passed  int       `json:"passed"`
	Helpers []helper  `json:"helpers,omitempty"`
	Jobs    []job     `json:"jobs,omitempty"`
}

// helper is a process that came later.
type helper struct {
	ID      string    `json:"id"`
	Until   time.Time `json:"until"`
	Answer  string    `json:"answer,omitempty"`  // "": the leader has not seen it yet
	Imports bool      `json:"imports,omitempty"` // it takes in what its own source delivers
	// Ended is what it did beside its part of the jobs, once it has gone through all steps.
	Ended *NightReport `json:"ended,omitempty"`
}

const (
	answerHelp  = "help"
	answerAlone = "alone" // the evening has passed what it would import
)

// errUnshared is how a process is told that its evening is not shared any more: the
// evening has ended, another process leads it, or the one that led is gone.
var errUnshared = errors.New("vefa: the evening is not shared any more")

// live reports whether a process has not lost its lease.
func (d *shared) live(id string, now time.Time) bool {
	if id == d.Leader {
		return d.Until.After(now)
	}
	h := d.helper(id)
	return h != nil && h.Answer == answerHelp && h.Until.After(now)
}

func (d *shared) helper(id string) *helper {
	for i := range d.Helpers {
		if d.Helpers[i].ID == id {
			return &d.Helpers[i]
		}
	}
	return nil
}

// atWork counts the processes whose leases have not ended.
func (d *shared) atWork(now time.Time) int {
	n := 1
	for i := range d.Helpers {
		if d.live(d.Helpers[i].ID, now) {
			n++
		}
	}
	return n
}

// share is the part of this process in an evening. A nil one is of an evening that is not
// shared.
type share struct {
	e        *Engine
	me, id   string
	leads    bool
	came     time.Time          // by this process's own clock
	stop     context.CancelFunc // of beat
	beats    sync.WaitGroup
	turn     chan struct{}   // holds one token while those who come are answered or jobs offered
	sealed   bool            // of the leader: it has passed the import
	helped   atomic.Bool     // of the leader: somebody helps
	lost     atomic.Bool     // another process leads
	deaf     bool            // the process that leads did not answer it
	answered bool            // of a helper
	opened   map[string]bool // of the leader: jobs of the step
	serial   int             // of the leader: of the last job
	pending  []job           // of the leader: jobs to offer to the first who helps
}

// join has this process lead an evening, or help the process that leads it. It returns nil
// where it is to do the evening by itself, beside the one that leads: that is of another
// evening or configuration.
func (e *Engine) join(ctx context.Context, day string, imports bool) (*share, error) {
	var s *share
	err := e.svc.Update(ctx, func(tx crm.Tx) error {
		s = &share{e: e, me: e.writer, came: time.Now(), turn: make(chan struct{}, 1)}
		now, err := e.leaseNow(ctx, tx)
		if err != nil {
			return err
		}
		d, rev, err := readShared(ctx, tx)
		if err != nil {
			return err
		}
		if d.Leader != e.writer && d.Until.After(now) {
			if d.Day != day || d.Config != e.shareable() {
				s = nil
				return nil
			}
			s.id = d.ID
			d.Helpers = append(slices.DeleteFunc(d.Helpers, func(h helper) bool { return h.ID == s.me }), helper{ID: s.me, Until: now.Add(shareLease), Imports: imports})
			return putShared(ctx, tx, d, rev)
		}
		s.id, s.leads, s.opened = rand.Text()[:16], true, map[string]bool{}
		if err := dropPieces(ctx, tx); err != nil {
			return err
		}
		return putShared(ctx, tx, &shared{ID: s.id, Day: day, Config: e.shareable(), Leader: s.me, Until: now.Add(shareLease)}, rev)
	})
	if err != nil || s == nil {
		return nil, err
	}
	beating, stop := context.WithCancel(ctx)
	s.stop = stop
	s.beats.Go(func() { s.beat(beating) })
	return s, nil
}

// shareable is a hash of what must be the same in processes that divide their work.
func (e *Engine) shareable() uint64 {
	h := fnv.New64a()
	for _, r := range e.rules.Active().Rules() {
		fmt.Fprintf(h, "%q %d ", r.Name, r.Version)
	}
	fmt.Fprintln(h, e.defs, e.cfg.Breaker != nil, e.cfg.Currency, e.cfg.Home, e.cfg.Consent)
	for _, s := range e.cfg.Steps {
		fmt.Fprintf(h, "%q", s.Name)
	}
	for i := range e.cfg.Fields {
		fmt.Fprintf(h, "%q", e.cfg.Fields[i].Name)
	}
	return h.Sum64() >> 12 // JSON keeps 53 bits
}

// leaseNow is the time that leases go by.
func (e *Engine) leaseNow(ctx context.Context, c crm.Reader) (time.Time, error) {
	if e.cfg.LeaseNow != nil {
		return e.cfg.LeaseNow(), nil
	}
	return c.Now(ctx)
}

func readShared(ctx context.Context, r crm.Reader) (*shared, int64, error) {
	d := &shared{}
	docs, err := r.Documents(ctx, shareKind, shareKind)
	if err != nil || docs[0] == nil {
		return d, 0, err
	}
	return d, docs[0].Rev, docs[0].Decode(d)
}

func putShared(ctx context.Context, tx crm.Tx, d *shared, rev int64) error {
	doc, err := crm.NewDocument(shareKind, shareKind, d)
	if err != nil {
		return err
	}
	doc.Rev = rev
	return tx.PutDocuments(ctx, doc)
}

// look reads the document. It is errUnshared if that is of another share.
func (s *share) look(ctx context.Context) (d *shared, rev int64, now time.Time, err error) {
	err = s.e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		if d, rev, err = readShared(ctx, r); err != nil {
			return err
		}
		if d.ID != s.id {
			return errUnshared
		}
		now, err = s.e.leaseNow(ctx, r)
		return err
	})
	return d, rev, now, err
}

// change changes the document, if it still is of this share.
func (s *share) change(ctx context.Context, fn func(ctx context.Context, tx crm.Tx, d *shared, now time.Time) error) error {
	return s.e.svc.Update(ctx, func(tx crm.Tx) error {
		d, rev, err := readShared(ctx, tx)
		if err != nil {
			return err
		}
		if d.ID != s.id {
			return errUnshared
		}
		now, err := s.e.leaseNow(ctx, tx)
		if err != nil {
			return err
		}
		if err := fn(ctx, tx, d, now); err != nil {
			return err
		}
		return putShared(ctx, tx, d, rev)
	})
}

// beat says again and again that this process is at work, and, where it leads, answers
// those who come. What the store fails at is tried again at the next beat.
func (s *share) beat(ctx context.Context) {
	t := time.NewTicker(shareBeat)
	defer t.Stop()
	said := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		renewed, err := s.say(ctx, time.Since(said) >= shareLease/5, false)
		if errors.Is(err, errUnshared) {
			s.lost.Store(true)
			return
		}
		if err == nil && renewed {
			said = time.Now()
		}
	}
}

// say renews the lease, where it is due, and answers those who have come; seals says that
// those who come later must not import.
func (s *share) say(ctx context.Context, due, seals bool) (renewed bool, err error) {
	defer crm.Recover("share", &err)
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if seals {
		defer func() { s.sealed = true }()
	}
	d, _, _, err := s.look(ctx)
	if err != nil {
		return false, err
	}
	unseen := func(h helper) bool { return h.Answer == "" }
	if !due && (!s.leads || !slices.ContainsFunc(d.Helpers, unseen)) {
		return false, nil
	}
	helped := false
	err = s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, now time.Time) error {
		helped = false
		if !s.leads {
			if h := d.helper(s.me); h != nil {
				h.Until = now.Add(shareLease)
			}
			return nil
		}
		d.Until = now.Add(shareLease)
		for i := range d.Helpers {
			h := &d.Helpers[i]
			if h.Answer == "" {
				if h.Answer = answerHelp; h.Imports && s.sealed {
					h.Answer = answerAlone
				}
			}
			helped = helped || h.Answer == answerHelp
		}
		if helped {
			d.Jobs = append(d.Jobs, s.pending...)
		}
		return nil
	})
	if err == nil && helped {
		for _, j := range s.pending {
			s.opened[j.Name] = true
		}
		s.pending = nil
		s.helped.Store(true)
	}
	return err == nil, err
}

// leave ends the part of this process in an evening that it has not come to the end of, so
// that others need not wait for its lease. Where the store fails they do.
func (s *share) leave(ctx context.Context) {
	if s == nil {
		return
	}
	s.quiet()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, _ time.Time) error {
		if s.leads {
			*d = shared{}
		} else {
			d.Helpers = slices.DeleteFunc(d.Helpers, func(h helper) bool { return h.ID == s.me })
		}
		return nil
	})
	if err != nil && !errors.Is(err, errUnshared) {
		s.e.cfg.Logger.Warn("vefa: others wait until the lease of this process on the evening ends", "err", err)
	}
}

// quiet ends beat.
func (s *share) quiet() {
	s.stop()
	s.beats.Wait()
}

// pause waits before the document is read again.
func pause(ctx context.Context) error {
	t := time.NewTimer(sharePause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// seal closes the import of an evening that this process leads: it waits for those who
// help and are importing, and from then on none that imports may help.
func (s *share) seal(ctx context.Context) error {
	if s == nil || !s.leads {
		return nil
	}
	s.turn <- struct{}{}
	was := s.sealed
	<-s.turn
	if was || s.lost.Load() {
		return nil
	}
	_, err := s.say(ctx, false, true)
	if errors.Is(err, errUnshared) {
		s.lost.Store(true)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.await(ctx, func(h helper) bool { return !h.Imports })
	return err
}

// await has the leader wait until all who help are as wanted, or gone, and returns them.
func (s *share) await(ctx context.Context, wanted func(helper) bool) ([]helper, error) {
	for s != nil && s.helped.Load() && !s.lost.Load() {
		d, _, now, err := s.look(ctx)
		if errors.Is(err, errUnshared) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(d.Helpers, func(h helper) bool { return d.live(h.ID, now) && !wanted(h) }) {
			return d.Helpers, nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// pass tells those who help that a step has ended.
func (s *share) pass(ctx context.Context, steps int) error {
	if s == nil || !s.leads {
		return nil
	}
	s.turn <- struct{}{}
	s.pending = nil
	clear(s.opened)
	<-s.turn
	if !s.helped.Load() || s.lost.Load() {
		return nil
	}
	err := s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, _ time.Time) error {
		d.Passed, d.Jobs = steps, nil
		return nil
	})
	if errors.Is(err, errUnshared) {
		s.lost.Store(true)
		return nil
	}
	return err
}

// accepted waits for the leader's answer and reports whether this process helps. It does
// the evening by itself where the one that leads does not answer.
func (s *share) accepted(ctx context.Context) (bool, error) {
	if s.answered {
		return true, nil
	}
	for {
		d, _, _, err := s.look(ctx)
		if err != nil {
			return false, err
		}
		h := d.helper(s.me)
		if h == nil {
			return false, errUnshared
		}
		if s.deaf = h.Answer == "" && time.Since(s.came) > shareAnswer; s.deaf || h.Answer == answerAlone {
			return false, nil
		}
		if h.Answer == answerHelp {
			s.answered = true
			return true, s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, _ time.Time) error {
				if h := d.helper(s.me); h != nil {
					h.Imports = false
				}
				return nil
			})
		}
		if err := pause(ctx); err != nil {
			return false, err
		}
	}
}

// watch looks at an evening that another process leads. It is errUnshared if that one
// is gone: its lease has ended by the clock of the leases, or nothing was heard of it for as
// long by this process's own.
type watch struct {
	*share
	until time.Time // of the leader's lease, when it was last another
	heard time.Time
}

func (w *watch) look(ctx context.Context) (*shared, time.Time, error) {
	d, _, now, err := w.share.look(ctx)
	if err != nil {
		return nil, now, err
	}
	if !d.Until.Equal(w.until) {
		w.until, w.heard = d.Until, time.Now()
	}
	if !d.Until.After(now) || time.Since(w.heard) > shareLease {
		return nil, now, errUnshared
	}
	return d, now, nil
}

// end says what this process did while it helped, and waits for the end of the evening. It
// is errUnshared then.
func (s *share) end(ctx context.Context, run NightReport) error {
	err := s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, _ time.Time) error {
		if h := d.helper(s.me); h != nil {
			h.Ended = &run
		}
		return nil
	})
	if err != nil {
		return err
	}
	for w := (&watch{share: s}); ; {
		if _, _, err := w.look(ctx); err != nil {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// unshare takes the document away, in the transaction that closes an evening: of one that
// this process leads, or whose leader did not answer it.
func (ev *Evening) unshare(ctx context.Context, tx crm.Tx) error {
	id, s := ev.unanswered, ev.e.share
	if s != nil && s.leads && !s.lost.Load() {
		id = s.id
	}
	if id == "" {
		return nil
	}
	d, _, err := readShared(ctx, tx)
	if err != nil || d.ID != id {
		return err
	}
	if s == nil || s.helped.Load() {
		if err := dropPieces(ctx, tx); err != nil {
			return err
		}
	}
	return tx.DeleteDocuments(ctx, shareKind, shareKind)
}

// helped adds what a process did that helped.
func (r *NightReport) helped(by NightReport) {
	r.Rows += by.Rows
	r.Accepted += by.Accepted
	r.Repeated += by.Repeated
	r.Rejected += by.Rejected
	r.Delivered.Add(by.Delivered)
	for kind, s := range by.Effects {
		r.addEffects(kind, s)
	}
	r.Steps = addSteps(by.Steps, r.Steps)
}
