package people_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/vefacrm/vefa/dedup/people"
)

// world makes persons and what sources write of them; it is small and wild: few names,
// so that namesakes, households and shared numbers abound.
type world struct {
	r       *rand.Rand
	given   []string
	family  []string
	cities  []string
	persons int
	next    int
}

func newWorld(seed uint64) *world {
	return &world{
		r:      rand.New(rand.NewPCG(seed, 1)),
		given:  strings.Fields("Ayşe Fatma Mehmet Ali Zeynep Işıl İpek Çağlar Ömer Gül Can Deniz Ece Mert Şule Hatice Oğuz Pınar Tuna Umut"),
		family: strings.Fields("Yılmaz Kaya Demir Şahin Çelik Öztürk Aydın Arslan Doğan Kılıç Uçar Güneş Işık Sarı Koç Ekinci Taş Acar Bulut Köse"),
		cities: strings.Fields("İstanbul Ankara İzmir Bursa Muğla"),
	}
}

func (w *world) pick(list []string) string { return list[w.r.IntN(len(list))] }

// person returns a function that makes further records of one person, and its name.
func (w *world) person() (entity string, record func() people.Record) {
	w.persons++
	entity = fmt.Sprint("p", w.persons)
	given, family, city := w.pick(w.given), w.pick(w.family), w.pick(w.cities)
	if w.r.IntN(2) == 0 {
		family += w.pick([]string{"oğlu", "er", "soy", "taş"})
	}
	birth := fmt.Sprintf("%d-%02d-%02d", 1950+w.r.IntN(55), 1+w.r.IntN(12), 1+w.r.IntN(28))
	phone := fmt.Sprintf("05%09d", w.r.IntN(1e9))
	email := fmt.Sprintf("%s%d@example.com", given, w.r.IntN(1e5))
	return entity, func() people.Record {
		w.next++
		rec := people.Record{Source: w.pick([]string{"till", "web", ""}), ID: fmt.Sprintf("r%06d", w.next*7919%1000003), Given: given, Family: family, City: city, Birth: birth,
			Phones: []string{phone}, Emails: []string{email}}
		switch w.r.IntN(8) {
		case 0:
			rec.Phones = nil
		case 1:
			rec.Phones = []string{"0555 555 55 55"}
		case 2:
			rec.Phones = append(rec.Phones, fmt.Sprintf("+90 532 111 22 %02d", w.r.IntN(3)))
		}
		if w.r.IntN(2) == 0 {
			rec.Birth = ""
		}
		if w.r.IntN(2) == 0 {
			rec.Emails = nil
		}
		if w.r.IntN(6) == 0 {
			rec.Given, rec.Family = rec.Family, rec.Given
		}
		if w.r.IntN(5) == 0 {
			b := []rune(rec.Family)
			k := 1 + w.r.IntN(len(b)-2)
			b[k], b[k+1] = b[k+1], b[k]
			rec.Family = string(b)
		}
		return rec
	}
}

// population makes records of so many persons, with the truth.
func (w *world) population(persons int) (records []people.Record, truth map[string]string) {
	truth = map[string]string{}
	for range persons {
		entity, record := w.person()
		for n := 1 + w.r.IntN(4); n > 0; n-- {
			r := record()
			truth[r.ID] = entity
			records = append(records, r)
		}
	}
	w.r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	return records, truth
}
