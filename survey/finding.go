package survey

import (
	"errors"
	"fmt"
)

// The kinds of findings.
const (
	unknownType         = "unknown-type"         // no element type of SurveyJS
	unsupportedType     = "unsupported-type"     // a SurveyJS type that this version does not ask
	unknownProperty     = "unknown-property"     // no property of SurveyJS; often misspelt
	unsupportedProperty = "unsupported-property" // changes what SurveyJS does; this version does not act on it
	badExpression       = "bad-expression"       // does not compile
	unknownFunction     = "unknown-function"     // an expression calls what SurveyJS does not have
	badRegex            = "bad-regex"            // a regular expression that cannot be used
	badValue            = "bad-value"            // a property whose value cannot be used
	missingName         = "missing-name"         // a question without a name
	duplicateName       = "duplicate-name"       // two questions of one name, or a repeated member
	noQuestion          = "no-question"          // nothing to ask
	lintKind            = "lint"                 // it can be read, and is probably not meant
	overLimit           = "over-limit"           // more of something than Limits allows
)

const (
	warning = "warning"
	failure = "failure"
)

// A Finding is something in a definition that this version does not act on.
// Nothing is dropped for it: the definition is written back as it was read.
type Finding struct {
	// Kind is one of "unknown-type", "unsupported-type", "unknown-property",
	// "unsupported-property", "bad-expression", "unknown-function", "bad-regex", "bad-value",
	// "missing-name", "duplicate-name", "no-question", "over-limit", and "lint" for what can be
	// read and is probably not meant.
	Kind string
	// Severity is "warning" where the survey works and something in it has no effect, or
	// "failure" where it asks, shows or checks something else than was meant.
	Severity   string
	Path       string // such as pages[0].elements[2].visibleIf
	Question   string // name of the question, when it is inside one
	Detail     string // the type, property or expression and what is wrong with it
	Suggestion string // a known spelling close to an unknown one; often empty
	// Rule is the rule of SurveyJS's linter that tells of the same, such as
	// "expression/unknown-choice"; empty where it has none.
	Rule string
}

// Error lets a Finding travel as an error.
func (f Finding) Error() string {
	s := fmt.Sprintf("%s: %s: %s", f.Path, f.Kind, f.Detail)
	if f.Suggestion != "" {
		s += fmt.Sprintf(" (did you mean %q?)", f.Suggestion)
	}
	return s
}

// Findings lists what was found, in the order of the file.
func (d *Definition) Findings() []Finding { return append([]Finding(nil), d.findings...) }

// Err joins the findings of severity "failure", each a Finding, or is nil. A
// host refuses to publish a definition whose Err is not nil.
func (d *Definition) Err() error {
	var errs []error
	for _, f := range d.findings {
		if f.Severity == failure {
			errs = append(errs, f)
		}
	}
	return errors.Join(errs...)
}
