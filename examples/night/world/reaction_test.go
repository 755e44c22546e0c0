package world_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/examples/night/world"
)

// letters returns a message of a kind to every phone of the history, and for
// surveys the sale that it asks about.
func letters(t testing.TB, w *world.World, kind string) []world.Sent {
	b := historyOf(t, w)
	about := map[crm.ProfileKey]crm.FactKey{}
	for _, f := range b.Facts {
		if f.Key.Kind == crm.KindOrder {
			about[f.Subject.Profile] = f.Key
		}
	}
	var out []world.Sent
	for _, p := range b.Profiles {
		for _, to := range p.Reachable(crm.Phone) {
			s := world.Sent{To: to, Profile: p.ProfileKey, Kind: kind, At: w.Evening(3), About: about[p.ProfileKey]}
			s.Effect = crmtest.EffectID("test/"+kind, crm.OfProfile(p.ProfileKey), crm.FactKey{}, "once")
			out = append(out, s)
		}
	}
	return out
}

func TestReactionsAreTheSameAgain(t *testing.T) {
	w := newWorld(t, world.Config{People: 600, Seed: 3})
	again := newWorld(t, world.Config{People: 600, Seed: 3, Evenings: 2})
	for _, kind := range []string{"survey", "campaign", "reminder", "notice"} {
		for _, s := range letters(t, w, kind) {
			acts := w.Reactions(s)
			if hash(t, acts) != hash(t, again.Reactions(s)) {
				t.Fatalf("%s has other reactions the second time", s.Effect)
			}
			ids, last := map[string]bool{}, s.At
			for _, a := range acts {
				if a.At.Before(last) || a.At.After(s.At.Add(12*24*time.Hour)) {
					t.Fatalf("%s: %s at %v after %v, sent at %v", s.Effect, a.Kind, a.At, last, s.At)
				}
				if last = a.At; ids[a.RequestID] {
					t.Fatalf("request %s comes twice", a.RequestID)
				}
				ids[a.RequestID] = true
			}
		}
	}
}

func TestRatesOfReactions(t *testing.T) {
	w := newWorld(t, world.Config{People: 16000, Seed: 8, Known: 1})
	for _, kind := range []string{"survey", "campaign"} {
		sent, n := 0, map[string]int{}
		families := map[string]bool{}
		for _, s := range letters(t, w, kind) {
			sent++
			status, delivered := w.Gateway(s.Effect, s.To, s.At)
			n[status]++
			if delivered.IsZero() {
				continue
			}
			has := map[world.ActKind]bool{}
			for _, a := range w.Reactions(s) {
				if !has[a.Kind] {
					n[string(a.Kind)]++
					has[a.Kind] = true
				}
				switch a.Kind {
				case world.Scan:
					families[a.Scanner] = true
					if a.At.Sub(delivered) > time.Minute {
						t.Fatalf("a scanner came after %v", a.At.Sub(delivered))
					}
				case world.Click:
					if a.At.Sub(delivered) < 40*time.Second || a.Header.Get("Accept-Language") == "" || a.Method != http.MethodGet {
						t.Fatalf("no human: %+v", a)
					}
				case world.Answer:
					if score, ok := a.Answers["score"].(int); !ok || score < 0 || score > 10 || !has[world.Click] {
						t.Fatalf("answers %v", a.Answers)
					}
				case world.Buy:
					if a.Batch.Len() != 1 || a.Batch.Facts[0].Validate() != nil || a.At.Sub(s.At) > 11*24*time.Hour {
						t.Fatalf("bought %+v", a)
					}
				case world.Reply:
					if a.Text == "" {
						t.Fatal("an empty reply")
					}
				}
			}
		}
		within(t, kind+" rejected", n[world.Rejected], sent, 0.004, 0.015)
		within(t, kind+" throttled", n[world.Throttled], sent, 0.01, 0.03)
		within(t, kind+" unknown", n[world.Unknown], sent, 0.003, 0.01)
		within(t, kind+" scanned", n["scan"], sent, 0.27, 0.33)
		within(t, kind+" not me", n["not-me"], sent, 0.004, 0.009)
		within(t, kind+" stop", n["reply"], sent, 0.0008, 0.004)
		if len(families) < 12 {
			t.Errorf("%d families of scanners", len(families))
		}
		switch kind {
		case "survey":
			within(t, "survey clicked", n["click"], sent, 0.32, 0.38)
			within(t, "survey answered", n["answer"], sent, 0.18, 0.23)
		case "campaign":
			within(t, "campaign clicked", n["click"], sent, 0.06, 0.085)
			within(t, "campaign bought", n["buy"], sent, 0.025, 0.035)
		}
	}
}

// Bad answers come from bad experiences: those who complained are unhappy.
func TestOpinionsHaveCauses(t *testing.T) {
	w := newWorld(t, world.Config{People: 16000, Seed: 6, Known: 1})
	b := historyOf(t, w)
	complained := map[crm.FactKey]bool{}
	for _, f := range b.Facts {
		if k, ok := f.Data.(*crm.Ticket); ok {
			complained[k.Cause] = true
		}
	}
	var bad, all [2]int
	for _, f := range b.Facts {
		if f.Key.Kind != crm.KindOrder || f.Subject.Profile.IsZero() {
			continue
		}
		s := world.Sent{To: crm.Address{Channel: crm.Post, Value: f.Key.ID}, Kind: "survey", About: f.Key, At: w.Evening(0)}
		s.Effect = crmtest.EffectID("test", f.Subject, f.Key, "")
		who := 0
		if complained[f.Key] {
			who = 1
		}
		for _, a := range w.Reactions(s) {
			if a.Kind == world.Answer {
				all[who]++
				if a.Answers["score"].(int) <= 6 {
					bad[who]++
				}
			}
		}
	}
	within(t, "bad answers of the others", bad[0], all[0], 0.08, 0.16)
	within(t, "bad answers of those who complained", bad[1], all[1], 0.55, 0.85)
}

func TestWrongNumbers(t *testing.T) {
	w := newWorld(t, world.Config{People: 2000, Seed: 6})
	notMe, key := 0, historyOf(t, w).Profiles[0].ProfileKey
	for i := range 1000 {
		s := world.Sent{To: crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90530%07d", i*7919)}, Profile: key, Kind: "survey", At: w.Evening(0)}
		s.Effect = crmtest.EffectID("test", crm.OfAddress(s.To), crm.FactKey{}, "")
		for _, a := range w.Reactions(s) {
			switch a.Kind {
			case world.NotMe:
				notMe++
			case world.Scan:
			default:
				t.Fatalf("a stranger did %s", a.Kind)
			}
		}
	}
	within(t, "strangers who say so", notMe, 1000, 0.1, 0.2)

	at := w.Evening(1)
	for i := range 20 {
		id := crmtest.EffectID("test", crm.OfAddress(crm.Address{Channel: crm.Phone, Value: fmt.Sprint(i)}), crm.FactKey{}, "")
		if status, delivered := w.Gateway(id, crm.Address{Channel: crm.Phone, Value: "+905555555555"}, at); status != world.Rejected || !delivered.IsZero() {
			t.Errorf("the placeholder: %s %v", status, delivered)
		}
	}
}
