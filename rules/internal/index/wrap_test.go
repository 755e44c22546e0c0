package index

import (
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// TestTheNumberOfRunsComesRound: after two thousand million runs numbers are used again, and
// the answers of the runs that had them are not.
func TestTheNumberOfRunsComesRound(t *testing.T) {
	type facts struct{ A, B int64 }
	field := func(name string, at uintptr) *ir.Term {
		return ir.FieldTerm(&ir.Field{Name: name, Kind: ir.Int, Offset: at, Repr: reflect.Int64, Typ: reflect.TypeFor[int64]()}, ir.OfFacts, 0)
	}
	var f facts
	less := &ir.Term{Op: ir.OpLt, Kind: ir.Bool, Kids: []*ir.Term{field("A", unsafe.Offsetof(f.A)), field("B", unsafe.Offsetof(f.B))}}
	x := New([][]*ir.Term{{less}})
	if len(x.tests) != 1 {
		t.Fatalf("%d tests: the condition is to be one that no field decides", len(x.tests))
	}
	room := x.pool.New().(*Found)
	x.pool.New = func() any { return room }
	run := func(a, b int64) int {
		f = facts{a, b}
		got := x.Run(closure.Env{Facts: unsafe.Pointer(&f)})
		defer x.Free(got)
		return len(got.Rules)
	}
	if n := run(1, 2); n != 1 { // the first run
		t.Fatal(n)
	}
	room.run = math.MaxUint32 - 1
	if n := run(2, 1); n != 0 { // has its number
		t.Fatal("the answer of an earlier run was taken")
	}
	if n := run(1, 2); n != 1 {
		t.Fatal(n)
	}
}
