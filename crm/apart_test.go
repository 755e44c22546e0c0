package crm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// A "no" decides about everybody of both customers, moves nobody, is kept once, and is taken
// back and given again as other decisions are.
func TestKeepApart(t *testing.T) {
	s, _ := newService(t)
	ctx := t.Context()
	var k []crm.ProfileKey
	for i, id := range []string{"1", "2", "3", "4"} {
		k = append(k, pos(id))
		require.NoError(t, s.PutProfile(ctx, person(k[i], "Ali", "Kaya", t0.Add(time.Duration(i)*time.Hour))))
	}
	_, err := s.Merge(ctx, "desk", crm.Evidence{}, k[0], k[1])
	require.NoError(t, err)
	before := digest(t, s)
	kept := func(a, b crm.ProfileKey) bool {
		x, err := s.Links(ctx, a)
		require.NoError(t, err)
		y, err := s.Links(ctx, b)
		require.NoError(t, err)
		for _, l := range crm.KeptApart(x) {
			for _, m := range crm.KeptApart(y) {
				if l.Op == m.Op && l.Customer != m.Customer {
					return true
				}
			}
		}
		return false
	}
	links, err := s.KeepApart(ctx, "desk", crm.Evidence{Note: "father and son"}, k[2], k[1])
	require.NoError(t, err)
	require.Len(t, links, 3)
	for _, l := range links {
		require.Equal(t, crm.LinkApart, l.Kind)
		require.True(t, l.Stays)
		require.Equal(t, 3, l.OpLen)
		require.Equal(t, links[0].Op, l.Op)
		require.Equal(t, "father and son", l.Evidence.Note)
		require.NotEmpty(t, l.Evidence.With)
	}
	require.Equal(t, before, digest(t, s), "nobody moved")
	require.True(t, kept(k[0], k[2]) && kept(k[1], k[2]) && kept(k[2], k[0]))
	require.False(t, kept(k[0], k[1]) || kept(k[0], k[3]))
	for _, p := range [][2]crm.ProfileKey{{k[1], k[2]}, {k[2], k[0]}} {
		again, err := s.KeepApart(ctx, "desk", crm.Evidence{}, p[0], p[1])
		require.NoError(t, err)
		require.Empty(t, again, "it was said before")
	}

	undone, err := s.Undo(ctx, "desk", links...)
	require.NoError(t, err)
	require.Len(t, undone, 3)
	require.Equal(t, before, digest(t, s))
	require.False(t, kept(k[1], k[2]))
	none, err := s.Undo(ctx, "desk", links...)
	require.NoError(t, err)
	require.Empty(t, none, "a button that is pressed twice")
	back, err := s.Undo(ctx, "desk", undone...)
	require.NoError(t, err)
	require.Len(t, back, 3)
	require.True(t, kept(k[1], k[2]))

	// Either side is merged with a third, and moves; it can still be taken back.
	_, err = s.Merge(ctx, "desk", crm.Evidence{}, k[3], k[2])
	require.NoError(t, err)
	_, err = s.Split(ctx, "desk", crm.Evidence{}, k[0])
	require.NoError(t, err)
	moved := digest(t, s)
	require.True(t, kept(k[1], k[2]))
	_, err = s.Undo(ctx, "desk", back...)
	require.NoError(t, err)
	require.Equal(t, moved, digest(t, s))
	require.False(t, kept(k[1], k[2]))

	_, err = s.KeepApart(ctx, "desk", crm.Evidence{}, k[2], k[3])
	require.ErrorIs(t, err, crm.ErrStale, "they are one customer")
	_, err = s.KeepApart(ctx, "desk", crm.Evidence{}, k[2], k[2])
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = s.KeepApart(ctx, "", crm.Evidence{}, k[1], k[2])
	require.ErrorIs(t, err, crm.ErrInvalid)
	_, err = s.KeepApart(ctx, "desk", crm.Evidence{}, k[1], pos("none"))
	require.ErrorIs(t, err, crm.ErrNotFound)
	_, err = s.Undo(ctx, "desk", links[:2]...)
	var partial *crm.PartialUndoError
	require.ErrorAs(t, err, &partial)
}
