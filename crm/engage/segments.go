package engage

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/segment"
)

// Segments returns the segments of Config.Segments with everybody's tags as of
// what is committed, frozen, for the questions that people ask of them: counts,
// waterfalls, overlap, lint. Customers have the names of their earliest
// profiles, crm.ProfileKey.String.
func (e *Engine) Segments(ctx context.Context) (*segment.View, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	if _, err := e.refresh(ctx); err != nil {
		return nil, err
	}
	return e.seg.View(), nil
}

// refreshPolarity tells the index what was decided about tags since.
func (e *Engine) refreshPolarity() error {
	view := e.seg.View()
	var fresh []segment.PolarityRule
	for _, def := range e.tags {
		if known := len(view.PolarityRules(def.Name)); known < len(def.Turns) {
			fresh = append(fresh, polarity([]TagDef{def})[known:]...)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if _, err := e.seg.SetPolarity(time.Time{}, fresh...); err != nil {
		return fmt.Errorf("engage: segments: %w", err)
	}
	return nil
}
