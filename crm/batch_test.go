package crm

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var noon = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// drawBatch is a batch of profiles and orders of few people, so that parts have
// several records. Versions of facts rise, or are few and may be 0 if loose.
func drawBatch(t *rapid.T, loose bool) Batch {
	var b Batch
	who := func(label string) ProfileKey {
		return ProfileKey{"pos", fmt.Sprint(rapid.IntRange(0, 12).Draw(t, label))}
	}
	for range rapid.IntRange(0, 20).Draw(t, "profiles") {
		b.Profiles = append(b.Profiles, &Profile{ProfileKey: who("profile"), SourceVersion: rapid.Int64Range(0, 2).Draw(t, "version")})
	}
	for i := range rapid.IntRange(0, 30).Draw(t, "facts") {
		f := &Fact{Subject: OfProfile(who("subject")), At: noon, Version: int64(i)}
		if loose {
			f.Version = rapid.Int64Range(0, 2).Draw(t, "version")
		}
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			f.Key, f.Data = FactKey{KindTicket, "pos", fmt.Sprint(i)}, &Ticket{}
		case 1:
			f.Key, f.Data = FactKey{KindNote, "pos", fmt.Sprint(i % 3)}, &Note{Text: "x"}
		default:
			o := &Order{Number: "1"}
			if rapid.IntRange(0, 3).Draw(t, "gift") == 0 {
				o.Recipient = who("recipient")
			}
			f.Key, f.Data = FactKey{KindOrder, "pos", fmt.Sprint(rapid.IntRange(0, 15).Draw(t, "order"))}, o
		}
		b.Facts = append(b.Facts, f)
	}
	return b
}

// TestChunks cuts batches: nothing is lost or doubled, no piece is too large,
// records of one part stay together where they fit, and their order is kept.
func TestChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t, false)
		n := rapid.IntRange(1, 25).Draw(t, "n")
		inPart := map[Part]int{}
		for _, p := range b.Profiles {
			inPart[p.Part()]++
		}
		for _, f := range b.Facts {
			inPart[f.Subject.Part()]++
		}
		var profiles []*Profile
		var facts []*Fact
		pieces := map[Part]int{}
		last := Part(0)
		for c := range b.chunks(n) {
			require.LessOrEqual(t, c.Len(), n)
			require.Positive(t, c.Len())
			parts := map[Part]bool{}
			for _, p := range c.Profiles {
				parts[p.Part()] = true
			}
			for _, f := range c.Facts {
				parts[f.Subject.Part()] = true
			}
			for p := range parts {
				pieces[p]++
				if b.Len() > n {
					require.GreaterOrEqual(t, p, last, "parts come in order")
				}
			}
			for p := range parts {
				if b.Len() > n {
					last = max(last, p)
				}
			}
			profiles, facts = append(profiles, c.Profiles...), append(facts, c.Facts...)
		}
		require.ElementsMatch(t, b.Profiles, profiles)
		require.ElementsMatch(t, b.Facts, facts)
		for p, k := range pieces {
			if inPart[p] <= n {
				require.Equal(t, 1, k, "part %d has %d records and was cut", p, inPart[p])
			} else {
				require.LessOrEqual(t, k, (inPart[p]+n-1)/n+1)
			}
		}
		// One subject's facts keep the order in which they were delivered.
		seen := map[Subject]int64{}
		for _, f := range facts {
			if was, ok := seen[f.Subject]; ok {
				require.Greater(t, f.Version, was)
			}
			seen[f.Subject] = f.Version
		}
	})
	// Two groups of two of three fit into four to the last record.
	four := Batch{}
	for i := range 3 {
		k := ProfileKey{"pos", fmt.Sprint(i)}
		four.Profiles = append(four.Profiles, &Profile{ProfileKey: k})
		four.Facts = append(four.Facts, &Fact{Key: FactKey{KindNote, "pos", k.ID}, Subject: OfProfile(k)})
	}
	sizes := []int{}
	for c := range four.chunks(4) {
		sizes = append(sizes, c.Len())
	}
	for c := range four.together(BuiltIn(), 4) {
		sizes = append(sizes, c.Len())
	}
	require.Equal(t, []int{4, 2, 4, 2}, sizes, "a piece may have as many as it may")
	for range (Batch{}).chunks(10) {
		t.Fatal("an empty batch has no piece")
	}
	b := Batch{Profiles: []*Profile{nil, {ProfileKey: ProfileKey{"pos", "1"}}}, Facts: []*Fact{nil, {Subject: OfProfile(ProfileKey{"pos", "1"})}}}
	n := 0
	for c := range b.chunks(1) { // what is nil is for the import to refuse
		require.Equal(t, 1, c.Len())
		n++
	}
	require.Equal(t, 4, n)
	for range b.chunks(1) {
		n++
		break
	}
	require.Equal(t, 5, n)
}

// TestDivide separates what must be written last: tickets, gifts, whatever changes
// hands, and every delivery of what comes several times and once without a version
// within the batch. The rest goes first; nothing is lost.
func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t, true)
		first, last := b.divide(BuiltIn(), false)
		total, loose := map[any]int{}, map[any]bool{}
		for _, p := range b.Profiles {
			total[p.ProfileKey]++
			loose[p.ProfileKey] = loose[p.ProfileKey] || p.At.IsZero() && p.SourceVersion == 0
		}
		for _, f := range b.Facts {
			total[f.Ref()]++
			loose[f.Ref()] = loose[f.Ref()] || f.Version == 0
		}
		repeated := func(key any) bool { return loose[key] && total[key] > 1 }
		var wantOnce, wantAgain []*Profile
		for _, p := range b.Profiles {
			if repeated(p.ProfileKey) {
				wantAgain = append(wantAgain, p)
			} else {
				wantOnce = append(wantOnce, p)
			}
		}
		require.ElementsMatch(t, wantOnce, first.Profiles)
		require.Equal(t, wantAgain, last.Profiles)
		subjects := map[FactKey]map[Subject]bool{}
		for _, f := range b.Facts {
			if f.Key.Kind == KindOrder || f.Key.Kind == KindTicket || f.Key.Kind == KindVisit {
				if subjects[f.Key] == nil {
					subjects[f.Key] = map[Subject]bool{}
				}
				subjects[f.Key][f.Subject] = true
			}
		}
		var wantFirst, wantLast []*Fact
		for _, f := range b.Facts {
			o, _ := f.Data.(*Order)
			gift := o != nil && !o.Recipient.IsZero() && o.Recipient != f.Subject.Profile
			if f.Key.Kind == KindTicket || gift || len(subjects[f.Key]) > 1 || repeated(f.Ref()) {
				wantLast = append(wantLast, f)
			} else {
				wantFirst = append(wantFirst, f)
			}
		}
		require.ElementsMatch(t, wantFirst, first.Facts)
		require.ElementsMatch(t, wantLast, last.Facts)
	})
	first, last := Batch{Facts: []*Fact{nil}}.divide(BuiltIn(), false)
	require.Equal(t, []*Fact{nil}, first.Facts)
	require.Empty(t, last.Facts)
}

// TestTogether cuts batches without cutting deliveries of one key apart, whether
// into chunks or because the store refused a record.
func TestTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t, true)
		n := rapid.IntRange(1, 25).Draw(t, "n")
		key := func(f *Fact) any {
			if f.Key.Kind == KindOrder || f.Key.Kind == KindTicket {
				return f.Key
			}
			return f.Ref()
		}
		check := func(pieces []Batch, atMost int) {
			var all Batch
			in := map[any]int{}
			for i, c := range pieces {
				require.Positive(t, c.Len())
				keys := map[any]bool{}
				for _, p := range c.Profiles {
					keys[p.ProfileKey] = true
				}
				for _, f := range c.Facts {
					keys[key(f)] = true
				}
				require.True(t, c.Len() <= atMost || len(keys) == 1)
				for k := range keys {
					was, ok := in[k]
					require.True(t, !ok || was == i, "deliveries of %v are in two pieces", k)
					in[k] = i
				}
				all.Profiles, all.Facts = append(all.Profiles, c.Profiles...), append(all.Facts, c.Facts...)
			}
			require.ElementsMatch(t, b.Profiles, all.Profiles)
			require.ElementsMatch(t, b.Facts, all.Facts)
			order := func(facts []*Fact) map[any][]*Fact {
				out := map[any][]*Fact{}
				for _, f := range facts {
					out[key(f)] = append(out[key(f)], f)
				}
				return out
			}
			require.Equal(t, order(b.Facts), order(all.Facts), "of one key the order of the deliveries stays")
		}
		check(slices.Collect(b.together(BuiltIn(), n)), n)
		keys := map[any]bool{}
		for _, p := range b.Profiles {
			keys[p.ProfileKey] = true
		}
		for _, f := range b.Facts {
			keys[key(f)] = true
		}
		if len(keys) > 1 {
			check(b.halve(BuiltIn()), b.Len()/2)
		}
	})
	one := Batch{Profiles: []*Profile{{}, {}, {}}}
	require.Equal(t, []Batch{{one.Profiles[:1], one.Facts[:0]}, {one.Profiles[1:], one.Facts[0:]}}, one.halve(BuiltIn()), "of one key it cuts")
	for c := range (Batch{Profiles: []*Profile{nil, nil}, Facts: []*Fact{nil}}).together(BuiltIn(), 1) {
		require.Equal(t, 1, c.Len())
	}
	for range (Batch{}).together(BuiltIn(), 1) {
		t.Fatal("an empty batch has no piece")
	}
}

func TestReportsAddUp(t *testing.T) {
	r := ImportReport{Profiles: 1, Facts: 2, Repeated: 3, Rejected: []Rejected{{ID: "a"}}}
	r.Add(ImportReport{Profiles: 10, Facts: 20, Repeated: 30, Rejected: []Rejected{{ID: "b"}}})
	require.Equal(t, 11, r.Profiles)
	require.Equal(t, 22, r.Facts)
	require.Equal(t, 33, r.Repeated)
	require.Equal(t, []Rejected{{ID: "a"}, {ID: "b"}}, r.Rejected)
}

// TestPages scans lists of every length around a page's, and stops where it is
// told to or where reading fails.
func TestPages(t *testing.T) {
	scan := func(total int, fail bool) (seq iter.Seq2[*int, error], reads *int) {
		reads = new(int)
		return pages(func(last *int) ([]*int, error) {
			*reads++
			from := 0
			if last != nil {
				from = *last + 1
			}
			if fail && from >= scanSize {
				return nil, errors.New("gone")
			}
			var page []*int
			for i := from; i < min(total, from+scanSize); i++ {
				page = append(page, &i)
			}
			return page, nil
		}), reads
	}
	for total, wantReads := range map[int]int{0: 1, 1: 1, scanSize - 1: 1, scanSize: 2, scanSize + 1: 2, 2 * scanSize: 3, 2*scanSize + 1: 3} {
		seq, reads := scan(total, false)
		n := 0
		for x, err := range seq {
			require.NoError(t, err)
			require.Equal(t, n, *x)
			n++
		}
		require.Equal(t, total, n)
		require.Equal(t, wantReads, *reads)
	}
	seq, reads := scan(3*scanSize, false)
	n := 0
	for range seq {
		if n++; n == 5 {
			break
		}
	}
	require.Equal(t, 5, n)
	require.Equal(t, 1, *reads)
	seq, _ = scan(3*scanSize, true)
	n, failed := 0, false
	for x, err := range seq {
		if failed = err != nil; failed {
			require.Nil(t, x)
			break
		}
		n++
	}
	require.True(t, failed)
	require.Equal(t, scanSize, n)
}

// TestConsentIsFolded states what an address's ledger comes to: of each key the
// latest entry, and of one instant the refusal, in whatever order they come.
func TestConsentIsFolded(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	type entry struct {
		status ConsentStatus
		minute int
	}
	for name, c := range map[string]struct {
		entries []entry
		want    ConsentStatus
		at      int
		changed []bool
	}{
		"granted":                     {[]entry{{Granted, 1}}, Granted, 1, []bool{true}},
		"refused":                     {[]entry{{Refused, 1}}, Refused, 1, []bool{true}},
		"withdrawn":                   {[]entry{{Granted, 1}, {Refused, 2}}, Refused, 2, []bool{true, true}},
		"an older refusal":            {[]entry{{Granted, 2}, {Refused, 1}}, Granted, 2, []bool{true, false}},
		"an older grant":              {[]entry{{Refused, 2}, {Granted, 1}}, Refused, 2, []bool{true, false}},
		"granted again":               {[]entry{{Refused, 1}, {Granted, 2}}, Granted, 2, []bool{true, true}},
		"both at once":                {[]entry{{Granted, 1}, {Refused, 1}}, Refused, 1, []bool{true, true}},
		"both at once, the other way": {[]entry{{Refused, 1}, {Granted, 1}}, Refused, 1, []bool{true, false}},
		"the same again":              {[]entry{{Granted, 1}, {Granted, 1}}, Granted, 1, []bool{true, false}},
		"the same later":              {[]entry{{Granted, 1}, {Granted, 2}}, Granted, 2, []bool{true, true}},
		"refused twice at once":       {[]entry{{Refused, 1}, {Refused, 1}}, Refused, 1, []bool{true, false}},
	} {
		s := &AddressState{}
		for i, e := range c.entries {
			require.Equal(t, c.changed[i], s.foldConsent(&Consent{Status: e.status}, at(e.minute)), "%s: entry %d", name, i)
		}
		got, ok := s.Consent(ConsentKey{})
		require.True(t, ok)
		require.Equal(t, ConsentState{Status: c.want, At: at(c.at)}, got, name)
		require.Len(t, s.Consents, 1)
	}
	_, ok := (&AddressState{}).Consent(ConsentKey{})
	require.False(t, ok, "nothing was ever said")

	keys := []ConsentKey{{}, {Brand: "a"}, {Brand: "a", Recipient: "merchant"}, {Brand: "a", Recipient: "merchant", Purpose: "x"}, {Brand: "b"}, {Recipient: "merchant"}, {Purpose: "x"}}
	rapid.Check(t, func(t *rapid.T) {
		type said struct {
			key    ConsentKey
			status ConsentStatus
			at     time.Time
		}
		var all []said
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			all = append(all, said{rapid.SampledFrom(keys).Draw(t, "key"), rapid.SampledFrom([]ConsentStatus{Granted, Refused}).Draw(t, "status"), at(rapid.IntRange(0, 4).Draw(t, "at"))})
		}
		fold := func(list []said) *AddressState {
			s := &AddressState{}
			for _, e := range list {
				s.foldConsent(&Consent{ConsentKey: e.key, Status: e.status}, e.at)
			}
			return s
		}
		s := fold(all)
		require.Equal(t, s, fold(rapid.Permutation(all).Draw(t, "order")))
		for i := 1; i < len(s.Consents); i++ {
			require.Negative(t, compareConsentKeys(s.Consents[i-1].ConsentKey, s.Consents[i].ConsentKey), "sorted, each once")
		}
		for _, k := range keys {
			var want *ConsentState
			for _, e := range all {
				if e.key == k && (want == nil || e.at.After(want.At) || e.at.Equal(want.At) && e.status == Refused) {
					want = &ConsentState{k, e.status, e.at}
				}
			}
			got, ok := s.Consent(k)
			require.Equal(t, want != nil, ok)
			if want != nil {
				require.Equal(t, *want, got)
			}
		}
	})
}

func TestAddressStatesAreCopied(t *testing.T) {
	s := &AddressState{Address: Address{Phone, "1"}, Version: 3, Consents: []ConsentState{{Status: Granted}}, Suppressed: []string{"a"}, Holds: []FactRef{{}}}
	c := s.Clone()
	require.Equal(t, s, c)
	c.Consents[0].Status, c.Suppressed[0], c.Holds[0].Key.ID = Refused, "b", "x"
	require.Equal(t, Granted, s.Consents[0].Status)
	require.Equal(t, "a", s.Suppressed[0])
	require.True(t, s.Holds[0].IsZero())
	require.NoError(t, s.Validate())
	require.Error(t, (&AddressState{}).Validate())
}
