package people_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// told are the cases of section E that concern who is one person and who is not: records by
// the person whose they are, in a file of households.
func told() (records []people.Record, who map[string]string) {
	h := newHouseholds(7)
	h.fill(2000)
	records, who = h.records, map[string]string{}
	add := func(person string, rows ...people.Record) {
		for _, r := range rows {
			r.ID = fmt.Sprintf("%s/%d", person, len(who))
			who[r.ID] = person
			records = append(records, r)
		}
	}
	one := func(s string) []string { return []string{s} }
	at := func(family string) people.Record { // what all of a family share
		home := h.home()
		return people.Record{Family: family, Phones: one(h.number()), City: home[0], District: home[1], Postcode: home[2], Street: home[3]}
	}
	of := func(r people.Record, given, birth string, emails ...string) people.Record {
		r.Given, r.Birth, r.Emails = given, birth, emails
		return r
	}
	// E3
	r := at("Değirmenciler")
	add("E3 hasan", of(r, "Hasan", "1984-05-06"), of(r, "HASAN", ""))
	add("E3 huseyin", of(r, "Hüseyin", "1984-05-06"), of(r, "Hüseyin", "", "huseyin.degirmenciler@example.com"))
	// E6, and the same with a misspelt name
	for i, wife := range []string{"Gülsüm", "Gülsm"} {
		r, mail := at([]string{"Demirbaşlar", "Ormancıoğlu"}[i]), []string{"evimiz@example.com", "biz.bize@example.com"}[i]
		add(fmt.Sprint("E6 husband ", i), of(r, "Ahmet", "", mail))
		add(fmt.Sprint("E6 wife ", i), of(r, wife, "", mail))
		add(fmt.Sprint("E6 daughter ", i), of(r, "Zehra", fmt.Sprint(2011-3*i, "-04-1", 3*i), mail))
	}
	// E7
	for i, p := range [][2]string{{"Serkan", "Serdar"}, {"Serkn", "Serdar"}, {"Selin", "Selma"}, {"Nur", "Nuray"}} {
		r, birth := at([]string{"İkizoğlu", "Beşikçiler", "Kundakçı", "Aynalıgil"}[i]), fmt.Sprint(1988+4*i, "-0", 1+2*i, "-2", 2*i)
		add(fmt.Sprint("E7 elder ", i), of(r, p[0], birth))
		add(fmt.Sprint("E7 younger ", i), of(r, p[1], birth))
	}
	// E12: of one name, one phone and one home
	for i, years := range []int{28, 41, 60} {
		r := at([]string{"Karakayalı", "Taşdelenler", "Pehlivanlı"}[i])
		father, son := of(r, "Mustafa", fmt.Sprint(1990+3*i-years, "-0", 2+i, "-1", i)), of(r, "Mustafa", fmt.Sprint(1990+3*i, "-1", i, "-0", 7-i))
		add(fmt.Sprint("E12 father ", years), father, father)
		add(fmt.Sprint("E12 son ", years), son, son)
	}
	// A number that its owner gave back, and another got.
	first, second := at("Bozdağlar"), at("Akpınarlı")
	second.Phones = first.Phones
	add("recycled, first", of(first, "Kerem", "", "kerem.bozdaglar@example.com"), people.Record{Given: "Kerem", Family: "Bozdağlar", Phones: one(h.number()), Emails: one("kerem.bozdaglar@example.com")})
	add("recycled, second", of(second, "Fadime", ""), people.Record{Given: "Fadime", Family: "Akpınarlı", Phones: second.Phones, Birth: "1999-09-09"})
	// A dealer and a call centre give their own number for each customer.
	for i := range 400 {
		p := h.humans[7*i%len(h.humans)]
		row := people.Record{Given: p.Given, Family: p.Family, Birth: fmt.Sprintf("%d-%02d-%02d", p.Year, p.Month, p.Day), Phones: h.dealers[i%2 : i%2+1]}
		row.ID = fmt.Sprintf("dealer/%03d", i)
		h.truth[row.ID] = fmt.Sprint(7 * i % len(h.humans))
		records = append(records, row)
	}
	// A gift: the name and the address of who gets it, and how to reach who gave it.
	giver, receiver := of(at("Çamlıbeller"), "Levent", "", "levent.camlibeller@example.com"), of(at("Yaylacılar"), "Songül", "")
	add("giver", giver, giver)
	gift := receiver
	gift.Phones, gift.Emails = giver.Phones, giver.Emails
	add("receiver", receiver, gift)
	for id, n := range h.truth {
		who[id] = n
	}
	return records, who
}

// keeps checks that the records of a case are together, and no others with them, and that a
// dealer's number joins no customers.
func keeps(t *testing.T, clusters []dedup.Cluster, who map[string]string) {
	t.Helper()
	of := map[string]int{}
	for i, c := range clusters {
		dealt := ""
		for _, id := range c.Members {
			person := who[id]
			if strings.HasPrefix(id, "dealer/") {
				require.True(t, dealt == "" || dealt == person, "the number of a dealer joins %v", c.Members)
				dealt = person
			}
			if !strings.HasPrefix(id, person+"/") {
				continue // of the households
			}
			at, before := of[person]
			require.True(t, !before || at == i, "%s is two", person)
			of[person] = i
			for _, other := range c.Members {
				require.Equal(t, person, who[other], "%v", c.Members)
			}
		}
	}
	require.Len(t, of, 26)
}

// E3, E6, E7, E12, numbers with a new owner, the number of a dealer, and gifts: in a batch and
// in an index, in whatever order the records come.
func TestToldCases(t *testing.T) {
	records, who := told()
	l := newLinker(t, people.Options{})
	want, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	keeps(t, want.Clusters, who)
	for seed := range seeds(2) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		got, err := l.Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		require.Equal(t, want.Clusters, got.Clusters)
		x, err := l.NewIndex(want.Model)
		require.NoError(t, err)
		for part := range slices.Chunk(records, 37+int(seed)*200) {
			_, err = x.Apply(ctx, part, nil)
			require.NoError(t, err)
		}
		keeps(t, slices.Collect(x.Index.Clusters()), who)
		require.Equal(t, want.Clusters, slices.Collect(x.Index.Clusters()))
	}
}

// E12 without a birth to tell them by: grandfather and grandson, or one man with two phones? The
// record cannot say, so that a person is asked, whether the two were joined or not.
func TestNamesakesAreAsked(t *testing.T) {
	h := newHouseholds(8)
	h.fill(2000)
	records, pairs := h.records, [][2]string{}
	for i, family := range []string{"Karakayalı", "Taşdelenler", "Pehlivanlı", "Ormancıoğlu", "Çamlıbeller", "Yaylacılar"} {
		home, pair := h.home(), [2]string{fmt.Sprint("namesake ", i, " a"), fmt.Sprint("namesake ", i, " b")}
		for k, id := range pair {
			r := people.Record{ID: id, Given: h.male[3*i], Family: family, Gender: "E", Phones: []string{h.number()}, City: home[0], District: home[1], Postcode: home[2], Street: home[3]}
			if k == 1 && i%2 == 1 {
				r.Birth = fmt.Sprintf("%d-05-1%d", 1940+9*i, i) // of one of the two
			}
			records = append(records, r)
		}
		pairs = append(pairs, pair)
	}
	r, err := newLinker(t, people.Options{Review: 600}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	for _, p := range pairs {
		require.True(t, slices.ContainsFunc(r.Review, func(q dedup.Question) bool { return [2]string{q.A, q.B} == p }), "%v", p)
	}
}
