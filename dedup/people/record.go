package people

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/internal/fold"
)

// Record is what one source says about a person, as it says it: normalising is
// done here. Everything but ID may be missing.
type Record struct {
	ID     string // unique among the records; the caller's key
	Source string // where it comes from; not compared, see [Options.OnePerSource]
	Given  string // all given names
	Family string // all surnames
	// FullName is read where Given and Family are both missing (the last word is
	// the surname, or what stands before a comma), and for words they lack.
	FullName string
	Gender   string   // F, M, female, male, kadın, erkek…; anything else is unknown
	Birth    string   // ISO date; a year or a year and month will do
	Phones   []string // any format; one may be several numbers with a comma, a slash or a note between
	Emails   []string // any case; an address of a relay is no evidence; one may be several, or have "mailto:"
	City     string   // il
	District string   // ilçe, or part of a city
	Postcode string
	Street   string // with the number of the house; usual abbreviations are known
	// Extra holds further attributes in the order of [Options.Extra].
	Extra []string
}

// Fields of the schema, in order; extra fields follow.
const (
	fieldGiven = iota
	fieldFamily
	fieldOther
	fieldBirth
	fieldPhone
	fieldEmail
	fieldGender
	fieldPlace
	fieldPostcode
	fieldStreet
	fieldNames
	fieldCity
	fieldDistrict
	fieldGeneration
	fieldYear
	fieldCount
)

// normalizer turns records into values; it reuses its buffers and is for one goroutine.
type normalizer struct {
	Normalizers
	phonesIn, emailsIn func(dst []string, cell string) []string // of cells that are not one; nil where a host normalises

	turkish bool // names are: what Turkish does not have was another letter
	values  []string
	words   []string
	buf     []byte
}

func (n *normalizer) record(r *Record) dedup.Record {
	v := n.values
	clear(v)
	full := n.text(r.FullName)
	given, family := n.Name(n.text(r.Given)), n.Name(n.text(r.Family))
	if given == "" && family == "" && full != "" {
		given, family = n.splitName(full)
	}
	v[fieldGiven], v[fieldFamily] = given, family
	if full != "" {
		v[fieldOther] = n.other(n.Name(full), given, family)
	}
	v[fieldNames] = n.names(given, family)
	v[fieldGeneration] = cmp.Or(generation(r.Family), generation(r.Given), generation(r.FullName))
	v[fieldBirth] = n.Birth(r.Birth)
	v[fieldPhone] = n.set(r.Phones, n.Phone, n.phonesIn)
	v[fieldEmail] = n.set(r.Emails, n.Email, n.emailsIn)
	v[fieldGender] = gender(r.Gender)
	v[fieldYear] = year(v[fieldBirth], v[fieldEmail], given)
	v[fieldCity], v[fieldDistrict] = key(n.text(r.City)), key(n.text(r.District))
	switch {
	case v[fieldCity] != "" && v[fieldDistrict] != "":
		n.buf = append(append(append(n.buf[:0], v[fieldCity]...), '|'), v[fieldDistrict]...)
		v[fieldPlace] = string(n.buf)
	case v[fieldCity] != "":
		v[fieldPlace] = v[fieldCity]
	case v[fieldDistrict] != "":
		v[fieldPlace] = "|" + v[fieldDistrict]
	}
	v[fieldPostcode] = strings.ReplaceAll(key(r.Postcode), " ", "")
	v[fieldStreet] = n.Street(n.text(r.Street))
	for i := fieldCount; i < len(v) && i-fieldCount < len(r.Extra); i++ {
		v[i] = key(n.text(r.Extra[i-fieldCount]))
	}
	return dedup.Record{ID: r.ID, Source: r.Source, Values: v}
}

// key folds a value; the fields are cut first, so that none costs more than it can tell.
func key(s string) string {
	if len(s) > 4*dedup.MaxValue {
		s = s[:4*dedup.MaxValue]
	}
	return fold.Key(s)
}

// titles are words before or after a name that are no part of it.
var titles = map[string]bool{
	"mr": true, "mrs": true, "ms": true, "miss": true, "dr": true, "prof": true, "sn": true, "sayin": true,
	"bay": true, "bayan": true, "herr": true, "frau": true, "av": true, "doc": true, "jr": true, "sr": true,
}

// suffixes are titles that stand after a name.
var suffixes = map[string]bool{"jr": true, "sr": true, "junior": true, "senior": true, "ii": true, "iii": true, "iv": true, "phd": true, "md": true, "esq": true}

// generations are the suffixes that tell father and son of one name apart.
var generations = map[string]string{"sr": "1", "senior": "1", "jr": "2", "junior": "2", "ii": "2", "iii": "3", "iv": "4"}

// generation returns what the last word of a name, or of what stands before a comma, says
// about who of one name it is, "" in nearly all cases.
func generation(s string) string {
	if strings.IndexByte(s, ' ') < 0 && strings.IndexByte(s, ',') < 0 {
		return ""
	}
	s = strings.TrimRight(s, " .,")
	i := strings.LastIndexAny(s, " ,")
	if i < 0 {
		return ""
	}
	if w := s[i+1:]; len(w) >= 2 && len(w) <= len("junior") {
		var buf [6]byte
		for k := range w {
			buf[k] = w[k] | 0x20 // lower case, of letters
		}
		if g := generations[string(buf[:len(w)])]; g != "" {
			return g
		}
	}
	if before, _, ok := strings.Cut(s, ","); ok {
		return generation(before)
	}
	return ""
}

// name folds a name and drops titles, unless nothing else would be left.
func name(s string) string {
	k := key(s)
	word, rest, found := strings.Cut(k, " ")
	for found && titles[word] {
		k = rest
		word, rest, found = strings.Cut(k, " ")
	}
	for i := strings.LastIndexByte(k, ' '); i > 0 && suffixes[k[i+1:]]; i = strings.LastIndexByte(k, ' ') {
		k = k[:i]
	}
	if strings.IndexByte(k, '0') >= 0 && strings.Trim(k, "0 ") == "" {
		return ""
	}
	switch k {
	case "null", "none", "na", "n a", "unknown", "bilinmiyor", "yok", "test", "musteri", "misafir", "guest":
		return ""
	}
	return k
}

func (n *normalizer) splitName(full string) (given, family string) {
	if before, after, ok := strings.Cut(full, ","); ok {
		return n.Name(after), n.Name(before)
	}
	k := n.Name(full)
	if i := strings.LastIndexByte(k, ' '); i > 0 {
		return k[:i], k[i+1:]
	}
	return "", k
}

// other returns the words of the full name that neither names have, as a set.
func (n *normalizer) other(full, given, family string) string {
	n.words = n.words[:0]
	for w := range strings.SplitSeq(full, " ") {
		if w != "" && !hasWord(given, w) && !hasWord(family, w) {
			n.words = append(n.words, w)
		}
	}
	slices.Sort(n.words)
	return strings.Join(slices.Compact(n.words), " ")
}

func hasWord(s, w string) bool {
	for x := range strings.SplitSeq(s, " ") {
		if x == w {
			return true
		}
	}
	return false
}

// names is the key of all names in any order; it needs both.
func (n *normalizer) names(given, family string) string {
	if given == "" || family == "" {
		return ""
	}
	if strings.IndexByte(given, ' ') < 0 && strings.IndexByte(family, ' ') < 0 {
		a, b := min(given, family), max(given, family)
		n.buf = append(append(append(n.buf[:0], a...), ' '), b...)
		return string(n.buf)
	}
	n.words = append(append(n.words[:0], strings.Fields(given)...), strings.Fields(family)...)
	slices.Sort(n.words)
	return strings.Join(n.words, " ")
}

// set normalises the elements of a field and joins those that are any good. An element that
// is none may be several.
func (n *normalizer) set(raw []string, normal func(string) string, several func([]string, string) []string) string {
	if len(raw) == 1 {
		if s := normal(raw[0]); s != "" || raw[0] == "" || several == nil {
			return s
		}
	}
	n.words = n.words[:0]
	for _, r := range raw {
		if s := normal(r); s != "" {
			n.words = append(n.words, s)
		} else if r != "" && several != nil {
			n.words = several(n.words, r)
		}
	}
	if len(n.words) == 0 {
		return ""
	}
	slices.Sort(n.words)
	n.words = slices.Compact(n.words)
	if len(n.words) > mostContacts {
		n.words = n.words[:mostContacts]
	}
	return strings.Join(n.words, dedup.Sep)
}

// mostContacts is the number of phones or e-mails of a record that are read.
const mostContacts = 16

// birth returns yyyy-mm-dd, yyyy-mm or yyyy, or "" for anything else. Digits alone
// (yyyymmdd) and days first (31.12.1980, 31/12/1980) are read too. Impossible months and days are kept, as wrong dates of one
// person are often wrong alike.
func birth(s string) string {
	if len(s) != 10 || s[4] != '-' || s[9] < '0' || s[9] > '9' { // no date in ISO's form alone
		s = strings.TrimSpace(s)
		if i := strings.IndexAny(s, "T "); i >= 0 {
			s = s[:i]
		}
		s = dayFirst(s)
	}
	digits := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c == '-' && (i == 4 || i == 7):
			digits = false
		default:
			return ""
		}
	}
	switch {
	case digits && len(s) == 8:
		s = s[:4] + "-" + s[4:6] + "-" + s[6:]
	case len(s) != 4 && len(s) != 7 && len(s) != 10:
		return ""
	}
	if year := s[:4]; year == "1900" || year == "0000" || year == "0001" || year == "9999" {
		return "" // what systems write for "unknown"
	}
	if s == "1970-01-01" {
		return ""
	}
	return s
}

// dayFirst turns a date with its year at the end into one with it at the start. The day
// comes first, as it does nearly everywhere, unless only the other order makes a date.
func dayFirst(s string) string {
	n := len(s)
	if n < 8 || n > 10 || s[n-5] != '.' && s[n-5] != '/' && s[n-5] != '-' {
		return s
	}
	day, month, ok := strings.Cut(s[:n-5], s[n-5:n-4])
	if !ok || len(day) < 1 || len(day) > 2 || len(month) < 1 || len(month) > 2 {
		return s
	}
	two := func(s string) string {
		if len(s) == 1 {
			return "0" + s
		}
		return s
	}
	day, month = two(day), two(month)
	if month > "12" && day <= "12" {
		day, month = month, day
	}
	return s[n-4:] + "-" + month + "-" + day
}

// streetWords are ways to write the same word of an address, by the one that is kept.
var streetWords = map[string]string{
	"mahalle": "mah", "mahallesi": "mah", "mh": "mah", "cadde": "cad", "caddesi": "cad", "cd": "cad",
	"sokak": "sok", "sokagi": "sok", "sk": "sok", "bulvar": "blv", "bulvari": "blv", "bulv": "blv", "apartmani": "apt", "apartman": "apt",
	"daire": "d", "numara": "no", "street": "st", "road": "rd", "avenue": "ave", "av": "ave", "boulevard": "blvd", "drive": "dr",
	"lane": "ln", "place": "pl", "court": "ct", "square": "sq", "strasse": "str",
}

// street folds an address and spells its usual words one way.
func street(s string) string {
	k := key(s)
	found := false
	for w := range strings.SplitSeq(k, " ") {
		if streetWords[w] != "" {
			found = true
			break
		}
	}
	if !found {
		return k
	}
	words := strings.Split(k, " ")
	for i, w := range words {
		if short := streetWords[w]; short != "" {
			words[i] = short
		}
	}
	return strings.Join(words, " ")
}

func gender(s string) string {
	switch key(s) {
	case "f", "female", "k", "kadin", "w", "weiblich", "femme", "kiz", "woman", "bayan", "frau", "feminin", "mujer", "femenino", "vrouw", "vrouwelijk", "ж", "женскии", "женский":
		return "f"
	case "m", "male", "e", "erkek", "maennlich", "mannlich", "homme", "man", "bay", "herr", "masculin", "hombre", "masculino", "mannelijk", "м", "мужскои", "мужской":
		return "m"
	}
	return ""
}
