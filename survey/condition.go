package survey

import (
	"fmt"
	"strings"
	"time"
)

// Condition is an expression over the answers to a definition. It is safe for concurrent use.
type Condition struct {
	x *expression
}

// Condition compiles an expression in the language of the definition's own, such as
// "{sex} = 'm' and {age} <= 25", of at most 10,000 bytes. It fails on one that cannot be read, calls a function
// that there is not, or reads what is neither a question, a calculated value nor the variable place.
func (d *Definition) Condition(src string) (*Condition, error) {
	x, err := compileExpr(src, 10_000)
	if err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	if len(x.unknown) > 0 {
		return nil, fmt.Errorf("survey: expression: there is no function %s", quote(x.unknown[0]))
	}
	for _, name := range x.names {
		base := newPath(name).parts[0].name
		if q := d.keyed(base); (q == nil || q.Key() != base) && !d.calculates(base) && !strings.EqualFold(base, "place") {
			return nil, fmt.Errorf("survey: expression: there is no answer %s", quote(base))
		}
	}
	return &Condition{x}, nil
}

// Holds reports whether the condition is true of a response, which Check or a Session wrote,
// at a moment; the zero time has no today().
func (c *Condition) Holds(r Response, now time.Time) bool {
	return c.x.holds(Env{Answers: r.Answers, Variables: r.Variables, Now: now})
}
