package nighttest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Deeds are what respondents do with a link of Pages, by name: from a page that was opened before, if it has
// one of its questions.
var Deeds = map[string]func(ctx context.Context, c *http.Client, opened webtest.Outcome) (webtest.Outcome, error){
	"draft": func(ctx context.Context, c *http.Client, o webtest.Outcome) (webtest.Outcome, error) {
		return Next(ctx, c, o, map[string]any{"nps": 5})
	},
	"answer": func(ctx context.Context, c *http.Client, o webtest.Outcome) (webtest.Outcome, error) {
		return webtest.Answer(ctx, c, o.URL, map[string]any{"nps": 9})
	},
	"not me": func(ctx context.Context, c *http.Client, o webtest.Outcome) (webtest.Outcome, error) {
		return request(ctx, c, http.MethodPost, o.URL+"/not-me")
	},
	"not me taken back": func(ctx context.Context, c *http.Client, o webtest.Outcome) (webtest.Outcome, error) {
		if o, err := request(ctx, c, http.MethodPost, o.URL+"/not-me"); err != nil || o.Status != http.StatusOK {
			return o, err
		}
		return request(ctx, c, http.MethodPost, o.URL+"/mistake")
	},
}

// Meanwhile has one deed commit in the middle of another one with the same link, before each read that the
// other's transactions make in turn, and before their first lock or write, each time with a link of its own.
// The store must let writers run at once. An answer is stored where it was thanked for, and nowhere else; with
// it, and after "not me", no draft is kept.
func Meanwhile(t *testing.T, store crm.Store, first, second string) {
	const links = 48
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Ask(t, ctx, store, 1, links, nil)
	on := &meeting{Store: store}
	shop := New(t, on, w.Clock, func(c *vefa.Config) {
		c.Campaigns, c.TrainAt, c.Surveys[0].Definition = nil, -1, ThreePages(t)
	})
	mine := &http.Client{Transport: within{shop.Engine.Handler()}}
	for i, link := range w.Links {
		why := fmt.Sprintf("before call %d", i+1)
		opened, err := Open(ctx, w.Client(0), link)
		require.NoError(t, err)
		opened.URL = link
		stored := len(w.Stored(t, ctx))
		var met webtest.Outcome
		on.calls, on.at = 0, i+1
		on.then = func() (err error) {
			met, err = Deeds[second](ctx, w.Client(0), opened)
			return err
		}
		o, err := Deeds[first](ctx, mine, opened)
		require.NoError(t, err, why)
		if on.calls < on.at {
			require.Positive(t, i)
			return // there is no such call
		}
		require.Less(t, o.Status, 500, "%s: %s", why, o.Page)
		require.Less(t, met.Status, 500, "%s: %s", why, met.Page)
		thanked := 0
		for _, o := range []webtest.Outcome{o, met} {
			if o.Thanked() {
				thanked++
			}
		}
		require.LessOrEqual(t, thanked, 1, why)
		require.Len(t, w.Stored(t, ctx), stored+thanked, why)
		if thanked > 0 || first == "not me" || second == "not me" {
			require.Zero(t, w.Drafts(t, ctx), why)
		}
		_, err = Deeds["not me"](ctx, w.Client(0), opened) // the draft of one that is open still
		require.NoError(t, err)
		require.Zero(t, w.Drafts(t, ctx), why)
	}
	require.Fail(t, "there are more calls than links")
}

// meeting is a store in the middle of whose transactions something else happens, once.
type meeting struct {
	crm.Store
	calls, at int // so many calls there were; before which one it happens
	then      func() error
}

func (m *meeting) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return m.Store.Update(ctx, func(tx crm.Tx) error { return fn(&meetingTx{Tx: tx, m: m}) })
}

// meetingTx counts calls up to that with which another writer would have to wait for this one.
type meetingTx struct {
	crm.Tx
	m     *meeting
	holds bool
}

func (t *meetingTx) meet(holds bool) error {
	if t.holds {
		return nil
	}
	t.holds = holds
	if t.m.calls++; t.m.calls == t.m.at {
		return t.m.then()
	}
	return nil
}

func (t *meetingTx) Facts(ctx context.Context, refs ...crm.FactRef) ([]*crm.Fact, error) {
	if err := t.meet(false); err != nil {
		return nil, err
	}
	return t.Tx.Facts(ctx, refs...)
}

func (t *meetingTx) States(ctx context.Context, keys ...crm.StateKey) ([]*crm.State, error) {
	if err := t.meet(false); err != nil {
		return nil, err
	}
	return t.Tx.States(ctx, keys...)
}

func (t *meetingTx) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	if err := t.meet(false); err != nil {
		return nil, err
	}
	return t.Tx.Refs(ctx, kind, limit, keys...)
}

func (t *meetingTx) Effects(ctx context.Context, ids ...crm.EffectID) ([]*crm.Effect, error) {
	if err := t.meet(false); err != nil {
		return nil, err
	}
	return t.Tx.Effects(ctx, ids...)
}

func (t *meetingTx) PutStates(ctx context.Context, states ...*crm.State) error {
	if err := t.meet(true); err != nil {
		return err
	}
	return t.Tx.PutStates(ctx, states...)
}

func (t *meetingTx) LockAnchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	if err := t.meet(true); err != nil {
		return nil, err
	}
	return t.Tx.LockAnchors(ctx, keys...)
}

func (t *meetingTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	if err := t.meet(true); err != nil {
		return err
	}
	return t.Tx.LockCustomers(ctx, ids...)
}

func (t *meetingTx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if err := t.meet(true); err != nil {
		return nil, err
	}
	return t.Tx.LockAddresses(ctx, addrs...)
}
