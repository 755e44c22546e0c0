package survey

// Metric is a way of measuring satisfaction.
type Metric string

// The metrics.
const (
	NPS  Metric = "nps"  // would recommend, 0 to 10
	CSAT Metric = "csat" // satisfied, 1 to 5
	CES  Metric = "ces"  // was made easy, 1 to 7 (CES 2.0)
)

// Extension is the "x-retail" object of a question, which SurveyJS ignores.
// Members that are not listed here are kept, and reported as findings.
type Extension struct {
	Metric    Metric // what the question measures; empty for none
	Bad       *int   // "bad": an answer at or below it is bad, instead of the metric's default
	PII       string // "pii": class of personal data the answer holds, such as "contact"
	Retention string // "retention": how long the host keeps the answer, such as "P2Y"
	Routing   string // "routing": queue or topic for the desk
}

// scale returns the lowest and highest answer of a metric.
func (m Metric) scale() (lo, hi int, ok bool) {
	switch m {
	case NPS:
		return 0, 10, true
	case CSAT:
		return 1, 5, true
	case CES:
		return 1, 7, true
	}
	return 0, 0, false
}

// extensionName is the member that hosts add to surveys and questions; SurveyJS keeps and
// ignores it.
const extensionName = "x-retail"

// extension reads the object of a question. Members of another type than is asked for are
// failures, because somebody meant them.
func (p *parser) extension(n *node, path, question string) Extension {
	var x Extension
	if n == nil {
		return x
	}
	if n.kind != kindObject {
		p.find(badValue, failure, path, question, "x-retail is "+n.kind.String()+", not an object")
		return x
	}
	text := func(dst *string) func(*node, string) {
		return func(v *node, at string) { p.text(v, at, question, dst) }
	}
	known := map[string]func(*node, string){
		"metric": func(v *node, at string) {
			var m string
			p.text(v, at, question, &m)
			if _, _, ok := Metric(m).scale(); !ok && m != "" {
				p.find(badValue, failure, at, question, "no metric "+quote(m))
				return
			}
			x.Metric = Metric(m)
		},
		"bad": func(v *node, at string) {
			var i int
			if p.integer(v, at, question, &i) {
				x.Bad = &i
			}
		},
		"pii":       text(&x.PII),
		"retention": text(&x.Retention),
		"routing":   text(&x.Routing),
	}
	for _, m := range n.members {
		at := join(path, m.name)
		if read, ok := known[m.name]; ok {
			read(m.value, at)
			continue
		}
		p.unknown(m.name, at, question, nil, keys(known))
	}
	return x
}
