package vefa_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// seconds is how long a step of an evening took.
func seconds(rep vefa.NightReport, step string) float64 {
	for _, s := range rep.Steps {
		if s.Name == step {
			return s.Seconds
		}
	}
	return 0
}

func names(rep vefa.NightReport) (out []string) {
	for _, s := range rep.Steps {
		out = append(out, s.Name)
	}
	return out
}

// A host's step stands where it was put, sees the evening, is counted in the
// report and, when it fails or panics, is the night's error; the evening goes on
// from its start.
func TestStepsOfAHost(t *testing.T) {
	clock, mine := &crmtest.Clock{}, errors.New("mine")
	clock.Set(nighttest.Start)
	var fails func() error
	var seen []vefa.Evening
	shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
		c.Steps = vefa.DefaultSteps()
		at := slices.IndexFunc(c.Steps, func(s vefa.Step) bool { return s.Name == vefa.StepRules })
		c.Steps = slices.Insert(c.Steps, at, vefa.Step{Name: "greet", Run: func(ctx context.Context, ev *vefa.Evening) error {
			seen = append(seen, *ev)
			if fails != nil {
				return fails()
			}
			ev.Count("greeted", 2)
			ev.Count("greeted", 1)
			return ev.Service().Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "greet", ID: ev.Day}, Subject: crm.OfProfile(nighttest.Key(0)),
				At: ev.At, Version: 1, Data: &crm.Note{Text: "hello"}})
		}})
	})
	night := vefa.Night{Source: nighttest.Once(nighttest.People(3))}
	fails = func() error { return mine }
	rep, err := shop.Engine.Night(t.Context(), night)
	require.ErrorIs(t, err, mine)
	require.ErrorContains(t, err, "greet")
	require.Equal(t, []string{vefa.StepImport, vefa.StepIdentify, vefa.StepClicks, "greet"}, names(rep))
	require.False(t, rep.Closed)
	fails = func() error { panic(mine) }
	_, err = shop.Engine.Night(t.Context(), night)
	require.ErrorIs(t, err, mine)
	fails = nil
	for again := range 2 {
		rep, err = shop.Engine.Night(t.Context(), night)
		require.NoError(t, err)
		require.Equal(t, []string{vefa.StepImport, vefa.StepIdentify, vefa.StepClicks, "greet", vefa.StepRules, vefa.StepCarry, vefa.StepOccasions, vefa.StepCampaigns, vefa.StepDeliver, vefa.StepReport}, names(rep))
		require.Equal(t, map[string]int{"greeted": 3 * (again + 1)}, rep.Steps[3].Counts)
		require.Equal(t, 3, rep.Delivered.Done)
	}
	require.Len(t, seen, 4)
	for i, ev := range seen {
		require.Equal(t, "2025-03-03", ev.Day)
		require.Equal(t, seen[0].At, ev.At, "an evening that goes on is as of its beginning")
		require.Equal(t, i == 3, ev.Closed)
	}
}

// What is left out is not done, and what stands without the steps before it reads
// what it needs itself.
func TestStepsLeftOut(t *testing.T) {
	for _, c := range []struct {
		steps   []string
		planned int
		sent    int
	}{
		{[]string{vefa.StepImport, vefa.StepRules, vefa.StepCarry}, 6, 0},
		{[]string{vefa.StepImport, vefa.StepCampaigns, vefa.StepDeliver}, 0, 3},
		{[]string{vefa.StepImport, vefa.StepDeliver, vefa.StepReport}, 0, 0},
		{[]string{vefa.StepImport, vefa.StepClicks}, 0, 0},
		{[]string{}, 0, 0},
	} {
		clock := &crmtest.Clock{}
		clock.Set(nighttest.Start)
		shop := nighttest.New(t, memstore.New(), clock, func(cfg *vefa.Config) {
			cfg.Steps = slices.DeleteFunc(vefa.DefaultSteps(), func(s vefa.Step) bool { return !slices.Contains(c.steps, s.Name) })
		})
		rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
		require.NoError(t, err)
		require.True(t, rep.Closed)
		require.Equal(t, c.planned, rep.Rules.Planned, c.steps)
		require.Len(t, shop.Sender.Messages(), c.sent, c.steps)
	}
}

func TestBadStepsAreRefused(t *testing.T) {
	run := func(context.Context, *vefa.Evening) error { return nil }
	for want, steps := range map[string][]vefa.Step{
		"Config.Steps[0] has no name":                    {{Run: run}},
		`Config.Steps[1]: two steps are named "a"`:       {{Name: "a", Run: run}, {Name: "a", Run: run}},
		`Config.Steps[0] "a" does nothing`:               {{Name: "a"}},
		`Config.Steps[9]: two steps are named "deliver"`: append(vefa.DefaultSteps(), vefa.Step{Name: vefa.StepDeliver, Run: run}),
	} {
		_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: nighttest.New(t, memstore.New(), &crmtest.Clock{}, nil).Sender, BaseURL: "https://s.example", Keys: nighttest.Keys(), Steps: steps})
		require.ErrorContains(t, err, want)
	}
}
