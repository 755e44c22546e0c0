package rollup

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// ErrDefinition is the kind of every error about a Definition.
var ErrDefinition = errors.New("survey/rollup: definition")

// Definition says what a figure is, and is kept with it: figures of two definitions are not
// compared.
type Definition struct {
	// Name and Version identify it; a change of what is counted is a new version.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Metric is what is measured.
	Metric survey.Metric `json:"metric"`
	// Formula says in words how a value comes of answers. Defaults to the Formula of the metric.
	Formula string `json:"formula"`
	// Levels names the levels below the root from the widest to the narrowest, such as region,
	// store, employee. One at least, each once.
	Levels []string `json:"levels"`
	// From and Until bound when the answers were given: from From on, before Until. A zero From is
	// from the beginning, a zero Until without an end.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Formula says how survey.Result has the value and the interval of a metric; "" for what is
// none.
func Formula(m survey.Metric) string {
	switch m {
	case survey.NPS:
		return "100 (answers 9 and 10 - answers 0 to 6) / answers 0 to 10; 95 % interval: adjusted Wald (Rocks 2016)"
	case survey.CSAT:
		return "100 (answers 4 and 5) / answers 1 to 5; 95 % interval: Wilson 1927"
	case survey.CES:
		return "mean of answers 1 to 7; 95 % interval: t"
	}
	return ""
}

// Validate reports every fault, each an ErrDefinition.
func (d Definition) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrDefinition}, args...)...))
	}
	if d.Name == "" {
		fault("Name is empty")
	}
	if d.Version == "" {
		fault("Version is empty")
	}
	if Formula(d.Metric) == "" {
		fault("Metric %q is none", d.Metric)
	}
	if len(d.Levels) == 0 {
		fault("Levels is empty")
	}
	for i, l := range d.Levels {
		if l == "" || slices.Contains(d.Levels[:i], l) {
			fault("Levels[%d] %q is empty or there twice", i, l)
		}
	}
	if !d.From.IsZero() && !d.Until.IsZero() && !d.From.Before(d.Until) {
		fault("Until %s is not after From %s", d.Until.Format(time.RFC3339), d.From.Format(time.RFC3339))
	}
	return errors.Join(faults...)
}

// equal tells whether two trees count the same.
func (d Definition) equal(o Definition) bool {
	return d.Name == o.Name && d.Version == o.Version && d.Metric == o.Metric && d.Formula == o.Formula &&
		slices.Equal(d.Levels, o.Levels) && d.From.Equal(o.From) && d.Until.Equal(o.Until)
}
