package dedup

import "context"

// Join returns the cluster that a record would be in if it were added, without its own id:
// what [Index.Apply] would make of it, with all weights, thresholds and decisions, and empty
// where it would be alone. The id of r is not looked at, and the index is left as it was.
// It costs what a change does; [Index.Find] is faster and returns everything that may be
// meant.
func (x *Index) Join(ctx context.Context, r Record) ([]string, error) {
	if err := x.mu.within(ctx); err != nil {
		return nil, err
	}
	defer x.mu.Unlock()
	r.ID = "\xff"
	for _, taken := x.slots[r.ID]; taken; _, taken = x.slots[r.ID] {
		r.ID += "\xff"
	}
	if _, err := x.change(ctx, []Record{r}, nil, nil); err != nil {
		return nil, err
	}
	var out []string
	if c := x.clusters[x.slots[r.ID]]; c.has(r.ID) { // not a copy that says too little
		for _, id := range c.Members {
			if id != r.ID {
				out = append(out, id)
			}
		}
	}
	_, err := x.change(context.WithoutCancel(ctx), nil, []string{r.ID}, nil)
	return out, err
}
