package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Engine holds the active Set of a running process. Rules are changed under
// way: a new set takes the place of the old one in one atomic step, whoever is
// in the middle of an evaluation finishes it with the set that he took, and a
// faulty book changes nothing.
type Engine[F any] struct {
	schema *Schema[F]
	checks []func(*Set[F]) error
	active atomic.Pointer[Set[F]]

	mu   sync.Mutex // of past, and of changing active
	past []*Set[F]  // sets that were active, the latest last; the active one too
}

// maxPast is how many sets an Engine remembers.
const maxPast = 20

// NewEngine returns an engine with an empty active set. Load refuses a set that one
// of the checks has an error about.
func NewEngine[F any](schema *Schema[F], checks ...func(*Set[F]) error) *Engine[F] {
	e := &Engine[F]{schema: schema, checks: checks}
	e.active.Store(newSet(schema, &compiler{schema: schema.s}))
	return e
}

// Active returns the active set. Take it once per unit of work, such as one
// evening, and use it to the end.
func (e *Engine[F]) Active() *Set[F] { return e.active.Load() }

// Load compiles the books and makes their rules the active set. If there is
// any fault it returns the *CompileError, or what the engine's checks say, and the old
// set stays.
func (e *Engine[F]) Load(books ...*Book) error {
	set, err := e.schema.Compile(books...)
	if err != nil {
		return err
	}
	var faults []error
	for _, check := range e.checks {
		faults = append(faults, check(set))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	e.Swap(set)
	return nil
}

// Swap makes a compiled set the active one and returns the one before. A nil
// set changes nothing.
func (e *Engine[F]) Swap(set *Set[F]) *Set[F] {
	if set == nil {
		return e.active.Load()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.past) == maxPast {
		e.past = append(e.past[:0:0], e.past[1:]...)
	}
	e.past = append(e.past, set)
	return e.active.Swap(set)
}

// remembered returns the sets that were active, the latest last and the active one
// included: at most 20, those that were loaded by this process.
func (e *Engine[F]) remembered() []*Set[F] {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*Set[F](nil), e.past...)
}

// Rollback makes the latest set of a version the active one again.
func (e *Engine[F]) Rollback(version int64) error {
	past := e.remembered()
	for i := len(past) - 1; i >= 0; i-- {
		if past[i].Version() == version {
			e.Swap(past[i])
			return nil
		}
	}
	return fmt.Errorf("rules: no set of version %d was active", version)
}

// Version is a positive number made from the names and versions of all rules:
// sets that do the same have the same.
func (s *Set[F]) Version() int64 {
	h := sha256.New()
	for _, c := range s.rules {
		fmt.Fprintf(h, "%q %d\n", c.rule.Name, c.rule.Version)
	}
	sum := h.Sum(nil)
	return int64(binary.BigEndian.Uint64(sum[:8])>>1) | 1
}
