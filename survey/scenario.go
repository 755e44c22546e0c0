package survey

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ScenarioOptions is how scenarios are run.
type ScenarioOptions struct {
	Language string    // of texts; empty: the survey's
	Now      time.Time // for today() and its kin
}

// ScenarioResult is the verdict on one test of a suite.
type ScenarioResult struct {
	Name   string
	Status string // "passed", "failed", or "error" where a step could not be done
	Steps  []ScenarioStep
}

// ScenarioStep is the verdict on one step.
type ScenarioStep struct {
	Command string // such as set, nextPage or expect
	Status  string // "passed", "failed" or "error"
	Problem string // why a step could not be done; empty if it was
	Checks  []ScenarioCheck
}

// ScenarioCheck is the verdict on one expectation.
type ScenarioCheck struct {
	Target, Check    string // such as "nps" and "visible"
	Passed           bool
	Actual, Expected any
}

// scenarioSuite is a file in the format of survey-core/tester (*.tests.json).
type scenarioSuite struct {
	Variables map[string]any `json:"variables"`
	Tests     []struct {
		Name      string           `json:"name"`
		Variables map[string]any   `json:"variables"`
		Data      map[string]any   `json:"data"`
		Steps     []map[string]any `json:"steps"`
	} `json:"tests"`
}

// Scenarios runs a suite of tests in the format of survey-core/tester: what a
// respondent does, and what is expected of the survey then. Each test begins
// anew. The error is for a suite that cannot be read; what a test found is in its result.
// Previews are not shown here, and their commands are errors.
func (d *Definition) Scenarios(suite []byte, opts ScenarioOptions) ([]ScenarioResult, error) {
	var in scenarioSuite
	if len(suite) > d.limits.Bytes {
		return nil, fmt.Errorf("survey scenarios: %w", ErrLimit)
	}
	if err := json.Unmarshal(suite, &in); err != nil {
		return nil, fmt.Errorf("survey scenarios: %w", err)
	}
	out := make([]ScenarioResult, 0, len(in.Tests))
	for _, t := range in.Tests {
		vars := map[string]any{}
		for k, v := range in.Variables {
			vars[k] = v
		}
		for k, v := range t.Variables {
			vars[k] = v
		}
		r := &scenario{s: d.Begin(SessionOptions{Language: opts.Language, Now: opts.Now, Variables: vars, Answers: t.Data})}
		res := ScenarioResult{Name: t.Name, Status: "passed"}
		for _, step := range t.Steps {
			st := r.step(step)
			res.Steps = append(res.Steps, st)
			if st.Status == "error" {
				res.Status = "error"
				break // SurveyJS goes no further either
			}
			if st.Status == "failed" {
				res.Status = "failed"
			}
		}
		out = append(out, res)
	}
	return out, nil
}

// scenario is a test while it runs.
type scenario struct {
	s      *Session
	faults Faults // of the last attempt to leave a page
}

// step does one step: a command with its targets.
func (r *scenario) step(step map[string]any) ScenarioStep {
	names := keys(step)
	if len(names) != 1 {
		return ScenarioStep{Status: "error", Problem: "a step is one command"}
	}
	st := ScenarioStep{Command: names[0], Status: "passed"}
	targets, ok := step[st.Command].(map[string]any)
	if !ok {
		st.Status, st.Problem = "error", "a command has its targets in an object"
		return st
	}
	for _, target := range keys(targets) {
		if st.Command == "expect" {
			checks, err := r.expect(target, targets[target])
			st.Checks = append(st.Checks, checks...)
			if err != nil {
				st.Status, st.Problem = "error", err.Error()
			}
			continue
		}
		if err := r.command(st.Command, target, targets[target]); err != nil {
			st.Status, st.Problem = "error", err.Error()
			return st
		}
	}
	if st.Status == "passed" && slices.ContainsFunc(st.Checks, func(c ScenarioCheck) bool { return !c.Passed }) {
		st.Status = "failed"
	}
	return st
}

// command does what a respondent does. The error says why that could not be done.
func (r *scenario) command(name, target string, param any) error {
	s := r.s
	switch name {
	case "nextPage":
		r.faults = s.Next()
		return nil
	case "prevPage":
		s.Back()
		return nil
	case "complete":
		if s.State() != Starting {
			r.faults = s.Complete()
		}
		return nil
	case "startSurvey":
		r.faults = s.Start()
		return nil
	}
	n := s.find(target)
	if n == nil {
		return fmt.Errorf("there is no question %q", target)
	}
	switch name {
	case "setDirectly":
		s.work, s.evals = 0, 0
		s.assign(n, normalValue(param, 0), true)
		return nil
	case "set", "clear", "setComment":
		switch {
		case s.state != Running && s.state != Starting || n.page() != s.PageIndex():
			return fmt.Errorf("%q is not on the page that shows", target)
		case !n.inSight():
			return fmt.Errorf("%q does not show", target)
		case n.isReadOnly():
			return fmt.Errorf("%q is read-only", target)
		}
	case "addRow", "addPanel", "removeRow", "removePanel":
		return r.rows(name, target, n, param)
	default:
		return fmt.Errorf("there is no command %q here", name)
	}
	s.work, s.evals = 0, 0
	switch name {
	case "clear":
		s.clear(n, false)
	case "setComment":
		text, _ := param.(string)
		if faults := s.Remark(target, text); len(faults) > 0 {
			return faults
		}
	default:
		if (n.q.takesChoices() || n.q.Type == "rating") && !isEmpty(param) && !s.enterable(n, param) {
			return fmt.Errorf("%q has no such choice", target)
		}
		s.assign(n, normalValue(param, 0), true)
	}
	return nil
}

// enterable tells whether a page lets a value be chosen.
func (s *Session) enterable(n *live, v any) bool {
	offered := n.q.Choices
	if n.q.takesChoices() {
		offered = s.offered(n)
	}
	list, ok := plain(v).([]any)
	if !ok {
		list = []any{v}
	}
	for _, it := range list {
		if !n.q.rules.custom && !offers(offered, choiceValue2(plain(it), n.q)) {
			return false
		}
	}
	return true
}

// rows adds or removes rows or panels.
func (r *scenario) rows(name, target string, n *live, param any) error {
	count := int(toNumber(plain(param)))
	for i := range max(count, 1) {
		ok := false
		if strings.HasPrefix(name, "add") {
			ok = r.s.Add(target)
		} else if i > 0 {
			break // the number is that of the row
		} else {
			ok = r.s.Remove(target, count)
		}
		if !ok {
			return fmt.Errorf("%q does not allow it", target)
		}
	}
	return nil
}

// errNoCheck is in the chain for an expectation that there is not.
var errNoCheck = errors.New("no such check")

// expect compares a target with what is expected of it.
func (r *scenario) expect(target string, want any) ([]ScenarioCheck, error) {
	wanted, ok := want.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("what is expected of %q is no object", target)
	}
	var out []ScenarioCheck
	for _, check := range keys(wanted) {
		expected := wanted[check]
		if target == "survey" {
			checks, err := r.survey(check, expected)
			if err != nil {
				return out, err
			}
			out = append(out, checks...)
			continue
		}
		actual, err := r.actual(target, check)
		if err != nil {
			return out, err
		}
		out = append(out, verdict(target, check, actual, expected))
	}
	return out, nil
}

// verdict compares a value with what is expected. Lists of choices and errors have no order;
// otherwise case and type count.
func verdict(target, check string, actual, expected any) ScenarioCheck {
	ignore := check == "choices" || check == "errors"
	actual, expected = normalValue(actual, 0), normalValue(expected, 0)
	passed := equality{ignoreOrder: ignore, strict: true}.equal(actual, expected) && sameKind(actual, expected)
	return ScenarioCheck{Target: target, Check: check, Passed: passed, Actual: actual, Expected: expected}
}

// sameKind tells a number from its text.
func sameKind(a, b any) bool {
	if isEmpty(a) || isEmpty(b) {
		return isEmpty(a) == isEmpty(b)
	}
	return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
}

// survey checks the survey itself.
func (r *scenario) survey(check string, expected any) ([]ScenarioCheck, error) {
	s := r.s
	one := func(actual any) ([]ScenarioCheck, error) {
		return []ScenarioCheck{verdict("survey", check, actual, expected)}, nil
	}
	each := func(actual func(name string) any) ([]ScenarioCheck, error) {
		m, _ := expected.(map[string]any)
		var out []ScenarioCheck
		for _, name := range keys(m) {
			c := verdict("survey", check, actual(name), m[name])
			out = append(out, c)
		}
		return out, nil
	}
	switch check {
	case "state":
		return one(s.State())
	case "currentPage":
		if s.page < 0 {
			return one(nil)
		}
		return one(s.d.pages[s.page].name)
	case "pages":
		names := []any{}
		for _, p := range s.visiblePages() {
			names = append(names, s.d.pages[p].name)
		}
		return one(names)
	case "errorCount":
		return one(float64(len(r.faults)))
	case "values":
		answers := s.Answers()
		return each(func(name string) any { return answers[name] })
	case "variables":
		return each(func(name string) any { return s.vars[strings.ToLower(name)] })
	case "noValues":
		answers := s.Answers()
		var out []ScenarioCheck
		list, _ := expected.([]any)
		for _, it := range list {
			v, there := answers[toText(it)]
			out = append(out, ScenarioCheck{Target: "survey", Check: check, Passed: !there, Actual: v})
		}
		return out, nil
	}
	return nil, fmt.Errorf("survey: %q: %w", check, errNoCheck)
}

// actual is what a target is: of a question, a panel, a page or a calculated value.
func (r *scenario) actual(target, check string) (any, error) {
	s := r.s
	if n := s.find(target); n != nil {
		return r.question(n, target, check)
	}
	for i := range s.root.nodes {
		if n := &s.root.nodes[i]; n.q == nil && n.el.name == target {
			return r.container(n, target, check)
		}
	}
	for _, c := range s.d.logic.calculated {
		if c.name == target && check == "value" {
			return s.vars[strings.ToLower(target)], nil
		}
	}
	return nil, fmt.Errorf("there is nothing called %q with %q", target, check)
}

func (r *scenario) container(n *live, target, check string) (any, error) {
	switch check {
	case "visible":
		return n.inSight(), nil
	case "enabled":
		return !n.isReadOnly(), nil
	case "title":
		return r.s.pipe(r.s.say(n.el.title), nil), nil
	case "description":
		return r.s.pipe(r.s.say(n.el.description), nil), nil
	case "page":
		return r.s.d.pages[n.page()].name, nil
	case "errorCount", "hasErrors":
		count := 0
		for _, el := range n.el.below {
			count += len(r.of(n.sc.node(el)))
		}
		if check == "hasErrors" {
			return count > 0, nil
		}
		return float64(count), nil
	}
	return nil, fmt.Errorf("%q: %q: %w", target, check, errNoCheck)
}

// of are the faults of a question, and of those inside it.
func (r *scenario) of(n *live) Faults {
	var out Faults
	path := n.path()
	for _, f := range r.faults {
		if f.Question == path || strings.HasPrefix(f.Question, path+".") || strings.HasPrefix(f.Question, path+"[") {
			out = append(out, f)
		}
	}
	return out
}

func (r *scenario) question(n *live, target, check string) (any, error) {
	s := r.s
	switch check {
	case "value":
		return n.value(), nil
	case "empty":
		return n.empty(), nil
	case "visible":
		return n.inSight(), nil
	case "enabled":
		return !n.isReadOnly(), nil
	case "required":
		return n.required, nil
	case "hasErrors":
		return len(r.of(n)) > 0, nil
	case "errorCount":
		return float64(len(r.of(n))), nil
	case "errors":
		texts := []any{}
		for _, f := range r.of(n) {
			if f.Message.IsZero() {
				texts = append(texts, f.Code)
				continue
			}
			texts = append(texts, s.say(f.Message))
		}
		return texts, nil
	case "comment":
		return n.comment(), nil
	case "title":
		return s.pipe(s.say(n.q.Title), n.sc), nil
	case "description":
		return s.pipe(s.say(n.q.Description), n.sc), nil
	case "page":
		return s.d.pages[n.page()].name, nil
	case "type":
		return n.q.Type, nil
	case "choices", "choiceTexts":
		if !n.q.takesChoices() {
			break
		}
		out := []any{}
		for _, c := range s.shownChoices(n) {
			if check == "choices" {
				out = append(out, c.Value)
			} else {
				out = append(out, s.choiceLabel(c))
			}
		}
		return out, nil
	case "rowCount", "panelCount":
		if n.q.repeats() && (check == "panelCount") == (n.q.Repeat != nil) {
			return float64(len(n.kids)), nil
		}
	}
	return nil, fmt.Errorf("%q: %q: %w", target, check, errNoCheck)
}
