package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// Options say what a store does not do. The zero value asks for everything.
type Options struct {
	// NoConcurrentWriters is set for a store that runs one Update at a time:
	// a second one waits until the first has ended. Such a store need not show
	// what happens when a transaction that began earlier commits later.
	NoConcurrentWriters bool
	// WritersMeet is set for a store on which a transaction can commit while
	// another one is open that has written nothing, such as a database server.
	// What a writer reads again when it has its locks is then tested with two
	// transactions; by default one transaction plays both.
	WritersMeet bool
	// Kinds are the kinds of facts besides the library's own that the store was given.
	// The suite runs the example of each through all that a kind is for.
	Kinds []crm.Kind
	// Deadline is how long one subtest may take. Defaults to a minute.
	Deadline time.Duration
}

// Run checks a store. Open returns a store that is fresh and empty and is
// called once or more per subtest.
func Run(t *testing.T, open func(t *testing.T) crm.Store) {
	t.Helper()
	Options{}.Run(t, open)
}

// Run checks a store that does not do everything.
func (o Options) Run(t *testing.T, open func(t *testing.T) crm.Store) {
	t.Helper()
	if o.Deadline <= 0 {
		o.Deadline = time.Minute
	}
	for _, group := range [][]test{
		transactionTests, profileTests, linkTests, factTests, addressTests, anchorTests, refTests,
		kindTests, nameTests, waitingTests, effectTests, documentTests, stateTests, counterTests, feedTests, scanTests, textTests, concurrencyTests, interleavedTests, writerTests, workerTests, machineTests,
	} {
		for _, tt := range group {
			t.Run(tt.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), o.Deadline)
				defer cancel()
				defer func() {
					if t.Failed() {
						t.Logf("The rule: %s", tt.rule)
					}
				}()
				tt.run(&env{T: t, ctx: ctx, store: open(t), opt: o, open: open})
			})
		}
	}
}

// A test checks one rule.
type test struct {
	name string
	rule string
	run  func(e *env)
}

// env is what a test works with.
type env struct {
	*testing.T
	ctx   context.Context
	store crm.Store
	opt   Options
	open  func(t *testing.T) crm.Store
}

// kinds returns the kinds that the store knows.
func (e *env) kinds() (out *crm.Kinds) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		out = r.Kinds()
		return nil
	})
	return out
}

// update runs fn in a transaction that must commit.
func (e *env) update(fn func(tx crm.Tx) error) {
	e.Helper()
	require.NoError(e, e.store.Update(e.ctx, fn))
}

// view runs fn in a view that must succeed.
func (e *env) view(fn func(r crm.Reader) error) {
	e.Helper()
	require.NoError(e, e.store.View(e.ctx, fn))
}

// refused runs fn in a transaction that must fail with kind.
func (e *env) refused(kind error, why string, fn func(tx crm.Tx) error) {
	e.Helper()
	err := e.store.Update(e.ctx, fn)
	require.ErrorIs(e, err, kind, why)
}

// retry runs fn in a transaction again for as long as another one is in its
// way. It may be called from any goroutine.
func (e *env) retry(fn func(tx crm.Tx) error) error {
	for range 10_000 {
		err := e.store.Update(e.ctx, fn)
		if !errors.Is(err, crm.ErrConflict) && !errors.Is(err, crm.ErrBusy) {
			return err
		}
	}
	return errors.New("no luck in 10,000 attempts")
}

// parallel runs n functions at once and returns what went wrong.
func parallel(n int, fn func(i int) error) error {
	errs := make(chan error)
	for i := range n {
		go func() {
			defer func() {
				if p := recover(); p != nil {
					errs <- fmt.Errorf("panic: %v", p)
				}
			}()
			errs <- fn(i)
		}()
	}
	var all []error
	for range n {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// Small helpers that read one record, or nil.

func (e *env) profile(k crm.ProfileKey) (out *crm.Profile) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		ps, err := r.Profiles(e.ctx, k)
		if err == nil {
			require.Len(e, ps, 1, "Profiles returns one entry per key")
			out = ps[0]
		}
		return err
	})
	return out
}

func (e *env) fact(ref crm.FactRef) (out *crm.Fact) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		fs, err := r.Facts(e.ctx, ref)
		if err == nil {
			require.Len(e, fs, 1, "Facts returns one entry per ref")
			out = fs[0]
		}
		return err
	})
	return out
}

func (e *env) effect(id crm.EffectID) (out *crm.Effect) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		es, err := r.Effects(e.ctx, id)
		if err == nil {
			require.Len(e, es, 1, "Effects returns one entry per id")
			out = es[0]
		}
		return err
	})
	return out
}

func (e *env) address(a crm.Address) (out *crm.AddressState) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		ss, err := r.Addresses(e.ctx, a)
		if err == nil {
			require.Len(e, ss, 1, "Addresses returns one entry per address")
			require.NotNil(e, ss[0], "Addresses returns an empty state for an address never written about")
			out = ss[0]
		}
		return err
	})
	return out
}

func (e *env) document(kind, id string) (out *crm.Document) {
	e.Helper()
	e.view(func(r crm.Reader) error {
		ds, err := r.Documents(e.ctx, kind, id)
		if err == nil {
			require.Len(e, ds, 1, "Documents returns one entry per id")
			out = ds[0]
		}
		return err
	})
	return out
}

// changes reads the whole feed by pages.
func (e *env) changes(page int) (out []crm.Change) {
	e.Helper()
	e.view(func(r crm.Reader) (err error) {
		out, err = readFeed(e.ctx, r, "", page)
		return err
	})
	return out
}

// readFeed reads pages until one is empty, and fails for one that is longer than was asked for.
func readFeed(ctx context.Context, r crm.Reader, after crm.Position, page int) (out []crm.Change, err error) {
	for {
		cs, next, err := r.Changes(ctx, after, page)
		if err != nil {
			return out, err
		}
		out = append(out, cs...)
		if len(cs) == 0 {
			return out, nil
		}
		if len(cs) > page {
			return out, fmt.Errorf("changes: asked for %d, got %d", page, len(cs))
		}
		after = next
	}
}
