package messaging

import (
	"strings"
	"unicode"
)

// countryNames are what exports call the countries of Jurisdictions, in letters of ASCII
// without case: codes of three letters, and names in English, Turkish and the country's own
// language.
var countryNames = map[string]string{
	"tur": "TR", "turkiye": "TR", "turkey": "TR", "turkei": "TR", "turquie": "TR", "tc": "TR", "turkiyecumhuriyeti": "TR",
	"republicofturkiye": "TR", "republicofturkey": "TR", "therepublicofturkiye": "TR", "therepublicofturkey": "TR",
	"are": "AE", "uae": "AE", "unitedarabemirates": "AE", "birlesikarapemirlikleri": "AE", "bae": "AE",
	"aut": "AT", "austria": "AT", "osterreich": "AT", "oesterreich": "AT", "avusturya": "AT",
	"aze": "AZ", "azerbaijan": "AZ", "azerbaycan": "AZ", "azrbaycan": "AZ",
	"bel": "BE", "belgium": "BE", "belgique": "BE", "belgie": "BE", "belcika": "BE",
	"bgr": "BG", "bulgaria": "BG", "bulgaristan": "BG",
	"che": "CH", "switzerland": "CH", "schweiz": "CH", "suisse": "CH", "svizzera": "CH", "isvicre": "CH",
	"deu": "DE", "ger": "DE", "germany": "DE", "deutschland": "DE", "almanya": "DE",
	"esp": "ES", "spain": "ES", "espana": "ES", "ispanya": "ES",
	"fra": "FR", "france": "FR", "fransa": "FR",
	"gbr": "GB", "uk": "GB", "unitedkingdom": "GB", "greatbritain": "GB", "england": "GB", "ingiltere": "GB", "birlesikkrallik": "GB",
	"grc": "GR", "greece": "GR", "yunanistan": "GR", "el": "GR",
	"ita": "IT", "italy": "IT", "italia": "IT", "italya": "IT",
	"nld": "NL", "netherlands": "NL", "thenetherlands": "NL", "nederland": "NL", "holland": "NL", "hollanda": "NL",
	"rou": "RO", "romania": "RO", "romanya": "RO",
	"sau": "SA", "saudiarabia": "SA", "suudiarabistan": "SA",
	"usa": "US", "unitedstates": "US", "unitedstatesofamerica": "US", "theunitedstates": "US", "abd": "US", "amerika": "US", "amerikabirlesikdevletleri": "US",
}

// plainLetters are the letters of those names that are not of ASCII, without case.
var plainLetters = map[rune]string{
	'ı': "i", 'ü': "u", 'ö': "o", 'ç': "c", 'ş': "s", 'ğ': "g", 'â': "a", 'î': "i", 'û': "u", 'ä': "a", 'ß': "ss", 'é': "e", 'è': "e", 'ë': "e", 'ñ': "n",
}

// Country returns the code under which h knows a country as a source wrote it: by its code of ISO
// 3166-1 in any case, of two letters or of three, or by its name in English, Turkish or its own
// language. It is empty of a country that h has no jurisdiction of, and of what is none. A nil
// Hours knows none.
func (h *Hours) Country(s string) string {
	if len(s) > 200 {
		return ""
	}
	var b strings.Builder
	for _, r := range s {
		switch r = unicode.ToLower(r); {
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case plainLetters[r] != "":
			b.WriteString(plainLetters[r])
		}
	}
	name := b.String()
	if code := strings.ToUpper(name); len(code) == 2 && h.Knows(code) {
		return code
	}
	if code := countryNames[name]; h.Knows(code) {
		return code
	}
	return ""
}
