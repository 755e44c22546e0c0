package campaigns_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

func spring(text string) messaging.Campaign {
	return messaging.Campaign{Name: "spring", Text: text, Unmeasured: "a test"}
}

func newDesk(t testing.TB, change func(*campaigns.Config)) (*campaigns.Desk, *crmtest.Clock, crm.Store) {
	clock, store := &crmtest.Clock{}, memstore.New()
	clock.Set(noon)
	cfg := campaigns.Config{Service: crm.New(store, crm.Config{Now: clock.Now})}
	if change != nil {
		change(&cfg)
	}
	d, err := campaigns.New(cfg)
	require.NoError(t, err)
	return d, clock, store
}

// check is what a guard would say about the campaign.
func check(t testing.TB, d *campaigns.Desk, store crm.Store, at time.Time) messaging.Verdict {
	var out map[string]messaging.Verdict
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
		out, err = d.Check(t.Context(), r, at, "spring", "spring", "none")
		return err
	}))
	require.Len(t, out, 2)
	require.Equal(t, messaging.Withhold, out["none"].Outcome)
	return out["spring"]
}

// A campaign goes from the draft to the end, each step once, each by somebody who is named.
func TestLife(t *testing.T) {
	d, clock, store := newDesk(t, nil)
	ctx := t.Context()
	require.Equal(t, "there is no such campaign", check(t, d, store, noon).Reasons[0].Note)
	l, err := d.Draft(ctx, "ayse", "gold", spring("Spring is here"))
	require.NoError(t, err)
	require.Equal(t, campaigns.Draft, l.State)
	same, err := d.Draft(ctx, "can", "gold", spring("Spring is here"))
	require.NoError(t, err)
	require.Equal(t, l, same, "nothing is another")

	_, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.ErrorIs(t, err, campaigns.ErrUntested)
	l, err = d.Tested(ctx, "spring", "ayse", l.Seal, "on my phone")
	require.NoError(t, err)
	_, err = d.Approve(ctx, "spring", "ayse", l.Seal)
	require.ErrorIs(t, err, campaigns.ErrAuthor)
	_, err = d.Schedule(ctx, "spring", "ayse", noon)
	require.ErrorIs(t, err, campaigns.ErrState)

	// It is changed between the look at it and the approval.
	seen := l.Seal
	l, err = d.Draft(ctx, "can", "gold", spring("Spring is here!"))
	require.NoError(t, err)
	require.Empty(t, l.Tests)
	_, err = d.Approve(ctx, "spring", "mehmet", seen)
	require.ErrorIs(t, err, campaigns.ErrChanged)
	require.ErrorContains(t, err, "by can on 2025-03-03T12:00:00Z")
	_, err = d.Tested(ctx, "spring", "ayse", seen, "")
	require.ErrorIs(t, err, campaigns.ErrChanged)
	l, err = d.Tested(ctx, "spring", "can", l.Seal, "")
	require.NoError(t, err)
	for _, author := range []string{"ayse", "can"} {
		_, err = d.Approve(ctx, "spring", author, l.Seal)
		require.ErrorIs(t, err, campaigns.ErrAuthor, author)
	}
	l, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.NoError(t, err)
	require.Equal(t, campaigns.Approved, l.State)
	require.Zero(t, d.Missing(l))

	l, err = d.Schedule(ctx, "spring", "ayse", noon.Add(time.Hour))
	require.NoError(t, err)
	due, err := d.Due(ctx)
	require.NoError(t, err)
	require.Empty(t, due)
	_, err = d.Begin(ctx, "spring", "engine", l.Seal, campaigns.Audience{})
	require.ErrorIs(t, err, campaigns.ErrState, "it is not due")
	v := check(t, d, store, noon)
	require.Equal(t, messaging.Defer, v.Outcome)
	require.Equal(t, noon.Add(campaigns.Wait), v.NotBefore)
	clock.Advance(2 * time.Hour)
	due, err = d.Due(ctx)
	require.NoError(t, err)
	require.Len(t, due, 1)
	drawn := campaigns.Audience{Considered: 10, Planned: 7, Withheld: 2, HeldOut: 1}
	l, err = d.Begin(ctx, "spring", "engine", l.Seal, drawn)
	require.NoError(t, err)
	require.Equal(t, &drawn, l.Drawn)
	again, err := d.Begin(ctx, "spring", "engine", l.Seal, campaigns.Audience{})
	require.NoError(t, err)
	require.Equal(t, l, again, "nobody joins")
	require.Equal(t, messaging.Send, check(t, d, store, clock.Now()).Outcome)
	_, err = d.Draft(ctx, "ayse", "gold", spring("Too late"))
	require.ErrorIs(t, err, campaigns.ErrState)

	l, err = d.Pause(ctx, "spring", "mehmet", "a wrong price")
	require.NoError(t, err)
	require.Equal(t, messaging.Defer, check(t, d, store, clock.Now()).Outcome)
	same, err = d.Pause(ctx, "spring", "ayse", "")
	require.NoError(t, err)
	require.Equal(t, l, same)
	_, err = d.Close(ctx, "spring", "ayse")
	require.ErrorIs(t, err, campaigns.ErrState)
	_, err = d.Resume(ctx, "spring", "mehmet", "")
	require.NoError(t, err)
	l, err = d.Cancel(ctx, "spring", "mehmet", "it was wrong after all")
	require.NoError(t, err)
	require.WithinDuration(t, clock.Now(), l.Ended, time.Millisecond)
	require.Equal(t, messaging.Withhold, check(t, d, store, clock.Now()).Outcome)
	for _, verb := range []func() (*campaigns.Life, error){
		func() (*campaigns.Life, error) { return d.Resume(ctx, "spring", "x", "") },
		func() (*campaigns.Life, error) { return d.Close(ctx, "spring", "x") },
		func() (*campaigns.Life, error) { return d.Schedule(ctx, "spring", "x", noon) },
		func() (*campaigns.Life, error) { return d.Begin(ctx, "spring", "x", l.Seal, drawn) },
		func() (*campaigns.Life, error) { return d.Approve(ctx, "spring", "x", l.Seal) },
	} {
		_, err := verb()
		require.ErrorIs(t, err, campaigns.ErrState)
	}
	var verbs []string
	for _, e := range l.Log {
		verbs = append(verbs, e.By+" "+e.Verb)
	}
	require.Equal(t, []string{"ayse draft", "ayse test", "can draft", "can test", "mehmet approve", "ayse schedule", "engine begin", "mehmet pause", "mehmet resume", "mehmet cancel"}, verbs)
}

// What changes after an approval asks for another one, by others than those who changed it; a
// large campaign asks for more.
func TestChangesVoidApprovals(t *testing.T) {
	d, _, _ := newDesk(t, func(c *campaigns.Config) {
		c.Untested = true
		c.Large = func(audience string, _ *messaging.Campaign) int {
			if audience == "everybody" {
				return 1
			}
			return 0
		}
	})
	ctx := t.Context()
	l, err := d.Draft(ctx, "ayse", "everybody", spring("a"))
	require.NoError(t, err)
	l, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.NoError(t, err)
	require.Equal(t, campaigns.Draft, l.State)
	require.Equal(t, 1, d.Missing(l))
	again, err := d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.NoError(t, err)
	require.Equal(t, l, again, "one person is one")
	l, err = d.Approve(ctx, "spring", "zeynep", l.Seal)
	require.NoError(t, err)
	require.Equal(t, campaigns.Approved, l.State)
	l, err = d.Draft(ctx, "mehmet", "gold", spring("a"))
	require.NoError(t, err)
	require.Equal(t, campaigns.Draft, l.State)
	require.Empty(t, l.Approvals)
	_, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.ErrorIs(t, err, campaigns.ErrAuthor)
	l, err = d.Approve(ctx, "spring", "ayse", l.Seal)
	require.NoError(t, err)
	require.Equal(t, campaigns.Approved, l.State, "what ayse wrote was approved; what mehmet changed, she has not written")
}

func TestDeskRefuses(t *testing.T) {
	_, err := campaigns.New(campaigns.Config{Approvers: -1})
	require.Error(t, err)
	d, _, _ := newDesk(t, nil)
	ctx := t.Context()
	_, err = d.Draft(ctx, " ", "", messaging.Campaign{Name: "a b"})
	for _, want := range []string{"must be named", "no audience", "name"} {
		require.ErrorContains(t, err, want)
	}
	_, err = d.Get(ctx, "spring")
	require.ErrorIs(t, err, crm.ErrNotFound)
	_, err = d.Pause(ctx, "spring", "ayse", "")
	require.ErrorIs(t, err, crm.ErrNotFound)
	c := spring("x")
	c.End = noon
	l, err := d.Draft(ctx, "ayse", "gold", c)
	require.NoError(t, err)
	_, err = d.Tested(ctx, "spring", "ayse", l.Seal, "")
	require.NoError(t, err)
	_, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.NoError(t, err)
	_, err = d.Schedule(ctx, "spring", "ayse", noon)
	require.ErrorIs(t, err, messaging.ErrCampaign)
	all, err := d.All(ctx, campaigns.Sending)
	require.NoError(t, err)
	require.Empty(t, all)
	for i := range 230 { // the log is bounded, and still says who began it
		_, err = d.Draft(ctx, fmt.Sprint("w", i%3), "gold", spring(fmt.Sprint("x", i)))
		require.NoError(t, err)
	}
	l, err = d.Get(ctx, "spring")
	require.NoError(t, err)
	require.Len(t, l.Log, 200)
	require.Equal(t, "ayse", l.Log[0].By)
	same, err := d.Draft(ctx, "w9", "gold", spring("x229"))
	require.NoError(t, err)
	require.Equal(t, l.Rev, same.Rev)
}

// Many people do anything at once, in any order: a campaign never goes out that was not
// approved as it is by one who has not written it, and its log tells every step.
func TestNothingGoesOutUnapproved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, clock, store := newDesk(t, nil)
		ctx := t.Context()
		people := []string{"a", "b", "c"}
		var seals []campaigns.Seal
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			by := rapid.SampledFrom(people).Draw(rt, "by")
			seal := campaigns.Seal("none")
			if len(seals) > 0 {
				seal = rapid.SampledFrom(seals).Draw(rt, "seal")
			}
			var l *campaigns.Life
			var err error
			switch rapid.IntRange(0, 7).Draw(rt, "verb") {
			case 0:
				l, err = d.Draft(ctx, by, "gold", spring(rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "text")))
				if err == nil {
					seals = append(seals, l.Seal)
				}
			case 1:
				l, err = d.Tested(ctx, "spring", by, seal, "")
			case 2:
				l, err = d.Approve(ctx, "spring", by, seal)
			case 3:
				l, err = d.Schedule(ctx, "spring", by, clock.Now().Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "when"))*time.Minute))
			case 4:
				l, err = d.Begin(ctx, "spring", "engine", seal, campaigns.Audience{})
			case 5:
				l, err = d.Pause(ctx, "spring", by, "")
			case 6:
				l, err = d.Resume(ctx, "spring", by, "")
			case 7:
				clock.Advance(time.Minute)
			}
			if err != nil && !errors.Is(err, campaigns.ErrState) && !errors.Is(err, campaigns.ErrChanged) && !errors.Is(err, campaigns.ErrAuthor) &&
				!errors.Is(err, campaigns.ErrUntested) && !errors.Is(err, crm.ErrNotFound) {
				rt.Fatal(err)
			}
			if l == nil || check(t, d, store, clock.Now()).Outcome != messaging.Send {
				continue
			}
			approved := slices.ContainsFunc(l.Approvals, func(e campaigns.Entry) bool { return e.Seal == l.Seal && !slices.Contains(l.Authors, e.By) })
			tested := slices.ContainsFunc(l.Tests, func(e campaigns.Entry) bool { return e.Seal == l.Seal })
			if !approved || !tested || l.At.After(clock.Now()) {
				rt.Fatalf("it goes out: %+v", l)
			}
		}
	})
}

// Eight people at one campaign: of those who pause and resume it, each step is in the log, in
// the order in which they took place.
func TestManyAtOneDesk(t *testing.T) {
	d, _, _ := newDesk(t, func(c *campaigns.Config) { c.Untested = true })
	ctx := t.Context()
	l, err := d.Draft(ctx, "author", "gold", spring("x"))
	require.NoError(t, err)
	_, err = d.Approve(ctx, "spring", "chief", l.Seal)
	require.NoError(t, err)
	_, err = d.Schedule(ctx, "spring", "author", noon)
	require.NoError(t, err)
	_, err = d.Begin(ctx, "spring", "engine", l.Seal, campaigns.Audience{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for w := range errs {
		wg.Go(func() {
			by := fmt.Sprint("p", w)
			for range 20 {
				_, a := d.Pause(ctx, "spring", by, "")
				_, b := d.Resume(ctx, "spring", by, "")
				errs[w] = errors.Join(errs[w], a, b)
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	l, err = d.Get(ctx, "spring")
	require.NoError(t, err)
	paused := false
	for _, e := range l.Log[4:] {
		require.Equal(t, e.Verb == "pause", !paused, "a step was lost")
		paused = !paused
	}
}

func ExampleDesk() {
	svc := crm.New(memstore.New(), crm.Config{Now: func() time.Time { return noon }})
	desk, err := campaigns.New(campaigns.Config{Service: svc})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	life, _ := desk.Draft(ctx, "ayse", "gold", messaging.Campaign{Name: "spring", Text: "Spring is here.", Unmeasured: "an example"})
	life, _ = desk.Tested(ctx, "spring", "ayse", life.Seal, "on my own phone")
	_, err = desk.Approve(ctx, "spring", "ayse", life.Seal)
	fmt.Println(err)
	life, err = desk.Approve(ctx, "spring", "mehmet", life.Seal)
	fmt.Println(life.State, err)
	// Output:
	// campaigns: its author cannot approve it: "spring" is by ayse
	// approved <nil>
}

// A budget only becomes larger, by somebody who has not written the campaign, and opens one that
// was closed; one that was cancelled stays so.
func TestRaise(t *testing.T) {
	d, clock, _ := newDesk(t, func(c *campaigns.Config) { c.Untested = true })
	ctx := t.Context()
	lira := func(n int64) crm.Money { return crm.Money{Amount: n, Currency: "TRY"} }
	c := spring("x")
	c.Cost, c.Budget = lira(5), messaging.Budget{Messages: 10, Money: lira(50)}
	l, err := d.Draft(ctx, "ayse", "gold", c)
	require.NoError(t, err)
	_, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.NoError(t, err)
	_, err = d.Schedule(ctx, "spring", "ayse", noon)
	require.NoError(t, err)
	_, err = d.Raise(ctx, "spring", "mehmet", l.Seal, messaging.Budget{Messages: 20, Money: lira(50)})
	require.ErrorIs(t, err, campaigns.ErrState)
	clock.Advance(time.Minute)
	_, err = d.Begin(ctx, "spring", "engine", l.Seal, campaigns.Audience{})
	require.NoError(t, err)
	_, err = d.Close(ctx, "spring", "engine")
	require.NoError(t, err)
	for name, b := range map[string]messaging.Budget{
		"fewer messages": {Messages: 9, Money: lira(50)}, "less money": {Messages: 10, Money: lira(49)}, "another currency": {Messages: 10, Money: crm.Money{Amount: 500, Currency: "EUR"}},
		"one of the two": {Messages: 11, Money: lira(49)}, "no amount": {Messages: 20, Money: lira(-1)},
	} {
		_, err = d.Raise(ctx, "spring", "mehmet", l.Seal, b)
		require.ErrorIs(t, err, messaging.ErrCampaign, name)
	}
	_, err = d.Raise(ctx, "spring", "ayse", l.Seal, messaging.Budget{Messages: 20, Money: lira(50)})
	require.ErrorIs(t, err, campaigns.ErrAuthor)
	_, err = d.Raise(ctx, "spring", "mehmet", "another", messaging.Budget{Messages: 20, Money: lira(50)})
	require.ErrorIs(t, err, campaigns.ErrChanged)
	same, err := d.Raise(ctx, "spring", "mehmet", l.Seal, c.Budget)
	require.NoError(t, err)
	require.Equal(t, campaigns.Closed, same.State, "nothing is another")
	raised, err := d.Raise(ctx, "spring", "mehmet", l.Seal, messaging.Budget{Messages: 20, Money: lira(60)})
	require.NoError(t, err)
	require.Equal(t, campaigns.Sending, raised.State)
	require.Zero(t, raised.Ended)
	require.Equal(t, l.Seal, raised.Seal)
	require.Equal(t, raised.Occurrence(), same.Occurrence(), "its effects stay its own")
	require.Equal(t, "messages 20, money 0.60 TRY", raised.Log[len(raised.Log)-1].Note)
	lifted, err := d.Raise(ctx, "spring", "mehmet", l.Seal, messaging.Budget{})
	require.NoError(t, err)
	require.Zero(t, lifted.Campaign.Budget)
	_, err = d.Raise(ctx, "spring", "mehmet", l.Seal, messaging.Budget{Messages: 1000})
	require.ErrorIs(t, err, messaging.ErrCampaign, "a bound that was lifted")
	_, err = d.Cancel(ctx, "spring", "ayse", "")
	require.NoError(t, err)
	_, err = d.Raise(ctx, "spring", "mehmet", l.Seal, messaging.Budget{Messages: 1000})
	require.ErrorIs(t, err, campaigns.ErrState)
}

// A larger budget takes as many people as a draft with it: nobody alone makes a cheap campaign a
// dear one.
func TestRaiseAsksAsManyAsADraft(t *testing.T) {
	d, _, _ := newDesk(t, func(c *campaigns.Config) {
		c.Untested = true
		c.Large = func(_ string, c *messaging.Campaign) int {
			if c.Budget.Messages > 1000 || c.Budget.Messages == 0 {
				return 2
			}
			return 0
		}
	})
	ctx := t.Context()
	c := spring("Spring")
	c.Budget.Messages = 10
	l, err := d.Draft(ctx, "ayse", "gold", c)
	require.NoError(t, err)
	_, err = d.Approve(ctx, "spring", "mehmet", l.Seal)
	require.NoError(t, err)
	_, err = d.Schedule(ctx, "spring", "ayse", noon)
	require.NoError(t, err)
	_, err = d.Begin(ctx, "spring", "engine", l.Seal, campaigns.Audience{})
	require.NoError(t, err)
	_, err = d.Close(ctx, "spring", "engine")
	require.NoError(t, err)
	raise := func(by string, to messaging.Budget, missing int, is int64, state campaigns.State) {
		t.Helper()
		got, err := d.Raise(ctx, "spring", by, l.Seal, to)
		require.NoError(t, err)
		require.Equal(t, missing, d.Missing(got))
		require.Equal(t, is, got.Campaign.Budget.Messages)
		require.Equal(t, state, got.State)
	}
	raise("mehmet", messaging.Budget{Messages: 20}, 0, 20, campaigns.Sending) // as small as before
	_, err = d.Close(ctx, "spring", "engine")
	require.NoError(t, err)
	for _, to := range []messaging.Budget{{Messages: 5000}, {}} {
		is := int64(20)
		if to.Messages == 0 {
			is = 5000
		}
		raise("mehmet", to, 2, is, campaigns.Closed)
		raise("mehmet", to, 2, is, campaigns.Closed) // one person is one
		_, err = d.Raise(ctx, "spring", "ayse", l.Seal, to)
		require.ErrorIs(t, err, campaigns.ErrAuthor)
		raise("zeynep", to, 1, is, campaigns.Closed)
		if to.Messages > 0 { // another budget begins anew
			raise("can", messaging.Budget{Messages: 6000}, 2, is, campaigns.Closed)
			raise("mehmet", to, 2, is, campaigns.Closed)
			raise("zeynep", to, 1, is, campaigns.Closed)
		}
		raise("can", to, 0, to.Messages, campaigns.Sending)
		_, err = d.Close(ctx, "spring", "engine")
		require.NoError(t, err)
	}
}
