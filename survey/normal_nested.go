package survey

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// matrixAnswer is normal of a matrix: an object of rows, each with a column, or with several.
func (q *Question) matrixAnswer(v any) (any, Faults) {
	given, ok := v.(map[string]any)
	if !ok {
		if isEmpty(v) {
			return nil, nil
		}
		return nil, Faults{*q.wrong(wrongType, "")}
	}
	out := map[string]any{}
	var faults Faults
	for _, name := range keys(given) {
		row := slices.IndexFunc(q.Matrix.Rows, func(c Choice) bool { return c.Key() == name })
		if row < 0 && len(q.Matrix.Rows) > 0 {
			faults = append(faults, Fault{Question: q.Name + "." + name, Code: notOffered})
			continue
		}
		x, f := q.cells(plain(given[name]))
		if f {
			faults = append(faults, Fault{Question: q.Name + "." + name, Code: notOffered})
		} else if x != nil {
			out[name] = x
		}
	}
	if len(faults) > 0 || len(out) == 0 {
		return nil, faults
	}
	return out, nil
}

// cells finds the columns of one row.
func (q *Question) cells(v any) (any, bool) {
	column := func(v any) any {
		for _, c := range q.Matrix.Columns {
			if key := choiceKey(v); key != "" && (c.Key() == key || strings.TrimSpace(c.Key()) == strings.TrimSpace(key)) {
				return c.Value
			}
		}
		return nil
	}
	if isEmpty(v) {
		return nil, false
	}
	list, isList := v.([]any)
	if !q.Multiple {
		if isList {
			return nil, true
		}
		x := column(v)
		return x, x == nil
	}
	if !isList {
		list = []any{v}
	}
	var out []any
	for _, it := range list {
		x := column(plain(it))
		if x == nil {
			return nil, true
		}
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out, false
}

// nestedAnswer is normal of a question with others inside.
func (q *Question) nestedAnswer(v any, limits Limits) (any, Faults) {
	if isEmpty(v) {
		return nil, nil
	}
	if q.fixedRows() || q.rules.fields != nil {
		return q.namedParts(v, limits)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, Faults{*q.wrong(wrongType, "")}
	}
	if _, hi := q.bounds(); len(list) > hi {
		return nil, Faults{*q.wrong(tooMany, strconv.Itoa(hi))}
	}
	out := make([]any, len(list))
	var faults Faults
	for i, it := range list {
		m, ok := plain(it).(map[string]any)
		if !ok && plain(it) != nil {
			return nil, Faults{*q.wrong(wrongType, "")}
		}
		part, fs := q.part(m, limits)
		out[i] = part
		faults = append(faults, within(q.Name+"["+strconv.Itoa(i)+"].", fs)...)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return out, nil
}

// namedParts is nestedAnswer of a table with rows of its author, or of a multiple text.
func (q *Question) namedParts(v any, limits Limits) (any, Faults) {
	given, ok := v.(map[string]any)
	if !ok {
		return nil, Faults{*q.wrong(wrongType, "")}
	}
	if q.rules.fields != nil {
		part, fs := q.part(given, limits)
		if len(fs) > 0 || len(part) == 0 {
			return nil, within(q.Name+".", fs)
		}
		return part, nil
	}
	out := map[string]any{}
	var faults Faults
	for _, name := range keys(given) {
		if !slices.ContainsFunc(q.Matrix.Rows, func(c Choice) bool { return c.Key() == name }) {
			faults = append(faults, Fault{Question: q.Name + "." + name, Code: notAsked})
			continue
		}
		m, ok := plain(given[name]).(map[string]any)
		if !ok && plain(given[name]) != nil {
			faults = append(faults, Fault{Question: q.Name + "." + name, Code: wrongType})
			continue
		}
		part, fs := q.part(m, limits)
		faults = append(faults, within(q.Name+"."+name+".", fs)...)
		if len(part) > 0 {
			out[name] = part
		}
	}
	if len(faults) > 0 || len(out) == 0 {
		return nil, faults
	}
	return out, nil
}

// within prefixes the questions of faults.
func within(prefix string, fs Faults) Faults {
	for i := range fs {
		fs[i].Question = prefix + fs[i].Question
	}
	return fs
}

// part converts the answers of one panel or row.
func (q *Question) part(given map[string]any, limits Limits) (map[string]any, Faults) {
	out := make(map[string]any, len(given))
	var faults Faults
	t := q.inner()
	for _, name := range keys(given) {
		var inside *Question
		for _, c := range t.questions {
			if c.Key() == name {
				inside = c
				break
			}
		}
		if inside == nil {
			base, cut := strings.CutSuffix(name, commentSuffix)
			if c := t.names[base]; cut && c != nil && c.remarks() {
				text, f := remarkText(c, given[name], limits)
				if f != nil {
					faults = append(faults, *f)
				} else if text != "" {
					out[name] = text
				}
				continue
			}
			faults = append(faults, Fault{Question: name, Code: notAsked})
			continue
		}
		v, fs := inside.normal(given[name], limits)
		faults = append(faults, fs...)
		if len(fs) == 0 && !isEmpty(v) {
			out[name] = v
		}
	}
	return out, faults
}

// uploaded is normal of files: a list of {"name", "type", "content"} with a data: URL, or with
// the address under which the host keeps them. A signature is a data: URL of a picture.
func (q *Question) uploaded(v any, limits Limits) (any, Faults) {
	u := q.Upload
	most := limits.UploadBytes
	if u.MaxSize > 0 {
		most = min(most, u.MaxSize)
	}
	if u.Signature {
		s, ok := v.(string)
		if !ok {
			return nil, Faults{*q.wrong(wrongType, "")}
		}
		if s = strings.TrimSpace(s); s == "" {
			return nil, nil
		}
		if !strings.HasPrefix(s, "data:image/") {
			return nil, Faults{*q.wrong(badFormat, "")}
		}
		return s, sized(q, s, most)
	}
	list, ok := v.([]any)
	if !ok {
		if _, isMap := v.(map[string]any); !isMap {
			if isEmpty(v) {
				return nil, nil
			}
			return nil, Faults{*q.wrong(wrongType, "")}
		}
		list = []any{v}
	}
	files := limits.Uploads
	if u.MaxFiles > 0 {
		files = min(files, u.MaxFiles)
	}
	if !u.Multiple {
		files = 1
	}
	if len(list) > files {
		return nil, Faults{*q.wrong(tooMany, strconv.Itoa(files))}
	}
	out := make([]any, 0, len(list))
	for _, it := range list {
		m, ok := plain(it).(map[string]any)
		if !ok {
			return nil, Faults{*q.wrong(wrongType, "")}
		}
		name, typ, content := cleanName(m["name"]), cleanName(m["type"]), toText(plain(m["content"]))
		if content == "" {
			continue
		}
		if fs := sized(q, content, most); fs != nil {
			return nil, fs
		}
		if !u.accepts(name, typ) {
			return nil, Faults{*q.wrong(notOffered, u.Accept)}
		}
		out = append(out, map[string]any{"name": name, "type": typ, "content": content})
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// cleanName is a name of a file without anything that could be a path or control something.
func cleanName(v any) string {
	s := cleanText(toText(plain(v)), false)
	for utf8.RuneCountInString(s) > 200 {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	return s
}

// sized checks the size of the content of a data: URL, which base64 makes longer.
func sized(q *Question, content string, most int64) Faults {
	limit := strconv.FormatInt(most, 10)
	if int64(len(content)) > most/3*4+200 {
		return Faults{*q.wrong(tooLarge, limit)}
	}
	rest, isData := strings.CutPrefix(content, "data:")
	if !isData {
		return nil
	}
	head, body, ok := strings.Cut(rest, ",")
	if !ok {
		return Faults{*q.wrong(badFormat, "")}
	}
	if strings.HasSuffix(head, ";base64") {
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return Faults{*q.wrong(badFormat, "")}
		}
		if int64(len(raw)) > most {
			return Faults{*q.wrong(tooLarge, limit)}
		}
	}
	return nil
}

// accepts tells whether a file is of a type that is asked for, by its name or type.
func (u *Upload) accepts(name, typ string) bool {
	if strings.TrimSpace(u.Accept) == "" {
		return true
	}
	for want := range strings.SplitSeq(strings.ToLower(u.Accept), ",") {
		want = strings.TrimSpace(want)
		class, any := strings.CutSuffix(want, "/*")
		switch {
		case want == "" || want == "*" || want == "*/*":
			return true
		case strings.HasPrefix(want, ".") && strings.HasSuffix(strings.ToLower(name), want),
			any && strings.HasPrefix(strings.ToLower(typ), class+"/"),
			want == strings.ToLower(typ):
			return true
		}
	}
	return false
}
