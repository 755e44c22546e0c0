package crm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
)

// TestTimelineHoldsEverything puts one entry of every kind into the record of
// a customer of two profiles and states the whole timeline: what, when and in
// which order. Case F.
func TestTimelineHoldsEverything(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	a, b := pos("1"), pos("2")
	email := crm.Address{Channel: crm.Email, Value: "a@b.example"}
	_, err := s.Import(ctx, crm.Batch{Profiles: []*crm.Profile{person(a, "A", "B", t0, phone(1)), person(b, "A", "B", t0, email), person(pos("3"), "C", "D", t0, phone(3))}})
	require.NoError(t, err)
	c.t = t0.Add(time.Minute)
	requireMerge(t, s, a, b)
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	fact := func(kind crm.FactKind, subject crm.Subject, minute int, d crm.FactData) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "x", ID: string(kind)}, Subject: subject, At: at(minute), Version: 1, Data: d}
	}
	require.NoError(t, s.Record(ctx,
		order(a, "order", at(10)),
		fact(crm.KindVisit, crm.OfProfile(b), 11, &crm.Visit{Number: "1", Service: "battery"}),
		fact(crm.KindTicket, crm.OfProfile(a), 12, &crm.Ticket{State: crm.TicketOpen, Opened: at(12)}), // its holds on the addresses are not shown
		fact(crm.KindAnswer, crm.OfProfile(b), 13, &crm.Answer{Survey: "visit"}),
		fact(crm.KindClick, crm.OfProfile(a), 14, &crm.Click{Verdict: crm.Human}),
		fact(crm.KindInteraction, crm.OfProfile(a), 15, &crm.Interaction{Channel: "call"}),
		fact(crm.KindNote, crm.OfProfile(b), 16, &crm.Note{Text: "x"}),
		fact(crm.KindTag, crm.OfProfile(a), 17, &crm.TagChange{Tag: "vip"}),
		fact(crm.KindConsent, crm.OfAddress(phone(1)), 18, &crm.Consent{Status: crm.Granted}),
		fact(crm.KindSuppression, crm.OfAddress(email), 19, &crm.Suppression{Reason: "bounce"}),
		fact("own", crm.OfProfile(a), 20, &crm.Custom{JSON: []byte(`{}`)}),
		// Of others.
		order(pos("3"), "other", at(10)),
		fact(crm.KindConsent, crm.OfAddress(phone(3)), 18, &crm.Consent{Status: crm.Granted}),
	))
	effect := func(cause string, subject crm.Subject, state crm.EffectState, created, due, sent, changed int) *crm.Effect {
		e := &crm.Effect{ID: crmtest.IDs().ID(cause, subject, crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: cause, Subject: subject, State: state, Created: at(created), Due: at(due), Changed: at(changed)}
		if sent > 0 {
			e.SentAt = at(sent)
		}
		return e
	}
	require.NoError(t, s.Store().Update(ctx, func(tx crm.Tx) error {
		_, err := tx.PutEffects(ctx,
			effect("planned", crm.OfProfile(a), crm.Planned, 21, 90, 0, 21),      // when it is due
			effect("sent", crm.OfAddress(phone(1)), crm.Sent, 21, 22, 30, 31),    // when it was sent
			effect("done", crm.OfAddress(email), crm.Done, 21, 22, 32, 40),       // when it was sent, not when it arrived
			effect("withheld", crm.OfProfile(b), crm.Withheld, 21, 22, 0, 33),    // when it was decided
			effect("heldout", crm.OfProfile(b), crm.HeldOut, 21, 95, 0, 34),      // likewise
			effect("unknown", crm.OfAddress(email), crm.Unknown, 21, 22, 35, 36), // when it was sent
			effect("other", crm.OfProfile(pos("3")), crm.Done, 21, 22, 30, 30),
			effect("elsewhere", crm.OfAddress(phone(3)), crm.Done, 21, 22, 30, 30))
		return err
	}))
	who, err := s.CustomerOf(ctx, a)
	require.NoError(t, err)
	var got []string
	for e, err := range s.Timeline(ctx, who.ID) {
		require.NoError(t, err)
		line := fmt.Sprintf("%d ", int(e.At.Sub(t0).Minutes()))
		set := 0
		if e.Fact != nil {
			set++
			line += "fact " + string(e.Fact.Key.Kind)
		}
		if e.Effect != nil {
			set++
			line += "effect " + e.Effect.Cause
		}
		if e.Link != nil {
			set++
			line += "link " + string(e.Link.Kind) + " " + e.Link.Profile.ID
		}
		require.Equal(t, 1, set)
		got = append(got, line)
	}
	require.Equal(t, []string{
		"0 link new 1", "0 link new 2", "1 link manual 2",
		"10 fact order", "11 fact visit", "12 fact ticket", "13 fact answer", "14 fact click", "15 fact interaction", "16 fact note", "17 fact tag",
		"18 fact consent", "19 fact suppression", "20 fact own",
		"30 effect sent", "32 effect done", "33 effect withheld", "34 effect heldout", "35 effect unknown", "90 effect planned",
	}, got)

	n := 0
	for range s.Timeline(ctx, who.ID) {
		if n++; n == 2 {
			break
		}
	}
	require.Equal(t, 2, n)
	for _, err := range s.Timeline(ctx, "nobody") {
		require.ErrorIs(t, err, crm.ErrNotFound)
	}
}

// TestTimelineOfOneInstant orders what happened at once: links, facts, effects,
// each by key.
func TestTimelineOfOneInstant(t *testing.T) {
	ctx := t.Context()
	s, _ := newService(t)
	a, b := pos("1"), pos("2")
	_, err := s.Import(ctx, crm.Batch{Profiles: []*crm.Profile{person(b, "A", "B", t0), person(a, "A", "B", t0)},
		Facts: []*crm.Fact{order(a, "2", t0), order(a, "1", t0), order(a, "3", t0)}})
	require.NoError(t, err)
	requireMerge(t, s, a, b)
	ids := make([]crm.EffectID, 3)
	require.NoError(t, s.Store().Update(ctx, func(tx crm.Tx) error {
		for i := range ids {
			ids[i] = crmtest.IDs().ID(fmt.Sprint(i), crm.OfProfile(a), crm.FactKey{}, "")
			if _, err := tx.PutEffects(ctx, &crm.Effect{ID: ids[i], Kind: crm.EffectTag, Cause: fmt.Sprint(i), Subject: crm.OfProfile(a), State: crm.Planned, Due: t0, Created: t0, Changed: t0}); err != nil {
				return err
			}
		}
		return nil
	}))
	who, err := s.CustomerOf(ctx, a)
	require.NoError(t, err)
	var kinds string
	var orders []string
	var effects []crm.EffectID
	var links []string
	for e, err := range s.Timeline(ctx, who.ID) {
		require.NoError(t, err)
		switch {
		case e.Link != nil:
			kinds += "l"
			links = append(links, fmt.Sprint(e.Link.Profile.ID, e.Link.Seq))
		case e.Fact != nil:
			kinds += "f"
			orders = append(orders, e.Fact.Key.ID)
		default:
			kinds += "e"
			effects = append(effects, e.Effect.ID)
		}
	}
	require.Equal(t, "lllfffeee", kinds)
	require.Equal(t, []string{"11", "21", "22"}, links)
	require.Equal(t, []string{"1", "2", "3"}, orders)
	require.IsIncreasing(t, effects)
}
