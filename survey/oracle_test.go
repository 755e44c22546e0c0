package survey

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// oracleModules finds the node modules with survey-core, or skips.
func oracleModules(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed: SurveyJS is not asked")
	}
	for _, dir := range []string{os.Getenv("VEFA_SURVEYJS"), filepath.Join("testdata", "oracle", "node_modules")} {
		if _, err := os.Stat(filepath.Join(dir, "survey-core")); dir != "" && err == nil {
			abs, err := filepath.Abs(dir)
			require.NoError(t, err)
			return abs
		}
	}
	t.Skip("npm survey-core is not installed: npm ci --prefix survey/testdata/oracle, or set VEFA_SURVEYJS to its node_modules")
	return ""
}

// oracleAsk is what SurveyJS is asked: a survey with steps, or expressions.
type oracleAsk struct {
	ID       int             `json:"id"`
	Survey   json.RawMessage `json:"survey,omitempty"`
	Steps    []oracleStep    `json:"steps,omitempty"`
	Expr     []oracleExpr    `json:"expr,omitempty"`
	Lint     json.RawMessage `json:"lint,omitempty"`
	Scenario *oracleScenario `json:"scenario,omitempty"`
	// Mend asks SurveyJS without the faults of its own that oracle.js names.
	Mend bool `json:"mend,omitempty"`
}

type oracleStep struct {
	Set      map[string]any    `json:"set,omitempty"`
	Comment  map[string]string `json:"comment,omitempty"`
	Vars     map[string]any    `json:"vars,omitempty"`
	Next     int               `json:"next,omitempty"`
	Prev     int               `json:"prev,omitempty"`
	Complete int               `json:"complete,omitempty"`
	Start    int               `json:"start,omitempty"`
}

type oracleExpr struct {
	E string         `json:"e"`
	V map[string]any `json:"v,omitempty"`
}

// oracleState is a survey as SurveyJS sees it, or as a Session does.
type oracleState struct {
	Page         any                 `json:"page"`
	State        string              `json:"state"`
	VisiblePages []string            `json:"visiblePages"`
	Visible      []string            `json:"visible"`
	ReadOnly     []string            `json:"readOnly"`
	Required     []string            `json:"required"`
	Titles       map[string]string   `json:"titles"`
	Choices      map[string][]any    `json:"choices"`
	Data         map[string]any      `json:"data"`
	Calc         map[string]any      `json:"calc"`
	Errors       map[string][]string `json:"errors"`
	OK           *bool               `json:"ok"` // of a step that leaves a page: whether it was left
}

type oracleTold struct {
	ID     int           `json:"id"`
	States []oracleState `json:"states"`
	Expr   []struct {
		R     any    `json:"r"`
		T     bool   `json:"t"`
		Parse bool   `json:"parse"`
		Err   string `json:"err"`
	} `json:"expr"`
	Lint []struct {
		Rule string `json:"rule"`
		Path string `json:"path"`
	} `json:"lint"`
	Scenario []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Steps  []struct {
			Status string `json:"status"`
			Checks []struct {
				Target string `json:"target"`
				Check  string `json:"check"`
				Key    string `json:"key"`
				Passed bool   `json:"passed"`
			} `json:"checks"`
		} `json:"steps"`
	} `json:"scenario"`
	Error string `json:"error"`
}

// oracle is a process that runs SurveyJS. One serves a whole test: what node compiles while it runs
// makes the walks after the first thousand twice as fast.
type oracle struct {
	t      testing.TB
	in     *bufio.Writer
	out    *bufio.Scanner
	stderr bytes.Buffer
}

// startOracle starts SurveyJS, or skips the test where it is not installed. The process ends with
// the test. It gets variables of its environment beside those of this process.
func startOracle(t testing.TB, env ...string) *oracle {
	t.Helper()
	o := &oracle{t: t}
	cmd := exec.Command("node", "--max-semi-space-size=32", filepath.Join("testdata", "oracle", "oracle.js"))
	cmd.Env = append(os.Environ(), "NODE_PATH="+oracleModules(t), "TZ=UTC", "NOW=2026-01-01T00:00:00Z")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = &o.stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("%v: %s", err, o.stderr.String())
		}
	})
	o.in = bufio.NewWriterSize(in, 1<<16)
	o.out = bufio.NewScanner(out)
	o.out.Buffer(nil, 64<<20)
	return o
}

// ask has SurveyJS answer the cases and calls told with each answer, in order.
func (o *oracle) ask(cases []oracleAsk, told func(ask oracleAsk, got oracleTold)) {
	o.t.Helper()
	written := make(chan error, 1)
	lines := make([][]byte, len(cases))
	for i := range cases {
		cases[i].ID = i
		line, err := json.Marshal(cases[i])
		require.NoError(o.t, err)
		lines[i] = line
	}
	go func() { // ends with the last line, or when the process does
		for _, line := range lines {
			_, _ = o.in.Write(append(line, '\n'))
		}
		_ = o.in.WriteByte('\n') // asks for what was answered
		written <- o.in.Flush()
	}()
	for i := range cases {
		if !o.out.Scan() {
			require.FailNow(o.t, "SurveyJS answered too few cases", "%d of %d: %v %s", i, len(cases), o.out.Err(), o.stderr.String())
		}
		var got oracleTold
		require.NoError(o.t, json.Unmarshal(o.out.Bytes(), &got))
		require.Equal(o.t, i, got.ID)
		told(cases[i], got)
	}
	require.NoError(o.t, <-written)
}

// stateOf is the state of a session in the form of the oracle.
func stateOf(s *Session) oracleState {
	st := oracleState{
		State: s.state, VisiblePages: []string{}, Visible: []string{}, ReadOnly: []string{}, Required: []string{},
		Titles: map[string]string{}, Choices: map[string][]any{}, Data: s.Answers(), Calc: map[string]any{},
	}
	if p := s.PageIndex(); p >= 0 {
		st.Page = s.d.pages[p].name
	}
	for _, p := range s.visiblePages() {
		st.VisiblePages = append(st.VisiblePages, s.d.pages[p].name)
	}
	for _, q := range s.d.questions {
		n := s.root.node(q.self)
		if !n.inSight() {
			continue
		}
		st.Visible = append(st.Visible, q.Name)
		st.Visible = append(st.Visible, n.visibleInside()...)
		if n.isReadOnly() && q.asks() && q.Type != "expression" {
			st.ReadOnly = append(st.ReadOnly, q.Name)
		}
		if n.required {
			st.Required = append(st.Required, q.Name)
		}
		st.Titles[q.Name] = s.pipe(s.say(q.Title), nil)
		if q.takesChoices() {
			values := []any{}
			for _, c := range s.shownChoices(n) {
				if c.Special == SelectAllItem {
					values = append(values, "selectall")
					continue
				}
				values = append(values, c.Value)
			}
			st.Choices[q.Name] = values
		}
	}
	for _, c := range s.d.logic.calculated {
		st.Calc[c.name] = answerOf(s.vars[lowerJS(c.name)])
	}
	return st
}

// visibleInside lists the questions inside a question that show.
func (n *live) visibleInside() []string {
	var out []string
	for _, k := range n.visibleKids() {
		for _, q := range k.tree.questions {
			if c := k.node(q.self); c.inSight() {
				out = append(out, q.Name)
				out = append(out, c.visibleInside()...)
			}
		}
	}
	return out
}

// lastPage tells whether no page that shows comes after this one.
func (s *Session) lastPage() bool {
	visible := s.visiblePages()
	return len(visible) > 0 && visible[len(visible)-1] == s.page
}

// step does a step and gives the state after it.
func (o oracleStep) do(s *Session) oracleState {
	var faults Faults
	for _, k := range keys(o.Set) {
		s.Set(k, o.Set[k])
	}
	for _, k := range keys(o.Comment) {
		s.setComment(k, o.Comment[k])
	}
	for _, k := range keys(o.Vars) {
		s.SetVariable(k, o.Vars[k])
	}
	switch {
	case o.Start > 0:
		faults = s.Start()
	case o.Next > 0:
		if s.State() != Starting {
			faults = s.Next()
		}
	case o.Prev > 0:
		s.Back()
	case o.Complete > 0:
		// SurveyJS, told to complete on a page before the last, checks nothing in this mode.
		if early := s.d.logic.validateLate && !s.lastPage(); s.State() != Starting && !early {
			faults = s.Complete()
		}
	}
	st := stateOf(s)
	for _, f := range faults {
		if st.Errors == nil {
			st.Errors = map[string][]string{}
		}
		name := f.Question
		if q := s.d.named(name); q != nil {
			name = q.Name
		}
		st.Errors[name] = append(st.Errors[name], f.Code)
	}
	return st
}

// difference names the first field in which two states differ.
func (a oracleState) difference(b oracleState) string {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		name := x.Type().Field(i).Name
		if a.State == Completed && b.State == Completed && name != "Data" {
			continue // what shows does not matter any more
		}
		if name == "OK" {
			continue
		}
		if name == "Errors" {
			if p, q := keys(a.Errors), keys(b.Errors); !slices.Equal(p, q) {
				return fmt.Sprintf("errors: SurveyJS %v, here %v", a.Errors, b.Errors)
			}
			continue
		}
		p, q := present(tidy(x.Field(i).Interface())), present(tidy(y.Field(i).Interface()))
		if !reflect.DeepEqual(p, q) {
			return fmt.Sprintf("%s: SurveyJS %v, here %v", name, p, q)
		}
	}
	return ""
}

// present drops members that hold nothing: JavaScript tells null, undefined and an empty list
// apart, and may leave panels without an answer behind when it clears a question.
func present(v any) any {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			list, ok := x.([]any)
			if x == nil || ok && !slices.ContainsFunc(list, func(it any) bool { return !isEmpty(it) }) {
				delete(m, k)
			}
		}
	}
	return v
}

// tidy is a value as JSON gives it back; numbers that JSON does not have are null.
func tidy(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		var unsupported *json.UnsupportedValueError
		if errors.As(err, &unsupported) {
			return tidy(finite(v))
		}
		return err.Error()
	}
	var out any
	_ = json.Unmarshal(data, &out)
	return out
}

func finite(v any) any {
	switch t := v.(type) {
	case float64:
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return nil
		}
		if t == 0 {
			return 0.0 // JSON has no negative zero in JavaScript
		}
	case []any:
		out := make([]any, len(t))
		for i := range t {
			out[i] = finite(t[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range t {
			out[k] = finite(t[k])
		}
		return out
	case jsDate:
		if !t.valid() {
			return nil
		}
		return t.t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return v
}

// caseCount is how many cases a comparison has: a fixed number, or that of VEFA_ORACLE_CASES.
func caseCount(t testing.TB, def int) int {
	t.Helper()
	if s := os.Getenv("VEFA_ORACLE_CASES"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return def
}

// oracleTime tells whether there is time for more cases: always, or as long as VEFA_ORACLE_FOR says.
func oracleTime(t testing.TB) func() bool {
	t.Helper()
	s := os.Getenv("VEFA_ORACLE_FOR")
	if s == "" {
		return func() bool { return true }
	}
	limit, err := time.ParseDuration(s)
	require.NoError(t, err)
	began := time.Now()
	return func() bool { return time.Since(began) < limit }
}

// oracleSeed is the seed of the cases, that of VEFA_ORACLE_SEED if it is set.
func oracleSeed(t testing.TB) uint64 {
	t.Helper()
	if s := os.Getenv("VEFA_ORACLE_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
		return n
	}
	return 20
}

// oracleNow is the moment at which SurveyJS is asked, for today().
var oracleNow = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
