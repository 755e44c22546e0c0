package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

func testNow(e *env) {
	var seen []time.Time
	look := func(r crm.Reader) error {
		for range 2 {
			t, err := r.Now(e.ctx)
			if err != nil {
				return err
			}
			require.False(e, t.IsZero())
			require.Equal(e, time.UTC, t.Location())
			require.Equal(e, crm.Micros(t), t)
			seen = append(seen, t)
		}
		return nil
	}
	e.view(look)
	e.update(func(tx crm.Tx) error { return look(tx) })
	e.view(look)
	for i, t := range seen {
		require.False(e, i > 0 && t.Before(seen[i-1]), "%v", seen)
	}
}
