package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

func TestPhone(t *testing.T) {
	for _, c := range []struct{ raw, region, want string }{
		{"0532 123 45 67", "", "+905321234567"}, {"+90 (532) 123-45-67", "", "+905321234567"}, {"00905321234567", "", "+905321234567"},
		{"905321234567", "TR", "+905321234567"}, {"5321234567", "TR", "+905321234567"}, {"0(212) 293 11 00", "TR", "+902122931100"},
		{"532\u00a0123\u00a045\u00a067", "", "+905321234567"}, {"+44 20 7946 0958", "TR", "+442079460958"},
		{"020 7946 0958", "GB", "+442079460958"}, {"0044 20 7946 0958", "TR", "+442079460958"},
		{"05555555555", "", ""}, {"5555555555", "", ""}, {"0000000000", "", ""}, {"0532 *** ** 67", "", ""}, {"+90532xxx4567", "", ""},
		{"", "", ""}, {"123", "", ""}, {"no phone", "", ""}, {strings.Repeat("5", 1<<20), "", ""}, {"\xff\xfe", "", ""}, {"=1+1", "", ""},
	} {
		got, ok := people.Phone(c.raw, c.region)
		require.Equal(t, c.want, got, "%.40q", c.raw)
		require.Equal(t, c.want != "", ok)
	}
}

func TestEmail(t *testing.T) {
	for raw, want := range map[string]string{
		" Ayse.Yilmaz@Example.COM ":        "ayse.yilmaz@example.com",
		"Ayşe <ayse+vefa@example.com>":     "ayse@example.com",
		"A.y.s.e@googlemail.com":           "ayse@gmail.com",
		"İLKER@EXAMPLE.COM":                "ilker@example.com",
		"a***e@example.com":                "",
		"k3j4h5@marketplace.amazon.com.tr": "",
		"info@example.com":                 "",
		"nobody":                           "", "@example.com": "", "a@b": "", "a b@example.com": "", "a@b@example.com": "",
	} {
		got, ok := people.Email(raw)
		require.Equal(t, want, got, raw)
		require.Equal(t, want != "", ok)
	}
}

func TestRegion(t *testing.T) {
	for _, region := range []string{"", "TR", "DE", "GB"} {
		_, err := people.New(people.Options{Region: region})
		require.NoError(t, err, region)
	}
	for _, region := range []string{"Turkey", "tr", "XX", "001", " TR", "90"} {
		_, err := people.New(people.Options{Region: region})
		require.ErrorIs(t, err, people.ErrRegion, region)
		require.ErrorContains(t, err, ", TN, TO, TR, TT, ", "the known ones")
		require.ErrorContains(t, err, region)
	}
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"0532 123 45 67", "+442079460958", "0090 532", "tel: 532-1234567 ext 4", "\x00", "+", "٠٥٣٢١٢٣٤٥٦٧"} {
		f.Add(s, "TR")
	}
	f.Add("020 7946 0958", "GB")
	f.Fuzz(func(t *testing.T, raw, region string) {
		e, ok := people.Phone(raw, region)
		if !ok {
			require.Empty(t, e)
			return
		}
		require.Regexp(t, `^\+[0-9]{5,15}$`, e)
		again, ok := people.Phone(e, region)
		require.True(t, ok)
		require.Equal(t, e, again, "a normal form is its own")
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"a@example.com", "X <x+y@Gmail.com>", "+@a.b", "0@0..", "İ@İ.com", "\xff@a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		e, ok := people.Email(raw)
		require.Equal(t, ok, e != "")
		if ok {
			again, ok := people.Email(e)
			require.True(t, ok, e)
			require.Equal(t, e, again)
		}
	})
}

// golden is a population with the cases that a retailer argues about.
func golden() (records []people.Record, together, apart [][2]string) {
	w := newWorld(11)
	records, _ = w.population(800)
	add := func(r people.Record) { records = append(records, r) }
	same := func(a, b people.Record) {
		add(a)
		add(b)
		together = append(together, [2]string{a.ID, b.ID})
	}
	differ := func(a, b people.Record) {
		add(a)
		add(b)
		apart = append(apart, [2]string{a.ID, b.ID})
	}
	phone := func(s string) []string { return []string{s} }
	same(people.Record{ID: "upper-1", Given: "IŞIL", Family: "ÇAĞLAYAN", Phones: phone("0532 777 10 01")},
		people.Record{ID: "upper-2", Given: "isil", Family: "caglayan", Phones: phone("+905327771001")})
	same(people.Record{ID: "second-1", Given: "Hatice Fatma", Family: "Kocaman", Phones: phone("05327771002"), City: "Rize"},
		people.Record{ID: "second-2", Given: "Fatma", Family: "Kocaman", Phones: phone("5327771002"), City: "Rize"})
	same(people.Record{ID: "swap-1", Given: "Erdal", Family: "Bozkurtlar", Phones: phone("05327771003")},
		people.Record{ID: "swap-2", Given: "Bozkurtlar", Family: "Erdal", Phones: phone("05327771003")})
	same(people.Record{ID: "typo-1", Given: "Gökhan", Family: "Değirmenci", Birth: "1981-05-17", Emails: phone("gd1981@example.com")},
		people.Record{ID: "typo-2", Given: "Gökhan", Family: "Değirmneci", Birth: "1981-05-17", Emails: phone("GD1981@example.com")})
	same(people.Record{ID: "day-1", Given: "Sevgi", Family: "Pehlivan", Birth: "1977-03-09", Phones: phone("05327771004")},
		people.Record{ID: "day-2", Given: "Sevgi", Family: "Pehlivan", Birth: "1977-09-03", Phones: phone("05327771004")})
	differ(people.Record{ID: "twin-1", Given: "Ayşe", Family: "Karagözler", Birth: "1990-02-03", Phones: phone("05327771005"), City: "Bursa"},
		people.Record{ID: "twin-2", Given: "Mehmet", Family: "Karagözler", Birth: "1990-02-03", Phones: phone("05327771005"), City: "Bursa"})
	// E3: one letter stands for a name, two names that begin alike do not.
	differ(people.Record{ID: "brother-1", Given: "Hasan", Family: "Değirmen", Birth: "1984-05-06", Phones: phone("05327771007"), City: "Bursa"},
		people.Record{ID: "brother-2", Given: "Hüseyin", Family: "Değirmen", Birth: "1984-05-06", Phones: phone("05327771007"), City: "Bursa"})
	// E12: father and son of one name share the phone, not the age; a wrong year of one person is near.
	differ(people.Record{ID: "father-1", Given: "Mustafa", Family: "Karakayalı", Birth: "1950-03-07", Phones: phone("05327771011"), City: "Bursa"},
		people.Record{ID: "son-1", Given: "Mustafa", Family: "Karakayalı", Birth: "1981-11-19", Phones: phone("05327771011"), City: "Bursa"})
	same(people.Record{ID: "year-1", Given: "Mustafa", Family: "Taşdelenler", Birth: "1981-03-07", Phones: phone("05327771012"), City: "Bursa"},
		people.Record{ID: "year-2", Given: "Mustafa", Family: "Taşdelenler", Birth: "1986-04-17", Phones: phone("05327771012"), City: "Bursa"})
	// E6: a couple shares phone and e-mail address.
	differ(people.Record{ID: "wife-1", Given: "Ayşe", Family: "Demirbaşlar", Birth: "1984-03-07", Phones: phone("05327771013"), Emails: phone("demirbaslar@example.com"), City: "Bursa"},
		people.Record{ID: "husband-1", Given: "Mehmet", Family: "Demirbaşlar", Phones: phone("05327771013"), Emails: phone("demirbaslar@example.com"), City: "Bursa"})
	same(people.Record{ID: "letter-1", Given: "H.", Family: "Karagülle", Birth: "1984-05-07", Phones: phone("05327771008"), City: "Bursa"},
		people.Record{ID: "letter-2", Given: "Hüsnü", Family: "Karagülle", Birth: "1984-05-07", Phones: phone("05327771008"), City: "Bursa"})
	// E11, E9 and E10: what a person and a spreadsheet make of one record.
	same(people.Record{ID: "short-1", Given: "M.Ali", Family: "Çobanoğlu", Phones: phone("'05327771009")},
		people.Record{ID: "short-2", Given: "Mehmet Ali", Family: "Ã‡obanoÄŸlu", Phones: phone("0532 777 10 09 / 0212 555 12 34 dahili 12")})
	same(people.Record{ID: "mail-1", Given: "I&#351;&#305;l", Family: "Kırlangıç", Emails: phone("mailto:isil.kirlangic@gmial.com")},
		people.Record{ID: "mail-2", Given: "Iþýl", Family: "Kýrlangýç", Emails: phone("isilkirlangic@gmail,com; info@example.com")})
	differ(people.Record{ID: "house-1", Given: "Zeynep", Family: "Altınbaş", Phones: phone("05327771006"), City: "İzmir"},
		people.Record{ID: "house-2", Given: "Ömer", Family: "Altınbaş", Phones: phone("05327771006"), City: "İzmir"})
	differ(people.Record{ID: "masked-1", Given: "Ali", Family: "Kaya", Phones: phone("0532*******"), Emails: phone("a***@example.com")},
		people.Record{ID: "masked-2", Given: "Ali", Family: "Kaya", Phones: phone("0532*******"), Emails: phone("a***@example.com")})
	differ(people.Record{ID: "relay-1", Given: "Deniz", Family: "Koç", Emails: phone("order@relay.example")},
		people.Record{ID: "relay-2", Given: "Deniz", Family: "Koç", Emails: phone("order@relay.example")})
	differ(people.Record{ID: "counter-1", Given: "Can", Family: "Şahin", Phones: phone("0555 555 55 55")},
		people.Record{ID: "counter-2", Given: "Can", Family: "Şahin", Phones: phone("05555555555")})
	differ(people.Record{ID: "null-1"}, people.Record{ID: "null-2"})
	for i, family := range w.family { // a switchboard that many give
		add(people.Record{ID: fmt.Sprint("board-", i), Given: "Ece", Family: family, Phones: phone("0212 293 11 00")})
		if i > 0 {
			apart = append(apart, [2]string{"board-0", fmt.Sprint("board-", i)})
		}
	}
	return records, together, apart
}

func TestGolden(t *testing.T) {
	records, together, apart := golden()
	l := newLinker(t, people.Options{Relays: []string{"relay.example"}})
	r, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	of := map[string]string{}
	for _, c := range r.Clusters {
		for _, id := range c.Members {
			of[id] = c.Members[0]
		}
	}
	x, err := l.NewIndex(r.Model)
	require.NoError(t, err)
	_, err = x.Apply(ctx, records, nil)
	require.NoError(t, err)
	why := func(p [2]string) string {
		e, err := x.Explain(p[0], p[1])
		require.NoError(t, err)
		return e.String()
	}
	for _, p := range together {
		require.Equal(t, of[p[0]], of[p[1]], why(p))
	}
	for _, p := range apart {
		require.NotEqual(t, of[p[0]], of[p[1]], why(p))
	}
	require.NotZero(t, r.Stats.Ignored, "the switchboard's number is nobody's")
}

// Decisions hold against all evidence, and contradictions are reported.
func TestDecisions(t *testing.T) {
	records, together, apart := golden()
	l := newLinker(t, people.Options{})
	a, b, c := together[0], apart[0], together[1]
	r, err := l.Link(ctx, slices.Values(records), nil,
		dedup.Decision{A: a[0], B: a[1]}, dedup.Decision{A: b[1], B: b[0], Same: true},
		dedup.Decision{A: c[0], B: "house-1"}, dedup.Decision{A: c[0], B: c[1], Same: true}, dedup.Decision{A: c[1], B: "house-1", Same: true})
	require.NoError(t, err)
	of := map[string]dedup.Cluster{}
	for _, k := range r.Clusters {
		for _, id := range k.Members {
			of[id] = k
		}
	}
	require.NotContains(t, of[a[0]].Members, a[1])
	require.Contains(t, of[b[0]].Members, b[1])
	require.True(t, of[b[0]].Edges[0].Decided)
	require.Len(t, r.Conflicts, 1)
}

func ExampleLinker_Link() {
	linker, err := people.New(people.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	records := []people.Record{
		{ID: "shop/1", Given: "Işıl", Family: "Çağlar", Phones: []string{"0532 123 45 67"}, Birth: "1985-04-12"},
		{ID: "web/9", Given: "ISIL", Family: "CAGLAR", Phones: []string{"+90 532 123 45 67"}},
		{ID: "web/10", Given: "Ali", Family: "Çağlar", Phones: []string{"+90 532 123 45 67"}, Birth: "1983-01-30"},
		{ID: "shop/2", Given: "Deniz", Family: "Uçar", Phones: []string{"0533 765 43 21"}},
	}
	result, err := linker.Link(ctx, slices.Values(records), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range result.Clusters {
		fmt.Println(c.Members)
		for _, e := range c.Edges {
			fmt.Println(" because of", strings.Join(e.Fields, ", "))
		}
	}
	// Output:
	// [shop/1 web/9]
	//  because of given equal, family equal, phone equal
	// [shop/2]
	// [web/10]
}

func ExampleIndex_Find() {
	linker, err := people.New(people.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	customers := []people.Record{
		{ID: "shop/1", Given: "Işıl", Family: "Çağlar", Phones: []string{"0532 123 45 67"}, Birth: "1985-04-12"},
		{ID: "web/9", Given: "ISIL", Family: "CAGLAR", Emails: []string{"isil@example.com"}, Birth: "12.04.1985"},
		{ID: "shop/2", Given: "Deniz", Family: "Uçar", Phones: []string{"0533 765 43 21"}},
	}
	model, err := linker.Train(ctx, slices.Values(customers))
	if err != nil {
		fmt.Println(err)
		return
	}
	index, err := linker.NewIndex(model)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := index.Apply(ctx, customers, nil); err != nil {
		fmt.Println(err)
		return
	}
	// At the till somebody gives a name and a number.
	found, err := index.Find(ctx, people.Record{Given: "Isil", Family: "Çaglar", Phones: []string{"+90 532 123 45 67"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found[0].ID, "and with it", found[0].Cluster)
	// Output: shop/1 and with it [shop/1 web/9]
}
