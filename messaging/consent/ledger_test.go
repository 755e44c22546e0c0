package consent_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging/consent"
)

var (
	ledgerKey = crm.NewSecret([]byte("a key of the tests, which all the world may know"))
	phone     = crm.Address{Channel: crm.Phone, Value: "+905321234567"}
)

// book is a ledger in memory with a clock that the test moves.
type book struct {
	*consent.Ledger
	svc   *crm.Service
	store crm.Store
	clock *crmtest.Clock
}

func newBook(t require.TestingT) *book {
	b := &book{store: memstore.New(consent.Kind()), clock: new(crmtest.Clock)}
	b.clock.Set(may)
	b.svc = crm.New(b.store, crm.Config{Now: b.clock.Now, Kinds: []crm.Kind{consent.Kind()}})
	var err error
	b.Ledger, err = consent.New(b.svc, consent.Config{Key: ledgerKey})
	require.NoError(t, err)
	return b
}

func (b *book) say(t require.TestingT, a crm.Address, said ...consent.Said) []consent.Entry {
	out, err := b.Append(context.Background(), a, said...)
	require.NoError(t, err)
	require.Len(t, out, len(said))
	return out
}

func agreed(brand, purpose string, status crm.ConsentStatus, at time.Time) consent.Said {
	return consent.Said{ConsentKey: crm.ConsentKey{Brand: brand, Purpose: purpose}, Status: status, At: at, Source: "HS_WEB",
		Text: consent.HashText("I agree, version 3"), Actor: "web", IP: "192.0.2.7", Note: "form 12"}
}

// The layout is fixed: entries of today must verify for ever. The values were computed with
// Python's hashlib from the layouts that Chain.ID and Entry.Digest document.
func TestGoldenEntry(t *testing.T) {
	c := consent.Chain{Brand: "vefa", Recipient: "merchant", Channel: crm.Phone, Holder: consent.HashText("holder"), Epoch: 1}
	require.Equal(t, goldenChain, c.ID().String())
	e := consent.Entry{Seq: 7, Status: crm.Refused, Purpose: "survey", Source: "HS_MESAJ", Said: may, Recorded: may.Add(1500 * time.Millisecond),
		Text: consent.HashText("text"), Prev: c.ID(), Proof: consent.HashText("proof")}
	for i := range e.Origin {
		e.Origin[i] = byte(i)
	}
	require.Equal(t, goldenEntry, e.Digest().String())
}

const (
	goldenChain = "9df440288846ff91010793b8c273be67f792f0fb45b2bd35ebba35d954bbabe8"
	goldenEntry = "2467cd81dbd3a3db524d562c4c6253762f84888bc4fbbcd3a283b5a5bb03e4b8"
)

// A1: what is appended is in force, proven, and told again changes nothing.
func TestAppend(t *testing.T) {
	b, ctx := newBook(t), t.Context()
	key := crm.ConsentKey{Brand: "vefa"}
	first := b.say(t, phone, agreed("vefa", "", crm.Granted, may))
	b.clock.Advance(time.Hour)
	require.Equal(t, first, b.say(t, phone, agreed("vefa", "", crm.Granted, may)), "told again")
	again := agreed("vefa", "", crm.Refused, time.Time{})
	again.ID = "click 1"
	second := b.say(t, phone, again)
	b.clock.Advance(time.Hour)
	require.Equal(t, second, b.say(t, phone, again), "told again without a time")
	require.Equal(t, int64(2), second[0].Seq)
	require.Equal(t, first[0].Hash, second[0].Prev)
	again.Status = crm.Granted
	_, err := b.Append(ctx, phone, again)
	require.ErrorIs(t, err, crm.ErrExists, "the id was used for something else")

	now, err := b.State(ctx, phone, time.Time{}, time.Time{})
	require.NoError(t, err)
	st, err := b.svc.Address(ctx, phone)
	require.NoError(t, err)
	require.Equal(t, st, now)
	require.Equal(t, "refused", consent.Policy{}.Decide(now, key, consent.Commercial, may.AddDate(0, 0, 1)).Ground)

	// As was known an hour ago, and as was said then.
	for _, c := range []struct {
		said, known time.Time
		want        string
	}{
		{time.Time{}, may.Add(time.Minute), "granted"},
		{may.Add(time.Minute), time.Time{}, "granted"},
		{may.Add(-time.Minute), time.Time{}, "not-granted"},
		{time.Time{}, may.Add(-time.Minute), "not-granted"},
		{time.Time{}, may.Add(time.Hour + time.Minute), "refused"},
	} {
		was, err := b.State(ctx, phone, c.said, c.known)
		require.NoError(t, err)
		require.Equal(t, c.want, consent.Policy{}.Decide(was, key, consent.Commercial, may.AddDate(0, 0, 1)).Ground, "%v", c)
	}

	for _, bad := range []consent.Said{{}, {Status: "maybe"}, {Status: crm.Granted, Source: strings.Repeat("x", 256)}, {Status: crm.Granted, Note: "\xff"}, {Status: crm.Granted, Note: strings.Repeat("x", 5000)}, {Status: crm.Granted, ID: "\x00"}} {
		_, err := b.Append(ctx, phone, bad)
		require.ErrorIs(t, err, crm.ErrInvalid)
	}
	_, err = consent.New(b.svc, consent.Config{})
	require.ErrorIs(t, err, crm.ErrWeakSecret)
	_, err = consent.New(nil, consent.Config{Key: ledgerKey, KeepYears: -1})
	require.ErrorIs(t, err, crm.ErrInvalid)
}

// The record decides what may be sent, the ledger proves it. Whatever way consents take
// into the record, the fold of the ledger gives the record's own answers.
func TestLedgerSaysWhatTheRecordSays(t *testing.T) {
	brands, recipients, purposes := []string{"", "vefa", "other"}, []string{"", "consumer", consent.Merchant}, []string{"", "news"}
	statuses := []crm.ConsentStatus{crm.Granted, crm.Refused}
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		b := newBook(t)
		feed := &crm.Feed{Store: b.store, Consumer: "ledger", Handler: b.Handle}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			b.clock.Advance(time.Duration(rapid.IntRange(0, 3).Draw(t, "wait")) * time.Minute)
			c := crm.Consent{ConsentKey: crm.ConsentKey{Brand: rapid.SampledFrom(brands).Draw(t, "brand"), Recipient: rapid.SampledFrom(recipients).Draw(t, "recipient"),
				Purpose: rapid.SampledFrom(purposes).Draw(t, "purpose")}, Status: rapid.SampledFrom(statuses).Draw(t, "status"), Via: "HS_WEB"}
			at := may.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "at")) * time.Minute)
			switch rapid.IntRange(0, 4).Draw(t, "way") {
			case 0:
				b.say(t, phone, consent.Said{ConsentKey: c.ConsentKey, Status: c.Status, At: at, Source: c.Via})
			case 1:
				b.say(t, phone, consent.Said{ConsentKey: c.ConsentKey, Status: c.Status, Source: c.Via})
			case 2:
				require.NoError(t, b.svc.Consent(ctx, phone, c))
			case 3: // a source corrects what it said
				f := &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "erp", ID: fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "id"))}, Subject: crm.OfAddress(phone), At: at, Data: &c}
				require.NoError(t, b.svc.Record(ctx, f))
			case 4:
				_, err := feed.RunOnce(ctx)
				require.NoError(t, err)
			}
		}
		for n := 1; n > 0; {
			var err error
			n, err = feed.RunOnce(ctx)
			require.NoError(t, err)
		}
		n, err := b.Adopt(ctx, phone)
		require.NoError(t, err)
		require.Zero(t, n, "the feed left nothing")
		record, err := b.svc.Address(ctx, phone)
		require.NoError(t, err)
		ledger, err := b.State(ctx, phone, time.Time{}, time.Time{})
		require.NoError(t, err)
		for _, brand := range brands {
			for _, recipient := range recipients {
				for _, purpose := range purposes {
					for _, class := range []consent.Class{consent.Commercial, consent.Transactional} {
						for minute := range 8 {
							key, at := crm.ConsentKey{Brand: brand, Recipient: recipient, Purpose: purpose}, may.Add(time.Duration(minute)*time.Minute)
							p := consent.Policy{MerchantOptOut: minute%2 == 0}
							require.Equal(t, p.Decide(record, key, class, at), p.Decide(ledger, key, class, at), "%v %v\nrecord %v\nledger %v", key, at, record.Consents, ledger.Consents)
						}
					}
				}
			}
		}
		rep, err := b.Verify(ctx, nil)
		require.NoError(t, err)
		require.Empty(t, rep.Breaks)
	})
}

// chain makes a chain of n entries.
func chain(t require.TestingT, n int) consent.History {
	b := newBook(t)
	for i := range n {
		b.clock.Advance(time.Minute)
		b.say(t, phone, agreed("vefa", "", []crm.ConsentStatus{crm.Granted, crm.Refused}[i%2], may.Add(time.Duration(i)*time.Minute)))
	}
	h, err := b.Histories(context.Background(), phone)
	require.NoError(t, err)
	require.Len(t, h, 1)
	return h[0]
}

// Every change of every field of every entry, each removal, exchange, repetition and cut
// is noticed, and at the entry where it was done.
func TestVerifyChain(t *testing.T) {
	h := chain(t, 6)
	last := h.Entries[5]
	kept := &consent.ChainHead{Chain: h.Chain.ID(), Seq: 6, Hash: last.Hash}
	require.NoError(t, consent.VerifyChain(h.Chain, h.Entries, nil))
	require.NoError(t, consent.VerifyChain(h.Chain, h.Entries, kept))
	broken := func(name string, entries []consent.Entry, kept *consent.ChainHead, seq int64, f consent.Fault) {
		t.Helper()
		err := consent.VerifyChain(h.Chain, entries, kept)
		var b *consent.BreakError
		require.ErrorAs(t, err, &b, name)
		require.Equal(t, seq, b.Seq, "%s: %v", name, err)
		require.Equal(t, f, b.Fault, "%s: %v", name, err)
	}
	changes := map[string]func(*consent.Entry){
		"status":   func(e *consent.Entry) { e.Status = consent.Withdrawn },
		"purpose":  func(e *consent.Entry) { e.Purpose = "x" },
		"source":   func(e *consent.Entry) { e.Source = "HS_ATM" },
		"said":     func(e *consent.Entry) { e.Said = e.Said.Add(time.Microsecond) },
		"recorded": func(e *consent.Entry) { e.Recorded = e.Recorded.Add(time.Microsecond) },
		"text":     func(e *consent.Entry) { e.Text[0] ^= 1 },
		"origin":   func(e *consent.Entry) { e.Origin[15] ^= 1 },
		"proof":    func(e *consent.Entry) { e.Proof[0] ^= 1 },
		"nonce":    func(e *consent.Entry) { x := *e.Evidence; x.Nonce[0] ^= 1; e.Evidence = &x },
		"actor":    func(e *consent.Entry) { x := *e.Evidence; x.Actor = "ghost"; e.Evidence = &x },
		"ip":       func(e *consent.Entry) { x := *e.Evidence; x.IP = ""; e.Evidence = &x },
		"note":     func(e *consent.Entry) { x := *e.Evidence; x.Note, x.IP = x.IP, x.Note; e.Evidence = &x },
		"hash":     func(e *consent.Entry) { e.Hash[31] ^= 1 },
	}
	for i := range h.Entries {
		seq := int64(i) + 1
		for name, change := range changes {
			entries := slices.Clone(h.Entries)
			change(&entries[i])
			broken(name, entries, nil, seq, consent.Changed)
			entries[i].Hash = entries[i].Digest() // who changes it knows how to compute that
			evidence := name == "nonce" || name == "actor" || name == "ip" || name == "note" || name == "proof"
			switch {
			case name == "hash": // put right again
				require.NoError(t, consent.VerifyChain(h.Chain, entries, nil))
			case evidence:
				broken(name, entries, nil, seq, consent.Changed)
			case i < 5:
				broken(name, entries, nil, seq, consent.Replaced)
			default:
				require.NoError(t, consent.VerifyChain(h.Chain, entries, nil), "the last entry: only a kept head knows it")
				broken(name, entries, kept, seq, consent.Replaced)
			}
		}
		if i < 5 {
			broken("removed", slices.Delete(slices.Clone(h.Entries), i, i+1), nil, seq, consent.Missing)
			swapped := slices.Clone(h.Entries)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			broken("swapped", swapped, nil, seq, consent.Reordered)
		}
		broken("cut", h.Entries[:i], kept, seq, consent.Cut)
		broken("twice", slices.Insert(slices.Clone(h.Entries), i, h.Entries[i]), nil, seq+1, consent.Reordered)
	}
	require.NoError(t, consent.VerifyChain(h.Chain, h.Entries[:5], nil), "without a kept head a cut is not seen")
	other := h.Chain
	other.Brand = "other"
	var b *consent.BreakError
	require.ErrorAs(t, consent.VerifyChain(other, h.Entries, nil), &b)
	require.Equal(t, consent.Misplaced, b.Fault)
	// All written anew from the third on, hashes and all.
	anew := slices.Clone(h.Entries)
	for i := 2; i < 6; i++ {
		anew[i].Source, anew[i].Prev = "HS_ATM", anew[i-1].Hash
		anew[i].Hash = anew[i].Digest()
	}
	require.NoError(t, consent.VerifyChain(h.Chain, anew, nil))
	broken("anew", anew, kept, 6, consent.Replaced)
}

// The checkpoint of all chains, kept elsewhere, shows what happened to the record since,
// done there by hand.
func TestCheckpoint(t *testing.T) {
	b, ctx := newBook(t), t.Context()
	var addrs []crm.Address
	for i := range 7 {
		a := crm.Address{Channel: crm.Email, Value: fmt.Sprintf("p%d@example.com", i)}
		addrs = append(addrs, a)
		for n := range 3 {
			b.clock.Advance(time.Minute)
			b.say(t, a, agreed("vefa", "", []crm.ConsentStatus{crm.Granted, crm.Refused}[n%2], time.Time{}))
		}
	}
	kept, err := b.Checkpoint(ctx)
	require.NoError(t, err)
	require.Len(t, kept.Heads, 7)
	var file bytes.Buffer
	n, err := kept.WriteTo(&file)
	require.NoError(t, err)
	require.Equal(t, int64(file.Len()), n)
	read, err := consent.ReadCheckpoint(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	require.Equal(t, kept, read)
	head := kept.Head()
	require.Equal(t, int64(21), head.Entries)

	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signature, err := head.Sign(private)
	require.NoError(t, err)
	require.True(t, head.Signed(public, signature))
	forged := head
	forged.Chains++
	require.False(t, forged.Signed(public, signature))
	_, err = head.Sign(nil)
	require.ErrorIs(t, err, crm.ErrInvalid)

	b.clock.Advance(time.Minute)
	b.say(t, addrs[0], agreed("vefa", "", crm.Granted, time.Time{})) // chains grow
	rep, err := b.Verify(ctx, kept)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
	require.Equal(t, int64(22), rep.Entries)

	// By hand: the end of one chain is cut, another is gone, an entry of a third changed,
	// a fourth hung on another address.
	rows := func(a crm.Address) (out []*crm.Fact) {
		require.NoError(t, b.store.View(ctx, func(r crm.Reader) error {
			for f, err := range crm.FactsOf(ctx, r, []crm.Subject{crm.OfAddress(a)}, consent.KindRow) {
				require.NoError(t, err)
				out = append(out, f)
			}
			return nil
		}))
		return out
	}
	id := func(a crm.Address) consent.Hash { return rows(a)[0].Data.(*consent.Row).ID() }
	ids := []consent.Hash{id(addrs[1]), id(addrs[2]), id(addrs[3]), id(addrs[4])}
	require.NoError(t, b.store.Update(ctx, func(tx crm.Tx) error {
		require.NoError(t, tx.DeleteFacts(ctx, rows(addrs[1])[2].Ref()))
		for _, f := range rows(addrs[2]) {
			require.NoError(t, tx.DeleteFacts(ctx, f.Ref()))
		}
		f := *rows(addrs[3])[1]
		row := *f.Data.(*consent.Row)
		row.Status, f.Version, f.Data = crm.Granted, 2, &row
		_, err := tx.PutFacts(ctx, &f)
		require.NoError(t, err)
		for _, f := range rows(addrs[4]) {
			require.NoError(t, tx.DeleteFacts(ctx, f.Ref()))
			c := *f
			c.Subject = crm.OfAddress(phone)
			_, err := tx.PutFacts(ctx, &c)
			require.NoError(t, err)
		}
		return nil
	}))
	rep, err = b.Verify(ctx, kept)
	require.NoError(t, err)
	got := map[consent.Hash]string{}
	for _, x := range rep.Breaks {
		got[x.Chain] = fmt.Sprint(x.Seq, " ", x.Fault)
	}
	require.Equal(t, map[consent.Hash]string{ids[0]: "3 cut", ids[1]: "1 cut", ids[2]: "2 changed", ids[3]: "1 misplaced"}, got)
	require.True(t, slices.IsSortedFunc(rep.Breaks, func(a, b *consent.BreakError) int { return bytes.Compare(a.Chain[:], b.Chain[:]) }))
	now, err := b.Checkpoint(ctx)
	require.NoError(t, err)
	require.NotEqual(t, head.Root, now.Head().Root)
}

// A proof of one address needs nothing else, and shows what was done to it.
func TestProof(t *testing.T) {
	b, ctx := newBook(t), t.Context()
	b.say(t, phone, agreed("vefa", "", crm.Granted, may), agreed("vefa", "news", crm.Refused, may), agreed("other", "", crm.Granted, may))
	b.say(t, crm.Address{Channel: crm.Email, Value: "a@example.com"}, agreed("vefa", "", crm.Granted, may))
	kept, err := b.Checkpoint(ctx)
	require.NoError(t, err)
	p, err := b.Prove(ctx, phone, kept)
	require.NoError(t, err)
	require.Len(t, p.Included, 2)
	data, err := json.Marshal(p)
	require.NoError(t, err)
	back, err := consent.CheckProof(data)
	require.NoError(t, err)
	require.Equal(t, p, back)
	for _, c := range []struct{ from, to string }{
		{"+905321234567", "+905321234568"},
		{`"status":"granted"`, `"status":"refused"`},
		{`"ip":"192.0.2.7"`, `"ip":"192.0.2.8"`},
		{`"brand":"vefa"`, `"brand":"vega"`},
		{`"channel":"phone","holder"`, `"channel":"email","holder"`},
		{`"entries":2`, `"entries":3`}, // of no head: nothing is changed
	} {
		bad := strings.Replace(string(data), c.from, c.to, 1)
		_, err := consent.CheckProof([]byte(bad))
		if bad == string(data) {
			require.NoError(t, err)
			continue
		}
		var broken *consent.BreakError
		require.ErrorAs(t, err, &broken, c.from)
	}
	cut := *p
	cut.Chains = []consent.History{p.Chains[0], {p.Chains[1].Chain, p.Chains[1].Entries[:1]}}
	data, err = json.Marshal(cut)
	require.NoError(t, err)
	_, err = consent.CheckProof(data)
	require.ErrorContains(t, err, "cut")
	cut.Chains = p.Chains[:1]
	data, err = json.Marshal(cut)
	require.NoError(t, err)
	_, err = consent.CheckProof(data)
	require.ErrorContains(t, err, "cut")
	for _, bad := range []string{"", "{", `{"version":2}`, `{"version":1,"opening":"zz"}`} {
		_, err = consent.CheckProof([]byte(bad))
		require.ErrorIs(t, err, crm.ErrInvalid, bad)
	}
}

// A store that was not told of the kind says so.
func TestKindMissing(t *testing.T) {
	svc := crm.New(memstore.New(), crm.Config{})
	l, err := consent.New(svc, consent.Config{Key: ledgerKey})
	require.NoError(t, err)
	_, err = l.Append(t.Context(), phone, agreed("vefa", "", crm.Granted, may))
	require.ErrorIs(t, err, crm.ErrInvalid)
	var e *crm.Error
	require.True(t, errors.As(err, &e))
}

func BenchmarkVerifyChain(b *testing.B) {
	h := chain(b, 64)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := consent.VerifyChain(h.Chain, h.Entries, nil); err != nil {
			b.Fatal(err)
		}
		n += len(h.Entries)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkAppend(b *testing.B) {
	k := newBook(b)
	ctx := context.Background()
	n := 0
	for b.Loop() {
		a := crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", n)}
		n++
		if _, err := k.Append(ctx, a, consent.Said{Status: crm.Granted, At: may, Source: "HS_WEB"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "appends/s")
}
