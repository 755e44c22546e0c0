package importer

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// mappingFile is the name of the file in a folder that says what its CSV files
// mean.
const mappingFile = "mapping.yaml"

// mapping is what a mapping.yaml says. parseMapping makes it.
type mapping struct {
	files []*file
}

// defaults are settings that a level of the mapping hands down to the next.
type defaults struct {
	delimiter rune
	clock     clock
	number    number
	currency  string
	region    string // of phone numbers without a country code
	brand     string // of consents
}

// file is one reading of a CSV file: a file may be read as several kinds.
type file struct {
	defaults
	name       string
	kind       kind
	source     string
	columns    map[string]string // our field → header
	positions  map[string]position
	constants  map[string]string
	attributes map[string]string // profile attribute → header
	values     map[string]map[string]string
}

// provides reports whether a field has a column or a constant.
func (f *file) provides(name string) bool {
	_, column := f.columns[name]
	_, constant := f.constants[name]
	return column || constant
}

// parseMapping reads a mapping.yaml. The error joins a RowError for everything
// that is wrong with it.
func parseMapping(text []byte) (*mapping, error) {
	y := &yamlReader{file: mappingFile}
	m := &mapping{}
	if root := y.read(text); root != nil {
		mappingReader{y, m}.root(root)
	}
	if len(y.faults) > 0 {
		return nil, joined(y.faults)
	}
	return m, nil
}

// joined returns the errors as one; nil for none.
func joined(rows []RowError) error {
	errs := make([]error, len(rows))
	for i, r := range rows {
		errs[i] = r
	}
	return errors.Join(errs...)
}

type mappingReader struct {
	*yamlReader
	m *mapping
}

func (r mappingReader) root(n *node) {
	d := defaults{delimiter: ',', clock: clock{zone: time.UTC}, region: "TR"}
	known := r.settings(&d)
	var sources *node
	known["sources"] = func(n *node) { sources = n }
	r.mapping(n, "", known)
	if sources == nil {
		if n.what == 'm' {
			r.fault(n.pos, "sources", "is missing")
		}
		return
	}
	names := map[string]position{}
	r.list(sources, "sources", func(n *node) { r.source(n, d, names) })
	if len(r.m.files) == 0 && len(r.faults) == 0 {
		r.fault(sources.pos, "sources", "name no files")
	}
}

// settings returns how to read the keys that every level may have.
func (r mappingReader) settings(d *defaults) map[string]func(*node) {
	return map[string]func(*node){
		"delimiter": func(n *node) {
			s := r.text(n, "delimiter")
			if named, ok := map[string]string{"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}[s]; ok {
				s = named
			}
			c, size := utf8.DecodeRuneInString(s)
			if size != len(s) || size == 0 || c == utf8.RuneError || strings.ContainsRune("\"\r\n\uFEFF", c) {
				r.fault(n.pos, "delimiter", "%s is not one character such as , ; | or tab", quote(s))
				return
			}
			d.delimiter = c
		},
		"zone": func(n *node) {
			s := r.text(n, "zone")
			zone, err := time.LoadLocation(s)
			if err != nil || s == "" || s == "Local" {
				r.fault(n.pos, "zone", "%s is no IANA zone such as Europe/Istanbul", quote(s))
				return
			}
			d.clock.zone = zone
		},
		"layouts": func(n *node) {
			d.clock.layouts = nil
			r.list(n, "layouts", func(n *node) {
				s := r.text(n, "layouts")
				if err := checkLayout(s); err != nil {
					r.fault(n.pos, "layouts", "%v", err)
				}
				d.clock.layouts = append(d.clock.layouts, s)
			})
		},
		"decimal": func(n *node) {
			s := r.text(n, "decimal")
			if s != "," && s != "." {
				r.fault(n.pos, "decimal", "%s is not , or .", quote(s))
				return
			}
			d.number.decimal = s[0]
		},
		"round": func(n *node) {
			switch s := r.text(n, "round"); s {
			case "true", "false":
				d.number.round = s == "true"
			default:
				r.fault(n.pos, "round", "%s is not true or false", quote(s))
			}
		},
		"currency": func(n *node) {
			s := r.text(n, "currency")
			if !isCurrency(s) {
				r.fault(n.pos, "currency", "%s is no ISO 4217 code such as TRY", quote(s))
			}
			d.currency = s
		},
		"region": func(n *node) {
			s := r.text(n, "region")
			if len(s) != 2 || s != strings.ToUpper(s) {
				r.fault(n.pos, "region", "%s is no ISO 3166 code such as TR", quote(s))
			}
			d.region = s
		},
		"brand": func(n *node) { d.brand = r.text(n, "brand") },
	}
}

func (r mappingReader) source(n *node, d defaults, names map[string]position) {
	known := r.settings(&d)
	var name string
	var files *node
	known["name"] = func(n *node) {
		name = r.text(n, "name")
		if was, twice := names[name]; twice {
			r.fault(n.pos, "name", "the source %s stands here and in line %d", quote(name), was.line)
		}
		names[name] = n.pos
	}
	known["files"] = func(n *node) { files = n }
	r.mapping(n, "sources", known)
	if n.what != 'm' {
		return
	}
	if name == "" {
		r.fault(n.pos, "name", "a source must have a name")
	}
	if files == nil {
		r.fault(n.pos, "files", "the source %s has none", quote(name))
		return
	}
	r.list(files, "files", func(n *node) { r.file(n, d, name) })
}

func (r mappingReader) file(n *node, d defaults, source string) {
	f := &file{source: source, columns: map[string]string{}, positions: map[string]position{},
		constants: map[string]string{}, attributes: map[string]string{}, values: map[string]map[string]string{}}
	known := r.settings(&d)
	before := len(r.faults)
	var columns, constants, attributes, values *node
	kindAt := n.pos
	known["name"] = func(n *node) {
		f.name = r.text(n, "name")
		if f.name != "" && (!filepath.IsLocal(f.name) || f.name == "." || strings.Contains(f.name, "\\") || strings.Contains(f.name, "\x00")) {
			r.fault(n.pos, "name", "%s is not a file within the folder", quote(f.name))
		}
	}
	known["kind"] = func(n *node) { f.kind, kindAt = kind(r.text(n, "kind")), n.pos }
	known["columns"] = func(n *node) { columns = n }
	known["constants"] = func(n *node) { constants = n }
	known["attributes"] = func(n *node) { attributes = n }
	known["values"] = func(n *node) { values = n }
	r.mapping(n, "files", known)
	if n.what != 'm' {
		return
	}
	f.defaults = d
	if f.name == "" {
		r.fault(n.pos, "name", "a file must have a name")
	}
	if _, ok := schema[f.kind]; !ok {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = string(k)
		}
		r.fault(kindAt, "kind", "%s is not a kind of file%s", quote(string(f.kind)), didYouMean(string(f.kind), names))
		return
	}
	r.columns(f, columns, constants, attributes)
	r.values(f, values)
	r.complete(f, n.pos)
	if len(r.faults) == before {
		r.m.files = append(r.m.files, f)
	}
}

func (r mappingReader) columns(f *file, columns, constants, attributes *node) {
	known := func(field, name string, at position) bool {
		_, ok := fieldOf(f.kind, name)
		if !ok {
			r.fault(at, field, "%s have no field %s%s", f.kind, quote(name), didYouMean(name, fieldNames(f.kind)))
		}
		return ok
	}
	if columns != nil {
		r.texts(columns, "columns", func(name, column string, at, to position) {
			if !known("columns", name, at) {
				return
			}
			if column == "" {
				r.fault(to, "columns."+name, "must name a column")
			}
			f.columns[name], f.positions[name] = column, to
		})
	}
	if constants != nil {
		r.texts(constants, "constants", func(name, value string, at, to position) {
			if !known("constants", name, at) {
				return
			}
			if f.columns[name] != "" {
				r.fault(at, "constants."+name, "is mapped to a column as well")
			}
			field, _ := fieldOf(f.kind, name)
			if len(field.words) > 0 && !slices.Contains(field.words, value) {
				r.fault(to, "constants."+name, "%s is not a %s%s", quote(value), name, didYouMean(value, field.words))
			}
			f.constants[name] = value
		})
	}
	if attributes != nil {
		if f.kind != profiles {
			r.fault(attributes.pos, "attributes", "only profiles have them")
			return
		}
		r.texts(attributes, "attributes", func(name, column string, _, to position) {
			if name == "" || column == "" {
				r.fault(to, "attributes", "must map a name to a column")
			}
			f.attributes[name], f.positions["attributes."+name] = column, to
		})
	}
}

func (r mappingReader) values(f *file, n *node) {
	if n == nil {
		return
	}
	if n.what != 'm' {
		r.fault(n.pos, "values", "must map fields to mappings of words")
		return
	}
	for i, name := range n.keys {
		field, ok := fieldOf(f.kind, name)
		if !ok {
			r.fault(n.at[i], "values", "%s have no field %s%s", f.kind, quote(name), didYouMean(name, fieldNames(f.kind)))
			continue
		}
		if f.columns[name] == "" {
			r.fault(n.at[i], "values."+name, "no column is mapped to the field")
		}
		words := map[string]string{}
		r.texts(n.values[i], "values."+name, func(theirs, ours string, _, to position) {
			if len(field.words) > 0 && !slices.Contains(field.words, ours) {
				r.fault(to, "values."+name, "%s is not a %s%s", quote(ours), name, didYouMean(ours, field.words))
			}
			words[theirs] = ours
		})
		f.values[name] = words
	}
}

// complete checks that the mapping of a file provides what its kind needs.
func (r mappingReader) complete(f *file, at position) {
	for _, x := range schema[f.kind] {
		if x.must && !f.provides(x.name) {
			r.fault(at, x.name, "%s need this field: map a column to it or give a constant", f.kind)
		}
	}
	switch f.kind {
	case consents:
		if !f.provides("value") && !f.provides("profile") {
			r.fault(at, "value", "consents need a value (the address) or a profile")
		}
	case orders:
		if f.currency == "" && !f.provides("currency") {
			r.fault(at, "currency", "orders need a currency, as a setting or a column")
		}
	case visits:
		if f.provides("price") && f.currency == "" && !f.provides("currency") {
			r.fault(at, "currency", "a price needs a currency, as a setting or a column")
		}
	}
}
