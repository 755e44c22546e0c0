package things_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/dedup/things"
)

// The forms in which codes stand in names (E8).
func TestCodes(t *testing.T) {
	for in, want := range map[string][]string{
		"Panasonic KX-TGA820B Cordless Handset - KXTGA820B": {"kxtga820b"},
		"Apple iPod nano Armband - MB769G/A":                {"mb769ga"},
		"Logitech V470 Mouse - 910-000298":                  {"v470", "910000298"},
		"Coca Cola 500ml":                                   nil, // a measure
		"Sony 7.1 Channel":                                  nil,
		"103 West":                                          nil,
		"Zeytinyağı 5L Teneke":                              nil,
		"8690504000013 Ülker Çikolata":                      {"8690504000013"},
	} {
		require.Equal(t, want, things.Codes(in), in)
	}
	require.Equal(t, []string{"ab", "12"}, things.CodesOfColumn("AB, 12"), "in a column of codes short ones count")
	require.Equal(t, 0.9, things.CompareCodes("xmh10a", "xmh10"), "a variant")
	require.Equal(t, 0.7, things.CompareCodes("yht390bk", "yht390bl"))
	require.Zero(t, things.CompareCodes("ln46a550", "wd65835"))
}

func TestMeasures(t *testing.T) {
	for _, k := range []struct {
		a, b string
		like float64
	}{
		{"Su 0,5 L", "Su 500 ml", 1},
		{"Disk 1 TB", "Disk 1000GB", 1},
		{"Un 1.5 kg", "Un 1500 gr.", 1},
		{"TV 46\"", "TV 46 inch", 1},
		{"TV 46' Black", "TV 46-inch", 1},
		{"Kola 250 ml", "Kola 330ml", 0},
		{"Kola 330 ml", "Kola 330 ml 6 adet", 1},
		{"Kola 250 ml", "Kola 24'lü", 0.5},
		{"Telefon 128GB 8GB", "Telefon 8 GB 128 GB", 1},
	} {
		a, _ := things.Measures(k.a)
		b, _ := things.Measures(k.b)
		got := 1.0
		if a != b {
			got = things.CompareMeasures(a, b)
		}
		require.Equal(t, k.like, got, "%s (%s) | %s (%s)", k.a, a, k.b, b)
	}
	_, rest := things.Measures("Su 0,5 L cam")
	require.Equal(t, "Su cam", rest)
}

func TestPrices(t *testing.T) {
	for in, want := range map[string]string{
		"$1,299.00": "1299", "1.299,00 TL": "1299", "39.99": "39.99", "₺ 39,9": "39.9", "1.234.567,5": "1234567.5", "12'500.50 CHF": "12500.5",
		"1.299": "1299", "1,299": "1299", "0.125": "0.125", "": "", "call": "", "0": "", "-": "", "399": "399", "EUR 5,-": "5",
	} {
		require.Equal(t, want, things.Price(in), in)
	}
	require.Equal(t, "1999", things.Year("SIGMOD 1999, 12"))
	require.Equal(t, "", things.Year("99"))
}

// Company names as registers, invoices and people write them (E8): one name.
func TestCompanyNames(t *testing.T) {
	for _, same := range [][]string{
		{"Yılmaz Gıda Sanayi ve Ticaret A.Ş.", "YILMAZ GIDA SANAYİ VE TİCARET ANONİM ŞİRKETİ", "Yilmaz Gida Sanayi ve Ticaret AS", "Yılmaz Gıda Sanayi ve Ticaret A. Ş. İzmir Şubesi"},
		{"Demir Tekstil Ltd. Şti.", "DEMİR TEKSTİL LTD.ŞTİ.", "Demir Tekstil Limited Şirketi", "demir tekstil ltd sti"},
		{"Müller Maschinenbau GmbH & Co. KG", "Müller Maschinenbau GmbH und Co. KG", "MÜLLER MASCHINENBAU GMBH & CO KG", "Müller Maschinenbau GmbH & Co. KG, Niederlassung Köln"},
		{"H&M Hennes Mauritz AB", "H & M Hennes Mauritz", "HM Hennes Mauritz (London)"},
		{"Établissements Durand SARL", "Etablissements Durand S.à r.l.", "ETABLISSEMENTS DURAND S.A.R.L."},
		{"Bakker Techniek B.V.", "Bakker Techniek BV", "Bakker Techniek b.v."},
		{"ООО «Ромашка»", "Ромашка ООО", "Общество с ограниченной ответственностью \"Ромашка\""},
		{"Acme Watches, Inc.", "ACME WATCHES INC", "Acme Watches Incorporated", "Acme Watches"},
		{"Kowalski Budownictwo Sp. z o.o.", "KOWALSKI BUDOWNICTWO SP ZOO"},
		{"Rossi Costruzioni S.p.A.", "Rossi Costruzioni SPA"},
	} {
		want, _ := things.Company(same[0])
		require.NotEmpty(t, want)
		for _, s := range same[1:] {
			got, _ := things.Company(s)
			require.Equal(t, want, got, s)
		}
	}
	_, joint := things.Company("Koç Holding A.Ş.")
	_, limited := things.Company("Koç Holding Ltd. Şti.")
	require.NotEqual(t, joint, limited)
	for _, kept := range []string{"AG", "SA SA", "Ltd", "Co"} { // nothing would be left
		got, _ := things.Company(kept)
		require.NotEmpty(t, got, kept)
	}
}

// Nothing that a cell may hold panics, and what is folded stays.
func TestNormalAnything(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`([0-9.,'"″ ]{1,6}|a\.ş\.|gmbh|co|kg|sub|şubesi|nl|&amp;|[a-zçğ]{1,4}| |-|\(|\)){0,12}`),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "s")
		things.Company(s)
		things.Codes(s)
		things.CodesOfColumn(s)
		things.Price(s)
		things.Year(s)
		m, rest := things.Measures(s)
		if _, again := things.Measures(rest); len(again) > len(rest) {
			t.Fatal("grew")
		}
		if l := things.CompareMeasures(m, m); m != "" && l != 1 {
			t.Fatalf("%q is not itself", m)
		}
		if f := things.Fold(s); things.Fold(f) != f {
			t.Fatal("not folded")
		}
	})
}
