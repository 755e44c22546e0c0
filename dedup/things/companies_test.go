package things_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/dedup/things"
)

// register is how companies of a country are named: Surnames and trades, what stands behind
// nearly every name, legal forms in the notations of registers, invoices and people.
type register struct {
	surnames, trades, filler []string
	forms                    [][]string // notations of one form each
	and                      string
	branch                   []string // what a branch is called; %s is a city
	cities                   []string
	short                    map[string]string // usual abbreviations of words
}

var registers = []register{
	{
		surnames: strings.Fields("Yılmaz Kaya Demir Çelik Şahin Yıldız Öztürk Aydın Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özdemir Şimşek Polat Güneş Ateş Işık Taş Bulut Erdem Karaca Uçar Tekin Akın Soylu"),
		trades: []string{"Gıda", "Tekstil", "İnşaat", "Otomotiv", "Mobilya", "Turizm", "Elektronik", "Makine", "Plastik", "Ambalaj", "Kimya", "Tarım", "Lojistik", "Nakliyat",
			"Bilişim", "Kuyumculuk", "Saatçilik", "Ayakkabı", "Deri", "Mermer", "Enerji", "Sağlık Hizmetleri", "Dış Ticaret", "Madencilik", "Matbaacılık", "Güvenlik Sistemleri", "Yapı Malzemeleri"},
		filler: []string{"Sanayi ve Ticaret", "Sanayi ve Ticaret", "Ticaret", "Pazarlama ve Ticaret", "İthalat İhracat", "San. ve Dış Ticaret", ""},
		forms: [][]string{{"A.Ş.", "Anonim Şirketi", "AŞ", "A.S.", "A. Ş."},
			{"Ltd. Şti.", "Limited Şirketi", "LTD.ŞTİ.", "Ltd Şti", "LTD STI", "Ltd."}},
		and: "ve", branch: []string{"%s Şubesi", "%s Şb.", "%s Mağazası"},
		cities: strings.Fields("İstanbul Ankara İzmir Bursa Antalya Adana Konya Gaziantep Kayseri Eskişehir Mersin Denizli"),
		short: map[string]string{"Sanayi": "San.", "Ticaret": "Tic.", "İnşaat": "İnş.", "Otomotiv": "Oto.", "Turizm": "Tur.", "Elektronik": "Elekt.", "Makine": "Mak.", "Pazarlama": "Paz.",
			"İthalat": "İth.", "İhracat": "İhr.", "Nakliyat": "Nak.", "Lojistik": "Loj.", "Tekstil": "Teks.", "Mobilya": "Mob.", "Madencilik": "Mad.", "Hizmetleri": "Hiz.", "Malzemeleri": "Malz."},
	},
	{
		surnames: strings.Fields("Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Krüger Hofmann Lange Krause Lehmann Köhler Maier"),
		trades: []string{"Maschinenbau", "Elektrotechnik", "Bauunternehmung", "Metallbau", "Logistik", "Spedition", "Uhren", "Schmuck", "Möbel", "Immobilien", "Consulting", "Software",
			"Gebäudereinigung", "Gartenbau", "Werkzeuge", "Verpackungen", "Kunststofftechnik", "Medizintechnik", "Lebensmittel", "Textilien", "Druckerei", "Autohaus", "Heizung und Sanitär", "Getränkehandel"},
		filler: []string{"", "", "Gesellschaft", "Handels", "Vertriebs", "und Söhne", "Deutschland"},
		forms: [][]string{{"GmbH", "Gesellschaft mit beschränkter Haftung", "G.m.b.H.", "mbH", "GmbH."}, {"AG", "Aktiengesellschaft", "A.G."},
			{"GmbH & Co. KG", "GmbH & Co KG", "GmbH und Co. KG", "GmbH u. Co. KG"}, {"KG", "K.G."}, {"e.K.", "e. K.", "eK"}},
		and: "und", branch: []string{"Niederlassung %s", "NL %s", "Filiale %s"},
		cities: strings.Fields("Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Bremen Hannover Nürnberg"),
		short:  map[string]string{"Gesellschaft": "Ges.", "Vertriebs": "Vertr.", "Logistik": "Log.", "Deutschland": "Dtl.", "Immobilien": "Immob.", "Elektrotechnik": "Elektrotechn."},
	},
	{
		surnames: strings.Fields("Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke Harrison Cooper Ward Turner Baker"),
		trades: []string{"Engineering", "Manufacturing", "Technologies", "Logistics", "Foods", "Textiles", "Watches", "Jewellery", "Furniture", "Properties", "Construction", "Electronics", "Pharmaceuticals",
			"Packaging", "Plastics", "Chemicals", "Energy Services", "Security Systems", "Health Care", "Motors", "Financial Services", "Transport", "Software", "Printing", "Marine"},
		filler: []string{"", "", "International", "Group", "Holdings", "UK", "and Sons"},
		forms: [][]string{{"Ltd", "Limited", "Ltd.", "LTD"}, {"Inc.", "Incorporated", "Inc", "INC"}, {"LLC", "L.L.C.", "Limited Liability Company"},
			{"PLC", "plc", "P.L.C."}, {"Corp.", "Corporation", "Corp"}, {"Co. Ltd.", "Company Limited", "Co Ltd"}},
		and: "and", branch: []string{"%s Branch", "(%s)", "- %s"},
		cities: strings.Fields("London Manchester Birmingham Leeds Glasgow Bristol Chicago Boston Houston Denver Seattle Dallas"),
		short: map[string]string{"International": "Intl", "Manufacturing": "Mfg", "Engineering": "Eng.", "Technologies": "Tech", "Construction": "Constr.", "Services": "Svcs", "Group": "Grp",
			"Holdings": "Hldgs", "Pharmaceuticals": "Pharma", "Systems": "Sys.", "Electronics": "Elec."},
	},
	{
		surnames: strings.Fields("Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefèvre Michel García Rossi Russo Ferrari Esposito Fernández González Jansen Bakker Visser Nowak Kowalski"),
		trades: []string{"Bâtiment", "Transports", "Horlogerie", "Bijouterie", "Meubles", "Immobilier", "Électricité", "Mécanique", "Alimentation", "Plastiques", "Énergie", "Informatique", "Costruzioni", "Arredamenti",
			"Trasporti", "Elettronica", "Construcciones", "Transportes", "Muebles", "Relojería", "Bouw", "Techniek", "Groothandel", "Handel", "Budownictwo"},
		filler: []string{"", "", "Établissements", "France", "et Fils", "Internacional", "Groep"},
		forms: [][]string{{"SARL", "S.A.R.L.", "Société à responsabilité limitée", "S.à r.l."}, {"SAS", "S.A.S."}, {"S.A.", "SA", "S. A."}, {"S.r.l.", "SRL", "S.R.L."}, {"S.p.A.", "SPA"},
			{"S.L.", "SL"}, {"B.V.", "BV", "B. V."}, {"Sp. z o.o.", "SP ZOO", "Spółka z o.o."}},
		and: "et", branch: []string{"succursale de %s", "agence %s", "(%s)"},
		cities: strings.Fields("Paris Lyon Marseille Toulouse Milano Roma Torino Madrid Barcelona Valencia Amsterdam Rotterdam Warszawa Kraków"),
		short:  map[string]string{"Établissements": "Ets", "Transports": "Transp.", "Immobilier": "Immo", "Construcciones": "Constr.", "Costruzioni": "Costr.", "Internacional": "Int."},
	},
	{
		surnames: strings.Fields("Иванов Петров Смирнов Кузнецов Попов Соколов Лебедев Козлов Новиков Морозов Волков Зайцев"),
		trades:   []string{"Строй", "Торг", "Транс", "Энерго", "Пром", "Агро", "Мебель", "Сервис", "Логистика", "Техника", "Металл", "Пласт", "Электро", "Медицина", "Инвест"},
		filler:   []string{"", "", "Плюс", "Групп", "Торговый дом"},
		forms:    [][]string{{"ООО", "Общество с ограниченной ответственностью"}, {"ЗАО", "З.А.О."}, {"ПАО"}, {"АО", "Акционерное общество"}},
		and:      "и", branch: []string{"филиал %s", "(%s)"},
		cities: strings.Fields("Москва Казань Самара Омск Пермь Уфа Томск Тула"),
		short:  map[string]string{"Торговый": "Торг.", "Логистика": "Лог."},
	},
}

var syllables = strings.Fields("ka ro ni tek lu ma vo sen dar mi zel pro ta gra bel or fin ste nex ul tra cor di va lin mar sol pet ha qui res nor bi os ger al pha")

// company is a company as its register has it.
type company struct {
	r            *register
	brand        []string
	trade        []string
	filler       string
	form         []string
	front        bool // the form stands before the name
	coined       bool // its brand is its own
	city, street string
	tax, phone   string
}

// generate returns rows of companies and the entity of each: registers of several countries,
// surnames that many share, coined words, initials; rows as invoices, address books and
// people write them. detail says which columns beside the name are filled in.
func generate(seed uint64, companies int, detail bool) ([]things.Record, map[string]string) {
	g := rand.New(rand.NewPCG(seed, 1))
	pick := func(list []string) string { return list[g.IntN(len(list))] }
	seen := map[string]bool{}
	var out []things.Record
	truth := map[string]string{}
	for len(seen) < companies {
		r := &registers[min(g.IntN(7), 6)%len(registers)] // Turkish and German ones twice as often
		c := company{r: r, filler: pick(r.filler), form: r.forms[g.IntN(len(r.forms))], front: strings.HasPrefix(r.forms[0][0], "О")}
		coin := func() string {
			s := ""
			for range 2 + g.IntN(3) {
				s += pick(syllables)
			}
			return strings.ToUpper(s[:1]) + s[1:]
		}
		switch g.IntN(10) {
		case 0, 1, 2:
			c.brand = []string{pick(r.surnames)}
		case 3:
			c.brand = []string{pick(r.surnames), "&", pick(r.surnames)}
		case 4:
			c.brand = []string{strings.ToUpper(string([]byte{byte('a' + g.IntN(26)), byte('a' + g.IntN(26)), byte('a' + g.IntN(26))}))}
		default:
			c.brand, c.coined = []string{coin()}, true
		}
		c.trade = strings.Fields(pick(r.trades))
		if g.IntN(4) == 0 {
			c.trade = append(c.trade, strings.Fields(pick(r.trades))...)
		}
		c.city = pick(r.cities)
		core := strings.Join(append(slices.Clone(c.brand), c.trade...), " ")
		if seen[core] {
			continue // their names do not tell them apart
		}
		seen[core] = true
		c.street = fmt.Sprintf("%s %d", pick([]string{"Atatürk Cad.", "Hauptstr.", "High Street", "rue de Paris", "Sanayi Sok.", "Industriestr.", "Station Road", "via Roma", "ул. Ленина"}), 1+g.IntN(200))
		c.tax, c.phone = fmt.Sprintf("%010d", g.IntN(1e10)), fmt.Sprintf("%010d", 2000000000+g.IntN(8e9))
		rows := 1
		for rows < 6 && g.IntN(5) < 2 {
			rows++
		}
		for k := range rows {
			rec := things.Record{ID: fmt.Sprintf("%d-%d", len(seen), k), Name: c.write(g, k > 0)}
			if detail {
				c.fill(g, &rec, k > 0)
			}
			truth[rec.ID] = fmt.Sprint(len(seen))
			out = append(out, rec)
		}
	}
	g.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out, truth
}

// write writes the name as the register has it, or as others do.
func (c *company) write(g *rand.Rand, varied bool) string {
	one := func(n int) bool { return varied && g.IntN(n) == 0 }
	brand, trade := slices.Clone(c.brand), slices.Clone(c.trade)
	if len(brand) == 3 {
		switch {
		case one(4):
			brand[1] = c.r.and
		case one(4):
			brand = []string{brand[0], brand[2]}
		case one(8):
			brand[0], brand[2] = brand[2], brand[0]
		}
	}
	if c.coined && one(6) {
		trade = nil // the brand alone says who it is
	}
	words := append(brand, trade...)
	if len(trade) > 0 && one(12) {
		words = append(slices.Clone(trade), brand...)
	}
	if c.filler != "" && !one(3) {
		words = append(words, strings.Fields(c.filler)...)
	}
	for i, w := range words {
		if s, ok := c.r.short[w]; ok && one(2) {
			words[i] = s
		}
		if (w == c.r.and || w == "ve") && one(3) {
			words[i] = "&"
		}
	}
	for range 1 + g.IntN(2) {
		if one(5) {
			i := g.IntN(len(words))
			words[i] = mistype(g, words[i])
		}
	}
	name := strings.Join(words, " ")
	form := c.form[0]
	if varied {
		form = c.form[g.IntN(len(c.form))]
	}
	switch {
	case one(5):
	case c.front:
		name = form + " " + pickOne(g, []string{"«%s»", "\"%s\"", "%s"}, name)
	default:
		name += " " + form
	}
	if one(12) {
		name += " " + pickOne(g, c.r.branch, c.r.cities[g.IntN(len(c.r.cities))])
	}
	switch {
	case one(4):
		name = strings.ToUpper(name)
	case one(6):
		name = things.Fold(name)
	case one(8):
		name = strings.ToUpperSpecial(unicode.TurkishCase, name)
	}
	return name
}

func pickOne(g *rand.Rand, formats []string, s string) string {
	f := formats[g.IntN(len(formats))]
	return strings.Replace(f, "%s", s, 1)
}

// mistype leaves out, doubles, exchanges or replaces one letter.
func mistype(g *rand.Rand, w string) string {
	r := []rune(w)
	if len(r) < 4 {
		return w
	}
	i := 1 + g.IntN(len(r)-2)
	switch g.IntN(4) {
	case 0:
		r = slices.Delete(r, i, i+1)
	case 1:
		r = slices.Insert(r, i, r[i])
	case 2:
		r[i], r[i+1] = r[i+1], r[i]
	case 3:
		r[i] = rune('a' + g.IntN(26))
	}
	return string(r)
}

// fill fills in what address books have beside the name, with gaps and errors.
func (c *company) fill(g *rand.Rand, rec *things.Record, varied bool) {
	if g.IntN(4) > 0 {
		rec.City = c.city
		if varied && g.IntN(10) == 0 {
			rec.City = c.r.cities[g.IntN(len(c.r.cities))]
		}
	}
	if g.IntN(3) > 0 {
		rec.Street = c.street
		if varied && g.IntN(8) == 0 {
			rec.Street = mistype(g, rec.Street)
		}
	}
	if g.IntN(3) == 0 {
		rec.Code = c.tax
	}
	if g.IntN(2) == 0 {
		rec.Phone = c.phone
	}
}
