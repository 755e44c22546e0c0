package survey

import (
	"errors"
	"fmt"
)

// FindingKind says what a Finding is about.
type FindingKind string

// The kinds of findings.
const (
	UnknownType           FindingKind = "unknown-type"           // no element type of SurveyJS
	UnsupportedType       FindingKind = "unsupported-type"       // a SurveyJS type that this version does not ask
	UnknownProperty       FindingKind = "unknown-property"       // no property of SurveyJS; often misspelt
	UnsupportedProperty   FindingKind = "unsupported-property"   // changes what SurveyJS does; this version does not act on it
	BadExpression         FindingKind = "bad-expression"         // does not compile
	UnsupportedExpression FindingKind = "unsupported-expression" // uses arithmetic or functions
	BadValue              FindingKind = "bad-value"              // a property whose value cannot be used
	MissingName           FindingKind = "missing-name"           // a question without a name
	DuplicateName         FindingKind = "duplicate-name"         // two questions of one name, or a repeated member
	NoQuestion            FindingKind = "no-question"            // nothing to ask
	OverLimit             FindingKind = "over-limit"             // more of something than Limits allows
)

// Severity tells whether a definition with the finding still asks what its
// author meant.
type Severity string

// The severities.
const (
	Warning Severity = "warning" // the survey works; something in it has no effect
	Failure Severity = "failure" // the survey asks, shows or checks something else than was meant
)

// A Finding is something in a definition that this version does not act on.
// Nothing is dropped for it: the definition is written back as it was read.
type Finding struct {
	Kind       FindingKind
	Severity   Severity
	Path       string // such as pages[0].elements[2].visibleIf
	Question   string // name of the question, when it is inside one
	Detail     string // the type, property or expression and what is wrong with it
	Suggestion string // a known spelling close to an unknown one; often empty
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

// Err joins the findings of severity Failure, each a Finding, or is nil. A
// host refuses to publish a definition whose Err is not nil.
func (d *Definition) Err() error {
	var errs []error
	for _, f := range d.findings {
		if f.Severity == Failure {
			errs = append(errs, f)
		}
	}
	return errors.Join(errs...)
}
