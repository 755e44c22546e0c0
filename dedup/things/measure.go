package things

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// unit is a unit of measure: what it measures, and how many of the smallest unit it is.
type unit struct {
	dimension byte
	factor    float64
}

// units are those of packages and data sheets, by their folded names. Dimensions: v volume
// (ml), m mass (g), l length (mm), b bytes (MB), w power (W), p pieces, e energy (mAh), f
// frequency (MHz).
func units(name string) (unit, bool) {
	switch name {
	case "ml", "millilitre", "milliliter", "mililitre":
		return unit{'v', 1}, true
	case "cl", "santilitre", "centilitre", "centiliter":
		return unit{'v', 10}, true
	case "dl":
		return unit{'v', 100}, true
	case "l", "lt", "ltr", "litre", "liter", "liters", "litres":
		return unit{'v', 1000}, true
	case "floz":
		return unit{'v', 29.5735}, true
	case "mg":
		return unit{'m', 0.001}, true
	case "g", "gr", "gram", "gramm", "grams":
		return unit{'m', 1}, true
	case "kg", "kilo", "kilogram", "kilogramm":
		return unit{'m', 1000}, true
	case "oz", "ounce", "ounces":
		return unit{'m', 28.3495}, true
	case "lb", "lbs", "pound", "pounds":
		return unit{'m', 453.592}, true
	case "mm":
		return unit{'l', 1}, true
	case "cm", "santim":
		return unit{'l', 10}, true
	case "inch", "inches", "zoll", "inc", "pouces":
		return unit{'l', 25.4}, true
	case "ft", "feet":
		return unit{'l', 304.8}, true
	case "kb":
		return unit{'b', 0.001}, true
	case "mb":
		return unit{'b', 1}, true
	case "gb":
		return unit{'b', 1000}, true
	case "tb":
		return unit{'b', 1e6}, true
	case "w", "watt", "watts":
		return unit{'w', 1}, true
	case "kw":
		return unit{'w', 1000}, true
	case "mah":
		return unit{'e', 1}, true
	case "mhz":
		return unit{'f', 1}, true
	case "ghz":
		return unit{'f', 1000}, true
	case "adet", "pcs", "pieces", "stuck", "stk", "pack", "pk", "ct", "count", "lu", "li", "tablet", "tablets":
		return unit{'p', 1}, true
	}
	return unit{}, false
}

// measure reads a number with its unit in one word, such as 500ml.
func measure(word string) (dimension byte, value float64, ok bool) {
	at := strings.IndexFunc(word, unicode.IsLetter)
	if at <= 0 {
		return 0, 0, false
	}
	u, ok := units(Fold(word[at:]))
	if !ok {
		return 0, 0, false
	}
	v, ok := parseNumber(word[:at])
	if !ok || v <= 0 {
		return 0, 0, false
	}
	return u.dimension, v * u.factor, true
}

// cutMeasures returns the measures of a text in one form, "m500 v1000", and the text
// without them. A number and its unit may stand apart, a double prime means inches.
func cutMeasures(s string) (measures, rest string) {
	if !strings.ContainsFunc(s, unicode.IsDigit) {
		return "", s
	}
	var found, kept []string
	words := strings.Fields(s)
	for i := 0; i < len(words); i++ {
		w := strings.Trim(words[i], "(),;[]-")
		for _, quote := range []string{"\"", "''", "”", "″", "'"} {
			if cut, ok := strings.CutSuffix(w, quote); ok {
				w = cut + "inch"
				break
			}
		}
		w = strings.TrimRight(w, ".")
		d, v, ok := measure(w)
		if !ok && i+1 < len(words) && isNumber(w) {
			if d, v, ok = measure(w + strings.Trim(words[i+1], "(),;[]-.")); ok {
				i++
			}
		}
		if !ok {
			kept = append(kept, words[i])
			continue
		}
		m := string(d) + strconv.FormatFloat(v, 'g', 4, 64)
		if !slices.Contains(found, m) && len(found) < mostCodes {
			found = append(found, m)
		}
	}
	slices.Sort(found)
	return strings.Join(found, " "), strings.Join(kept, " ")
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.,") == "" && strings.ContainsAny(s, "0123456789")
}

// measures is a metric: 1 where two things measure the same in some dimension and differ in
// none, a half where they have no dimension in common, 0 where they differ in one.
type measures struct{}

// Compare grades two values that cutMeasures made.
func (measures) Compare(a, b string) float64 {
	met := false
	for x := range strings.FieldsSeq(a) {
		some, same := false, false
		for y := range strings.FieldsSeq(b) {
			if x[0] == y[0] {
				some = true
				same = same || ratio{}.Compare(x[1:], y[1:]) >= 0.98
			}
		}
		if some && !same {
			return 0
		}
		met = met || some
	}
	if met {
		return 1
	}
	return 0.5
}

// ratio is a metric of numbers: the smaller by the larger.
type ratio struct{}

// Compare returns the ratio, 0 if one is no number above 0.
func (ratio) Compare(a, b string) float64 {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA != nil || errB != nil || x <= 0 || y <= 0 {
		return 0
	}
	return min(x, y) / max(x, y)
}
