package people

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
)

// values returns what a record is compared by.
func values(t testing.TB, opt Options, r Record) []string {
	t.Helper()
	l, err := New(opt)
	require.NoError(t, err)
	return l.normalizer().record(&r).Values
}

func several(numbers ...string) string { return strings.Join(numbers, dedup.Sep) }

// Case E9: phone cells of real exports.
func TestPhoneCells(t *testing.T) {
	const a, b, board = "+905321234567", "+905337654321", "+902125551234"
	for _, c := range []struct{ cell, region, want string }{
		{"'05321234567", "", a}, {"’0532 123 45 67", "", a}, {`="05321234567"`, "", a}, {"5321234567.0", "", a}, {"905321234567.00", "", a}, {"5321234567,0", "", a},
		{"0532.123.45.60", "", "+905321234560"}, {"0532.123.4560", "", "+905321234560"},
		{"5.32E+09", "", ""}, {"5,32123E+11", "", ""}, {"9.05321E+11", "", ""}, {"5.321234567E+09", "", a}, {"9,05321234567E+11", "", a},
		{"0532 123 45 67 (eşi)", "", a}, {"(eşi) 0532 123 45 67", "", a}, {"0532 123 45 67 - annesi", "", a}, {"Tel: 0532 123 45 67", "", a},
		{"0212 555 12 34 dahili 12", "", board}, {"0212 555 12 34/12", "", board}, {"0212 555 12 34 / 123", "", board}, {"0212 555 12 34 x12", "", board},
		{"0212 555 12 34 ext. 12", "", board}, {"02125551234x12", "", board}, {"0212 555 12 34 #12", "", board}, {"0212 555 12 34, 5", "", board}, {"0212/555 12 34", "", board},
		{"0532 123 45 67 / 0533 765 43 21", "", several(a, b)}, {"05321234567,05337654321", "", several(a, b)}, {"05321234567 05337654321", "", several(a, b)},
		{"0532 123 45 67 0533 765 43 21", "", several(a, b)}, {"0532 123 45 67; 0532 123 45 67", "", a}, {"0533 765 43 21 ve 0532 123 45 67", "", several(a, b)},
		{"0532 123 45 67 (eşi) 0533 765 43 21 (oğlu)", "", several(a, b)}, {"+905321234567+905337654321", "", several(a, b)}, {"0532 123 45 67\n0212 555 12 34/35", "", several(board, a)},
		{"0212/555 12 34 - 0532 123 45 67", "", several(board, a)}, {"0532 xxx 45 67 / 0533 765 43 21", "", b}, {"0532 *** 45 67, 0533 765 43 21", "", b},
		{"٠٥٣٢١٢٣٤٥٦٧", "", a}, {"０５３２１２３４５６７", "", a}, {"0532–123–45–67", "", a},
		{"0532 xxx 45 67", "", ""}, {"0532 123 45 xx", "", ""}, {"0532123xx67", "", ""}, {"0532 123 45 ##", "", ""}, {"0171 1234xxx", "DE", ""}, {"0171xxx4567", "DE", ""},
		{"yok", "", ""}, {"-", "", ""}, {"0", "", ""}, {"155", "", ""}, {"05555555555 / 0000000000", "", ""},
		{"030/12345678", "DE", "+493012345678"}, {"0711 1234567 / 0171 1234567", "DE", several("+491711234567", "+497111234567")}, {"020 7946 0958 ext 12", "GB", "+442079460958"},
		{"+44 20 7946 0958; 0532 123 45 67", "", several("+442079460958", a)}, {strings.Repeat("0532 123 45 67 / ", 500), "", ""},
	} {
		got := values(t, Options{Region: c.region}, Record{ID: "1", Phones: []string{c.cell}})[fieldPhone]
		require.Equal(t, c.want, got, "%q", c.cell)
		one, ok := Phone(c.cell, c.region)
		require.Equal(t, ok, one != "", "%q", c.cell)
		if strings.Contains(c.want, dedup.Sep) {
			require.Empty(t, one, "%q: neither of two", c.cell)
		}
	}
	// A host's own normaliser sees the cell as it is.
	seen := ""
	values(t, Options{Normal: Normalizers{Phone: func(s string) string { seen = s; return "" }}}, Record{ID: "1", Phones: []string{"1 / 2"}})
	require.Equal(t, "1 / 2", seen)
}

// Case E10: e-mail cells of real exports.
func TestEmailCells(t *testing.T) {
	const a, b = "ayse@gmail.com", "ali@example.com"
	for cell, want := range map[string]string{
		"mailto:ayse@gmail.com": a, "MAILTO:Ayse@Gmail.com": a, "Ayşe Yılmaz <ayse@gmail.com>": a, "ayse@gmail,com": a, "ayse @gmail.com": a, "ayse@ gmail.com": a, "ayse@@gmail.com": a,
		"ayse@gmail.com,": a, "(ayse@gmail.com)": a, "e-posta: ayse@gmail.com": a, `"ayse@gmail.com"`: a,
		"ayse@gmail.com, ali@example.com": several(b, a), "ali@example.com;ayse@gmail.com": several(b, a), "ali@example.com / ayse@gmail.com": several(b, a),
		"ali@example.com ayse@gmail,com": several(b, a), "ali@example.com,ayse@gmail,com": several(b, a), "ayse@gmail,com,ali@example.com": several(b, a),
		"ayse@gmial.com": a, "ayse@gmail.con": a, "ayse@gmai.com": a, "ayse@gmaill.com": a, "a.y.s.e@gmail.cm": a, "ayse@hotmial.com": "ayse@hotmail.com", "ayse@hotmail.com.tr": "ayse@hotmail.com.tr", "ayse@yaho.com": "ayse@yahoo.com",
		"ayse@mail.com": "ayse@mail.com", "ayse@ymail.com": "ayse@ymail.com", "ayse@email.com": "ayse@email.com", "ayse@hotmail.fr": "ayse@hotmail.fr", "ayse@live.com": "ayse@live.com", "ayse@gmx.net": "ayse@gmx.net",
		"yok": "", "@": "", "ayse@": "", "a***@gmail.com": "", "info@example.com, ali@example.com": b, "ayse@gmail": "", strings.Repeat("ayse@gmail.com, ", 500): "",
	} {
		require.Equal(t, want, values(t, Options{}, Record{ID: "1", Emails: []string{cell}})[fieldEmail], "%q", cell)
	}
}

// Case E11: names as other programs left them.
func TestMendedText(t *testing.T) {
	for _, c := range []struct{ raw, region, want string }{
		{"Y&#305;lmaz", "", "yilmaz"}, {"&Ouml;zt&uuml;rk", "", "ozturk"}, {"&amp;#350;ahin", "", "sahin"}, {"O&#39;Neil", "", "oneil"}, {"Ali &amp; Veli", "", "ali veli"}, {"R&B", "", "r b"},
		{"YÄ±lmaz", "", "yilmaz"}, {"Ä°pek", "", "ipek"}, {"ÅŸahin", "", "sahin"}, {"ÅžAHÄ°N", "", "sahin"}, {"ÄŸ", "", "g"}, {"Ã–ZTÃœRK", "", "ozturk"}, {"Ã‡aÄŸlar", "", "caglar"}, {"GÃ¼lÅŸen", "DE", "gulsen"}, {"Ã„Â°pek", "", "ipek"},
		{"Yýlmaz", "", "yilmaz"}, {"Iþýl", "", "isil"}, {"ÞAHÝN", "", "sahin"}, {"Daðdelen", "", "dagdelen"}, {"Kadýköy", "", "kadikoy"}, {"Çaðlar", "", "caglar"}, {"Ýpek", "", "ipek"},
		{"Novotný", "", "novotny"}, {"Černý", "", "cerny"}, {"Þórsdóttir", "", "thorsdottir"}, {"Guðmundur", "IS", "gudmundur"}, {"Yýlmaz", "DE", "yylmaz"},
		{"Hâkan", "", "hakan"}, {"HÂKAN", "", "hakan"}, {"Işıl", "", "isil"}, {"São João", "", "sao joao"}, {"Müller", "", "muller"}, {"Ångström", "", "angstrom"}, {"Ağaoğlu", "", "agaoglu"},
	} {
		require.Equal(t, c.want, values(t, Options{Region: c.region}, Record{ID: "1", Given: c.raw})[fieldGiven], "%q", c.raw)
	}
}

// Cases E3 and E11: one letter stands for a name, two names that begin alike do not.
func TestInitials(t *testing.T) {
	for _, c := range []struct {
		a, b          string
		part, initial float64
	}{
		{"m ali", "mehmet ali", 1, 1}, {"mehmet a", "mehmet ali", 1, 1}, {"m ali", "mehmet ali can", 1, 1}, {"m", "mehmet", 0, 1}, {"m", "mehmet ali", 0, 1}, {"m a", "mehmet ali", 0, 1}, {"m ali", "mehmet", 0, 1},
		{"m ali", "hasan ali", 0, 0}, {"m ali", "mustafa kemal", 0, 0}, {"hasan", "huseyin", 0, 0}, {"m", "m ali", 0, 0}, {"a a", "ali ahmet", 0, 1}, {"a a b", "ali ahmet", 0, 1}, {"ali a", "ali", 1, 0}, {"ali a", "ali veli", 0, 0},
		{"fatma", "hatice fatma", 1, 0}, {"m", "n", 0, 0}, {"ş", "şule", 0, 0},
	} {
		for _, p := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			require.Equal(t, c.part, part{}.Compare(p[0], p[1]), "%q", p)
			require.Equal(t, c.initial, initial{}.Compare(p[0], p[1]), "%q", p)
			require.GreaterOrEqual(t, initial{}.Bound(initial{}.Sketch(p[0]), initial{}.Sketch(p[1])), c.initial)
		}
	}
	r := Record{ID: "1", Given: "M.Ali", Family: "Kaya"}
	require.Equal(t, "m ali", values(t, Options{}, r)[fieldGiven])
}

// FuzzPhoneCell holds that no cell crashes or grows, and that what was read is read again.
func FuzzPhoneCell(f *testing.F) {
	for _, s := range []string{"0532 123 45 67 / 0533 765 43 21", "5.32E+09", "'05321234567", "5321234567.0", "0212 555 12 34 dahili 12", "+90532+905337654321", "0x1x2#3", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := phonesIn(nil, cell, "TR")
		require.LessOrEqual(t, len(got), mostCell/8)
		for _, e := range got {
			again, ok := Phone(e, "TR")
			require.True(t, ok, e)
			require.Equal(t, e, again)
		}
		if e, ok := Phone(cell, "TR"); ok {
			again, _ := Phone(e, "TR")
			require.Equal(t, e, again)
		}
	})
}

func FuzzEmailCell(f *testing.F) {
	for _, s := range []string{"a@gmail,com, b@c.example", "mailto:x@y.example", "@@,@", "a@b,c@d,com", "<a@b.c>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := emailsIn(nil, cell, nil)
		require.LessOrEqual(t, len(got), mostCell)
		for _, e := range got {
			again, ok := Email(e)
			require.True(t, ok, e)
			require.Equal(t, e, again)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"YÄ±lmaz", "&amp;#351;", "Iþýl", "Ã", "&nGt;", "\xc3", "Ã„Â°"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := &normalizer{turkish: true}
		once := n.text(s)
		require.LessOrEqual(t, len(once), 3*len(s))
		require.Equal(t, once, n.text(once))
	})
}
