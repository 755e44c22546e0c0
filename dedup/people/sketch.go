package people

import (
	"math/bits"
	"strings"

	"github.com/vefacrm/vefa/dedup/metric"
)

// This file has what the metrics know from sketches; see [metric.Sketcher].

// Of an outline: bit 61 says that there is a blank, and the bits from 48 on say the length
// and the first character.
func outlineBlank(a uint64) bool   { return a>>61&1 != 0 }
func outlineFirst(a uint64) byte   { return byte(a >> 54 & 127) }
func outlineStart(a uint64) uint64 { return a >> 48 & (1<<13 - 1) }

// shortNames are short forms of names.
type shortNames struct {
	more  map[string]string // a host's
	pairs [64]uint64        // hashes of the starts of words of which one may stand for the other
}

func newShortNames(more map[string]string) *shortNames {
	n := &shortNames{more: more}
	words := map[string][]string{} // by name: itself and its short forms
	for _, list := range []map[string]string{nicknames, more} {
		for short := range list {
			for name := range strings.FieldsSeq(formal(more, short)) {
				words[name] = append(words[name], short)
			}
		}
	}
	for name, all := range words {
		all = append(all, name)
		for _, a := range all {
			for _, b := range all {
				k := startPair(metric.Outline(a), metric.Outline(b))
				n.pairs[k/64] |= 1 << (k % 64)
			}
		}
	}
	return n
}

// startPair hashes the lengths and first characters of two words to 12 bits.
func startPair(a, b uint64) uint64 {
	x, y := outlineStart(a), outlineStart(b)
	return (min(x, y)<<13 | max(x, y)) * 0x9e3779b97f4a7c15 >> 52
}

func (nickname) Sketch(s string) uint64 { return metric.Outline(s) }

func (n nickname) Bound(a, b uint64) float64 {
	if k := startPair(a, b); outlineBlank(a) || outlineBlank(b) || n.names.pairs[k/64]>>(k%64)&1 != 0 {
		return 1
	}
	return 0
}

func (part) Sketch(s string) uint64 { return metric.Outline(s) }

func (part) Bound(a, b uint64) float64 {
	if outlineBlank(a) || outlineBlank(b) {
		return 1
	}
	return 0
}

func (likeWord) Sketch(s string) uint64 { return metric.Outline(s) }

func (likeWord) Bound(a, b uint64) float64 {
	if outlineBlank(a) != outlineBlank(b) {
		return 1
	}
	return metric.JaroWinkler{}.Bound(a, b)
}

func (initial) Sketch(s string) uint64 { return metric.Outline(s) }

func (initial) Bound(a, b uint64) float64 {
	if outlineFirst(a) == outlineFirst(b) {
		return 1
	}
	return 0
}

func (phones) Sketch(s string) uint64 { return metric.Outline(s) }

func (phones) Bound(a, b uint64) float64 { return metric.Edits{Max: 1}.Bound(a, b) }

// The sketch of an e-mail address is the outline of what stands before the @.
func (mails) Sketch(s string) uint64 {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || strings.IndexByte(domain, '@') >= 0 {
		return 0
	}
	return metric.Outline(local)
}

func (mails) Bound(a, b uint64) float64 {
	switch {
	case a == b:
		return 1
	case (metric.Edits{Max: 1}).Bound(a, b) == 1:
		return 0.95
	}
	return 0.9 * metric.JaroWinkler{}.Bound(a, b)
}

// The sketch of a date is the date: four bits for each digit, from bit 28 down, above them
// the number of characters.
func (dates) Sketch(s string) (out uint64) {
	if len(s) != 4 && len(s) != 7 && len(s) != 10 {
		return 0
	}
	at := 32
	for i := 0; i < len(s); i++ {
		if c := s[i]; i == 4 || i == 7 {
			if c != '-' {
				return 0
			}
		} else {
			if c < '0' || c > '9' {
				return 0
			}
			at -= 4
			out |= uint64(c-'0') << at
		}
	}
	return out | uint64(len(s))<<32
}

func (dates) Bound(a, b uint64) float64 {
	if a>>32 > b>>32 {
		a, b = b, a
	}
	const year, rest = 0xffff0000, 0xffff
	other := uint32(a ^ b)
	if short := a >> 32; short < b>>32 {
		switch {
		case short == 4 && other&year == 0 || short == 7 && other>>8 == 0:
			return 0.8
		case other&year == 0:
			return 0.4
		}
		return 0.2
	}
	full := a>>32 == 10
	switch x, y := uint32(a), uint32(b); {
	case oneDigit(x, y):
		return 0.9
	case full && other&year == 0 && (x&rest == 0x0101 || y&rest == 0x0101):
		return 0.8
	case full && other&year == 0 && x>>8&0xff == y&0xff && x&0xff == y>>8&0xff:
		return 0.7
	case full && other&rest == 0:
		return 0.6
	case other&year == 0:
		return 0.4
	case full && yearsApart(x>>16, y>>16):
		return 0
	}
	return 0.2
}

// yearsApart is generationApart of years in decimal digits of four bits.
func yearsApart(a, b uint32) bool {
	year := func(y uint32) int { return int(y>>12*1000 + y>>8&15*100 + y>>4&15*10 + y&15) }
	d := year(a) - year(b)
	return d >= generationYears || d <= -generationYears
}

// oneDigit reports whether two dates differ in one digit, or in two neighbours that are
// exchanged.
func oneDigit(a, b uint32) bool {
	d := a ^ b
	d |= d >> 1
	d = (d | d>>2) & 0x11111111 // the digits that differ
	switch bits.OnesCount32(d) {
	case 1:
		return true
	case 2:
		low := bits.TrailingZeros32(d)
		// no dash between them: year, month and day have 4, 2 and 2 digits
		return d>>low == 0x11 && low != 4 && low != 12 && a>>low&0xf == b>>(low+4)&0xf && b>>low&0xf == a>>(low+4)&0xf
	}
	return false
}

// The sketch of a place has hashes of its city and its district, and an outline of the city.
//
//	bits 0 to 23   characters of the city, by class
//	bits 24 to 28  its length
//	bits 29 to 35  its first character
//	bits 36 to 48  hash of the city, 0 if it is missing
//	bits 49 to 61  hash of the district, 0 if it is missing
//	bit 62         1
func (places) Sketch(s string) uint64 {
	city, district, _ := strings.Cut(s, "|")
	outline := metric.Outline(city)
	n := outline >> 48 & 63
	if city != "" && (outline == 0 || n > 31) {
		return 0
	}
	return outline&(1<<24-1) | n<<24 | uint64(outlineFirst(outline))<<29 | placeHash(city)<<36 | placeHash(district)<<49 | 1<<62
}

func placeHash(s string) uint64 {
	if s == "" {
		return 0
	}
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h>>32%8191 + 1
}

func (places) Bound(a, b uint64) float64 {
	const hash = 8191
	ca, cb, da, db := a>>36&hash, b>>36&hash, a>>49&hash, b>>49&hash
	switch {
	case ca != 0 && ca == cb && (da == 0 || db == 0):
		return 0.9
	case ca != 0 && ca == cb:
		return 0.8
	case ca != 0 && cb != 0 && metric.JaroWinkler{}.Bound(cityOutline(a), cityOutline(b)) >= 0.9:
		return 0.7
	case da != 0 && da == db:
		return 0.5
	}
	return 0
}

func cityOutline(a uint64) uint64 { return a&(1<<24-1) | a>>24&31<<48 | a>>29&127<<54 }
