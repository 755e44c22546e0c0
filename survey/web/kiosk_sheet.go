package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// kioskKind is the kind of what KioskFindings returns.
const kioskKind = "kiosk"

// KioskFindings lists what keeps a definition from being asked by a kiosk, each of kind "kiosk"
// and severity "failure"; none means that it can be. A kiosk asks all on one page, without its
// server: conditions that read more than the answer to one earlier question of single choice,
// values that are calculated, checks that a browser does not know, files, tables and rankings
// are for the pages of Handler.
func KioskFindings(d *survey.Definition) []survey.Finding {
	_, findings := newSheet(d)
	return findings
}

// sheet is a survey on one page.
type sheet struct {
	print string             // names its content: what an answer on the page was asked
	def   *survey.Definition // by which answers are checked
	one   *survey.Definition // what is shown: one page, its conditions in rules
	rules map[string]rule    // by ruleKey of what it shows
}

// rule shows something only with some answers to a question before it.
type rule struct {
	on     string   // the field of the question
	values []string // as a form sends them; "" is no answer
}

// ruleKey names a question or a panel.
func ruleKey(e survey.ElementView) string {
	if e.Panel != nil {
		return "panel " + e.Panel.Name
	}
	return "question " + e.Question.Name
}

// fingerprint names the content of a definition.
func fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// sheetReader takes a definition apart.
type sheetReader struct {
	def      *survey.Definition
	raw      json.RawMessage // its x-retail object, which says how texts compare
	names    map[string]survey.Question
	asked    map[string]bool            // questions so far, by name in lower case
	elements map[string]json.RawMessage // of questions, by name, without their condition
	rules    map[string]rule
	panels   int
	findings []survey.Finding
}

// newSheet makes the sheet of a definition, or says why it cannot be one.
func newSheet(d *survey.Definition) (*sheet, []survey.Finding) {
	raw, err := d.MarshalJSON()
	if err != nil {
		return nil, []survey.Finding{{Kind: kioskKind, Severity: "failure", Detail: err.Error()}}
	}
	r := &sheetReader{def: d, names: map[string]survey.Question{}, asked: map[string]bool{}, elements: map[string]json.RawMessage{}, rules: map[string]rule{}}
	for q := range d.Questions() {
		r.names[strings.ToLower(q.Name)] = q
	}
	for _, f := range d.Findings() {
		if f.Severity == "failure" {
			r.find(f.Path, f.Question, "%s", f.Detail)
		}
	}
	s := &sheet{print: fingerprint(raw), def: d}
	var top map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&top); err != nil {
		r.find("", "", "%v", err)
		return nil, r.findings
	}
	r.survey(top)
	one, err := json.Marshal(top)
	if err == nil {
		s.one, err = survey.Parse(one, survey.Limits{})
	}
	if err == nil {
		err = s.one.Err()
	}
	if err != nil && len(r.findings) == 0 {
		r.find("", "", "%v", err)
	}
	s.rules = r.rules
	if len(r.findings) > 0 {
		return nil, r.findings
	}
	return s, nil
}

// find notes a finding.
func (r *sheetReader) find(path, question, format string, args ...any) {
	r.findings = append(r.findings, survey.Finding{Kind: kioskKind, Severity: "failure", Path: path, Question: question, Detail: fmt.Sprintf(format, args...)})
}

// Properties that ask for what a page without its server does not do.
var (
	surveyNeeds = []string{"triggers", "calculatedValues", "completedHtmlOnCondition", "navigateToUrl", "navigateToUrlOnCondition", "timeLimit",
		"timeLimitPerPage", "maxTimeToFinish", "maxTimeToFinishPage", "readOnly"}
	elementNeeds = []string{"validators", "enableIf", "requiredIf", "defaultValueExpression", "setValueIf", "setValueExpression", "resetValueIf",
		"bindings", "choicesFromQuestion", "choicesVisibleIf", "choicesEnableIf", "choicesByUrl", "maskType", "showOtherItem", "hasOther", "valueName",
		"readOnly", "minSelectedChoices", "maxSelectedChoices", "allowCustomChoices", "valuePropertyName", "hideIfChoicesEmpty", "timeLimit",
		"minValueExpression", "maxValueExpression"}
	choiceNeeds = []string{"visibleIf", "enableIf", "isCommentRequired", "showCommentArea", "isExclusive"}
	kioskTypes  = []string{"rating", "radiogroup", "buttongroup", "boolean", "checkbox", "dropdown", "text", "comment", "html", "image"}
	kioskInputs = []string{"", "text", "email", "tel", "number", "date", "time"}
)

// set tells a property that is there and says something.
func set(v any) bool {
	switch t := v.(type) {
	case nil:
		return false
	case bool:
		return t
	case string:
		return t != "" && t != "none"
	case json.Number:
		return t != "0"
	case []any:
		return len(t) > 0
	}
	return true
}

// survey puts all pages of a survey on one.
func (r *sheetReader) survey(top map[string]any) {
	for _, name := range surveyNeeds {
		if set(top[name]) {
			r.find(name, "", "%s needs the server", name)
		}
	}
	if top["mode"] == "display" || top["questionOrder"] == "random" || top["clearInvisibleValues"] == "none" {
		r.find("", "", "display mode, a random order and clearInvisibleValues none need the server")
	}
	if ext, err := json.Marshal(top["x-retail"]); err == nil && top["x-retail"] != nil {
		r.raw = ext
	}
	for _, name := range []string{"title", "description", "completedHtml"} {
		r.piped(top[name], name, "")
	}
	var all []any
	pages, _ := top["pages"].([]any)
	for i, p := range pages {
		page, _ := p.(map[string]any)
		at := "pages[" + strconv.Itoa(i) + "]"
		if page == nil {
			continue
		}
		page["type"] = "panel"
		r.panel(page, at)
		all = append(all, page)
	}
	for _, name := range []string{"elements", "questions"} {
		if loose, _ := top[name].([]any); loose != nil {
			r.list(loose, name)
			all = append(all, loose...)
			delete(top, name)
		}
	}
	for _, name := range []string{"firstPageIsStarted", "firstPageIsStartPage", "questionsOnPageMode", "isSinglePage"} {
		delete(top, name)
	}
	top["pages"] = []any{map[string]any{"elements": all}}
}

// list reads elements in order.
func (r *sheetReader) list(all []any, path string) {
	for i, e := range all {
		el, _ := e.(map[string]any)
		if el == nil {
			continue
		}
		at := path + "[" + strconv.Itoa(i) + "]"
		switch typ, _ := el["type"].(string); {
		case typ == "panel" || typ == "flowpanel":
			r.panel(el, at)
		case slices.Contains(kioskTypes, typ):
			r.question(el, typ, at)
		default:
			name, _ := el["name"].(string)
			r.find(at, name, "a question of type %q needs the server", typ)
		}
	}
}

// panel reads a panel or a page. It gets a name of its own: nothing reads it.
func (r *sheetReader) panel(el map[string]any, at string) {
	r.panels++
	name := strconv.Itoa(r.panels)
	el["name"] = name
	for _, p := range append([]string{"isRequired"}, elementNeeds...) {
		if set(el[p]) {
			r.find(at+"."+p, "", "%s of a panel needs the server", p)
		}
	}
	if el["questionOrder"] == "random" || el["questionsOrder"] == "random" {
		r.find(at, "", "a random order needs the server")
	}
	r.piped(el["title"], at+".title", "")
	r.piped(el["description"], at+".description", "")
	r.condition(el, name, at)
	for _, list := range []string{"elements", "questions"} {
		if inside, _ := el[list].([]any); inside != nil {
			r.list(inside, at+"."+list)
		}
	}
}

// question reads a question.
func (r *sheetReader) question(el map[string]any, typ, at string) {
	name, _ := el["name"].(string)
	for _, p := range elementNeeds {
		if set(el[p]) {
			r.find(at+"."+p, name, "%s needs the server", p)
		}
	}
	input, _ := el["inputType"].(string)
	switch {
	case el["choicesOrder"] != nil && el["choicesOrder"] != "none" && el["choicesOrder"] != "asc" && el["choicesOrder"] != "desc":
		r.find(at+".choicesOrder", name, "a random order needs the server")
	case typ == "checkbox" && (set(el["isRequired"]) || set(el["showNoneItem"]) || set(el["showRefuseItem"]) || set(el["showDontKnowItem"]) || set(el["hasNone"])):
		r.find(at, name, "whether enough, or only one, of several choices are made is checked by the server; ask by radio buttons")
	case typ == "text" && !slices.Contains(kioskInputs, input):
		r.find(at+".inputType", name, "%q needs the server", input)
	}
	for _, list := range []string{"choices", "rateValues"} {
		choices, _ := el[list].([]any)
		for i, c := range choices {
			choice, _ := c.(map[string]any)
			for _, p := range choiceNeeds {
				if set(choice[p]) {
					r.find(fmt.Sprintf("%s.%s[%d].%s", at, list, i, p), name, "%s of a choice needs the server", p)
				}
			}
			r.piped(choice["text"], fmt.Sprintf("%s.%s[%d]", at, list, i), name)
		}
	}
	for _, p := range []string{"title", "description", "html", "minRateDescription", "maxRateDescription", "commentText", "placeholder", "labelTrue", "labelFalse"} {
		r.piped(el[p], at+"."+p, name)
	}
	r.condition(el, name, at)
	if src, err := json.Marshal(el); err == nil {
		r.elements[strings.ToLower(name)] = src
	}
	r.asked[strings.ToLower(name)] = true
	if n, _ := el["maxLength"].(json.Number); (typ == "comment" || typ == "text" && slices.Contains(kioskInputs[:4], input)) && (n == "" || n == "-1" || n == "0") {
		el["maxLength"] = maxKioskText
	}
	if typ == "text" { // what one person entered is not to be offered to the next
		el["autocomplete"] = "off"
	}
}

// maxKioskText bounds a text that has no bound of its own, so that what waits to be sent is small.
const maxKioskText = 2000

var reference = regexp.MustCompile(`\{([^{}]*)\}`)

// questionOf finds the question that a name in braces reads, or a part of it.
func (r *sheetReader) questionOf(name string) (q survey.Question, whole, ok bool) {
	name = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "#"))
	if q, ok := r.names[name]; ok {
		return q, true, true
	}
	if base, cut := strings.CutSuffix(name, "-comment"); cut {
		name = base
	}
	if i := strings.IndexAny(name, ".["); i > 0 {
		name = name[:i]
	}
	q, ok = r.names[name]
	return q, false, ok
}

// piped finds texts that show an answer.
func (r *sheetReader) piped(v any, path, question string) {
	switch t := v.(type) {
	case map[string]any:
		for _, lang := range slices.Sorted(maps.Keys(t)) {
			r.piped(t[lang], path+"."+lang, question)
		}
	case string:
		for _, m := range reference.FindAllStringSubmatch(t, -1) {
			if _, _, ok := r.questionOf(m[1]); ok {
				r.find(path, question, "a text that shows the answer %s needs the server", m[0])
			}
		}
	}
}

// call finds functions in an expression.
var call = regexp.MustCompile(`(^|[^'"\w])([A-Za-z_]\w*)\s*\(`)

// condition turns visibleIf into a rule: by what answers to one question the element shows. Each of
// them is tried, so that the rule says what the survey itself says.
func (r *sheetReader) condition(el map[string]any, name, at string) {
	src, _ := el["visibleIf"].(string)
	if strings.TrimSpace(src) == "" {
		return
	}
	at += ".visibleIf"
	question := ""
	if el["type"] != "panel" {
		question = name
	}
	var on *survey.Question
	host := false
	for _, m := range reference.FindAllStringSubmatch(src, -1) {
		q, whole, ok := r.questionOf(m[1])
		switch {
		case !ok:
			host = true
		case !whole || q.Multiple || len(q.Choices) == 0 || q.Type == "ranking":
			r.find(at, question, "a condition can read the answer to a question of single choice; %s is none", m[0])
			return
		case on != nil && on.Name != q.Name:
			r.find(at, question, "a condition can read one question, not %q and %q", on.Name, q.Name)
			return
		case !r.asked[strings.ToLower(q.Name)]:
			r.find(at, question, "a condition can read a question before it; %q is not", q.Name)
			return
		default:
			on = &q
		}
	}
	for _, m := range call.FindAllStringSubmatch(src, -1) {
		if w := strings.ToLower(m[2]); w != "and" && w != "or" && w != "not" && w != "iif" {
			r.find(at, question, "a condition with %s() needs the server", m[2])
			return
		}
	}
	if on == nil {
		return // of the host's values alone: the page is made with them
	}
	if host {
		r.find(at, question, "a condition can read the host's values or an answer, not both")
		return
	}
	probe, err := r.probe(*on, src)
	if err != nil {
		r.find(at, question, "%v", err)
		return
	}
	delete(el, "visibleIf")
	ru := rule{on: fieldPrefix + on.Name, values: []string{}}
	if probe(nil) {
		ru.values = append(ru.values, "")
	}
	for _, c := range on.Choices {
		if probe(c.Value) {
			ru.values = append(ru.values, c.Key())
		}
	}
	kind := "question "
	if question == "" {
		kind = "panel "
	}
	r.rules[kind+name] = ru
}

var errProbe = errors.New("the condition cannot be tried")

// probe returns whether a condition holds with an answer to a question, as the survey decides.
func (r *sheetReader) probe(on survey.Question, condition string) (func(answer any) bool, error) {
	own := map[string]any{"elements": []any{r.elements[strings.ToLower(on.Name)], map[string]any{"type": "comment", "name": "probe of " + on.Name, "visibleIf": condition}}}
	if r.raw != nil {
		own["x-retail"] = r.raw
	}
	src, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	d, err := survey.Parse(src, survey.Limits{})
	if err != nil {
		return nil, err
	}
	if _, ok := d.Question("probe of " + on.Name); !ok {
		return nil, errProbe
	}
	return func(answer any) bool {
		env := survey.Env{Answers: map[string]any{}}
		if answer != nil {
			env.Answers[on.Name] = answer
		}
		return slices.ContainsFunc(d.Visible(env), func(q survey.Question) bool { return q.Name == "probe of "+on.Name })
	}, nil
}
