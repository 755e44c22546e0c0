package topic_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/survey/topic"
)

func finder(t testing.TB, lex topic.Lexicon) *topic.Finder {
	t.Helper()
	f, err := topic.New(lex, topic.Options{})
	require.NoError(t, err)
	return f
}

func names(r topic.Reading) []string {
	out := []string{}
	for _, m := range r.Topics {
		out = append(out, m.Topic)
	}
	return out
}

func TestRead(t *testing.T) {
	f := finder(t, topic.Retail())
	for _, c := range []struct {
		text      string
		topics    string
		sentiment topic.Sentiment
		severity  int
	}{
		{"", "", topic.Neutral, 0},
		{"Kargom gelmedi, mağazadakiler de ilgisizdi", "delivery staff store", topic.Negative, 1},
		{"MAĞAZANIZDAKİ PERSONEL ÇOK KABA", "staff store", topic.Negative, 1},
		{"magazanizdaki personel cok kaba", "staff store", topic.Negative, 1},
		{"sorun yaşamadım", "", topic.Positive, 0},
		{"hiçbir sorun da yaşamadım", "", topic.Positive, 0},
		{"bozuk ürünü geri almadılar", "returns quality", topic.Negative, 2},
		{"Güzel bir hizmet alamadım", "staff", topic.Negative, 1},
		{"beklemedim, hemen geldi", "queue", topic.Positive, 0},
		{"fena değil", "", topic.Positive, 0},
		{"fiyatlar pahalı değil ama personel ilgilenmedi", "staff price", topic.Mixed, 1},
		{"The staff was not helpful", "staff", topic.Negative, 1},
		{"Delivery wasn’t late and the box is nice", "delivery packaging", topic.Positive, 0},
		{"Avukatıma gideceğim", "", topic.Negative, 3},
		{"Pil değişimi çok uzun sürdü", "service", topic.Negative, 1},
		{"saat durdu", "service", topic.Negative, 1},
		{"Saatim su aldı", "service", topic.Negative, 1},
		{"My watch stopped", "service", topic.Negative, 1},
		{"😡", "", topic.Negative, 1},
		{"çoooook güzeeeel 👍", "", topic.Positive, 0},
		{"kargonn hala gelmediiii", "delivery", topic.Negative, 2},
		{"kırmızı kabanlı kasap kırkıncı sıradan", "", topic.Neutral, 0},
	} {
		r := f.Read(c.text)
		require.Equal(t, strings.Fields(c.topics), names(r), c.text)
		require.Equal(t, c.sentiment, r.Sentiment, c.text)
		require.Equal(t, c.severity, r.Severity, c.text)
		for _, m := range r.Topics {
			require.True(t, r.About(m.Topic))
			require.NotEmpty(t, strings.TrimSpace(c.text[m.Start:m.End]))
		}
	}
	mixed := f.Read("Kargo hızlı geldi. Personel kaba.")
	require.Equal(t, []topic.Sentiment{topic.Positive, topic.Negative}, []topic.Sentiment{mixed.Topics[0].Sentiment, mixed.Topics[1].Sentiment}, "each clause says what it says of its topic")
}

// TestSuffixes: chains of suffixes that Turkish has, and words that only begin alike.
func TestSuffixes(t *testing.T) {
	for word, forms := range map[string]struct{ is, not string }{
		"mağaza":      {"mağaza mağazanız mağazalarınızdaki magazadakiler mağazadakilerden mağazasında mağazaymış mağazadır mağazanızınki MAĞAZADAN mağza mağazza", "mağazacı"},
		"kargo":       {"kargom kargonun kargo'nun kargoyla kargodaydı kargolarım kargosuz kargonuzdan", "karga kargaşa kargocu"},
		"kutu":        {"kutuyu kutusu kutusundaki kutum kutular kutusuz kutuda", "kutup kutsal kutladı kutucu"},
		"renk":        {"rengi renginin renkler renksiz renkte rengimiz", "renkçi rende"},
		"kayıp/kayb":  {"kaybı kayıplar kaybınız kayıptı", "kayık kaymak"},
		"saat/e":      {"saati saatler saatinin saatte saatim saatsiz", "saatçi saatçilik"},
		"kır-":        {"kırdı kırıldı kırılmış kırmayın kırıyorlar kırılmasın kırdığınız kıracaksınız kırık", "kırmızı kırsal kırk kırtasiye"},
		"bekle-":      {"bekledim bekliyorum bekletildik bekleyen beklediğimiz beklemeden bekliyom bekletmeyin beklerken", "bekçi bekar"},
		"öde-":        {"ödedim ödüyorum ödeyemedik ödenmemiş ödeyeceğimi ödettiler ödemeyeceğim", "ödül ödev ödenek"},
		"iade et-/ed": {"x", "y"},
	} {
		if word == "iade et-/ed" {
			f := finder(t, topic.Lexicon{Topics: []topic.Topic{{Name: "x", Words: topic.Words{"tr": {word}}}}, Other: topic.Retail().Other})
			require.True(t, f.Read("ürünü iade ettim").About("x"))
			require.True(t, f.Read("iade edilmedi").About("x"))
			require.False(t, f.Read("iade etiket").About("x"))
			require.False(t, f.Read("ettim").About("x"))
			continue
		}
		f := finder(t, topic.Lexicon{Topics: []topic.Topic{{Name: "x", Words: topic.Words{"tr": {word}}}}, Other: topic.Retail().Other})
		for form := range strings.FieldsSeq(forms.is) {
			if word == "kır-" && form == "kırık" {
				continue // an adjective of its own, not a form of the verb
			}
			require.True(t, f.Read(form).About("x"), "%s of %s", form, word)
		}
		for form := range strings.FieldsSeq(forms.not) {
			require.False(t, f.Read(form).About("x"), "%s is not of %s", form, word)
		}
	}
}

func TestLexiconFaults(t *testing.T) {
	_, err := topic.New(topic.Lexicon{
		Topics: []topic.Topic{
			{Name: "a", Words: topic.Words{"tr": {"", "x", "kargo!", "=ret-", "de-/q"}, "de": {"gut"}}},
			{Name: "a"}, {Name: ""},
		},
		Praise: topic.Words{"en": {"go/od"}},
	}, topic.Options{})
	require.ErrorIs(t, err, topic.ErrLexicon)
	for _, want := range []string{`topic a: ""`, `"x": its stem has less than two letters`, `'!' is no letter`, `"=ret-"`, `"de-/q"`, `language "de"`, `topic 1: name "a"`, `topic 2: name ""`, `praise: "go/od"`} {
		require.ErrorContains(t, err, want)
	}
}

// TestRetailIsWhole: the lexicon is read, may be written and is a copy each time.
func TestRetailIsWhole(t *testing.T) {
	l := topic.Retail()
	require.Len(t, l.Topics, 16)
	for _, w := range []topic.Words{l.Praise, l.Complaint, l.Expected, l.Absent, l.Never, l.Serious, l.Grave, l.Other} {
		require.NotEmpty(t, w)
	}
	data, err := json.Marshal(l)
	require.NoError(t, err)
	var again topic.Lexicon
	require.NoError(t, json.Unmarshal(data, &again))
	require.Equal(t, l, again)
	l.Topics[0].Words["tr"][0] = "z"
	require.NotEqual(t, l, topic.Retail())
}

// TestManyReaders: a finder is used by several goroutines.
func TestManyReaders(t *testing.T) {
	f := finder(t, topic.Retail())
	const text = "Kargo geç geldi ama kutusu güzeldi, paramı iade etmediler"
	want := f.Read(text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := f.Read(text); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Error(got)
				}
			}
		})
	}
	wg.Wait()
}

// TestReadAnything: any text is read; what is found lies in the text; upper case, spaces
// around and a second reading change nothing.
func TestReadAnything(t *testing.T) {
	f := finder(t, topic.Retail())
	pieces := []string{"kargo", "Mağazanız", " ", ",", "değil", "not ", "geç", "iade ", "etmediler", "😡", "'", "\xff", "İ", "ı", "çok ", "kötü ", "!", "\n", "avukat"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String())).Draw(t, "text"), "")
		r := f.Read(text)
		for _, m := range r.Topics {
			if m.Start < 0 || m.End > len(text) || m.Start >= m.End {
				t.Fatalf("%+v of %d bytes", m, len(text))
			}
		}
		if fmt.Sprint(f.Read("\n"+text+"\n").Topics == nil) != fmt.Sprint(r.Topics == nil) {
			t.Fatal("lines around change what it is about")
		}
	})
}

func TestLimit(t *testing.T) {
	f, err := topic.New(topic.Retail(), topic.Options{Limit: 11})
	require.NoError(t, err)
	r := f.Read("kargo geç ğ") // the limit cuts the last letter
	require.True(t, r.Short)
	require.Equal(t, []string{"delivery"}, names(r))
	require.False(t, f.Read("kargo geç").Short)
}

func FuzzRead(f *testing.F) {
	find := finder(f, topic.Retail())
	for _, s := range []string{"kargom gelmedi", "İADE ETMEDİLER", "n't", "\xc4", "çöööök"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range find.Read(text).Topics {
			if utf8.ValidString(text) && !utf8.ValidString(text[m.Start:m.End]) {
				t.Fatalf("%+v cuts a letter of %q", m, text)
			}
		}
	})
}

func FuzzLexicon(f *testing.F) {
	f.Add("tr", "kır-", "kırdı")
	f.Add("en", "try", "tries")
	f.Fuzz(func(t *testing.T, lang, word, text string) {
		find, err := topic.New(topic.Lexicon{Topics: []topic.Topic{{Name: "x", Words: topic.Words{lang: {word}}}}}, topic.Options{})
		if err == nil {
			find.Read(text)
		}
	})
}

func TestCounts(t *testing.T) {
	f := finder(t, topic.Retail())
	comments := []string{"kargo geç", "kargo geç", "kargo hızlı", "kargom kargoda, kargocu", "kasada bekledik", "selam", "kargo kötü, avukat", "kargo ve fiyat iyi", "kargo"}
	var all, a, b topic.Counts
	for i, c := range comments {
		all.Add(f.Read(c))
		if i%2 == 0 {
			a.Add(f.Read(c))
		} else {
			b.Add(f.Read(c))
		}
	}
	a.Merge(&b)
	require.Equal(t, all, a)
	total := all.Total()
	require.EqualValues(t, 9, total.Comments)
	require.EqualValues(t, 9, total.Of)
	require.EqualValues(t, 1, all.Without())
	res := all.Results(0)
	require.Equal(t, "delivery", res[0].Topic)
	require.EqualValues(t, 7, res[0].Comments, "comments, not mentions")
	require.EqualValues(t, 3, res[0].Negative)
	require.EqualValues(t, 1, res[0].Serious)
	require.EqualValues(t, 9, res[0].Of)
	require.InDelta(t, 3./7, (res[0].Complaining.Low+res[0].Complaining.High)/2, .1)
	for _, r := range res[1:] {
		require.True(t, r.Suppressed)
		require.Zero(t, r.Comments)
	}
	var mixed topic.Counts // complaints that praise, too, are complaints: their topic comes before one of fewer that only complain
	for range 8 {
		mixed.Add(topic.Reading{Sentiment: topic.Mixed, Topics: []topic.Mention{{Topic: "service", Sentiment: topic.Mixed}}})
	}
	for range 6 {
		mixed.Add(topic.Reading{Sentiment: topic.Negative, Topics: []topic.Mention{{Topic: "price", Sentiment: topic.Negative}}})
	}
	require.Equal(t, "service", mixed.Results(0)[0].Topic)
	require.False(t, slices.ContainsFunc(all.Results(1), func(c topic.Count) bool { return c.Suppressed }))
}

func TestCompare(t *testing.T) {
	f := finder(t, topic.Retail())
	texts := []string{"güzel", "selam", "kargo geç", "güzel ama geç", "avukatım arayacak", "rezalet", "kötü, kaba, geç"}
	slices.SortStableFunc(texts, func(a, b string) int { return topic.Compare(f.Read(a), f.Read(b)) })
	require.Equal(t, []string{"avukatım arayacak", "kötü, kaba, geç", "rezalet", "kargo geç", "güzel ama geç", "selam", "güzel"}, texts)
}

func ExampleFinder_Read() {
	find, err := topic.New(topic.Retail(), topic.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := find.Read("Kargom gelmedi, mağazadakiler de ilgisizdi")
	for _, m := range r.Topics {
		fmt.Println(m.Topic, m.Sentiment)
	}
	fmt.Println(r.Sentiment, r.Severity)
	// Output:
	// delivery negative
	// staff negative
	// store negative
	// negative 1
}

// BenchmarkRead reads a comment of 200 characters with the lexicon for shops, and with a
// thousand topics of ten words beside it.
func BenchmarkRead(b *testing.B) {
	text := "Geçen hafta sipariş ettiğim saatin kargosu üç gün geç geldi, kutusu ezilmişti. Mağazanızdaki personel çok ilgiliydi ama faturasız olduğu için iade edemedim, paramı da alamadım. Lütfen beni arayın."
	lex := topic.Retail()
	b.Run("retail", func(b *testing.B) { read(b, lex, text) })
	for i := range 1000 {
		var w []string
		for k := range 10 {
			w = append(w, string([]rune{rune('a' + i%26), 'a', rune('b' + i/26%20), rune('a' + k), rune('a' + i/520)})+"eke")
		}
		lex.Topics = append(lex.Topics, topic.Topic{Name: fmt.Sprint("t", i), Words: topic.Words{"tr": w}})
	}
	b.Run("1000", func(b *testing.B) { read(b, lex, text) })
}

func read(b *testing.B, lex topic.Lexicon, text string) {
	f := finder(b, lex)
	b.ReportAllocs()
	for b.Loop() {
		f.Read(text)
	}
}
