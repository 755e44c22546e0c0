package rules

import "sync/atomic"

// Engine holds the active Set of a running process. Rules are changed under
// way: a new set takes the place of the old one in one atomic step, whoever is
// in the middle of an evaluation finishes it with the set that he took, and a
// faulty book changes nothing.
type Engine[F any] struct {
	schema *Schema[F]
	active atomic.Pointer[Set[F]]
}

// NewEngine returns an engine with an empty active set.
func NewEngine[F any](schema *Schema[F]) *Engine[F] {
	e := &Engine[F]{schema: schema}
	e.active.Store(newSet(schema, &compiler{schema: schema.s}))
	return e
}

// Active returns the active set. Take it once per unit of work, such as one
// evening, and use it to the end.
func (e *Engine[F]) Active() *Set[F] { return e.active.Load() }

// Load compiles the books and makes their rules the active set. If there is
// any fault it returns the *CompileError and the old set stays.
func (e *Engine[F]) Load(books ...*Book) error {
	set, err := e.schema.Compile(books...)
	if err != nil {
		return err
	}
	e.active.Store(set)
	return nil
}

// Swap makes a compiled set the active one and returns the one before. A nil
// set changes nothing.
func (e *Engine[F]) Swap(set *Set[F]) *Set[F] {
	if set == nil {
		return e.active.Load()
	}
	return e.active.Swap(set)
}
