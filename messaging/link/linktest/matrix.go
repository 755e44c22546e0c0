package linktest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/link"
)

// Row counts the verdicts on one family's requests.
type Row struct {
	Family                    string
	Kind                      Kind
	Human, Suspected, Machine int
}

// Matrix is a confusion matrix: people's families first, the undecidable last.
type Matrix []Row

// Judge gives each request its verdict among the others. It fails only with the
// error of ctx, once that has ended.
func (t *Traffic) Judge(ctx context.Context, w link.Window) (Matrix, error) {
	clicks := make([]link.Click, len(t.Requests))
	for i, r := range t.Requests {
		clicks[i] = r.Click
	}
	contexts, err := link.Contexts(ctx, clicks, func(id uint64) time.Time { return t.Delivered[id] }, w)
	if err != nil {
		return nil, err
	}
	return t.Count(func(i int) crm.Verdict {
		v, _ := link.Classify(clicks[i], contexts[i])
		return v
	}), nil
}

// Count makes the matrix of any verdicts, such as those that a host recorded: of
// is asked about each of t.Requests by its index.
func (t *Traffic) Count(of func(i int) crm.Verdict) Matrix {
	rows, kinds := map[string]*Row{}, t.Families()
	var out Matrix
	for _, family := range t.names() {
		out = append(out, Row{Family: family, Kind: kinds[family]})
	}
	for i := range out {
		rows[out[i].Family] = &out[i]
	}
	for i, r := range t.Requests {
		switch row := rows[r.Family]; of(i) {
		case crm.Human:
			row.Human++
		case crm.Suspected:
			row.Suspected++
		default:
			row.Machine++
		}
	}
	return out
}

// Lost is the share of people's clicks that are not judged human, 0 to 1.
func (m Matrix) Lost() float64 { return m.flagged(Person) }

// Flagged is the share of machines' requests that are suspected or judged a
// machine's, 0 to 1, without the undecidable.
func (m Matrix) Flagged() float64 { return m.flagged(Machine) }

func (m Matrix) flagged(kind Kind) float64 {
	var flagged, all int
	for _, r := range m {
		if r.Kind == kind {
			flagged += r.Suspected + r.Machine
			all += r.Human + r.Suspected + r.Machine
		}
	}
	return float64(flagged) / float64(max(all, 1))
}

// String returns the matrix as a table in Markdown.
func (m Matrix) String() string {
	var b strings.Builder
	b.WriteString("| who | kind | human | suspected | machine |\n|---|---|---:|---:|---:|\n")
	for _, r := range m {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", r.Family, r.Kind, r.Human, r.Suspected, r.Machine)
	}
	return b.String()
}
