package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestListing(t *testing.T) {
	tree := fstest.MapFS{
		"a/a.go": {Data: []byte(`// Package a is listed.
package a

// T is exported.
type T[K any] struct {
	Name, Other string // both
	hidden      int
	*Base
}
type Base = int
type I interface {
	Do(x int) error
	hide()
}
type small int
const (
	One int = 1
	two     = 2
)

func (t *T[K]) Run(
	n int,
) error {
	return nil
}
func (small) Not() {}
func helper()      {}
`)},
		"a/a_test.go":      {Data: []byte("package a\nfunc Helper() {}\n")},
		"a/internal/b.go":  {Data: []byte("package internal\nfunc Hidden() {}\n")},
		"examples/x/x.go":  {Data: []byte("package main\nfunc Main() {}\n")},
		"a/testdata/no.go": {Data: []byte("not Go")},
	}
	var b strings.Builder
	require.NoError(t, run(&b, tree, false))
	require.Equal(t, `a: const One int
a: func (t *T[K]) Run( n int, ) error
a: type Base = int
a: type I interface
a: type I interface, Do func(x int) error
a: type T struct
a: type T struct, Name string
a: type T struct, Other string
a: type T struct, embeds *Base
`, b.String())
	b.Reset()
	require.NoError(t, run(&b, tree, true))
	require.Contains(t, b.String(), "     9      5     23      2  a\n")
	require.Contains(t, b.String(), "27      2  with everything: 0.074 comments by line of code\n")
}
