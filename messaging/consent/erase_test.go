package consent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// all is everything in the ledger's rows as it is stored.
func (b *book) all(t require.TestingT) string {
	var out strings.Builder
	require.NoError(t, b.store.View(context.Background(), func(r crm.Reader) error {
		for _, kind := range []crm.FactKind{consent.KindRow, crm.KindConsent} {
			for f, err := range crm.FactsOfKind(context.Background(), r, crm.AllParts(), kind) {
				require.NoError(t, err)
				data, err := crm.EncodeFactData(f.Data)
				require.NoError(t, err)
				fmt.Fprintln(&out, f.Subject, f.Key, string(data))
			}
		}
		return nil
	}))
	return out.String()
}

// KVKK: after erasure the address, and what was evidence, is gone; hashes and what was said
// verify as before, also against a checkpoint of before, and who has the key can ask.
func TestErase(t *testing.T) {
	b, ctx := newBook(t), t.Context()
	b.say(t, phone, agreed("vefa", "", crm.Granted, may), agreed("other", "", crm.Refused, may))
	b.clock.Advance(time.Hour)
	b.say(t, phone, agreed("vefa", "", crm.Refused, time.Time{}))
	require.NoError(t, b.svc.Consent(ctx, phone, crm.Consent{ConsentKey: crm.ConsentKey{Brand: "third"}, Status: crm.Granted})) // not yet in the ledger
	_, err := b.Adopt(ctx, phone)
	require.NoError(t, err)
	kept, err := b.Checkpoint(ctx)
	require.NoError(t, err)
	before := b.all(t)
	require.Contains(t, before, phone.Value)
	require.Contains(t, before, "192.0.2.7")

	n, err := b.Erase(ctx, phone)
	require.NoError(t, err)
	require.Equal(t, consent.Erased{Chains: 3, Entries: 4, Consents: 4}, n)
	after := b.all(t)
	for _, personal := range []string{phone.Value, "5321234567", "192.0.2.7", "form 12", "evidence"} {
		require.NotContains(t, after, personal)
	}
	rep, err := b.Verify(ctx, kept)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
	require.Equal(t, int64(4), rep.Entries)
	st, err := b.svc.Address(ctx, phone)
	require.NoError(t, err)
	require.Empty(t, st.Consents)
	was, err := b.Recall(ctx, phone)
	require.NoError(t, err)
	require.Len(t, was, 3)
	require.Equal(t, crm.Refused, was[2].Status)
	n, err = b.Erase(ctx, phone)
	require.NoError(t, err)
	require.Zero(t, n, "there is nothing left")

	// What is said later begins another chain.
	e := b.say(t, phone, agreed("vefa", "", crm.Granted, time.Time{}))
	require.Equal(t, int64(1), e[0].Seq)
	h, err := b.Histories(ctx, phone)
	require.NoError(t, err)
	require.Equal(t, 1, h[0].Chain.Epoch)
	rep, err = b.Verify(ctx, kept)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
	require.Equal(t, int64(5), rep.Entries)
	_, err = b.Erase(ctx, phone)
	require.NoError(t, err)
	was, err = b.Recall(ctx, phone)
	require.NoError(t, err)
	require.Equal(t, crm.Granted, was[2].Status, "the last epoch counts")

	other, err := consent.New(b.svc, consent.Config{Key: crm.NewSecret([]byte("another key of the tests, of no use to anybody"))})
	require.NoError(t, err)
	was, err = other.Recall(ctx, phone)
	require.NoError(t, err)
	require.Empty(t, was, "without the key nobody can ask")
}

// Retention takes what ended three years ago, and nothing that still stands.
func TestRetain(t *testing.T) {
	b, ctx := newBook(t), t.Context()
	address := func(name string) crm.Address { return crm.Address{Channel: crm.Email, Value: name + "@example.com"} }
	merchant := agreed("vefa", "", crm.Refused, may)
	merchant.Recipient = consent.Merchant
	b.say(t, address("stands"), agreed("vefa", "", crm.Granted, may))
	b.say(t, address("ended"), agreed("vefa", "", crm.Granted, may.AddDate(-1, 0, 0)), agreed("vefa", "", crm.Refused, may))
	b.say(t, address("later"), agreed("vefa", "", crm.Granted, may), agreed("vefa", "", crm.Refused, may.AddDate(0, 0, 1)))
	b.say(t, address("partly"), agreed("vefa", "", crm.Refused, may), agreed("vefa", "news", crm.Granted, may))
	b.say(t, address("merchant"), merchant)
	kept, err := b.Checkpoint(ctx)
	require.NoError(t, err)
	for _, c := range []struct {
		at   time.Time
		want consent.Erased
	}{
		{may.AddDate(3, 0, 0).Add(-time.Minute), consent.Erased{}},
		{may.AddDate(3, 0, 0).Add(time.Minute), consent.Erased{Chains: 1, Entries: 2, Consents: 2}},
		{may.AddDate(3, 0, 0).Add(time.Minute), consent.Erased{}},
		{may.AddDate(9, 0, 0), consent.Erased{Chains: 1, Entries: 2, Consents: 2}},
	} {
		b.clock.Set(c.at)
		n, err := b.Retain(ctx, crm.PartRange{})
		require.NoError(t, err)
		require.Equal(t, c.want, n, c.at)
	}
	for _, name := range []string{"stands", "partly", "merchant"} {
		h, err := b.Histories(ctx, address(name))
		require.NoError(t, err)
		require.Len(t, h, 1, name)
	}
	rep, err := b.Verify(ctx, kept)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
}

// What the record no longer says is withdrawn, and what a source corrects counts as of when
// it was known.
func TestCorrections(t *testing.T) {
	b, ctx := newBook(t), t.Context()
	deliver := func(brand string, status crm.ConsentStatus, version int64) {
		f := &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "erp", ID: "1"}, Subject: crm.OfAddress(phone), At: may, Version: version,
			Data: &crm.Consent{ConsentKey: crm.ConsentKey{Brand: brand}, Status: status}}
		require.NoError(t, b.svc.Record(ctx, f))
		_, err := b.Adopt(ctx, phone)
		require.NoError(t, err)
		b.clock.Advance(time.Hour)
	}
	deliver("vefa", crm.Granted, 1)
	deliver("vefa", crm.Refused, 2)
	deliver("other", crm.Granted, 3) // the wrong brand
	h, err := b.Histories(ctx, phone)
	require.NoError(t, err)
	require.Len(t, h, 2)
	stood := func(known time.Time) (out []string) {
		for _, s := range consent.Fold(h, time.Time{}, known) {
			out = append(out, s.Brand+" "+string(s.Status))
		}
		return out
	}
	require.Equal(t, []string{"vefa granted"}, stood(may.Add(time.Minute)))
	require.Equal(t, []string{"vefa refused"}, stood(may.Add(time.Hour+time.Minute)))
	require.Equal(t, []string{"other granted"}, stood(time.Time{}))
	require.Equal(t, consent.Withdrawn, h[1].Entries[2].Status)
}
