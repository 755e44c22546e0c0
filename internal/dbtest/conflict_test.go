package dbtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Case B1: eight importers at once deliver one version of a profile and of facts
// of all shapes with a content of their own each. Each policy keeps what it says,
// and every delivery is accounted for.
func TestConflictPolicies(t *testing.T) {
	const writers, version = 8, 7
	// One record of each shape: exists once in the world, hangs on a profile that
	// is there, on one that is not, on an address, stands in an address's ledger.
	records := func(text string) []crm.Batch {
		fact := func(kind crm.FactKind, s crm.Subject, d crm.FactData) crm.Batch {
			return crm.Batch{Facts: []*crm.Fact{{Key: crm.FactKey{Kind: kind, Source: "till", ID: "1"}, Subject: s, At: day, Version: version, Data: d}}}
		}
		here, phone := crm.OfProfile(person(1).ProfileKey), consent(1).Subject
		o := order(1, 0)
		o.Version, o.Data.(*crm.Order).Employee = version, text
		said := consent(1)
		said.Version, said.Data.(*crm.Consent).Proof = version, text
		p := person(2)
		p.SourceVersion, p.Name.Given = version, text
		ticket := &crm.Ticket{Title: text, State: crm.TicketOpen, Opened: day}
		return []crm.Batch{
			{Facts: []*crm.Fact{o}}, {Facts: []*crm.Fact{said}}, {Profiles: []*crm.Profile{p}},
			fact(crm.KindTicket, here, ticket), fact(crm.KindNote, here, &crm.Note{Text: text}),
			fact(crm.KindNote, crm.OfProfile(person(3).ProfileKey), &crm.Note{Text: text}), fact(crm.KindNote, phone, &crm.Note{Text: text}),
		}
	}
	stored := func(t *testing.T, store crm.Store) (out []string) {
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
			for _, b := range records("") {
				if len(b.Profiles) > 0 {
					ps, err := r.Profiles(deadline(t), b.Profiles[0].ProfileKey)
					require.NoError(t, err)
					out = append(out, ps[0].Name.Given)
					continue
				}
				fs, err := r.Facts(deadline(t), b.Facts[0].Ref())
				require.NoError(t, err)
				require.EqualValues(t, version, fs[0].Version)
				switch d := fs[0].Data.(type) {
				case *crm.Order:
					out = append(out, d.Employee)
				case *crm.Consent:
					out = append(out, d.Proof)
				case *crm.Ticket:
					out = append(out, d.Title)
				case *crm.Note:
					out = append(out, d.Text)
				}
			}
			return nil
		}))
		return out
	}
	texts := make([]string, writers)
	for w := range writers {
		texts[w] = fmt.Sprint("writer", w)
	}
	run := func(t *testing.T, store crm.Store, policy crm.ConflictPolicy) {
		svc := crm.New(store, crm.Config{Conflicts: policy, Retry: crm.Retry{Attempts: 200}, Now: func() time.Time { return day }})
		_, err := svc.Import(deadline(t), crm.Batch{Profiles: []*crm.Profile{person(1)}})
		require.NoError(t, err)
		shapes := len(records(""))
		accepted, conflicting, rejected := make([]int, shapes), make([]int, shapes), make([]int, shapes)
		first := make([]string, shapes)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range shapes {
					i := (i + w) % shapes
					rep, err := svc.Import(deadline(t), records(texts[w])[i])
					mu.Lock()
					assert.NoError(t, err)
					for _, r := range rep.Rejected {
						assert.ErrorIs(t, r.Err, crm.ErrExists)
					}
					if len(rep.Rejected)+len(rep.Conflicting) == 0 {
						accepted[i]++
						first[i] = texts[w]
						assert.Equal(t, 1, rep.Facts+rep.Profiles, "%+v", rep)
					}
					conflicting[i] += len(rep.Conflicting)
					rejected[i] += len(rep.Rejected)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		got := stored(t, store)
		for i := range shapes {
			require.Equal(t, 1, accepted[i], "one of shape %d was first", i)
			if policy == crm.ConflictReject {
				require.Equal(t, first[i], got[i], "shape %d", i)
				require.Equal(t, writers-1, rejected[i])
				require.Zero(t, conflicting[i])
				continue
			}
			require.Contains(t, texts, got[i])
			require.Equal(t, writers-1, conflicting[i], "shape %d", i)
			require.Zero(t, rejected[i])
		}
		if policy == crm.ConflictByContent {
			once := memstore.New()
			for _, text := range texts {
				for _, b := range records(text) {
					_, err := crm.New(once, crm.Config{}).Import(deadline(t), b)
					require.NoError(t, err)
				}
			}
			require.Equal(t, stored(t, once), got)
		}

		// One delivery with all of them, twice, in small transactions.
		var all crm.Batch
		for _, text := range append(slices.Clone(texts), "last") {
			for _, b := range records(text) {
				all.Profiles, all.Facts = append(all.Profiles, b.Profiles...), append(all.Facts, b.Facts...)
			}
		}
		small := crm.New(store, crm.Config{Conflicts: policy, ChunkSize: 5, Workers: 4, Now: func() time.Time { return day }})
		for range 2 {
			_, err = small.Import(deadline(t), all)
			require.NoError(t, err)
			switch policy {
			case crm.ConflictReject:
				require.Equal(t, got, stored(t, store), "what is stored stays")
			case crm.ConflictNewest:
				for i, text := range stored(t, store) {
					require.Equal(t, "last", text, "shape %d", i)
				}
			}
		}
		// A desk is told whatever the policy, and nothing is written.
		got = stored(t, store)
		for _, b := range records("desk") {
			if len(b.Profiles) > 0 {
				require.ErrorIs(t, svc.PutProfile(deadline(t), b.Profiles[0]), crm.ErrExists)
			} else {
				require.ErrorIs(t, svc.Record(deadline(t), b.Facts...), crm.ErrExists)
			}
		}
		require.Equal(t, got, stored(t, store))
		// The same once more is a repetition; a newer version is accepted.
		rep, err := svc.Import(deadline(t), records(got[0])[0])
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Repeated: 1}, rep)
		newer := records("newer")[0]
		newer.Facts[0].Version++
		rep, err = svc.Import(deadline(t), newer)
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Facts: 1}, rep)
	}
	for _, policy := range []crm.ConflictPolicy{crm.ConflictByContent, crm.ConflictReject, crm.ConflictNewest} {
		name := string(policy)
		if name == "" {
			name = "content"
		}
		t.Run(name, func(t *testing.T) {
			t.Run("memory", func(t *testing.T) { run(t, memstore.New(), policy) })
			onEach(t, func(t *testing.T, d database) { run(t, d.store(), policy) })
		})
	}
}
