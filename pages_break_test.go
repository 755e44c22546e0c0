package vefa_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

// TestPagesThatBreak: a night over customers that are not kept ends with the error of a
// page, cancelled, panicked or failed, leaves no goroutine, and the next one does all.
func TestPagesThatBreak(t *testing.T) {
	const people = 5000
	for name, broken := range map[string]func(cancel func()) error{
		"cancelled": func(cancel func()) error { cancel(); return nil },
		"panic":     func(func()) error { panic("oops") },
		"error":     func(func()) error { return errors.New("oops") },
	} {
		eachWay(t, func(t *testing.T, way func(*vefa.Config)) {
			synctest.Test(t, func(t *testing.T) {
				clock := new(crmtest.Clock)
				clock.Set(nighttest.Start)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				breaks := true
				shop := nighttest.New(t, memstore.New(), clock, func(c *vefa.Config) {
					way(c)
					c.TrainAt, c.Campaigns = -1, nil
					c.Fields = []vefa.Field{{Name: "Points", Kind: rules.Int, Fill: values(func(s vefa.FieldSubject) any {
						if breaks && s.Profiles[0] == nighttest.Key(2500) {
							if err := broken(cancel); err != nil {
								panic(err)
							}
						}
						return 1
					})}}
					book, err := rules.ReadYAML("r.yaml", []byte("rules: [{name: p, when: Points == 1, then: [{tag: p}]}]"))
					require.NoError(t, err)
					c.Rules = []*rules.Book{book}
				})
				b := nighttest.People(people)
				b.Facts = nil
				_, err := shop.Engine.Night(ctx, vefa.Night{Source: nighttest.Once(b)})
				require.Error(t, err, name)
				if name == "cancelled" {
					require.ErrorIs(t, err, context.Canceled)
				} else {
					require.ErrorContains(t, err, "oops")
				}
				breaks = false
				clock.Set(nighttest.Start.Add(time.Hour))
				rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
				require.NoError(t, err)
				require.Equal(t, people, rep.Carried.Done[crm.EffectTag])
			})
		})
	}
}
