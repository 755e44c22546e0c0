package vefa_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// scans counts the scans of clicks.
type scans struct {
	crm.Store
	n atomic.Int64
}

type scanning struct {
	crm.Reader
	s *scans
}

func (s *scans) View(ctx context.Context, fn func(crm.Reader) error) error {
	return s.Store.View(ctx, func(r crm.Reader) error { return fn(scanning{r, s}) })
}

func (r scanning) ScanFacts(ctx context.Context, parts crm.PartRange, kind crm.FactKind, after crm.FactRef, limit int) ([]*crm.Fact, error) {
	if kind == crm.KindClick {
		r.s.n.Add(1)
	}
	return r.Reader.ScanFacts(ctx, parts, kind, after, limit)
}

// Case A15: an engine that was started again judges the clicks of the day and
// does not read every click that there ever was for it.
func TestClicksAfterARestart(t *testing.T) {
	store := &scans{Store: memstore.New()}
	w := newTownOn(t, store)
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	visitLink(t, w.Engine, tracked, "a", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)")
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	w.Engine.Close()
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 2))
	rep, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	total := 0
	for _, n := range rep.Clicks {
		total += n
	}
	require.Equal(t, 1, total, "it is judged")
	require.Zero(t, store.n.Load(), "the load knew of it")
	// An evening of weeks ago that was never run looks for the clicks of its day.
	w.Engine.Close()
	w.Clock.Set(nighttest.Start.AddDate(0, 1, 0))
	_, err = w.Engine.Night(t.Context(), vefa.Night{Day: nighttest.Start.AddDate(0, 0, 3).Format(time.DateOnly)})
	require.NoError(t, err)
	require.Positive(t, store.n.Load())
}
