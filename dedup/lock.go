package dedup

import "context"

// lock is a mutex that somebody may stop waiting for: who asks an index while a night changes
// it may have no time.
type lock chan struct{}

func (l lock) Lock() { l <- struct{}{} }

func (l lock) Unlock() { <-l }

// within locks it, or returns the context's error.
func (l lock) within(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
