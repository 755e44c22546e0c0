package vefa_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

// stamps is a module of a host's: a card that is stamped at each purchase. Its step writes down how many
// there are, and rules read that, together with what it says of the purchases themselves.
func stamps(asked *[][]string) crm.Module {
	return crm.Module{
		Name:   "stamps",
		Events: []string{"card_full"},
		Fields: []crm.Field{
			{Name: "Stamps", Type: crm.FieldInt, Doc: "on the card"},
			{Name: "Dearest", Type: crm.FieldInt, Scale: 2, Unit: "TRY"},
			{Name: "Article", Type: crm.FieldString, Max: 32, Lines: true},
			{Name: "Shopped", Type: crm.FieldTime},
			{Name: "Unread", Type: crm.FieldBool},
		},
		Fill: func(ctx context.Context, r crm.Reader, at time.Time, of []crm.FieldSubject, fields []string) ([][]any, error) {
			if asked != nil {
				*asked = append(*asked, fields)
			}
			keys := make([]crm.StateKey, len(of))
			for i := range of {
				keys[i] = crm.StateKey{Kind: "stamps", Subject: crm.OfProfile(of[i].Home)}
			}
			states, err := r.States(ctx, keys...)
			if err != nil {
				return nil, err
			}
			out := make([][]any, len(of))
			for i := range of {
				out[i] = make([]any, len(fields))
				for j, name := range fields {
					switch s := &of[i]; {
					case name == "Stamps" && states[i] != nil:
						var n int
						if err := states[i].Decode(&n); err != nil {
							return nil, err
						}
						out[i][j] = n
					case name == "Dearest" && len(s.Purchases) > 0:
						out[i][j] = s.Purchases[0].Amount
					case name == "Article" && len(s.Lines) > 0:
						out[i][j] = s.Lines[0].Category
					case name == "Shopped" && len(s.Purchases) > 0:
						out[i][j] = s.Purchases[0].At
					}
				}
			}
			return out, nil
		},
		Steps: []crm.Step{{Name: "stamp", Run: func(ctx context.Context, ev *crm.Evening) error {
			return ev.Service.Update(ctx, func(tx crm.Tx) error {
				var keys []crm.ProfileKey
				page, err := tx.ScanProfiles(ctx, crm.AllParts(), crm.ProfileKey{}, 1000)
				if err != nil {
					return err
				}
				for _, p := range page {
					keys = append(keys, p.ProfileKey)
				}
				all, err := ev.Customers(ctx, tx, ev.At, false, keys...)
				if err != nil {
					return err
				}
				for _, x := range all {
					s, err := crm.NewState("stamps", crm.OfProfile(x.Home), len(x.Purchases))
					if err != nil {
						return err
					}
					was, err := tx.States(ctx, s.StateKey)
					if err != nil {
						return err
					}
					if was[0] != nil {
						s.Rev = was[0].Rev
					}
					if err := tx.PutStates(ctx, s); err != nil {
						return err
					}
				}
				ev.Count("stamped", len(all))
				return nil
			})
		}}},
		Effects: []crm.EffectHandler{{Kind: "hand_over", Apply: func(ctx context.Context, tx crm.Tx, claims []*crm.Claim) ([]crm.Receipt, error) {
			return nil, nil
		}}},
	}
}

const stampRules = `
rules:
  - {name: full, when: 'Stamps >= 2 and Dearest >= 100', then: [{hand_over: mug}]}
  - {name: watch, when: 'Article == "watch"', then: [{tag: watch}]}
  - {name: today, when: 'Shopped != nil', then: [{tag: today}]}
  - {name: told, on: {event: card_full}, when: 'Stamps == 2', then: [{tag: told}]}
`

// TestModuleOfAHost: what a package brings is read by rules, segments and Why, does its step and its effects, like what
// the library has itself.
func TestModuleOfAHost(t *testing.T) {
	b := nighttest.People(300)
	for _, f := range b.Facts {
		if o, ok := f.Data.(*crm.Order); ok && f.Key.ID == "o7" {
			o.Lines = []crm.OrderLine{{SKU: "W", Category: "watch", Quantity: 1}}
		}
	}
	b.Facts = append(b.Facts, nighttest.Order(5, "second", nighttest.Start.Add(-30*time.Minute)))
	var asked [][]string
	store := memstore.New()
	w, _ := shop(t, store, stampRules, func(c *vefa.Config) {
		c.Modules = []crm.Module{stamps(&asked)}
		c.Segments = `segment stamped = leaf("Stamps >= 2")`
	})
	rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Contains(t, names(rep), "stamp")
	for i, s := range rep.Steps {
		if s.Name == "stamp" {
			require.Equal(t, map[string]int{"stamped": 300}, s.Counts)
			require.Equal(t, vefa.StepRules, rep.Steps[i+1].Name)
		}
	}
	for rule, who := range map[string]string{"full": "5", "watch": "7"} {
		got := effectsOf(t, store, "rule/"+rule)
		require.Len(t, got, 1, rule)
		require.Equal(t, who, got[0].Subject.Profile.ID)
		require.Equal(t, crm.Done, got[0].State, "%s: %v", rule, got[0].Reasons)
	}
	require.Len(t, effectsOf(t, store, "rule/today"), 300)
	for _, fields := range asked {
		require.NotContains(t, fields, "Unread")
	}
	view, err := w.Engine.Segments(t.Context())
	require.NoError(t, err)
	in, err := view.Audience("stamped", w.Clock.Now())
	require.NoError(t, err)
	require.Equal(t, 1, in.Len())

	var ids []crm.CustomerID
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
		ids, err = r.CustomersOf(t.Context(), nighttest.Key(5), nighttest.Key(6))
		return err
	}))
	why, err := w.Engine.Why(t.Context(), ids[1], "rule/full", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(why), "Stamps")
	got, err := w.Engine.Occur(t.Context(), ids[0], rules.Trigger{Kind: rules.OnEvent, Event: "card_full"}, crm.FactKey{})
	require.NoError(t, err)
	require.Equal(t, 1, got.Planned)
}

// TestModuleFaults: New and Schema name every fault of a module.
func TestModuleFaults(t *testing.T) {
	fill := func(context.Context, crm.Reader, time.Time, []crm.FieldSubject, []string) ([][]any, error) {
		return nil, nil
	}
	run := func(context.Context, *crm.Evening) error { return nil }
	field := func(name string) []crm.Field { return []crm.Field{{Name: name, Type: crm.FieldInt}} }
	for want, modules := range map[string][]crm.Module{
		`Config.Modules[0] "": has no name`:                 {{}},
		`Config.Modules[1] "a": two modules have this name`: {{Name: "a"}, {Name: "a"}},
		`"a": Fill must be set`:                             {{Name: "a", Fields: field("X")}},
		`"a": Fill is never asked`:                          {{Name: "a", Fill: fill}},
		`"a": field "X": there is no type "text"`:           {{Name: "a", Fill: fill, Fields: []crm.Field{{Name: "X", Type: "text"}}}},
		`field "X": Scale is of whole numbers`:              {{Name: "a", Fill: fill, Fields: []crm.Field{{Name: "X", Type: crm.FieldFloat, Scale: 2}}}},
		`field "X": Max is of texts`:                        {{Name: "a", Fill: fill, Fields: []crm.Field{{Name: "X", Type: crm.FieldFloat, Max: 2}}}},
		`two fields are named "X"`:                          {{Name: "a", Fill: fill, Fields: append(field("X"), field("X")...)}},
		`a field has no name`:                               {{Name: "a", Fill: fill, Fields: field("")}},
		`"b": field "X": there is another one of this name`: {{Name: "a", Fill: fill, Fields: field("X")}, {Name: "b", Fill: fill, Fields: field("X")}},
		`Orders`:                {{Name: "a", Fill: fill, Fields: field("Orders")}},
		`step "s" does nothing`: {{Name: "a", Steps: []crm.Step{{Name: "s"}}}},
		`step "rules": there is another one of this name`:                        {{Name: "a", Steps: []crm.Step{{Name: "rules", Run: run}}}},
		`step "s": Config.Steps have no step "dinner" that it could come before`: {{Name: "a", Steps: []crm.Step{{Name: "s", Before: "dinner", Run: run}}}},
		`effect "e":`: {{Name: "a", Effects: []crm.EffectHandler{{Kind: "e"}}}},
		`"tag" is a kind that the library carries out itself`: {{Name: "a", Effects: []crm.EffectHandler{{Kind: crm.EffectTag, Apply: stamps(nil).Effects[0].Apply}}}},
		`order`:                    {{Name: "a", Kinds: []crm.Kind{{Name: crm.KindOrder}}}},
		`two events are named "e"`: {{Name: "a", Events: []string{"e", "e"}}},
	} {
		var cfg vefa.Config
		nighttest.Ordinary(t, &cfg)
		cfg.Modules = modules
		_, err := vefa.New(cfg)
		require.ErrorContains(t, err, want)
	}
	_, err := vefa.Schema(vefa.Config{Modules: []crm.Module{{Name: "a", Fields: field("X")}}})
	require.ErrorContains(t, err, "Fill must be set")
	s, err := vefa.Schema(vefa.Config{Modules: []crm.Module{stamps(nil)}})
	require.NoError(t, err)
	_, err = s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "x", When: "Stamps > 3", Then: []rules.Action{{Kind: "hand_over", Name: "mug"}}}}})
	require.NoError(t, err)
}

// TestModuleFillFails: what a module answers that is not what was asked for is an error of the evening that names it.
func TestModuleFillFails(t *testing.T) {
	for want, rows := range map[string]func(of []crm.FieldSubject) ([][]any, error){
		"mine":                      func([]crm.FieldSubject) ([][]any, error) { return nil, errors.New("mine") },
		"0 rows for":                func([]crm.FieldSubject) ([][]any, error) { return nil, nil },
		"0 values for the 1 fields": func(of []crm.FieldSubject) ([][]any, error) { return make([][]any, len(of)), nil },
		"field X":                   func(of []crm.FieldSubject) ([][]any, error) { return [][]any{{"text"}, {nil}}[:len(of)], nil },
		"panic":                     func([]crm.FieldSubject) ([][]any, error) { panic("mine") },
	} {
		w, _ := shop(t, memstore.New(), "rules: [{name: x, when: 'X > 3', then: [{tag: x}]}]", func(c *vefa.Config) {
			c.Modules = []crm.Module{{Name: "a", Fields: []crm.Field{{Name: "X", Type: crm.FieldInt}},
				Fill: func(_ context.Context, _ crm.Reader, _ time.Time, of []crm.FieldSubject, _ []string) ([][]any, error) {
					return rows(of)
				}}}
		})
		_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
		require.ErrorContains(t, err, "module a: ")
		require.ErrorContains(t, err, want)
	}
}
