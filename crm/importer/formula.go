package importer

import "strings"

// formula reports whether a spreadsheet would run a cell instead of showing it:
// whether it begins with = + - @, a tab or a carriage return and goes on.
// Source: OWASP, CSV Injection.
func formula(cell string) bool {
	return len(cell) > 1 && strings.IndexByte("=+-@\t\r", cell[0]) >= 0
}

// Neutral returns a text as it may be written into a CSV file that somebody
// opens in a spreadsheet: a formula gets an apostrophe in front, everything
// else stays. The importer itself keeps texts as they are.
func Neutral(cell string) string {
	if formula(cell) {
		return "'" + cell
	}
	return cell
}
