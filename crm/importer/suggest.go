package importer

import (
	"slices"
	"strings"
)

// didYouMean returns `; did you mean "x"?` where one of the known words is near,
// else the known words if they are few, else nothing.
func didYouMean(word string, known []string) string {
	known = slices.Clone(known)
	slices.Sort(known)
	best, least := "", 1+len([]rune(word))/3
	for _, k := range known {
		if d := edits(plain(word), plain(k), least+1); d <= least && (best == "" || d < least) {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return "; did you mean " + quote(best) + "?"
	case len(known) > 0 && len(known) <= 30:
		return "; there are: " + strings.Join(known, ", ")
	}
	return ""
}

var plainLetters = strings.NewReplacer("ı", "i", "i̇", "i", "ş", "s", "ğ", "g", "ü", "u", "ö", "o", "ç", "c", "_", "", " ", "", "-", "")

func plain(s string) string { return plainLetters.Replace(strings.ToLower(s)) }

// edits is the Levenshtein distance of two short words, or limit if it is not
// below.
func edits(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 || max(len(x)-len(y), len(y)-len(x)) >= limit {
		return limit
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range y {
			change := diagonal
			if r != s {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(y)], limit)
}
