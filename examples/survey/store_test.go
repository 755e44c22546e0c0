package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// Eight writers on two handles of one file keep drafts and answers of the same invitations: a draft takes
// the place of the one that was read or of none, one answer of each is first, and no draft is kept after it.
func TestEightWriters(t *testing.T) {
	const writers, invitations, drafts = 8, 6, 5
	ctx := t.Context()
	file := filepath.Join(t.TempDir(), "answers.db")
	stores := make([]*store, 2)
	for i := range stores {
		db, err := open(ctx, file)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		stores[i] = &store{db: db}
	}
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	after := map[string]int{} // how many drafts were kept in place of each revision
	first := map[uint64]string{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := stores[w%2]
			for i := range invitations {
				id := uint64((i+w)%invitations) + 1<<63
				for n := range drafts {
					was, _, err := s.Draft(ctx, id)
					if !assert.NoError(t, err) {
						return
					}
					name := fmt.Sprint(w, "-", n, "-", id)
					saved, err := s.SaveDraft(ctx, id, web.Draft{Revision: name, Answers: map[string]any{"by": w}}, was.Revision, at)
					if !assert.NoError(t, err) {
						return
					}
					mu.Lock()
					if saved {
						after[fmt.Sprint(id, was.Revision)]++
					}
					mu.Unlock()
				}
				name := fmt.Sprint("answer ", w)
				was, err := s.Submit(ctx, id, survey.Response{Key: name, Answers: map[string]any{"by": float64(w)}}, at)
				if !assert.NoError(t, err) {
					return
				}
				inv, err := s.Invitation(ctx, id)
				assert.NoError(t, err)
				assert.Equal(t, web.Answered, inv.State)
				if was {
					mu.Lock()
					assert.Empty(t, first[id], "two answers are first")
					first[id] = name
					mu.Unlock()
				}
				saved, err := s.SaveDraft(ctx, id, web.Draft{Revision: "late"}, "", at)
				assert.NoError(t, err)
				assert.False(t, saved, "a draft of what was answered")
			}
		})
	}
	wg.Wait()
	require.Len(t, first, invitations)
	for id, name := range first {
		inv, err := stores[0].Invitation(ctx, id)
		require.NoError(t, err)
		require.Equal(t, name, inv.Key)
		_, ok, err := stores[1].Draft(ctx, id)
		require.NoError(t, err)
		require.False(t, ok)
	}
	for revision, n := range after {
		require.Equal(t, 1, n, "%s had %d successors", revision, n)
	}
	require.NotEmpty(t, after)
}
