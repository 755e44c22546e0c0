package rules

import (
	"errors"
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
}

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

// Swap makes a compiled set the active one and returns the one before, by which a host
// goes back: give it to Swap again. A nil set changes nothing. The checks of NewEngine
// are not asked.
func (e *Engine[F]) Swap(set *Set[F]) *Set[F] {
	if set == nil {
		return e.active.Load()
	}
	return e.active.Swap(set)
}
