package rules

import (
	"strings"
	"unicode"
)

// words that people write and the language spells otherwise, in lower case.
var spellings = map[string]string{
	"ve": "and is written and", "veya": "or is written or", "ya": "or is written or", "değil": "not is written not", "degil": "not is written not",
	"und": "and is written and", "oder": "or is written or", "nicht": "not is written not",
	"and": "write it in small letters: and", "or": "write it in small letters: or", "not": "write it in small letters: not", "in": "write it in small letters: in",
	"between": "a range is written Orders in 2..5, or 2 <= Orders and Orders <= 5",
	"is":      "write == to compare, == nil for what is missing", "equals": "write == to compare", "eq": "write == to compare",
	"like": "write contains, startsWith or endsWith", "then": "a condition has no then: write and, or condition ? value : other", "where": `write filter(Rows, condition), as in sum(filter(Purchases, .Channel == "web"), .Amount)`,
	"tl": "a number stands alone: 1250.50", "try": "a number stands alone: 1250.50", "days": "a number stands alone: DaysSincePurchase <= 30", "gün": "a number stands alone: DaysSincePurchase <= 30",
}

// functionHints are functions that people look for.
var functionHints = map[string]string{
	"upper": `fold(City) == "istanbul" compares without regard to case`, "lower": `fold(City) == "istanbul" compares without regard to case`,
	"tolower": `fold(City) == "istanbul" compares without regard to case`, "toupper": `fold(City) == "istanbul" compares without regard to case`, "trim": `fold(City) == "istanbul" compares without regard to case`,
	"mean": "write avg(Rows, .Field)", "average": "write avg(Rows, .Field)", "median": "write avg(Rows, .Field)", "ortalama": "write avg(Rows, .Field)",
	"now": "write today(), or the field that holds the hour", "exists": "write any(Rows, condition), or x != nil", "has": `write "vip" in Tags`, "size": "write len(Rows)", "length": "write len(Rows)",
	"datediff": "write daysSince(Time) or daysUntil(Time)", "dayssincetoday": "write daysSince(Time)", "isnull": "write x == nil", "coalesce": "write x ?? 0", "ifnull": "write x ?? 0",
	"map": "write sum(Rows, .Field), max(Rows, .Field) or avg(Rows, .Field)", "find": "write first(filter(Rows, condition)).Field", "findlast": "write last(filter(Rows, condition)).Field",
	"contains": `write City contains "x"`, "startswith": `write City startsWith "x"`, "endswith": `write City endsWith "x"`, "if": "write condition ? value : other", "round": "compare with a range: x >= 1.5 and x < 2.5",
}

// hinted adds to a fault of the parser what the author probably meant.
func hinted(text string, f exprFault) exprFault {
	if h := hintAt([]rune(text), f.at); h != "" {
		f.msg += ": " + h
	}
	return f
}

// callAround returns the name of the function in whose arguments at stands.
func callAround(text []rune, at int) string {
	depth := 0
	for i := at - 1; i >= 0; i-- {
		switch text[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth < 0 {
				end := i
				for end > 0 && unicode.IsSpace(text[end-1]) {
					end--
				}
				start := end
				for start > 0 && (unicode.IsLetter(text[start-1]) || text[start-1] == '_') {
					start--
				}
				return string(text[start:end])
			}
		}
	}
	return ""
}

func hintAt(text []rune, at int) string {
	if at < 0 || at > len(text) {
		return ""
	}
	rest := text[at:]
	before := at - 1 // the last letter that is no blank
	for before >= 0 && unicode.IsSpace(text[before]) {
		before--
	}
	next := func(i int) rune {
		if i < len(rest) {
			return rest[i]
		}
		return 0
	}
	// A percentage: what follows 10% is no number.
	for i := before; i > 0 && i >= before-1; i-- {
		if text[i] == '%' && unicode.IsDigit(text[i-1]) {
			return "a share is a number: 10 % is 0.1"
		}
	}
	switch {
	case len(rest) == 0:
		return ""
	case rest[0] == '%' && before >= 0 && unicode.IsDigit(text[before]):
		return "a share is a number: 10 % is 0.1"
	case rest[0] == '.' || rest[0] == '#':
		return functionHints[strings.ToLower(callAround(text, at))]
	case rest[0] == '=' && next(1) != '=', before >= 0 && text[before] == '=' && (before == 0 || !strings.ContainsRune("=!<>", text[before-1])):
		return "write == to compare"
	case rest[0] == '>' && before >= 0 && text[before] == '<', rest[0] == '<' && next(1) == '>':
		return "write != for what is not equal"
	case rest[0] == '&' || rest[0] == '|':
		return "write and, or"
	case strings.ContainsRune("“”„‟«»‘’", rest[0]):
		return `write straight quotes: "web"`
	case strings.ContainsRune("₺€$£", rest[0]):
		return "a number stands alone: 1250.50"
	case rest[0] == ',' && before >= 0 && unicode.IsDigit(text[before]) && unicode.IsDigit(next(1)):
		return "write a point before decimals: 1250.50"
	}
	// The word at the place, else the one before it.
	end := 0
	for end < len(rest) && (unicode.IsLetter(rest[end]) || rest[end] == '_') {
		end++
	}
	word := string(rest[:end])
	if h := spellings[strings.ToLower(word)]; h != "" && word != "and" && word != "or" && word != "not" && word != "in" {
		return h
	}
	return ""
}
