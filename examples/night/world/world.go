package world

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Config says which world. The zero value is the world of the example.
type Config struct {
	// People is the number of real persons, at most 16,777,216; 0 means 20,000.
	People int
	// Seed selects the world.
	Seed uint64
	// From is the day of the first evening, a local date in Europe/Istanbul;
	// zero means 2025-01-01.
	From time.Time
	// Evenings is the horizon that the calendar is prepared for; 0 means 60.
	// Days beyond it are as right, only slower to find.
	Evenings int
	// Known is the share of the people who are customers before the first
	// evening; 0 means 0.6. The others come over the following months.
	Known float64
}

// World is a retailer's world: who lives in it, what they do, what the sources
// deliver of it. It holds no state: every method is a pure function of the
// Config and its arguments and may be called at any time, in any order, by any
// number of goroutines.
type World struct {
	people     int
	seed       uint64
	known      float64
	calendar   *calendar
	words      *words
	shops      *shops
	catalogue  []article
	newcomers  table // days until somebody new comes
	changes    table // days until a profile changes
	profileIDs scramble
	storyIDs   scramble
	numberKey  uint64
	blocks     [keptBlocks]atomic.Pointer[block] // a cache, of no consequence
}

// New returns the world that cfg describes. It fails for numbers out of range
// and where the machine has no time zones.
func New(cfg Config) (*World, error) {
	if cfg.People == 0 {
		cfg.People = 20_000
	}
	if cfg.Evenings == 0 {
		cfg.Evenings = 60
	}
	if cfg.Known == 0 {
		cfg.Known = 0.6
	}
	if cfg.From.IsZero() {
		cfg.From = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	switch {
	case cfg.People < 1 || cfg.People > maxPeople:
		return nil, fmt.Errorf("world: people: %d is not between 1 and %d", cfg.People, maxPeople)
	case cfg.Evenings < 1 || cfg.Evenings > lastDay:
		return nil, fmt.Errorf("world: evenings: %d is not between 1 and %d", cfg.Evenings, lastDay)
	case !(cfg.Known > 0 && cfg.Known <= 1):
		return nil, fmt.Errorf("world: known: %v is not a share", cfg.Known)
	}
	c, err := newCalendar(cfg.From, cfg.Evenings)
	if err != nil {
		return nil, err
	}
	w := &World{
		people: cfg.People, seed: cfg.Seed, known: cfg.Known,
		calendar: c, words: newWords(), shops: newShops(),
		newcomers: newWait(60), changes: newWait(2500),
	}
	w.catalogue = newCatalogue(w.random(streamKeys, 0, 0))
	w.profileIDs = newScramble(profileBits, w.random(streamKeys, 1, 0))
	w.storyIDs = newScramble(storyBits, w.random(streamKeys, 2, 0))
	key := w.random(streamKeys, 3, 0)
	w.numberKey = key.next()
	return w, nil
}

// Evening returns the moment of day n at which the sources have delivered:
// 22:00 in Istanbul. Whatever Day(n) holds happened at or before it, and what
// happens later comes the next day.
func (w *World) Evening(n int) time.Time { return moment(w.calendar.evening(n)) }

// historyBatch is the number of records after which a batch is handed out.
const historyBatch = 1000

// History returns what the sources hold on the evening before the first, in
// batches of about 1,000 records: the newest version of every profile and fact.
// It ends early when ctx is done. Each batch belongs to the receiver.
func (w *World) History(ctx context.Context) iter.Seq[crm.Batch] {
	return func(yield func(crm.Batch) bool) {
		out := sink{calendar: w.calendar, past: true, day: -1, start: w.calendar.evening(-1)}
		thresholds := w.thresholds(-tail, -1)
		buf := make([]int, 0, 32)
		size := 0
		for person := range w.people {
			l := w.life(person)
			if l.arrival[0] >= 0 {
				continue
			}
			if out.batch.Facts == nil {
				out.batch = crm.Batch{Profiles: make([]*crm.Profile, 0, historyBatch/4), Facts: make([]*crm.Fact, 0, historyBatch)}
			}
			buf = w.past(&l, buf)
			w.tellPast(&out, &l, buf, thresholds)
			if size = out.batch.Len(); size < historyBatch {
				continue
			}
			if ctx.Err() != nil || !yield(out.batch) {
				return
			}
			out.batch = crm.Batch{}
		}
		if out.batch.Len() > 0 && ctx.Err() == nil {
			yield(out.batch)
		}
	}
}

// thresholds returns the chances of the days from lo to hi, by activity.
func (w *World) thresholds(lo, hi int) [][]uint64 {
	out := make([][]uint64, len(activities))
	for a := range out {
		for d := lo; d <= hi; d++ {
			out[a] = append(out[a], w.threshold(uint8(a), d))
		}
	}
	return out
}

func (w *World) tellPast(out *sink, l *life, days []int, thresholds [][]uint64) {
	d := w.dweller(l.person)
	for k := range l.profiles {
		if l.arrival[k] >= 0 {
			continue
		}
		s := w.story(l, &d, k, int(l.arrival[k]))
		if s.began > out.start {
			continue
		}
		version := 1
		if l.change[k] < 0 && w.changedAt(l, k) <= out.start {
			version = 2
		}
		p := w.profile(l, &d, k, version)
		out.batch.Profiles = append(out.batch.Profiles, p)
		if version > 1 {
			p = nil
		}
		w.tellConsents(out, l, &d, k, p)
		w.tell(out, l, &d, &s)
	}
	for n, day := range days {
		s := w.story(l, &d, pastSlot+n, day)
		w.tell(out, l, &d, &s)
	}
	key := w.dayKey(l.person)
	for i, limit := range thresholds[l.activity] {
		if day := i - tail; day > int(l.arrival[0]) && w.happens(key, day, limit) {
			s := w.story(l, &d, recentSlot+tail+day, day)
			w.tell(out, l, &d, &s)
		}
	}
}

// Day returns everything that the sources deliver on simulated day n, counted
// from the first evening: new customers, new versions of profiles and facts,
// records that are late, records that have come before. A day outside
// [0, 15,000] has nothing. Each call returns new values.
func (w *World) Day(n int) crm.Batch {
	if n < 0 || n > lastDay {
		return crm.Batch{}
	}
	out := sink{calendar: w.calendar, day: n, start: w.calendar.evening(-1)}
	thresholds := w.thresholds(n-tail, n)
	for person := range w.people {
		if l := w.life(person); int(l.arrival[0]) <= n {
			w.tellDay(&out, &l, thresholds)
		}
	}
	return out.batch
}

func (w *World) tellDay(out *sink, l *life, thresholds [][]uint64) {
	var d dweller
	met := false
	meet := func() {
		if !met {
			d, met = w.dweller(l.person), true
		}
	}
	for k := range l.profiles {
		if out.near(int(l.arrival[k])) || out.near(int(l.change[k])) {
			meet()
			w.tellProfile(out, l, &d, k)
		}
		for c := range consentChannels {
			p := w.permission(l, k, c)
			if p.status != "" && (out.near(int(l.arrival[k])) || out.near(p.withdrawn) || out.near(p.conflict)) {
				meet()
				w.tellConsents(out, l, &d, k, nil)
				break
			}
		}
		if on := int(l.arrival[k]); on <= out.day && on >= out.day-tail {
			meet()
			s := w.story(l, &d, k, on)
			w.tell(out, l, &d, &s)
		}
	}
	key := w.dayKey(l.person)
	for i, limit := range thresholds[l.activity] {
		day := out.day - tail + i
		if day <= int(l.arrival[0]) || day < -tail || !w.happens(key, day, limit) {
			continue
		}
		meet()
		s := w.story(l, &d, recentSlot+tail+day, day)
		w.tell(out, l, &d, &s)
	}
}

// tellProfile delivers the versions of a profile. One change in seven is
// followed by the old version once more, as from a source that replays its
// export.
func (w *World) tellProfile(out *sink, l *life, d *dweller, k int) {
	id := storyID(l.person, k)<<4 | 15
	add := func(version, times int) {
		for range times {
			out.batch.Profiles = append(out.batch.Profiles, w.profile(l, d, k, version))
		}
	}
	if out.near(int(l.arrival[k])) {
		add(1, out.times(id, w.metAt(l, d, k), true, 0))
	}
	if out.near(int(l.change[k])) {
		at := w.changedAt(l, k)
		add(2, out.times(id+1<<60, at, false, 0))
		if mix(id)%7 == 0 && out.calendar.dayOf(at)+1 == out.day {
			add(1, 1)
		}
	}
}
