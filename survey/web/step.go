package web

import (
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// step is what a request leads to: a page to show, or a survey that is finished.
type step struct {
	session *survey.Session
	view    survey.PageView
	ask     map[string]bool           // paths that show; nil: all of the page
	was     []string                  // asked before on the same page
	faults  map[string][]survey.Fault // by path
	raw     map[string]url.Values     // fields that could not be read, by path
	remarks map[string]string         // likewise, what was written beside an answer
	carry   bool                      // something was sent before: the answers travel with the form
	done    bool                      // finished: the answers are the session's
	focus   string                    // path of the panel or row that was added
	taken   map[string]bool           // fields of the form that were given to the session
	sent    *form                     // nil for a first page
	draft   string                    // revision of the draft that the page goes on with
}

// begin starts the survey of an invitation, or goes on with what was kept.
func (v *visit) begin(k kept, resumed bool) *survey.Session {
	vars := v.variables()
	for name, val := range k.Variables { // the host's count
		if _, taken := vars[name]; !taken {
			vars[name] = val
		}
	}
	h := fnv.New32a()
	_, _ = h.Write(strconv.AppendUint(nil, v.id, 10))
	opts := survey.SessionOptions{Language: v.lang, Variables: vars, Now: v.at, Seed: h.Sum32()}
	opts.Began, opts.PageBegan = v.clock.began(v.page)
	if resumed {
		opts.Answers, opts.Resumed = v.inv.Definition.Carried(k.Answers), true
	}
	return v.inv.Definition.Begin(opts)
}

// firstStep asks what shows before anything is answered.
func firstStep(v visit) step {
	s := step{session: v.begin(kept{}, false)}
	s.view = s.session.Page()
	return s
}

// nextStep reads a form. It goes through the survey from its beginning with the answers that the
// form brought: a page before the one that was shown must be in order.
// On that page it takes what was entered and does what the button says. With hold it stays there.
func nextStep(v visit, f *form, hold bool) step {
	k, resumed := f.kept()
	if v.page = f.page(); v.page < 0 {
		v.page = pageOf(v.inv.Definition, f)
	}
	claimed := v.page
	s := step{
		session: v.begin(k, resumed), carry: true,
		faults: map[string][]survey.Fault{}, raw: map[string]url.Values{}, remarks: map[string]string{},
		taken: map[string]bool{}, sent: f,
	}
	act := f.Get(actField)
	for range 2*len(v.inv.Definition.Head().Pages) + 2 {
		s.view = s.session.Page()
		at := s.view.Index
		all := views(s.view.Elements, nil)
		switch {
		case s.session.State() == survey.Completed: // a trigger ended it on an earlier page
			s.done = !hold
			return s
		case at < 0 && hold:
			return s
		case at < 0: // nothing shows at all
			s.session.Complete()
			s.done = s.session.State() == survey.Completed
			return s
		case at > claimed:
			s.restore(all, f)
			return s
		case at != claimed:
			if s.passed(all, f) {
				continue
			}
			return s
		}
		s.session.Together(func() { s.counts(all, f) })
		all = views(s.session.Page().Elements, nil)
		s.session.Together(func() { s.take(all, f, true) })
		s.view = s.session.Page()
		if s.view.Index != at && !hold { // an answer led elsewhere
			s.faults = nil
			s.restore(views(s.view.Elements, nil), f)
			return s
		}
		if !hold && s.expire(v, f) {
			return s
		}
		switch op, path, _ := strings.Cut(act, ":"); {
		case hold:
			return s
		case op == "back":
			s.faults = nil
			if f.followed() { // to all of this page
				return s
			}
			if s.session.Back() {
				s.view = s.session.Page()
				s.restore(views(s.view.Elements, nil), f)
			}
			return s
		case op == "add":
			s.faults = nil
			if s.session.Add(path) {
				s.focus = path
			}
			s.view = s.session.Page()
			return s
		case op == "remove":
			s.faults = nil
			s.remove(path)
			s.view = s.session.Page()
			return s
		}
		s.leave(f)
		return s
	}
	return s
}

// pageOf is the page of a form that does not say which it is: that of a question it asked.
func pageOf(d *survey.Definition, f *form) int {
	for q := range d.Questions() {
		if f.Has(onPrefix + q.Name) {
			return q.Page
		}
	}
	return 0
}

// passed takes what a form brought for a page before the one it shows and goes on. It is false
// where that page is to be looked at again.
func (s *step) passed(all []*survey.View, f *form) bool {
	s.take(all, f, false)
	if s.session.IsLast() { // the page that was shown is there no more
		s.view = s.session.Page()
		return false
	}
	faults := s.session.Pass()
	if len(s.faults) == 0 && len(faults) == 0 {
		return true
	}
	s.view = s.session.Page()
	for _, fa := range faults {
		if (f.was(fa.Question) || f.on(fa.Question)) && len(s.faults[fa.Question]) == 0 {
			s.faults[fa.Question] = append(s.faults[fa.Question], fa)
		}
	}
	if len(s.faults) == 0 && len(s.asking(f)) > 0 { // it shows since other answers were given
		s.only(f)
	}
	return false
}

// asking are the paths of the page that were not asked yet.
func (s *step) asking(f *form) []string {
	var out []string
	for _, q := range views(s.view.Elements, nil) {
		if f.was(q.Path) || f.on(q.Path) || q.ReadOnly && f.Has(onPrefix+q.Path) || container(q) && f.Has(onPrefix+q.Path) {
			continue
		}
		out = append(out, q.Path)
	}
	return out
}

// only lets those questions of the page show that were not asked yet.
func (s *step) only(f *form) {
	s.ask = map[string]bool{}
	for _, p := range s.asking(f) {
		s.ask[p] = true
	}
	for _, q := range views(s.view.Elements, nil) {
		if !s.ask[q.Path] {
			s.was = append(s.was, q.Path)
		}
	}
	if len(s.was) == 0 {
		s.ask = nil
	}
}

// leave checks the page and goes on: to what shows on it by now, to the next page, or to the end.
func (s *step) leave(f *form) {
	here := views(s.view.Elements, nil)
	fresh := s.asking(f)
	if len(fresh) > 0 || len(s.faults) > 0 {
		for _, fa := range s.session.Faults() {
			if slices.ContainsFunc(here, func(q *survey.View) bool {
				return (q.Path == fa.Question || strings.HasPrefix(fa.Question, q.Path+".")) && (f.was(q.Path) || f.on(q.Path))
			}) && len(s.faults[fa.Question]) == 0 {
				s.faults[fa.Question] = append(s.faults[fa.Question], fa)
			}
		}
		if len(s.faults) == 0 {
			s.only(f)
		}
		return
	}
	was := s.session.PageIndex()
	var faults survey.Faults
	if s.session.IsLast() {
		faults = s.session.Complete()
	} else {
		faults = s.session.Pass()
	}
	for _, fa := range faults {
		s.faults[fa.Question] = append(s.faults[fa.Question], fa)
	}
	s.done = s.session.State() == survey.Completed
	if s.done || len(faults) > 0 {
		if len(faults) > 0 {
			s.goTo(faults)
		}
		return
	}
	s.view = s.session.Page()
	if s.session.PageIndex() != was {
		s.restore(views(s.view.Elements, nil), f)
	}
}

// goTo shows the page that faults are on: a survey that is checked at its end may have them on
// earlier pages.
func (s *step) goTo(faults survey.Faults) {
	for {
		s.view = s.session.Page()
		for _, q := range views(s.view.Elements, nil) {
			if slices.ContainsFunc(faults, func(fa survey.Fault) bool { return fa.Question == q.Path }) {
				return
			}
		}
		if !s.session.Back() {
			return
		}
	}
}

// restore keeps what was entered on a page that was left by going back and could not be read.
func (s *step) restore(all []*survey.View, f *form) {
	for _, q := range all {
		if f.has(q) && !f.Has(onPrefix+q.Path) && !shows(q) {
			s.raw[q.Path] = f.fields(q)
		}
	}
}

// maxEmpty bounds how many empty panels or rows a form brings back: each runs the conditions of all.
const maxEmpty = 50

// counts gives the questions of a page as many panels and rows as it showed: empty rows are no
// part of an answer.
func (s *step) counts(all []*survey.View, f *form) {
	for _, q := range all {
		want, err := strconv.Atoi(f.Get(countPrefix + q.Path))
		if err != nil {
			continue
		}
		have := len(q.Rows) + len(q.Panels)
		want = min(want, have+maxEmpty)
		for ; have < want && s.session.Add(q.Path); have++ {
		}
		for ; have > want && s.session.Remove(q.Path, have-1); have-- {
		}
	}
}

// take gives the session what a form has for questions. Only what differs from what the page
// showed is given: the rest may have followed from another answer meanwhile. shown tells the page
// that was shown, on which a question without a field was left empty.
func (s *step) take(all []*survey.View, f *form, shown bool) {
	again := make([]*survey.View, 0, len(all))
	for _, q := range all {
		if !s.takeOne(q, f, shown) {
			again = append(again, q)
		}
	}
	for _, q := range again { // an answer below may have made it possible
		s.takeOne(q, f, shown)
	}
	s.takeRemarks(all, f)
}

// takeOne gives the session the answer to a question. It is false when it cannot be taken.
func (s *step) takeOne(q *survey.View, f *form, shown bool) bool {
	if shows(q) || q.ReadOnly || !(shown && f.on(q.Path)) && !f.has(q) {
		return true
	}
	fields := f.fields(q)
	var value any
	ok := true
	if q.Upload != nil {
		var changed bool
		if value, changed = f.uploaded(q); !changed {
			return true
		}
	} else {
		if equal(fields, written(q)) && (len(fields) > 0 || s.other(q, f, nil) == nil) {
			for name := range fields {
				s.taken[name] = true
			}
			return true
		}
		value, ok = answer(q, fields)
		value = s.other(q, f, value)
	}
	faults := survey.Faults{{Question: q.Path, Code: "not-unique"}}
	if ok {
		faults = s.session.Answer(q.Path, value)
	}
	if len(faults) == 0 || faults[0].Code == "not-asked" {
		for name := range fields {
			s.taken[name] = true
		}
		delete(s.faults, q.Path)
		delete(s.raw, q.Path)
		return true
	}
	s.faults[q.Path] = faults
	s.raw[q.Path] = fields
	return false
}

// other chooses "other" for who only wrote what it is.
func (s *step) other(q *survey.View, f *form, value any) any {
	if value != nil || strings.TrimSpace(f.Get(remarkPrefix+q.Path)) == "" || q.Comment {
		return value
	}
	for _, c := range q.Choices {
		if c.Special == survey.OtherItem {
			if q.Multiple {
				return []any{c.Key()}
			}
			return c.Key()
		}
	}
	return value
}

// takeRemarks gives the session what is written beside answers.
func (s *step) takeRemarks(all []*survey.View, f *form) {
	for _, q := range all {
		name := remarkPrefix + q.Path
		if !f.Has(name) {
			continue
		}
		text := strings.ReplaceAll(f.Get(name), "\r\n", "\n")
		s.taken[name] = true
		if text == q.Remark {
			continue
		}
		faults := s.session.Remark(q.Path, text)
		if len(faults) > 0 && faults[0].Code != "not-asked" {
			s.faults[q.Path] = faults
			s.remarks[q.Path] = text
		}
	}
}

// remove removes the panel or row of a path such as people[0]; what could not be read of those
// after it moves with them.
func (s *step) remove(path string) {
	open := strings.LastIndexByte(path, '[')
	if open < 0 || !strings.HasSuffix(path, "]") {
		return
	}
	i, err := strconv.Atoi(path[open+1 : len(path)-1])
	if err != nil || !s.session.Remove(path[:open], i) {
		return
	}
	s.focus = path[:open]
	moved := map[string]url.Values{}
	for p, fields := range s.raw {
		rest, in := strings.CutPrefix(p, path[:open]+"[")
		index, tail, _ := strings.Cut(rest, "]")
		n, err := strconv.Atoi(index)
		switch {
		case !in || err != nil || n < i:
			moved[p] = fields
		case n > i:
			to := path[:open] + "[" + strconv.Itoa(n-1) + "]" + tail
			renamed := url.Values{}
			for name, all := range fields {
				renamed[strings.Replace(name, p, to, 1)] = all
			}
			moved[to] = renamed
		}
	}
	s.raw = moved
}

// entered tells the fields of a form that a respondent fills in.
func entered(name string) bool {
	return strings.HasPrefix(name, fieldPrefix) || strings.HasPrefix(name, rankPrefix) || strings.HasPrefix(name, remarkPrefix)
}

// carried are the fields that were entered on another page than the one that shows and could not
// be given to the session: they travel on until their page shows again.
func (s *step) carried() []string {
	if s.sent == nil {
		return nil
	}
	here := map[string]bool{}
	for _, q := range views(s.view.Elements, nil) {
		for name := range s.sent.fields(q) {
			here[name] = true
		}
		here[fieldPrefix+q.Path], here[remarkPrefix+q.Path] = true, true
	}
	var out []string
	for name, all := range s.sent.Values {
		if entered(name) && !here[name] && !s.taken[name] && strings.Join(all, "") != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// variables are the host's values with the place among them.
func (v *visit) variables() map[string]any {
	out := make(map[string]any, len(v.inv.Variables)+1)
	for k, val := range v.inv.Variables {
		out[k] = val
	}
	if v.inv.Place != "" {
		out["place"] = v.inv.Place
	}
	return out
}
