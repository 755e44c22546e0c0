package crm_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
)

func TestNormalAddress(t *testing.T) {
	for raw, want := range map[string]string{
		"+905321234567": "+905321234567", "+90 (532) 123-45.67": "+905321234567", "00 90 532 123 45 67": "+905321234567",
		"+90\u00a0532\u2011123 45 67": "+905321234567", "\u202a+90 532 123 45 67\u202c": "+905321234567", "٠٠٩٠٥٣٢١٢٣٤٥٦٧": "+905321234567", "+９０５３２１２３４５６７": "+905321234567",
		"+90 (0) 532 123 45 67": "+905321234567", "0090 (0)532-123-45-67": "+905321234567", "+44 (0)20 7946 0958": "+442079460958", "+39 (0)6 698 12345": "+390669812345",
		"(+90) (532) 123 45 67": "+905321234567", "(0) 532 123 45 67": "", "(0090) (0) 532 123 45 67": "+905321234567",
		"0532 123 45 67": "", "905300000000": "", "5321234567": "", "+90532": "", "+0905321234567": "", "+9053212345678901234": "",
		"+902125551234 / 123": "", "+902125551234 x12": "", "+90+5321234567": "", "155": "", "phone": "", "+𝟗𝟎𝟓𝟑𝟐𝟏𝟐𝟑𝟒𝟓𝟔𝟕": "",
	} {
		got, err := crm.NormalAddress(crm.Address{Channel: crm.Phone, Value: raw})
		require.Equal(t, want == "", err != nil, raw)
		if err == nil {
			require.Equal(t, want, got.Value, raw)
		}
	}
	for raw, want := range map[string]string{
		" Ada+Shop@Corp.Example ": "ada+shop@corp.example", "a.b@gmail.com": "a.b@gmail.com", "ŞULE@example.com": "Şule@example.com",
		"mailto:ada@corp.example": "ada@corp.example", "MailTo: ada@corp.example": "ada@corp.example", "ada@corp.example.": "ada@corp.example",
		"\u200bada@corp.example\ufeff": "ada@corp.example", "a\u00adda@corp.example": "ada@corp.example",
		"mailto:mailto:ada@corp.example": "", "ada@corp.example..": "", "mailto:": "", "ada@corp:25.example": "",
		"a@b": "", "@b.co": "", "a b@c.de": "", "a@b@c.de": "", "": "",
	} {
		got, err := crm.NormalAddress(crm.Address{Channel: crm.Email, Value: raw})
		require.Equal(t, want == "", err != nil, raw)
		if err == nil {
			require.Equal(t, want, got.Value, raw)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := crm.Address{Channel: rapid.SampledFrom([]crm.Channel{crm.Phone, crm.Email, crm.Post}).Draw(t, "channel"),
			Value: rapid.StringMatching(`[+0-9 ()@.a-zA-Z٠-٩/-]{0,20}`).Draw(t, "value")}
		n, err := crm.NormalAddress(a)
		if err != nil {
			return
		}
		again, err := crm.NormalAddress(n)
		require.NoError(t, err)
		require.Equal(t, n, again, "a normal form is its own")
	})
}

// Case B14: every door of the service writes and looks under one form.
func TestAddressesAtEveryDoor(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	normal := crm.Address{Channel: crm.Phone, Value: "+905321234567"}
	odd := crm.Address{Channel: crm.Phone, Value: "00 90 532 123 45 67"}
	local := crm.Address{Channel: crm.Phone, Value: "0532 123 45 67"}
	p := person(pos("1"), "Ada", "Kaya", t0, odd, normal, crm.Address{Channel: crm.Email, Value: "Ada+Shop@Corp.Example"})
	require.NoError(t, s.PutProfile(ctx, p))
	require.Equal(t, odd, p.Contacts[0].Address, "the caller's profile stays as it is")
	for _, a := range []crm.Address{normal, odd, {Channel: crm.Email, Value: "ada+shop@corp.example"}} {
		n := 0
		for hit, err := range s.Find(ctx, crm.Query{Address: a}) {
			require.NoError(t, err)
			require.Equal(t, pos("1"), hit.Profile)
			n++
		}
		require.Equal(t, 1, n, a.Value)
	}
	for _, err := range s.Find(ctx, crm.Query{Address: local}) {
		require.ErrorIs(t, err, crm.ErrInvalid)
	}
	require.NoError(t, s.Record(ctx, consent(odd, "1", crm.Refused, t0)))
	st, ok := state(t, s, normal).Consent(crm.ConsentKey{})
	require.True(t, ok)
	require.Equal(t, crm.Refused, st.Status)
	require.ErrorIs(t, s.Record(ctx, consent(local, "2", crm.Refused, t0)), crm.ErrInvalid)
	stop := &crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "s", ID: "1"}, Subject: crm.OfAddress(odd), At: t0, Data: &crm.Suppression{Reason: "bounce"}}
	require.NoError(t, s.Record(ctx, stop))
	require.Equal(t, []string{"bounce"}, state(t, s, normal).Suppressed)
	n, err := s.NotMe(ctx, pos("1"), odd, "desk")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = s.NotMe(ctx, pos("1"), local, "desk")
	require.ErrorIs(t, err, crm.ErrInvalid)

	// One bad contact is reported and its profile kept; at a desk all is refused.
	q := person(pos("2"), "Can", "Kaya", t0, local, phone(7))
	require.ErrorIs(t, s.PutProfile(ctx, q), crm.ErrInvalid)
	rep, err := s.Import(ctx, crm.Batch{Profiles: []*crm.Profile{q}})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Profiles)
	require.Len(t, rep.Rejected, 1)
	require.Equal(t, "contact", rep.Rejected[0].Entity)
	require.ErrorContains(t, rep.Rejected[0].Err, "contacts[0].value has no country code")
	rep, err = s.Import(ctx, crm.Batch{Profiles: []*crm.Profile{q}})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Repeated)
	_, err = s.Normal(phone(7))
	require.NoError(t, err)
}
