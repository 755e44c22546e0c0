package vefa

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestPieceOfLostLease: a piece whose owner's lease has ended is taken over, and the one that
// had it does not mark it done any more.
func TestPieceOfLostLease(t *testing.T) {
	store := memstore.New()
	now := time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC)
	share := func(me string) *share {
		e := &Engine{cfg: Config{Store: store, LeaseNow: func() time.Time { return now }}, svc: crm.New(store, crm.Config{}), writer: me}
		return &share{e: e, me: me, id: "s"}
	}
	a, b := share("a"), share("b")
	update := func(fn func(d *shared)) {
		require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
			d, rev, err := readShared(t.Context(), tx)
			if err != nil {
				return err
			}
			fn(d)
			return putShared(t.Context(), tx, d, rev)
		}))
	}
	update(func(d *shared) {
		*d = shared{ID: "s", Leader: "l", Until: now.Add(time.Hour), Jobs: []job{{Name: "j", Serial: 1, Most: crm.Parts, Open: []piece{{Hi: 2 * leastParts}}}},
			Helpers: []helper{{ID: "a", Answer: answerHelp, Until: now.Add(shareLease)}, {ID: "b", Answer: answerHelp, Until: now.Add(time.Hour)}}}
	})
	look := func() (*job, int) {
		d, _, _, err := a.look(t.Context())
		require.NoError(t, err)
		results := 0
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			docs, err := r.ScanDocuments(t.Context(), pieceKind, "", 10)
			results = len(docs)
			return err
		}))
		return d.job("j"), results
	}

	j, first, ok, err := a.claim(t.Context(), "j")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, piece{Hi: leastParts, Owner: "a"}, first)
	_, second, ok, err := b.claim(t.Context(), "j")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, piece{Lo: leastParts, Hi: 2 * leastParts, Owner: "b"}, second)
	require.NoError(t, b.finish(t.Context(), j, second, 2))
	_, _, ok, err = b.claim(t.Context(), "j")
	require.NoError(t, err)
	require.False(t, ok, "it is at work")

	now = now.Add(shareLease)
	_, again, ok, err := b.claim(t.Context(), "j")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, piece{Hi: leastParts, Owner: "b"}, again)
	require.NoError(t, a.finish(t.Context(), j, first, 1))
	got, results := look()
	require.False(t, got.done())
	require.Equal(t, 1, results)
	require.NoError(t, b.finish(t.Context(), j, again, 1))
	got, results = look()
	require.True(t, got.done())
	require.Equal(t, 2, results)

	// What another session or job of the same name is doing is not marked either.
	update(func(d *shared) { d.Jobs[0] = job{Name: "j", Serial: 2, Taken: []piece{{Hi: leastParts, Owner: "b"}}} })
	require.NoError(t, b.finish(t.Context(), j, again, 1))
	got, _ = look()
	require.False(t, got.done())
	update(func(d *shared) { d.ID = "t" })
	require.ErrorIs(t, b.finish(t.Context(), j, again, 1), errUnshared)
}
