package survey

import (
	"math"
	"strings"
)

// path is a name of an expression, such as a.b[0].c, cut at its dots. A name may itself hold
// dots: the longest that is known is taken.
type path struct {
	full   string
	folded string // full in lower case
	parts  []pathPart
	lower  []string // parts in lower case
}

// pathPart is a name between dots, and the [n] after it.
type pathPart struct {
	name    string
	index   int
	indexed bool
}

// newPath cuts a name. [n] is an index only at the end of a part; a negative one counts from
// the end.
func newPath(name string) path {
	p := path{full: name, folded: strings.ToLower(name)}
	for part := range strings.SplitSeq(name, ".") {
		pp := pathPart{name: part}
		if open := strings.LastIndexByte(part, '['); open >= 0 && part[len(part)-1] == ']' {
			if n := getNumber(part[open+1 : len(part)-1]); !math.IsNaN(n) && n == math.Trunc(n) && math.Abs(n) < 1e6 {
				pp = pathPart{part[:open], int(n), true}
			}
		}
		p.parts = append(p.parts, pp)
		p.lower = append(p.lower, strings.ToLower(pp.name))
	}
	return p
}

// from is the path without its first n parts.
func (p *path) from(n int) path { return path{parts: p.parts[n:], lower: p.lower[n:]} }

// simple tells a name without dots and indexes.
func (p *path) simple() bool { return len(p.parts) == 1 && !p.parts[0].indexed }

// lookup finds what a name means where the expression stands.
func (e *evaluation) lookup(p *path) (any, bool) {
	if e.item != nil {
		if v, ok := p.in(e.item); ok {
			return v, true
		}
	}
	if e.extra != nil {
		if v, ok := p.in(e.extra); ok {
			return v, true
		}
	}
	if e.session != nil {
		return e.session.lookup(p, e.scope)
	}
	if len(e.env.Variables) > 0 {
		if v, ok := p.in(e.env.Variables); ok {
			return v, true
		}
	}
	return p.in(e.env.Answers)
}

// in follows the path from an object. What is found is in the form of answers.
func (p *path) in(values map[string]any) (any, bool) {
	if len(values) == 0 {
		return nil, false
	}
	if p.simple() {
		v, ok := values[p.parts[0].name]
		if !ok {
			v, ok = lookup(values, p.parts[0].name)
		}
		if !ok || v == nil {
			return nil, ok
		}
		return plain(v), true
	}
	return p.follow(values)
}

// follow goes down the path from a value.
func (p *path) follow(v any) (any, bool) {
	if len(p.parts) == 0 {
		return v, true
	}
	end := 0 // the last part that a name may reach to: an index ends it
	for end < len(p.parts)-1 && !p.parts[end].indexed {
		end++
	}
	for at := end; at >= 0; at-- {
		found, ok := memberOf(v, p.joined(at+1))
		if !ok {
			continue
		}
		found = plain(found)
		if part := p.parts[at]; part.indexed {
			if found, ok = nth(found, part.index); !ok {
				return nil, false
			}
		}
		rest := p.from(at + 1)
		return rest.follow(found)
	}
	return nil, false
}

// joined is the name that the first n parts make.
func (p *path) joined(n int) string {
	if n == 1 {
		return p.parts[0].name
	}
	if n == len(p.parts) && p.full != "" && !p.parts[n-1].indexed {
		return p.full
	}
	names := make([]string, n)
	for i := range names {
		names[i] = p.parts[i].name
	}
	return strings.Join(names, ".")
}

// memberOf finds a member of an object, or the length of a list or text.
func memberOf(v any, name string) (any, bool) {
	switch t := v.(type) {
	case map[string]any:
		return lookup(t, name)
	case []any:
		if name == "length" {
			return float64(len(t)), true
		}
	case string:
		if name == "length" && t != "" {
			return float64(utf16Len(t)), true
		}
	}
	return nil, false
}

// nth is an element of a list; a negative index counts from its end.
func nth(v any, i int) (any, bool) {
	list, ok := v.([]any)
	if i < 0 {
		i += len(list)
	}
	if !ok || i < 0 || i >= len(list) {
		return nil, false
	}
	return plain(list[i]), true
}

// lookup finds a name, exactly or else in any case of letters.
func lookup(values map[string]any, name string) (any, bool) {
	if v, ok := values[name]; ok {
		return v, true
	}
	if name == "" {
		return nil, false
	}
	var found string
	hit := false
	for k := range values {
		if len(k) == len(name) && strings.EqualFold(k, name) && (!hit || k < found) {
			found, hit = k, true
		}
	}
	if !hit {
		return nil, false
	}
	return values[found], true
}
