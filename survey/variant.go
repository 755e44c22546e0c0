package survey

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/vefacrm/vefa/internal/pvalue"
)

// Variant draws which of the names a respondent gets: the variants of a question, an order
// of pages, a text. The draw depends on the experiment's name and on the key alone, such
// as the id of the invitation: the same respondent sees the same one each time, and two
// experiments draw independently of each other. Each name is as likely as the others. It
// returns "" without names.
func Variant(experiment, key string, names ...string) string {
	if len(names) == 0 {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s:%s", len(experiment), experiment, key)
	return names[binary.BigEndian.Uint64(h.Sum(nil))%uint64(len(names))]
}

// Versus compares the arms of an experiment with its control. The p values are adjusted for
// the number of arms by Holm's method, so that the chance of even one false difference at
// .05 is .05 at most; the intervals are those of each arm by itself. Look once, when as many
// answers have come as were planned: looking each day and stopping at the first small p
// finds a difference where none is. The error is ErrMixedMetrics.
func Versus(control Tally, arms ...Tally) ([]Difference, error) {
	out, ps := make([]Difference, len(arms)), make([]float64, len(arms))
	for i, a := range arms {
		d, err := a.Less(control)
		if err != nil {
			return nil, err
		}
		out[i], ps[i] = d, d.P
	}
	for i, p := range pvalue.Holm(ps) {
		out[i].P = p
	}
	return out, nil
}
