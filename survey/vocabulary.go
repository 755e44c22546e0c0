package survey

import (
	"html"
	"slices"
	"strings"
)

// known lists the names that classes of the format have, older ones included.
func known(classes []string) []string {
	var out []string
	for _, c := range classes {
		if cl := schema()[c]; cl != nil {
			out = append(out, keys(cl.properties)...)
		}
	}
	return out
}

// keys returns the keys of a map, sorted, for suggestions.
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// nearest returns the known name within two typing errors of name, or "".
func nearest(name string, known []string) string {
	if len(name) > 40 {
		return ""
	}
	best, at := "", 3
	slices.Sort(known)
	for _, k := range known {
		if len(k) < 5 && !strings.EqualFold(k, name) {
			continue // short names are close to everything
		}
		if d := typos(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// typos counts inserted, deleted, changed and swapped bytes (optimal string
// alignment), giving up above 2.
func typos(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev2, prev, cur := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}

// withoutMarkup drops tags and resolves character references.
func (t Text) withoutMarkup() Text {
	out := Text{plain: stripTags(t.plain), langs: slices.Clone(t.langs)}
	for i := range out.langs {
		out.langs[i].text = stripTags(out.langs[i].text)
	}
	return out
}

// stripTags takes the markup out of a text.
func stripTags(s string) string {
	var b strings.Builder
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			break
		}
		b.WriteString(s[:open])
		b.WriteByte(' ')
		s = s[open+end+1:]
	}
	b.WriteString(s)
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}
