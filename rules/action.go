package rules

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules/internal/program"
)

// Action is one thing to be done. Kind and Name belong together: tag and the
// tag's name, message and the template's.
type Action struct {
	// Kind is that of a registered ActionType; BuiltInActions has "tag", "untag", "survey",
	// "message", "ticket" and "task", which is the host's own.
	Kind  string            `json:"kind"`
	Name  string            `json:"name"`            // tag, survey, template, ticket queue, host's task, or what the ActionType says
	ID    string            `json:"id,omitempty"`    // part of the effect's id; zero: kind and name
	With  map[string]string `json:"with,omitempty"`  // parameters, handed on as they are
	After string            `json:"after,omitempty"` // delay: 90min, 12h, 1d, 2w, 6mo, 2y or several joined
	// At is a local time of day, such as 10:00: the first one that is not before the moment
	// of the decision and its delay, so the next day's where today's has passed.
	At  string `json:"at,omitempty"`
	For string `json:"for,omitempty"` // of tag: how long it lasts
}

// key is the stable name of the action within its rule.
func (a *Action) key() string {
	if a.ID != "" {
		return a.ID
	}
	return a.Kind + ":" + a.Name
}

// ActionType describes a kind of action: what a rule may write below then, and what
// is made of it. Options.Actions registers it with a schema; nothing else of this
// package knows kinds by their name.
type ActionType struct {
	// Kind is the key that rules write, such as letter: letters, digits, - and _.
	Kind string
	// Doc says what the action does, for editors; may be empty.
	Doc string
	// Effect is the kind of the effects that it plans. Defaults to the Kind.
	Effect crm.EffectKind
	// Params are what may stand below with. Nil lets any text stand there; an empty
	// list nothing.
	Params []ActionParam
	// Check says what is wrong with an action besides, or returns nil. It is asked when
	// rules are compiled, for rows of tables with their values, so the same action must
	// always get the same answer.
	Check func(a Action) error
	// SetsTag and ClearsTag say what it does to the tag of its Name, which Chain, Backtest
	// and Lint follow: nothing by default, never both. Only what sets a tag may say how
	// long for.
	SetsTag, ClearsTag bool
}

// tagChange is what an action of this kind does to the tag of its name.
func (t *ActionType) tagChange() program.TagChange {
	switch {
	case t.SetsTag:
		return program.SetsTag
	case t.ClearsTag:
		return program.ClearsTag
	}
	return program.NoTag
}

// ActionParam is a parameter of an action.
type ActionParam struct {
	// Name is the key below with, and Doc what editors show of it; Doc may be empty.
	Name, Doc string
	// Kind is Bool, Int, Float, Time (a date such as 2025-01-31) or String, the
	// default: how its text must read.
	Kind Kind
	// Required refuses actions that do not give it.
	Required bool
	OneOf    []string // the only texts that it may be; empty: any
}

// actionKeys are the keys of an action besides its kind.
var actionKeys = []string{"id", "after", "at", "for", "kind", "name", "with"}

// actionTypes checks what Options.Actions says.
func actionTypes(types []ActionType) (map[string]*ActionType, error) {
	if types == nil {
		types = BuiltInActions()
	}
	out := make(map[string]*ActionType, len(types))
	var faults []error
	for i, t := range types {
		fault := func(msg string) { faults = append(faults, fmt.Errorf("rules: action %q: %s", t.Kind, msg)) }
		if t.Effect == "" {
			t.Effect = crm.EffectKind(t.Kind)
		}
		switch {
		case !isName(strings.ReplaceAll(t.Kind, "-", "_")):
			fault("its kind is no name that a rule could use: letters, digits, - and _")
		case slices.Contains(actionKeys, t.Kind):
			fault("the name is taken")
		case t.SetsTag && t.ClearsTag:
			fault("it cannot both set and clear the tag")
		case out[t.Kind] != nil:
			fault(fmt.Sprintf("actions[%d] has the same kind", i))
		}
		seen := map[string]bool{}
		for _, p := range t.Params {
			if p.Name == "" || seen[p.Name] {
				fault(fmt.Sprintf("parameter %q has no name of its own", p.Name))
			}
			seen[p.Name] = true
			if p.Kind > String && p.Kind != Time {
				fault(fmt.Sprintf("parameter %s: a text cannot be of kind %s", p.Name, p.Kind))
			}
		}
		out[t.Kind] = &t
	}
	return out, errors.Join(faults...)
}

// Action returns the description of a kind of action, or false.
func (s *Schema[F]) Action(kind string) (ActionType, bool) {
	t := s.s.actions[kind]
	if t == nil {
		return ActionType{}, false
	}
	return *t, true
}

// actionKinds returns the kinds of actions, sorted.
func (s *schema) actionKinds() []string {
	out := make([]string, 0, len(s.actions))
	for kind := range s.actions {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}

// check reports what is wrong with the parameters of an action.
func (t *ActionType) check(a *Action, fault func(field, format string, args ...any)) {
	if t.Params != nil {
		names := make([]string, len(t.Params))
		for i := range t.Params {
			names[i] = t.Params[i].Name
		}
		given := make([]string, 0, len(a.With))
		for name := range a.With {
			given = append(given, name)
		}
		slices.Sort(given)
		for _, name := range given {
			if !slices.Contains(names, name) {
				fault("with."+name, "%s has no parameter %q%s", t.Kind, name, didYouMean(name, names))
			}
		}
		for i := range t.Params {
			p := &t.Params[i]
			text, ok := a.With[p.Name]
			switch {
			case !ok && p.Required:
				fault("with", "%s needs the parameter %s", t.Kind, p.Name)
			case ok && !p.reads(text):
				fault("with."+p.Name, "must be %s, not %q", p.form(), text)
			case ok && len(p.OneOf) > 0 && !slices.Contains(p.OneOf, text):
				fault("with."+p.Name, "must be one of %s, not %q%s", strings.Join(p.OneOf, ", "), text, didYouMean(text, p.OneOf))
			}
		}
	}
	if t.Check == nil {
		return
	}
	own := *a
	if err := t.ask(own); err != nil {
		fault(t.Kind, "%v", err)
	}
}

// reads reports whether a text is of the parameter's kind.
func (p *ActionParam) reads(text string) bool {
	var err error
	switch p.Kind {
	case Bool:
		return text == "true" || text == "false"
	case Int:
		_, err = strconv.ParseInt(text, 10, 64)
	case Float:
		var v float64
		v, err = strconv.ParseFloat(text, 64)
		return err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	case Time:
		_, err = time.Parse(time.DateOnly, text)
	}
	return err == nil
}

// form says in words how a text of the parameter's kind reads.
func (p *ActionParam) form() string {
	switch p.Kind {
	case Bool:
		return "true or false"
	case Int:
		return "a whole number"
	case Float:
		return "a number such as 12.5"
	}
	return "a date such as 2025-01-31"
}
