package vefa_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// Case B14: a person who is written to by a number of the home region can stop it as
// the provider names senders, and is written to no more.
func TestStopFromANumberWithoutPlus(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-time.Hour))
	shop := nighttest.New(t, store, clock, nil)
	b := nighttest.People(5)
	b.Profiles[0].Contacts[0].Value = "0530 000 00 00" // as the till has it
	rep, err := shop.Engine.Service().Import(t.Context(), b)
	require.NoError(t, err)
	require.Empty(t, rep.Rejected)
	for i, from := range []string{"905300000000", "0530 000 00 01", "00905300000002", "+90 0530 000 00 03", "+90 (0) 530 000 00 04"} {
		_, err = shop.Engine.Reply(t.Context(), crm.Address{Channel: crm.Phone, Value: from}, "r"+from, "STOP", clock.Now())
		require.NoError(t, err)
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			st, err := r.Addresses(t.Context(), nighttest.Phone(i))
			require.NoError(t, err)
			c, ok := st[0].Consent(nighttest.Brand)
			require.True(t, ok)
			require.Equal(t, crm.Refused, c.Status)
			return nil
		}))
	}
	_, err = shop.Engine.Reply(t.Context(), crm.Address{Channel: crm.Phone, Value: "SHOP"}, "x", "STOP", clock.Now())
	require.ErrorIs(t, err, crm.ErrInvalid)
	clock.Set(nighttest.Start)
	_, err = shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Empty(t, shop.Sender.Messages())
}

// Case B14: digits without a plus sign are an international number where the record
// knows that one, or the host's normaliser makes nothing of them; else they are
// what it makes of them.
func TestWhoseBareDigitsAre(t *testing.T) {
	american := func(a crm.Address) (crm.Address, error) {
		if len(a.Value) == 10 && a.Value[0] != '+' {
			a.Value = "+1" + a.Value
		}
		return crm.NormalAddress(a)
	}
	for name, c := range map[string]struct {
		normalise crm.Normaliser
		digits    string
		knows     func(*crm.Batch, crm.Address)
		want      string
	}{
		"no home country":    {crm.NormalAddress, "905399999999", nil, "+905399999999"},
		"nobody has it":      {american, "4420794609", nil, "+14420794609"},
		"not of the country": {american, "905399999999", nil, "+905399999999"},
		"a contact": {american, "4420794609", func(b *crm.Batch, a crm.Address) {
			b.Profiles[0].Contacts = []crm.Contact{{Address: a}}
		}, "+4420794609"},
		"a consent alone": {american, "4420794609", func(b *crm.Batch, a crm.Address) {
			f := nighttest.Consent(0, "abroad", crm.Granted, nighttest.Start.AddDate(0, 0, -1))
			f.Subject = crm.OfAddress(a)
			b.Facts = append(b.Facts, f)
		}, "+4420794609"},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start.Add(-time.Hour))
			shop := nighttest.New(t, store, clock, func(cfg *vefa.Config) { cfg.Normalise = c.normalise })
			b := nighttest.People(2)
			if c.knows != nil {
				c.knows(&b, crm.Address{Channel: crm.Phone, Value: "+" + c.digits})
			}
			rep, err := shop.Engine.Service().Import(t.Context(), b)
			require.NoError(t, err)
			require.Empty(t, rep.Rejected)
			_, err = shop.Engine.Reply(t.Context(), crm.Address{Channel: crm.Phone, Value: c.digits}, "1", "STOP", clock.Now())
			require.NoError(t, err)
			var refused []string
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				for st, err := range crm.AddressStates(t.Context(), r, crm.AllParts()) {
					if err != nil {
						return err
					}
					if said, ok := st.Consent(nighttest.Brand); ok && said.Status == crm.Refused {
						refused = append(refused, st.Address.Value)
					}
				}
				return nil
			}))
			require.Equal(t, []string{c.want}, refused)
		})
	}
}

// Case B14: a zero that is dialled within a country only makes no other number, and
// what a number became is its own normal form.
func TestTrunkZero(t *testing.T) {
	clock := &crmtest.Clock{}
	svc := nighttest.New(t, memstore.New(), clock, nil).Engine.Service()
	for raw, want := range map[string]string{
		"+90 0532 123 45 67": "+905321234567", "0090 0532 123 45 67": "+905321234567", "+4402079460958": "+442079460958",
		"+49 0171 1234567": "+491711234567", "+40 0721 234 567": "+40721234567", "+39 06 698 12345": "+390669812345",
		"+905321234567": "+905321234567", "+902121234567": "+902121234567", "+442079460958": "+442079460958",
	} {
		for v := raw; ; v = want {
			got, err := svc.Normal(crm.Address{Channel: crm.Phone, Value: v})
			require.NoError(t, err, v)
			require.Equal(t, want, got.Value, v)
			if v == want {
				break
			}
		}
	}
}

// Case B1: a policy of conflicts reaches the imports of Service; New refuses one
// that is not known.
func TestConflictPolicyOfAnEngine(t *testing.T) {
	cfg := vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(), Conflicts: "first"}
	_, err := vefa.New(cfg)
	require.ErrorContains(t, err, `conflicts "first" is not known`)
	cfg.Conflicts = crm.ConflictReject
	e, err := vefa.New(cfg)
	require.NoError(t, err)
	key := crm.ProfileKey{Source: "till", ID: "1"}
	for i, name := range []string{"Ali", "Veli", "Selin"} {
		rep, err := e.Service().Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{{ProfileKey: key, SourceVersion: 1, Name: crm.Name{Given: name}}}})
		require.NoError(t, err)
		require.Equal(t, min(i, 1), len(rep.Rejected))
		c, err := e.Service().CustomerOf(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, "Ali", c.Name.Given)
	}
}

// A landline that a source lists before the mobile number does not hide that the
// mobile number has consent, whether the engine knew the person before or loads
// it now.
func TestTheNumberWithConsentIsWrittenTo(t *testing.T) {
	landline := crm.Address{Channel: crm.Phone, Value: "+902125551234"}
	for _, c := range []struct {
		name            string
		landline, phone crm.ConsentStatus
		to              crm.Address // zero: nothing may leave
	}{
		{"only the second", "", crm.Granted, nighttest.Phone(0)},
		{"only the first", crm.Granted, "", landline},
		{"both", crm.Granted, crm.Granted, landline},
		{"the first was refused", crm.Refused, crm.Granted, nighttest.Phone(0)},
		{"neither", "", "", crm.Address{}},
	} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, ", known before: ", known), func(t *testing.T) {
				store, clock := memstore.New(), &crmtest.Clock{}
				clock.Set(nighttest.Start)
				shop := nighttest.New(t, store, clock, nil)
				b := nighttest.People(1)
				b.Profiles[0].Contacts = append([]crm.Contact{{Address: landline}}, b.Profiles[0].Contacts...)
				b.Facts = slices.DeleteFunc(b.Facts, func(f *crm.Fact) bool { return f.Key.Kind == crm.KindConsent })
				got, err := shop.Engine.Service().Import(t.Context(), b)
				require.NoError(t, err)
				require.Empty(t, got.Rejected)
				if known {
					_, err := shop.Engine.Unsolved(t.Context())
					require.NoError(t, err)
				}
				for a, status := range map[crm.Address]crm.ConsentStatus{landline: c.landline, nighttest.Phone(0): c.phone} {
					if status == "" {
						continue
					}
					f := nighttest.Consent(0, "of "+a.Value, status, nighttest.Start)
					f.Subject = crm.OfAddress(a)
					require.NoError(t, shop.Engine.Service().Record(t.Context(), f))
				}
				_, err = shop.Engine.Night(t.Context(), vefa.Night{})
				require.NoError(t, err)
				var to []crm.Address
				for _, m := range shop.Sender.Messages() {
					to = append(to, m.To)
				}
				if c.to.IsZero() {
					require.Empty(t, to)
					return
				}
				require.Equal(t, []crm.Address{c.to}, to)
			})
		}
	}
}
