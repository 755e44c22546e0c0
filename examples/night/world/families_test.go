package world_test

import (
	"testing"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/world"
	"github.com/vefacrm/vefa/internal/households"
)

// Families are in the sources as families are: of the people known, most have kin who share a
// phone, an e-mail address, a surname or a day of birth with them, and are other people.
func TestFamilies(t *testing.T) {
	const people = 12007 // not a whole number of blocks
	w := newWorld(t, world.Config{People: people, Seed: 4, Known: 1})
	profiles, holders, reached := map[int][]*crm.Profile{}, map[crm.Address]map[int]bool{}, map[int][]crm.Address{}
	for _, p := range historyOf(t, w).Profiles {
		person, _ := w.Truth(p.ProfileKey)
		profiles[person] = append(profiles[person], p)
		for _, c := range p.Contacts {
			if c.Masked {
				continue
			}
			if holders[c.Address] == nil {
				holders[c.Address] = map[int]bool{}
			}
			holders[c.Address][person] = true
			reached[person] = append(reached[person], c.Address)
		}
	}
	pairs, phone, email, born, name := map[households.Relation]int{}, map[households.Relation]int{}, map[households.Relation]int{}, map[households.Relation]int{}, map[households.Relation]int{}
	related := map[int]bool{}
	for k := range w.Kin() {
		if k.A < 0 || k.B < 0 || k.A >= people || k.B >= people || k.A == k.B {
			t.Fatalf("%+v of %d people", k, people)
		}
		pairs[k.Relation]++
		related[k.A], related[k.B] = true, true
		channels := map[crm.Channel]bool{}
		for _, a := range reached[k.A] {
			if holders[a][k.B] {
				channels[a.Channel] = true
			}
		}
		if channels[crm.Phone] {
			phone[k.Relation]++
		}
		if channels[crm.Email] {
			email[k.Relation]++
		}
		sameName, sameBirth := false, false
		for _, a := range profiles[k.A] {
			for _, b := range profiles[k.B] {
				sameName = sameName || a.Name.Given == b.Name.Given && a.Name.Family == b.Name.Family
				sameBirth = sameBirth || a.Birth != "" && a.Birth == b.Birth
			}
		}
		if sameName {
			name[k.Relation]++
		}
		if sameBirth {
			born[k.Relation]++
		}
	}
	within(t, "people with kin", len(related), people, 0.8, 0.95)
	within(t, "couples", 2*pairs[households.Couple], people, 0.4, 0.6)
	within(t, "twins", 2*pairs[households.Twins], people, 0.01, 0.05)
	within(t, "namesakes", pairs[households.Namesake], people, 0.002, 0.02)
	within(t, "couples with a phone in common", phone[households.Couple], pairs[households.Couple], 0.08, 0.25)
	within(t, "couples with an e-mail address in common", email[households.Couple], pairs[households.Couple], 0.01, 0.08)
	within(t, "parents and children with a phone in common", phone[households.Parent], pairs[households.Parent], 0.03, 0.3)
	within(t, "twins of one birthday", born[households.Twins], pairs[households.Twins], 0.3, 0.6)
	within(t, "namesakes of one name", name[households.Namesake], pairs[households.Namesake], 0.1, 0.7)

	many, gifts := 0, 0
	for a, of := range holders {
		if a.Channel == crm.Phone && len(of) >= 15 {
			many++
		}
	}
	partners := map[[2]int]bool{}
	for k := range w.Kin() {
		partners[[2]int{k.A, k.B}], partners[[2]int{k.B, k.A}] = true, true
	}
	for a, of := range holders {
		for x := range of {
			for y := range of {
				if a.Channel == crm.Phone && len(of) == 2 && x < y && !partners[[2]int{x, y}] && x/16 != y/16 {
					gifts++
				}
			}
		}
	}
	within(t, "phones of dealers", many, 3, 1, 1)
	within(t, "phones that a giver and a receiver share", gifts, people, 0.005, 0.03)
}
