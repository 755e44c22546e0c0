package nighttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// linkBeside: engines that begin anew each evening, and so look through everybody for those
// who are not where linkage puts them, run beside eight who change who profiles are, merge
// and split. An engine that knew everybody before, and looks at each profile that changed
// since without such a choice, then finds nobody whom they left where linkage does not put
// him.
func linkBeside(t *testing.T, open func(t *testing.T) crm.Store) {
	const people, steps = 160, 5
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	store, clock, engine := several(t, open, Rules, func(c *vefa.Config) { c.TrainAt, c.Resident = 50, -1 })
	knows := engine(nil)
	var all crm.Batch
	for b := range crmtest.Customers(people, crmtest.Options{Brand: Brand.Brand, Batch: 1 << 20, Until: Start}) {
		all = b
	}
	svc := knows.Engine.Service()
	_, err := svc.Import(ctx, all)
	require.NoError(t, err)
	evening := func(x *Retailer) vefa.LinkageReport {
		rep, err := x.Engine.Night(ctx, vefa.Night{})
		require.NoError(t, err)
		return rep.Identified
	}
	require.True(t, evening(knows).Trained)
	clock.Advance(24 * time.Hour)
	profiles := all.Profiles
	// as is a profile with the name, contacts and birth of another, or its own again.
	as := func(i, j, n int) crm.Batch {
		is, like := *profiles[i], profiles[j]
		is.At = clock.Now().Add(time.Duration(n) * time.Millisecond) // no two alike
		is.Name, is.Contacts, is.Birth, is.Gender = like.Name, like.Contacts, like.Birth, like.Gender
		return crm.Batch{Profiles: []*crm.Profile{&is}}
	}
	for i := range Writers * steps {
		_, err := svc.Import(ctx, as(2*i, 2*i+1, 0))
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, evening(knows).Moved, Writers*steps/2) // now it knows everybody
	clock.Advance(24 * time.Hour)
	var over atomic.Bool
	var beside sync.WaitGroup
	nights := 0
	beside.Go(func() {
		for ; !over.Load() || nights < 2; nights++ {
			if _, err := engine(nil).Engine.Night(ctx, vefa.Night{}); !assert.NoError(t, err) {
				return
			}
		}
	})
	AtOnce(t, func(w int) error {
		for n := range steps {
			i := 2 * (w + n*Writers) // who was joined with the next
			j := i
			if n%2 == 1 { // takes the place of one who leaves, instead of being alone
				j = i + 2*Writers + 1
			}
			if _, err := svc.Import(ctx, as(i, j, n*Writers+w-1000)); err != nil {
				return err
			}
			if n%3 == 1 {
				if _, err := svc.Merge(ctx, fmt.Sprint("desk ", w), crm.Evidence{}, profiles[(i+3)%len(profiles)].ProfileKey, profiles[(i+4)%len(profiles)].ProfileKey); err != nil {
					return err
				}
			}
			if n%3 == 2 {
				if _, err := svc.Split(ctx, fmt.Sprint("desk ", w), crm.Evidence{}, profiles[(i+2)%len(profiles)].ProfileKey); err != nil {
					return err
				}
			}
		}
		return nil
	})
	over.Store(true)
	beside.Wait()

	for range 2 { // what was stale is looked at once more
		clock.Advance(24 * time.Hour)
		evening(engine(nil))
	}
	clock.Advance(24 * time.Hour)
	got := evening(knows)
	require.Positive(t, got.Clusters)
	require.Zero(t, got.Moved, "%+v", got)
	audit, err := vefa.Audit(ctx, store, Brand)
	require.NoError(t, err)
	require.True(t, audit.Clean(), "%+v", audit)
}
