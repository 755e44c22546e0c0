package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is what YAML and JSON have in common: a text, a list or a map, and
// where it stands. A key without a value has one of shape isNull.
type value struct {
	shape  shape
	text   string
	isText bool // written in quotes or as a word: not a number or a bool
	items  []*value
	keys   []key           // of a map, beside items
	known  map[string]bool // names of keys; nil while there are few
	place  place
}

// key is a key of a map and where it stands.
type key struct {
	name  string
	place place
}

// shape is what kind of value stands in a file.
type shape uint8

const (
	isScalar shape = iota
	isList
	isMap
	isNull
)

// String returns the shape as a message says it, with its article.
func (s shape) String() string { return [...]string{"a value", "a list", "a map", "empty"}[s] }

// The bounds of a file, checked before it is parsed.
const (
	maxFile   = 4 << 20
	maxNest   = 20
	maxIndent = 100
)

// checkFile refuses what is too large or nested too deep to be a rule book, so
// that no parser sees it.
func checkFile(data []byte) (string, *exprFault) {
	if len(data) > maxFile {
		return "", &exprFault{0, fmt.Sprintf("the file has %d bytes, at most %d are allowed", len(data), maxFile)}
	}
	if !utf8.Valid(data) {
		for i := 0; i < len(data); {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return string(data), &exprFault{utf8.RuneCount(data[:i]), "the file is not valid UTF-8"}
			}
			i += n
		}
	}
	return strings.TrimPrefix(string(data), "\ufeff"), nil
}

// decoder turns a value into a Book and collects faults.
type decoder struct {
	book   *Book
	faults []*Fault
	rule   string
}

func (d *decoder) fault(p place, path, format string, args ...any) {
	if len(d.faults) >= 1000 {
		return
	}
	d.faults = append(d.faults, &Fault{
		File: d.book.name, Rule: d.rule, Field: path, Line: p.line, Column: p.column,
		Msg: fmt.Sprintf(format, args...), Snippet: d.book.text.snippet(spot{p.line, p.column}),
	})
}

// want reports whether v has the shape, and says so if it has not. A list or a map
// without a value has nothing in it. A text without one was meant to be another's:
// a comma ends the value of {when: Spend >= 2,500.00}.
func (d *decoder) want(v *value, path string, s shape) bool {
	if v.shape == isNull {
		if s == isScalar {
			d.fault(v.place, lastPart(strings.TrimPrefix(path, ".")), "has no value: give it one or leave it out; a text with a comma must be quoted")
		}
		return false
	}
	if v.shape != s {
		d.fault(v.place, lastPart(path), "must be %s, not %s", s, v.shape)
		return false
	}
	d.book.places[path] = v.place
	return true
}

// lastPart returns a path without the rule or table it begins with, as the message names
// that by its name.
func lastPart(path string) string {
	if i := strings.IndexByte(path, '.'); i >= 0 && (strings.HasPrefix(path, "rules[") || strings.HasPrefix(path, "tables[")) {
		return path[i+1:]
	}
	return path
}

// fields calls the handler of each key of a map.
func (d *decoder) fields(v *value, path string, handlers map[string]func(path string, v *value)) {
	if !d.want(v, path, isMap) {
		return
	}
	for i, k := range v.keys {
		h := handlers[k.name]
		if h == nil {
			names := make([]string, 0, len(handlers))
			for n := range handlers {
				names = append(names, n)
			}
			d.fault(k.place, lastPart(strings.TrimPrefix(path+"."+k.name, ".")), "unknown key %s%s", strconv.Quote(k.name), didYouMean(k.name, names))
			continue
		}
		h(path+"."+k.name, v.items[i])
	}
}

func (d *decoder) list(v *value, path string, each func(path string, v *value)) {
	if !d.want(v, path, isList) {
		return
	}
	for i, item := range v.items {
		each(fmt.Sprintf("%s[%d]", path, i), item)
	}
}

func (d *decoder) str(dst *string) func(string, *value) {
	return func(path string, v *value) {
		if d.want(v, path, isScalar) {
			*dst = v.text
		}
	}
}

func (d *decoder) strs(dst *[]string) func(string, *value) {
	return func(path string, v *value) {
		d.list(v, path, func(path string, v *value) {
			var s string
			d.str(&s)(path, v)
			*dst = append(*dst, s)
		})
	}
}

func (d *decoder) boolean(set func(bool)) func(string, *value) {
	return func(path string, v *value) {
		if !d.want(v, path, isScalar) {
			return
		}
		if v.text != "true" && v.text != "false" || v.isText && d.book.strict {
			d.fault(v.place, lastPart(path), "must be true or false")
			return
		}
		set(v.text == "true")
	}
}

func (d *decoder) integer(set func(int64)) func(string, *value) {
	return func(path string, v *value) {
		if !d.want(v, path, isScalar) {
			return
		}
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil || v.isText && d.book.strict {
			d.fault(v.place, lastPart(path), "must be an integer, not %q", v.text)
			return
		}
		set(n)
	}
}

func (d *decoder) root(v *value) {
	d.fields(v, "", map[string]func(string, *value){
		"rules": func(_ string, v *value) {
			d.list(v, "rules", d.readRule)
		},
		"conditions": func(_ string, v *value) { d.conditions(v) },
		"groups":     func(_ string, v *value) { d.groups(v) },
		"parameters": func(_ string, v *value) { d.parameters(v) },
		"tables":     func(_ string, v *value) { d.tables(v) },
		"chain":      d.boolean(func(b bool) { d.book.Chain = b }),
	})
}

// readRule looks for the name first, so that every fault of the rule can say whose it is.
func (d *decoder) readRule(path string, v *value) {
	r := Rule{}
	for i, k := range v.keys {
		if k.name == "name" && v.items[i].shape == isScalar {
			d.rule = v.items[i].text
		}
	}
	defer func() { d.rule = "" }()
	d.fields(v, path, d.ruleKeys(&r))
	d.book.Rules = append(d.book.Rules, r)
}

// ruleKeys are the keys of a rule and how they are read.
func (d *decoder) ruleKeys(r *Rule) map[string]func(path string, v *value) {
	return map[string]func(string, *value){
		"name": d.str(&r.Name), "doc": d.str(&r.Doc), "owner": d.str(&r.Owner), "tags": d.strs(&r.Tags),
		"each": d.str(&r.Each), "when": d.str(&r.When), "unless": d.str(&r.Unless), "guard": d.str(&r.Guard),
		"cancel_on": d.strs(&r.CancelOn), "group": d.str(&r.Group), "from": d.str(&r.From), "to": d.str(&r.To),
		"salience": d.integer(func(n int64) { r.Salience = int(n) }),
		"version":  d.integer(func(n int64) { r.Version = n }),
		"disabled": d.boolean(func(b bool) { r.Disabled = b }),
		"enabled":  d.boolean(func(b bool) { r.Disabled = !b }),
		"rearm":    d.boolean(func(b bool) { r.Rearm = b }),
		"on":       func(path string, v *value) { d.trigger(path, v, &r.On) },
		"cancel_at": func(path string, v *value) {
			d.list(v, path, func(path string, v *value) {
				var t Trigger
				d.trigger(path, v, &t)
				r.CancelAt = append(r.CancelAt, t)
			})
		},
		"once": func(path string, v *value) {
			d.str(&r.Once)(path, v)
			if r.Once == "order" { // a word of earlier books
				r.Once = oncePerRow
			}
			if v.shape == isScalar && !slices.Contains(onceNames, r.Once) {
				d.fault(v.place, "once", "must be one of %s, not %q", strings.Join(onceNames, ", "), r.Once)
			}
		},
		"then": func(path string, v *value) {
			d.list(v, path, func(path string, v *value) { r.Then = append(r.Then, d.action(path, v)) })
		},
	}
}

// trigger reads evening, manual, {event: order} or {kind: event, event: order}.
func (d *decoder) trigger(path string, v *value, on *Trigger) {
	d.book.places[path] = v.place
	if v.shape == isScalar {
		on.Kind = TriggerKind(v.text)
		return
	}
	handlers := map[string]func(string, *value){
		"kind":  func(path string, v *value) { d.str((*string)(&on.Kind))(path, v) },
		"event": d.str(&on.Event), "tag": d.str(&on.Tag), "segment": d.str(&on.Segment),
		"date": d.str(&on.Date), "before": d.str(&on.Before), "after": d.str(&on.After),
		"yearly": d.boolean(func(b bool) { on.Yearly = b }),
	}
	for kind, dst := range map[TriggerKind]*string{OnTagAdded: &on.Tag, OnTagRemoved: &on.Tag, OnSegmentEntered: &on.Segment, OnSegmentLeft: &on.Segment} {
		handlers[string(kind)] = func(path string, v *value) {
			on.Kind = kind
			d.str(dst)(path, v)
		}
	}
	d.fields(v, path, handlers)
}

// kindKey is behind the path of an action the place of its kind, where the file
// writes it as a key.
const kindKey = ".then:"

// action reads an action, written {tag: vip, …} or {kind: tag, name: vip}. Which keys are
// kinds is the schema's to say, which is not known when a file is read: an unknown key
// that looks like no misspelt one is taken for the kind, and Compile refuses it if it is
// none.
func (d *decoder) action(path string, v *value) Action {
	var a Action
	handlers := map[string]func(string, *value){
		"id": d.str(&a.ID), "after": d.str(&a.After), "at": d.str(&a.At), "for": d.str(&a.For),
		"kind": d.str(&a.Kind), "name": d.str(&a.Name),
		"with": func(path string, v *value) {
			if !d.want(v, path, isMap) {
				return
			}
			a.With = map[string]string{}
			for i, k := range v.keys {
				var s string
				d.str(&s)(path+"."+k.name, v.items[i])
				a.With[k.name] = s
			}
		},
	}
	// Which kinds there are is the schema's to say, which is not known yet: one that
	// this package describes comes before any other key.
	wellKnown := map[string]bool{}
	for _, t := range BuiltInActions() {
		wellKnown[t.Kind] = true
	}
	does := -1
	for i, k := range v.keys {
		switch {
		case handlers[k.name] != nil || does >= 0 && (wellKnown[v.keys[does].name] || !wellKnown[k.name]):
		case wellKnown[k.name] || !slices.ContainsFunc(actionKeys, func(key string) bool { return editDistance(key, k.name) < 2 }):
			does = i
		}
	}
	for kind := range wellKnown {
		handlers[kind] = func(path string, v *value) {
			d.fault(v.place, lastPart(path), "one action cannot be both %s and %s", a.Kind, kind)
		}
	}
	if does >= 0 {
		k := v.keys[does]
		handlers[k.name] = func(path string, v *value) {
			a.Kind = k.name
			d.str(&a.Name)(path, v)
		}
		d.book.places[path+kindKey] = k.place
	}
	d.fields(v, path, handlers)
	return a
}

// conditions reads name: expression, name: {expr: …, each: …}, or a list of
// {name, expr, each}.
func (d *decoder) conditions(v *value) {
	read := func(path, name string, v *value) {
		c := Condition{Name: name}
		d.rule = "condition " + name
		if v.shape == isScalar {
			d.str(&c.Expr)(path+".expr", v)
		} else {
			d.fields(v, path, map[string]func(string, *value){"name": d.str(&c.Name), "expr": d.str(&c.Expr), "each": d.str(&c.Each)})
		}
		d.rule = ""
		d.book.Conditions = append(d.book.Conditions, c)
	}
	d.entries(v, "conditions", read)
}

// groups reads name: mode, or a list of {name, mode}.
func (d *decoder) groups(v *value) {
	d.entries(v, "groups", func(path, name string, v *value) {
		g := Group{Name: name}
		if v.shape == isScalar {
			d.str((*string)(&g.Mode))(path+".mode", v)
		} else {
			d.fields(v, path, map[string]func(string, *value){"name": d.str(&g.Name), "mode": d.str((*string)(&g.Mode))})
		}
		d.book.Groups = append(d.book.Groups, g)
	})
}

// entries goes over a map by name or over a list.
func (d *decoder) entries(v *value, path string, read func(path, name string, v *value)) {
	switch v.shape {
	case isMap:
		for i, k := range v.keys {
			where := fmt.Sprintf("%s[%d]", path, i)
			d.book.places[where] = k.place
			if v.items[i].shape == isNull {
				d.fault(k.place, path+"."+k.name, "has no value: give it one or leave it out; a text with a comma must be quoted")
				continue
			}
			read(where, k.name, v.items[i])
		}
	case isList:
		for i, item := range v.items {
			where := fmt.Sprintf("%s[%d]", path, i)
			d.book.places[where] = item.place
			read(where, "", item)
		}
	case isNull:
	default:
		d.fault(v.place, path, "must be a map or a list")
	}
}

// has reports whether a map has a key. What has many, such as the conditions of
// a large book, knows their names.
func (v *value) has(name string) bool {
	const few = 16
	if len(v.keys) <= few {
		return slices.ContainsFunc(v.keys, func(o key) bool { return o.name == name })
	}
	if v.known == nil {
		v.known = make(map[string]bool, 2*len(v.keys))
	}
	for i := len(v.known); i < len(v.keys); i++ { // names are unique
		v.known[v.keys[i].name] = true
	}
	return v.known[name]
}

// duplicate reports a key that is there already.
func (d *decoder) duplicate(v *value, k key) bool {
	if v.has(k.name) {
		d.fault(k.place, "", "the key %s is given twice", strconv.Quote(k.name))
		return true
	}
	return false
}

// finish returns the book and every fault in the order of the file. The book
// keeps its faults, so that Compile refuses it.
func (d *decoder) finish(v *value) (*Book, error) {
	if v != nil {
		d.root(v)
	}
	slices.SortStableFunc(d.faults, func(a, b *Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	d.book.faults = d.faults
	return d.book, compileError(d.faults)
}

// newDecoder starts a book; ok is false if the file is not fit to be parsed.
func newDecoder(name string, data []byte, strict bool) (d *decoder, ok bool) {
	text, bad := checkFile(data)
	d = &decoder{book: &Book{name: name, text: newFileText(text), strict: strict, places: map[string]place{}}}
	if bad != nil {
		s := locate(text, bad.at)
		d.fault(place{line: s.line, column: s.column}, "", "%s", bad.msg)
	}
	return d, bad == nil
}
