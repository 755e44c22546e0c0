package things

import "github.com/vefacrm/vefa/dedup/metric"

// What the tests of the package's outside see of its inside.

func Codes(s string) []string { codes, _ := cutCodes(nil, s, false); return codes }

func CodesOfColumn(s string) []string { codes, _ := cutCodes(nil, s, true); return codes }

func Measures(s string) (found, rest string) { return cutMeasures(s) }

func CompareMeasures(a, b string) float64 { return measures{}.Compare(a, b) }

func CompareCodes(a, b string) float64 { return codes{}.Compare(a, b) }

func Price(s string) string { return parsePrice(s) }

func Year(s string) string { return parseYear(s) }

func Company(s string) (name, form string) {
	n := Companies.read(&Record{Name: s})
	return n.name, n.form
}

// Constants are the constants that doc.go and metric.Spelling list, by name, with what halves
// and doubles each.
func Constants() map[string][2]func(*Linker) {
	double := func(set func(t *tuning, by float64)) [2]func(*Linker) {
		return [2]func(*Linker){func(l *Linker) { set(&l.tune, 0.5) }, func(l *Linker) { set(&l.tune, 2) }}
	}
	s := metric.Spelling{Near: 0.75, Short: 0.6, Alike: 0.9, Rare: 3, Often: 10}
	return map[string][2]func(*Linker){
		"words a record is looked for by": double(func(t *tuning, by float64) { t.mostKeys = int(by * float64(t.mostKeys)) }),
		"in any case":                     double(func(t *tuning, by float64) { t.leastKeys = int(by * float64(t.leastKeys)) }),
		"texts of such a word":            double(func(t *tuning, by float64) { t.common *= by }),
		"texts of a word that teaches":    double(func(t *tuning, by float64) { t.rare *= by }),
		"levels":                          {func(l *Linker) { l.tune.step = 0.2 }, func(l *Linker) { l.tune.step = 1.0 / 14 }}, // more than 14 there are not
		"equal matches assumed":           double(func(t *tuning, by float64) { t.equal = by }),
		"chance assumed":                  double(func(t *tuning, by float64) { t.chance = by }),
		"wrong letters":                   double(func(t *tuning, by float64) { t.spelling.Near = 1 - by*(1-s.Near) }),
		"length of abbreviations":         {func(l *Linker) { l.tune.spelling.Short = s.Short / 2 }, func(l *Linker) { l.tune.spelling.Short = 1 }},
		"loss by abbreviation":            double(func(t *tuning, by float64) { t.spelling.Alike = 1 - by*(1-s.Alike) }),
		"texts of a misspelling":          double(func(t *tuning, by float64) { t.spelling.Rare = int(by * float64(s.Rare)) }),
		"how often its word":              double(func(t *tuning, by float64) { t.spelling.Often = int(by * float64(s.Often)) }),
	}
}
