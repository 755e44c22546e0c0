// Package households makes families as a shop's customers come in them: couples of whom she
// may be known by the surname of before, parents and children, a grandfather whose name a
// grandson has, a son of his father's name, twins, people who live alone. It says what they
// are called, when they were born and whose phone and e-mail address serve whom. Tests of
// record linkage and the simulated world of examples/night are made of it; it knows the truth
// that linkage is judged by.
package households

import (
	"math/rand/v2"
	"slices"
)

// Relation is how two people belong together.
type Relation string

// The relations.
const (
	Couple   Relation = "couple"
	Parent   Relation = "parent"   // and child; also a grandfather and his son
	Twins    Relation = "twins"    // born on one day
	Namesake Relation = "namesake" // father or grandfather and son, of one given name and surname
)

// Relations are all relations.
func Relations() []Relation { return []Relation{Couple, Parent, Twins, Namesake} }

// Kin are two people who belong together, by their numbers.
type Kin struct {
	Relation Relation
	A, B     int
}

// Person is a member of a household.
type Person struct {
	Woman            bool
	Given, Second    string // Second mostly empty
	Family           string
	Maiden           string // where shops may know her by it
	Year, Month, Day int    // of birth
	// PhoneOf and EmailOf are the members whose phone and e-mail address mostly serve;
	// -1: the person's own.
	PhoneOf, EmailOf int
	// MailFamily is the surname that the e-mail address is written with.
	MailFamily string
	// Phone, Phone2 and Email are as the Town has them.
	Phone, Phone2, Email string
}

// Town draws what people are called and how they are reached.
type Town interface {
	Given(woman bool) string
	Family() string
	// Phones returns the number that a person has, and where it was given up for a second
	// one, that.
	Phones() (phone, second string)
	Email(given, family string, year int) string
}

// Household is a person or a family.
type Household struct {
	Members []Person
	Kin     []Kin // by the index in Members
}

// adult is the last year of birth of who lives alone, or has a phone as adults do.
const adult = 2004

// rhymes are names that parents give to twins: daughters, sons.
var rhymes = [2][][2]string{
	{{"Ayşe", "Ayla"}, {"Selin", "Selma"}, {"Elif", "Ecrin"}, {"Nur", "Nuray"}, {"Gül", "Gülay"}, {"Sevim", "Sevgi"}, {"Ayten", "Aysel"}},
	{{"Hasan", "Hüseyin"}, {"Ali", "Veli"}, {"Emre", "Eren"}, {"Mert", "Berk"}, {"Hamit", "Hamza"}, {"Kemal", "Cemal"}, {"Serkan", "Serdar"}},
}

// Rhymes are the names that Make may give to twins, whatever the Town draws; a Town that looks
// names up must know them.
func Rhymes(woman bool) [][2]string {
	if woman {
		return rhymes[0]
	}
	return rhymes[1]
}

// maker makes one household.
type maker struct {
	r     *rand.Rand
	town  Town
	named []string // given names in the family
	Household
}

// Make makes a household of a surname whose children are born up to the year latest, from 1983
// on. The same r in the same state and the same town make the same household.
func Make(r *rand.Rand, town Town, family string, latest int) Household {
	m := &maker{r: r, town: town}
	if m.chance(0.35) {
		m.person(m.chance(0.55), "", family, adult-59+r.IntN(60))
	} else {
		m.family(family, 1945+r.IntN(latest-1981))
	}
	return m.Household
}

func (m *maker) chance(p float64) bool { return m.r.Float64() < p }

// name draws a given name that nobody of the family has.
func (m *maker) name(woman bool) (name string) {
	for name == "" || slices.Contains(m.named, name) {
		name = m.town.Given(woman)
	}
	return name
}

// person adds a member and returns its index.
func (m *maker) person(woman bool, given, family string, year int) int {
	p := Person{Woman: woman, Given: given, Family: family, MailFamily: family, Year: year, Month: 1 + m.r.IntN(12), Day: 1 + m.r.IntN(28), PhoneOf: -1, EmailOf: -1}
	if p.Given == "" {
		p.Given = m.name(woman)
	}
	m.named = append(m.named, p.Given)
	if m.chance(0.12) {
		p.Second = m.name(woman)
	}
	p.Phone, p.Phone2 = m.town.Phones()
	m.Members = append(m.Members, p)
	m.mail(len(m.Members)-1, family)
	return len(m.Members) - 1
}

// mail gives a member an e-mail address.
func (m *maker) mail(n int, family string) {
	p := &m.Members[n]
	p.MailFamily, p.Email = family, m.town.Email(p.Given, family, p.Year)
}

func (m *maker) kin(how Relation, a, b int) { m.Kin = append(m.Kin, Kin{how, a, b}) }

// family makes a family of two or three generations; year is the husband's.
func (m *maker) family(family string, year int) {
	man := m.person(false, "", family, year)
	woman := m.person(true, "", family, year+m.r.IntN(9)-2)
	m.kin(Couple, man, woman)
	if m.chance(0.4) {
		m.Members[woman].Maiden = m.town.Family()
		if m.chance(0.6) {
			m.mail(woman, m.Members[woman].Maiden)
		}
	}
	if m.chance(0.2) {
		m.Members[woman].PhoneOf = man
	}
	if m.chance(0.1) {
		m.Members[woman].EmailOf = man
	}
	old := -1
	if m.chance(0.15) {
		old = m.person(false, "", family, year-22-m.r.IntN(12))
		m.kin(Parent, old, man)
		if m.chance(0.3) {
			m.Members[old].PhoneOf = man
		}
	}
	for _, c := range m.children(family, man, old) {
		child := &m.Members[c]
		if child.Year > adult && m.chance(0.7) || m.chance(0.1) {
			child.PhoneOf = woman
		}
		if child.Year > adult && m.chance(0.5) || m.chance(0.03) {
			child.EmailOf = woman
		}
		m.kin(Parent, man, c)
		m.kin(Parent, woman, c)
		switch {
		case child.Given == m.Members[man].Given:
			m.kin(Namesake, man, c)
		case old >= 0 && child.Given == m.Members[old].Given:
			m.kin(Namesake, old, c)
		}
	}
}

// children adds the children of a man, whose father may be known.
func (m *maker) children(family string, man, old int) (children []int) {
	for range m.r.IntN(4) {
		girl, given := m.chance(0.5), ""
		switch {
		case !girl && old >= 0 && m.chance(0.25):
			given = m.Members[old].Given
		case !girl && m.chance(0.015):
			given = m.Members[man].Given
		}
		if slices.ContainsFunc(children, func(c int) bool { return m.Members[c].Given == given }) {
			given = ""
		}
		c := m.person(girl, given, family, m.Members[man].Year+28+m.r.IntN(10))
		children = append(children, c)
		if m.chance(0.06) {
			children = append(children, m.twin(c))
		}
	}
	return children
}

// twin adds the twin of a child, whose name often rhymes with the other's.
func (m *maker) twin(first int) int {
	a := m.Members[first]
	woman := a.Woman
	if m.chance(0.3) {
		woman = !woman
	}
	second := m.person(woman, "", a.Family, a.Year)
	m.Members[second].Month, m.Members[second].Day = a.Month, a.Day
	if woman == a.Woman && m.chance(0.6) {
		names := Rhymes(woman)
		both := names[m.r.IntN(len(names))]
		m.Members[first].Given, m.Members[second].Given = both[0], both[1]
		m.mail(first, a.Family)
		m.mail(second, a.Family)
	}
	m.kin(Twins, first, second)
	return second
}

// Count says of how many pairs records were found together.
type Count struct {
	Pairs  int `json:"pairs"`
	Merged int `json:"merged"`
}

// Share is the merged ones among the pairs; 0 of none.
func (c Count) Share() float64 {
	if c.Pairs == 0 {
		return 0
	}
	return float64(c.Merged) / float64(c.Pairs)
}

// Merged counts by relation in how many pairs both have a cluster in common: they were taken
// for one person. clusters returns those of a person; who has none is not counted.
func Merged[C comparable](kin []Kin, clusters func(person int) []C) map[Relation]Count {
	out := map[Relation]Count{}
	for _, k := range kin {
		a, b := clusters(k.A), clusters(k.B)
		if len(a) == 0 || len(b) == 0 {
			continue
		}
		n := out[k.Relation]
		n.Pairs++
		if slices.ContainsFunc(a, func(c C) bool { return slices.Contains(b, c) }) {
			n.Merged++
		}
		out[k.Relation] = n
	}
	return out
}
