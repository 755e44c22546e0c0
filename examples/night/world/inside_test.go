package world

import (
	"testing"
	"testing/quick"
	"time"
)

func small(t testing.TB, people int) *World {
	t.Helper()
	w, err := New(Config{People: people, Seed: 7, Evenings: 30})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Day looks back tail days. No story may have anything left after that.
func TestNothingIsLost(t *testing.T) {
	w := small(t, 3000)
	last := 0
	for person := range w.people {
		l, d := w.life(person), w.dweller(person)
		for day := -tail; day < 20; day++ {
			slot := recentSlot + tail + day
			if got, ok := w.dayOfSlot(&l, slot); !ok || got != day {
				continue
			}
			s := w.story(&l, &d, slot, day)
			for on := max(0, day+tail-12); on < day+tail+30; on++ {
				out := sink{calendar: w.calendar, day: on}
				w.tell(&out, &l, &d, &s)
				if out.batch.Len() > 0 {
					last = max(last, on-day)
				}
			}
		}
	}
	if last > tail {
		t.Errorf("a story goes on for %d days, Day looks back %d", last, tail)
	}
}

func TestScrambleIsABijection(t *testing.T) {
	for _, bits := range []uint{profileBits, storyBits} {
		s := newScramble(bits, random{uint64(bits)})
		if err := quick.Check(func(x uint64) bool {
			x &= s.mask
			y := s.do(x)
			return y <= s.mask && s.undo(y) == x
		}, nil); err != nil {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

func TestNumbersDiffer(t *testing.T) {
	w := small(t, 100)
	seen := map[[10]byte]bool{}
	for person := range 20000 {
		for n := range perPerson {
			b := w.number(person, n)
			if seen[b] || string(b[:]) == placeholder {
				t.Fatalf("number %s of person %d is not their own", b[:], person)
			}
			seen[b] = true
		}
	}
}

func TestEightWaysToWriteANumber(t *testing.T) {
	want := []string{"+905321234567", "05321234567", "+90 532 123 45 67", "0(532) 123 45 67", "00905321234567", "0 532 123 4567", "532-123-4567", "5321234567"}
	for style, s := range want {
		raw := writeNumber(nil, style, []byte("5321234567"))
		if string(raw) != s {
			t.Errorf("style %d is %q, want %q", style, raw, s)
		}
		if got := readNumber(raw); got != "+905321234567" {
			t.Errorf("%q is read as %q", raw, got)
		}
	}
	for _, s := range []string{"", "532", "02121234567", "+49 5321234567", "532123456789012345678", "yok"} {
		if got := readNumber([]byte(s)); got != "" {
			t.Errorf("%q is read as %q", s, got)
		}
	}
}

func FuzzReadNumber(f *testing.F) {
	f.Add([]byte("+90 532 123 45 67"))
	f.Add([]byte("0(532) 123 45 67"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := readNumber(raw)
		if got != "" && (len(got) != 13 || readNumber([]byte(got)) != got) {
			t.Errorf("%q is read as %q", raw, got)
		}
	})
}

func TestCalendar(t *testing.T) {
	from := time.Date(2025, 3, 20, 0, 0, 0, 0, time.UTC)
	short, err := newCalendar(from, 1)
	if err != nil {
		t.Fatal(err)
	}
	long, err := newCalendar(from, 400)
	if err != nil {
		t.Fatal(err)
	}
	for day := -pastDays - 5; day < 500; day++ {
		for z := range zoneCount {
			if short.noon(z, day) != long.noon(z, day) {
				t.Fatalf("noon of day %d depends on the horizon", day)
			}
			if h := moment(short.noon(z, day)).In(short.zones[z]).Hour(); h != 12 {
				t.Fatalf("noon of day %d in zone %d is at %d", day, z, h)
			}
		}
		if short.pullOf(day) != long.pullOf(day) {
			t.Fatalf("the pull of day %d depends on the horizon", day)
		}
		e := long.evening(day)
		if long.dayOf(e) != day || long.dayOf(e+1) != day+1 || long.dayOf(e-80000) != day {
			t.Fatalf("evening of day %d: %d %d", day, long.dayOf(e), long.dayOf(e+1))
		}
	}
}

func TestStoryNumbersGoBack(t *testing.T) {
	w := small(t, 2000)
	for person := range w.people {
		for _, slot := range []int{0, pastSlot, recentSlot, storySlots - 1} {
			p, s, ok := w.storyOf(w.id('S', person, slot))
			if !ok || p != person || s != slot {
				t.Fatalf("person %d slot %d came back as %d, %d", person, slot, p, s)
			}
		}
	}
	for _, id := range []string{"", "S", "Sxxxxxxxxxxxxx", "S9999999999999"} {
		if _, _, ok := w.storyOf(id); ok {
			t.Errorf("%q is taken for a story", id)
		}
	}
	if lastDay+recentSlot+tail >= storySlots {
		t.Error("the last day has no slot")
	}
}

func TestDistrictsAreOfTheirTowns(t *testing.T) {
	of := map[string]map[string]bool{}
	for _, x := range towns {
		of[x.name] = map[string]bool{}
		for _, d := range x.districts {
			if of[x.name][d] {
				t.Errorf("%s has two districts %s", x.name, d)
			}
			of[x.name][d] = true
		}
	}
	w, n := small(t, 3000), 0
	for b := range w.History(t.Context()) {
		for _, p := range b.Profiles {
			if p.Postal.City == "" {
				continue
			}
			if n++; !of[p.Postal.City][p.Postal.District] {
				t.Fatalf("%s is no district of %s", p.Postal.District, p.Postal.City)
			}
		}
	}
	if n < 1000 {
		t.Errorf("only %d profiles have a town", n)
	}
}
