//go:build unix

package memstore_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// BenchmarkMillion loads a retailer of a million customers with four orders
// each the way crm.Service imports them, with their indexes, links and feed,
// and reads everything. VEFA_CUSTOMERS sets another number. One operation is
// the whole; run it with -benchtime 1x.
func BenchmarkMillion(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("VEFA_CUSTOMERS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	ctx := b.Context()
	for b.Loop() {
		before := liveHeap()
		store := memstore.New()
		used, wall := time.Duration(0), time.Duration(0)
		for i := 0; i < n; i += batch {
			write := prepare(ctx, i, min(i+batch, n))
			from, at := cpuTime(), time.Now()
			if err := store.Update(ctx, write); err != nil {
				b.Fatal(err)
			}
			used, wall = used+cpuTime()-from, wall+time.Since(at)
		}
		b.ReportMetric(float64(4*n)/used.Seconds(), "facts-loaded/cpu-s")
		b.ReportMetric(float64(4*n)/wall.Seconds(), "facts-loaded/s")
		b.ReportMetric(float64(liveHeap()-before)/(1<<20), "MiB-live")

		b.ReportMetric(rate(b, store, readOf(subjects(b, store))), "FactsOf/cpu-s")
		b.ReportMetric(rate(b, store, readScan), "ScanFacts/cpu-s")
		b.ReportMetric(rate(b, store, readProfiles), "ScanProfiles/cpu-s")
		b.ReportMetric(rate(b, store, readFeed), "Changes/cpu-s")
		runtime.KeepAlive(store)
	}
}

// cpuTime is what this process has used so far, of all cores together and with
// the collector's work: it can be compared on a machine that others use too.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

var day = time.Date(2025, 1, 1, 9, 0, 0, 0, time.UTC)

const batch = 500 // customers per transaction, as crm.Service imports them

// prepare returns a function that writes customers [lo, hi).
func prepare(ctx context.Context, lo, hi int) func(crm.Tx) error {
	var profiles []*crm.Profile
	var links []*crm.Link
	var facts []*crm.Fact
	var anchors []crm.FactRef
	var refs []crm.Ref
	for i := lo; i < hi; i++ {
		p := &crm.Profile{
			ProfileKey: crm.ProfileKey{Source: "erp", ID: fmt.Sprintf("C%08d", i)},
			Name:       crm.Name{Given: fmt.Sprintf("Ayşe%d", i%977), Family: fmt.Sprintf("Yılmaz%d", i%5003)},
			Contacts: []crm.Contact{
				{Address: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)}, Verified: true},
				{Address: crm.Address{Channel: crm.Email, Value: fmt.Sprintf("ayse.yilmaz%d@example.com", i)}},
			},
			Postal: crm.Postal{City: "İstanbul", Country: "TR"},
			Since:  day.Add(-time.Duration(i) * time.Minute), At: day, SourceVersion: 1,
		}
		profiles = append(profiles, p)
		links = append(links, &crm.Link{
			Profile: p.ProfileKey, Customer: crm.CustomerID(fmt.Sprintf("0195%04x-%04x-7000-8000-%012x", i>>16, i&0xffff, i*7919)),
			Kind: crm.LinkNew, At: day, Actor: "import",
		})
		s := crm.OfProfile(p.ProfileKey)
		for _, c := range p.Contacts {
			refs = append(refs, crm.Ref{Kind: crm.RefContact, Key: c.Address.String(), Subject: s})
		}
		for j := range 4 {
			number := fmt.Sprintf("TR%09d", (i*4+j)*7%(1<<29))
			amount := crm.Money{Amount: int64(1000 + i%50_000), Currency: "TRY"}
			o := &crm.Order{Number: number, Channel: "store", Total: amount, Lines: []crm.OrderLine{
				{SKU: fmt.Sprintf("W-%d", (i+j)%3000), Category: "watch", Brand: fmt.Sprintf("B%d", i%40), Quantity: 1, Amount: amount},
			}}
			if j%2 == 1 {
				o.Lines = append(o.Lines, crm.OrderLine{SKU: "STRAP", Category: "strap", Quantity: 2, Amount: amount})
			}
			f := &crm.Fact{
				Key: crm.FactKey{Kind: crm.KindOrder, Source: "erp", ID: number}, Subject: s, Place: fmt.Sprintf("store-%d", i%765),
				At: day.Add(-time.Duration(i*4+j) * time.Second), Version: 1, Recorded: day, Data: o,
			}
			facts = append(facts, f)
			target := f.Key.String()
			refs = append(refs,
				crm.Ref{Kind: crm.RefOrder, Key: number, Subject: s, Target: target},
				crm.Ref{Kind: crm.RefPartial, Key: number[len(number)-3:] + "yilmaz" + strconv.Itoa(i%5003), Subject: s, Target: target})
			anchors = append(anchors, f.Ref())
		}
	}
	return func(tx crm.Tx) error {
		if err := tx.PutProfiles(ctx, profiles...); err != nil {
			return err
		}
		if err := tx.AppendLinks(ctx, links...); err != nil {
			return err
		}
		if _, err := tx.PutFacts(ctx, facts...); err != nil {
			return err
		}
		if err := tx.PutAnchors(ctx, anchors...); err != nil {
			return err
		}
		return tx.PutRefs(ctx, refs...)
	}
}

func rate(b *testing.B, store *memstore.Store, read func(ctx context.Context, r crm.Reader) (int, error)) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	from := cpuTime()
	n := 0
	if err := store.View(b.Context(), func(r crm.Reader) (err error) {
		n, err = read(b.Context(), r)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return float64(n) / (cpuTime() - from).Seconds()
}

func readScan(ctx context.Context, r crm.Reader) (n int, err error) {
	for after := (crm.FactRef{}); ; {
		page, err := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, after, 1000)
		if err != nil || len(page) == 0 {
			return n, err
		}
		n, after = n+len(page), page[len(page)-1].Ref()
	}
}

// readOf returns a function that reads all facts of some subjects by pages of
// subjects, as a night does.
func readOf(who []crm.Subject) func(ctx context.Context, r crm.Reader) (int, error) {
	return func(ctx context.Context, r crm.Reader) (n int, err error) {
		for page := range slices.Chunk(who, 256) {
			facts, err := r.FactsOf(ctx, crm.FactQuery{Subjects: page, Limit: 10_000})
			if err != nil {
				return n, err
			}
			n += len(facts)
		}
		return n, nil
	}
}

// subjects returns everybody in the order of the store.
func subjects(b *testing.B, store *memstore.Store) (who []crm.Subject) {
	if err := store.View(b.Context(), func(r crm.Reader) error {
		for after := (crm.ProfileKey{}); ; {
			page, err := r.ScanProfiles(b.Context(), crm.AllParts(), after, 1000)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, p := range page {
				who, after = append(who, crm.OfProfile(p.ProfileKey)), p.ProfileKey
			}
		}
	}); err != nil {
		b.Fatal(err)
	}
	return who
}

func readProfiles(ctx context.Context, r crm.Reader) (n int, err error) {
	for after := (crm.ProfileKey{}); ; {
		page, err := r.ScanProfiles(ctx, crm.AllParts(), after, 1000)
		if err != nil || len(page) == 0 {
			return n, err
		}
		n, after = n+len(page), page[len(page)-1].ProfileKey
	}
}

func readFeed(ctx context.Context, r crm.Reader) (n int, err error) {
	for after := crm.Position(""); ; {
		page, next, err := r.Changes(ctx, after, 1000)
		if err != nil || len(page) == 0 {
			return n, err
		}
		n, after = n+len(page), next
	}
}

// BenchmarkReserve takes from 1,000 counters, one in a transaction and 1,000 in one, beside a
// map of numbers behind a mutex, which keeps no reservations. Target O7 of the
// design: a million in a second of one core, whose time is counted.
func BenchmarkReserve(b *testing.B) {
	const counters, fold = 1000, 1000
	ctx := context.Background()
	keys := make([]crm.CounterKey, counters)
	limits := make([]crm.Counter, counters)
	for i := range keys {
		keys[i] = crm.CounterKey{Kind: "stock", ID: fmt.Sprint(i)}
		limits[i] = crm.Counter{CounterKey: keys[i], Limit: crm.MaxAmount}
	}
	for _, n := range []int{1, fold} {
		b.Run(fmt.Sprintf("by %d", n), func(b *testing.B) {
			s := memstore.New()
			require.NoError(b, s.Update(ctx, func(tx crm.Tx) error { return tx.SetLimits(ctx, limits...) }))
			plain, mu := map[crm.CounterKey]int64{}, sync.Mutex{}
			for _, k := range keys {
				plain[k] = crm.MaxAmount
			}
			takes := make([]crm.Take, n)
			id, done := 0, 0
			var bare, ours time.Duration
			for b.Loop() {
				for i := range takes {
					takes[i] = crm.Take{ReservationKey: crm.ReservationKey{Counter: keys[id%counters], ID: strconv.Itoa(id)}, Amount: 1}
					id++
				}
				start := cpuTime()
				for i := range takes {
					mu.Lock()
					if plain[takes[i].Counter] >= 1 {
						plain[takes[i].Counter]--
					}
					mu.Unlock()
				}
				mid := cpuTime()
				require.NoError(b, s.Update(ctx, func(tx crm.Tx) error { _, err := tx.Reserve(ctx, takes...); return err }))
				ours += cpuTime() - mid
				bare += mid - start
				done += n
			}
			b.ReportMetric(float64(done)/ours.Seconds(), "takes/s")
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-map")
		})
	}
}
