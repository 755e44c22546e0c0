package dedup

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/vefacrm/vefa/dedup/metric"
)

// Sep separates the elements of a value of a field with [Field.Set]: two phone
// numbers of one person are given as one string with Sep between them.
const Sep = "\x1f"

// The most that a schema may have; New returns ErrSchema for more. The results of
// all comparisons of a pair are packed into one 64-bit word.
const (
	maxComparisons = 16 // comparisons of a schema
	maxLevels      = 14 // levels of a comparison
	maxRelations   = 3  // relations of a schema
	maxWholes      = 4  // wholes of a schema
	maxBlocks      = 32 // blocking rules of a schema
)

// Schema describes what a record is made of, how two records are compared and
// which pairs are looked at. It is code, as metrics are functions; what is learnt
// from data is a [Model], which names the schema it belongs to. A schema has at most 16
// comparisons of at most 14 levels each, 3 relations, 4 wholes and 32 blocking rules.
type Schema struct {
	Name        string       // name and version, stored in models
	Fields      []Field      // in the order of Record.Values
	Comparisons []Comparison // in the order in which reasons are given
	Blocks      []Block      // the earlier of two rules is credited with a pair
	Relations   []Relation   // none: whatever agrees is a match or chance
	Wholes      []Whole
	Swaps       []Swap
	Vetoes      []Veto
}

// Field is one attribute of a record. Values arrive normalised; "" is unknown.
type Field struct {
	Name string // unique
	// Set says that a value may hold several elements joined by [Sep]; two sets
	// agree when one pair of elements does.
	Set bool
	// Identifier says that a value points at one entity or a few related ones, as
	// a phone number does. Its frequency is counted in the records at hand, and a
	// value that is held under more than MaxHolders different values of the field
	// Holder says nothing (a counter's placeholder, a switchboard, a relay) and is
	// read as unknown.
	Identifier bool
	Holder     string
}

// Comparison grades the agreement of two values of one field. The first level
// must be equality (no Metric, but see Crossed); levels are tried in order, the first that holds
// counts, and a value unknown on either side is no evidence.
type Comparison struct {
	Name   string  // unique; in reasons and models
	Field  string  // whose values are compared
	Levels []Level // from equality to the weakest; below the last there is "none of them"
	// Frequency makes agreement on a rare value weigh more than on a common one.
	Frequency bool
	// Graded says that the levels below equality are steps of one metric whose chance
	// agreement falls ever faster, as that of many words or letters does. If no learning rule
	// says anything about such a comparison, as in a file of names only, it is learnt from the
	// shape of its levels.
	Graded bool
	// Steady, if not 0, is the level from which two values differ so that records of one entity
	// hardly ever do, as they do not have two given names, unlike those of related entities,
	// which may agree on all else that is known. Pairs alone cannot tell a relation from an
	// error then; of what they show about matches from there on and what is assumed, the
	// geometric mean counts, unless that is beyond what a veto admits.
	Steady int
	// Crossed says that a value is compared with one of another kind, such as a year of birth
	// with the year in an e-mail address: that two values are equal says nothing then, and the
	// first level has a Metric as the others do. It returns NaN for two values that cannot be
	// compared, as two years of birth; they are no evidence. Crossed has no Frequency.
	Crossed bool
	// ImpliedBy names a comparison that settles this one when it holds one of its
	// first ImpliedLevels levels, as a given name settles the gender: this one is
	// then no further evidence.
	ImpliedBy     string
	ImpliedLevels int
}

// Level is a grade of agreement: it holds when Metric(a, b) >= Min. M and U are what
// is assumed about the share of matches and of unrelated pairs on this level until
// data say more; 0 leaves it to the library.
type Level struct {
	Name   string        // such as "equal" or "one letter"
	Metric metric.Metric // nil: equality
	Min    float64       // from 0 to 1
	M      float64
	U      float64
	// Error says that what is on this level was written wrongly in one of two records of one
	// entity. It is then no more frequent in matches than equality: where random pairs are on
	// it oftener than equal, as in a file of numbered names, that is chance.
	Error bool
}

// Block is a rule that picks pairs worth comparing: records whose Parts are all
// known and equal. A pair that no rule picks is never linked.
type Block struct {
	Name  string // unique; in the statistics
	Parts []Part // at least one
	// Wide marks a rule whose blocks may be large; what remains of the budget of
	// pairs goes to the wide rules, smallest blocks first.
	Wide bool
	// Learn names the comparisons that say nothing inside this rule's blocks, as
	// its parts are equal by choice. A rule that names some is used for learning.
	Learn []string
}

// Part is a field or the first Prefix bytes of it (0 for all). First takes the
// first word only.
type Part struct {
	Field  string
	Prefix int
	First  bool
}

// Relation is a way in which two different entities come to agree: a household
// shares surname, phone and address; namesakes share their names and what is made
// of names. It is a class of its own beside match and chance, with its own
// probabilities for the comparisons listed; all others are as by chance.
type Relation struct {
	Name string // such as "household"; in models
	// Shared agrees because of the relation, however rare the value.
	Shared []string
	// Chance agrees by coincidence, and rarer for a rare value.
	Chance []string
}

// Whole says that the values of Field are those of the comparisons Parts together, as a
// full name is. Some parts go together, as the words of a title or a couple's fashionable
// names do: where two records agree on all parts, chance is as likely as the whole value is
// frequent, if that is more than the frequencies of its parts make it.
type Whole struct {
	Field string
	Parts []string // names of comparisons with Frequency
}

// Swap raises two comparisons of text to level Level (from 0) when both are below it
// and each value matches the other's field (Jaro-Winkler of at least 0.9).
type Swap struct {
	A, B  string // names of the comparisons
	Level int
}

// Veto says that two records of which no level of Comparison holds are not one
// entity whatever else agrees, as brother and sister are not, unless one of the
// comparisons Unless is equal. It acts only where the data show Comparison to be
// reliable: fewer than 1 in 32 matches disagree on it.
type Veto struct {
	Comparison string
	Unless     []string
}

// Record is one row to link. ID is the caller's key, unique among the records.
// Values holds one normalised value per field of the schema; it is not kept, so a
// caller may use one slice for all records.
type Record struct {
	// ID must be unique and have 1 to 65,535 bytes.
	ID string
	// Values are one per field of the schema, normalised; "" is unknown.
	Values []string
	// Source is where the record comes from; it matters where [Options.OnePerSource] says so.
	Source string
}

// ErrSchema is wrapped by every complaint about a schema.
var ErrSchema = errors.New("dedup: bad schema")

// group is a run of levels of one comparison that share a metric.
type group struct {
	metric   metric.Metric
	sketcher metric.Sketcher // the same, if it is one and agrees with the field's
	first    int
	mins     []float64
}

// comparison is a Comparison with its names replaced by numbers.
type comparison struct {
	name          string
	field         int
	levels        int
	groups        []group
	identifier    bool
	set           bool
	frequency     bool
	graded        bool
	steady        int
	crossed       bool
	impliedBy     int
	impliedLevels int
}

// part is a Part with its field as a number; spec is which of the field's keys it uses.
type part struct{ field, prefix, spec int }

// block is a Block with its names replaced by numbers.
type block struct {
	parts []part
	set   int // index into parts of the part with several keys, or -1
	wide  bool
	learn []bool // by comparison: left out
}

// veto is a Veto with its names replaced by numbers.
type veto struct {
	comparison int
	unless     []int
}

// whole is a Whole with its names replaced by numbers.
type whole struct {
	field int
	parts []int
}

// plan is a schema checked and resolved to indexes.
type plan struct {
	schema      Schema
	comparisons []comparison
	blocks      []block
	wholes      []whole
	swaps       [][3]int
	vetoes      []veto
	holder      []int             // by field, -1
	shared      [][]lane          // by relation, by comparison
	specs       [][]Part          // by field: distinct ways to cut a value into a key
	identifiers []int             // fields
	sketchers   []metric.Sketcher // by field; nil for none
	outlined    []bool            // by field: its sketches are outlines
	fingerprint string            // of everything a model depends on
}

// lane says by which probabilities a comparison counts in a relation.
type lane byte

const (
	byChance    lane = iota // as by chance
	byRelation              // own probabilities, whatever the frequency of the value
	byNamesakes             // own probabilities, and the frequency of the value counts
)

// compile checks a schema and replaces its names by numbers. All faults are reported
// together, each as an ErrSchema.
func compile(s Schema) (*plan, error) {
	p := &plan{schema: s}
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrSchema}, args...)...))
	}
	fields, comparisons := map[string]int{}, map[string]int{}
	for i, f := range s.Fields {
		if _, dup := fields[f.Name]; dup || f.Name == "" {
			bad("field %d: name %q is empty or taken", i, f.Name)
		}
		fields[f.Name] = i
	}
	field := func(what, name string) int {
		i, ok := fields[name]
		if !ok {
			bad("%s: no field %q", what, name)
			return 0
		}
		return i
	}
	for i, f := range s.Fields {
		p.holder = append(p.holder, -1)
		if f.Identifier {
			p.identifiers = append(p.identifiers, i)
			if f.Holder != "" {
				p.holder[i] = field("field "+f.Name, f.Holder)
			}
		}
	}
	for i, c := range s.Comparisons {
		if _, dup := comparisons[c.Name]; dup || c.Name == "" {
			bad("comparison %d: name %q is empty or taken", i, c.Name)
		}
		comparisons[c.Name] = i
	}
	comparisonIndex := func(what, name string) int {
		i, ok := comparisons[name]
		if !ok {
			bad("%s: no comparison %q", what, name)
			return 0
		}
		return i
	}
	for i, c := range s.Comparisons {
		if len(c.Levels) == 0 || len(c.Levels) > maxLevels || c.Crossed != (c.Levels[0].Metric != nil) {
			bad("comparison %s: 1 to %d levels, the first being equality", c.Name, maxLevels)
		}
		f := field("comparison "+c.Name, c.Field)
		k := comparison{name: c.Name, field: f, levels: len(c.Levels), frequency: c.Frequency, graded: c.Graded, steady: c.Steady, crossed: c.Crossed, impliedBy: -1}
		if f < len(s.Fields) {
			k.identifier, k.set = s.Fields[f].Identifier, s.Fields[f].Set
		}
		for l, level := range c.Levels {
			if l == 0 && !c.Crossed {
				continue
			}
			if level.Metric == nil {
				bad("comparison %s: level %s has no metric", c.Name, level.Name)
				continue
			}
			if n := len(k.groups); n > 0 && same(k.groups[n-1].metric, level.Metric) {
				k.groups[n-1].mins = append(k.groups[n-1].mins, level.Min)
				continue
			}
			k.groups = append(k.groups, group{metric: level.Metric, first: l, mins: []float64{level.Min}})
		}
		if c.Graded && (len(k.groups) != 1 || !falling(k.groups[0].mins)) {
			bad("comparison %s: graded levels are steps of one metric, from the highest to the lowest", c.Name)
		}
		if c.Crossed && (c.Frequency || c.Graded || k.set || k.identifier) {
			bad("comparison %s: what is crossed has single values, no Frequency and no grades", c.Name)
		}
		if c.ImpliedBy != "" {
			k.impliedBy, k.impliedLevels = comparisonIndex("comparison "+c.Name, c.ImpliedBy), c.ImpliedLevels
			if k.impliedBy >= i || k.impliedBy < len(p.comparisons) && p.comparisons[k.impliedBy].impliedBy >= 0 {
				bad("comparison %s: %s must stand before it and be implied by nothing", c.Name, c.ImpliedBy)
			}
		}
		p.comparisons = append(p.comparisons, k)
	}
	p.sketch()
	p.specs = make([][]Part, len(s.Fields))
	for _, b := range s.Blocks {
		k := block{set: -1, wide: b.Wide}
		if len(b.Parts) == 0 {
			bad("block %s has no parts", b.Name)
		}
		for i, q := range b.Parts {
			f := field("block "+b.Name, q.Field)
			if f < len(s.Fields) && s.Fields[f].Set {
				if k.set >= 0 || q.Prefix != 0 || q.First {
					bad("block %s: one whole set at most", b.Name)
				}
				k.set = i
			}
			k.parts = append(k.parts, part{f, q.Prefix, p.spec(f, q)})
		}
		if len(b.Learn) > 0 {
			k.learn = make([]bool, len(s.Comparisons))
			for _, name := range b.Learn {
				if i := comparisonIndex("block "+b.Name, name); i < len(k.learn) {
					k.learn[i] = true
				}
			}
		}
		p.blocks = append(p.blocks, k)
	}
	for _, r := range s.Relations {
		lanes := make([]lane, len(s.Comparisons))
		for _, name := range r.Shared {
			if i := comparisonIndex("relation "+r.Name, name); i < len(lanes) {
				lanes[i] = byRelation
			}
		}
		for _, name := range r.Chance {
			if i := comparisonIndex("relation "+r.Name, name); i < len(lanes) {
				lanes[i] = byNamesakes
			}
		}
		p.shared = append(p.shared, lanes)
	}
	for _, w := range s.Wholes {
		k := whole{field: field("whole", w.Field)}
		for _, name := range w.Parts {
			c := comparisonIndex("whole "+w.Field, name)
			k.parts = append(k.parts, c)
			if c < len(s.Comparisons) && !s.Comparisons[c].Frequency {
				bad("whole %s: comparison %s has no Frequency", w.Field, name)
			}
		}
		if len(k.parts) < 2 {
			bad("whole %s: two parts at least", w.Field)
		}
		if k.field < len(s.Fields) && s.Fields[k.field].Set {
			bad("whole %s: the field is a set", w.Field)
		}
		p.wholes = append(p.wholes, k)
	}
	for _, w := range s.Swaps {
		p.swaps = append(p.swaps, [3]int{comparisonIndex("swap", w.A), comparisonIndex("swap", w.B), w.Level})
	}
	for _, v := range s.Vetoes {
		k := veto{comparison: comparisonIndex("veto", v.Comparison)}
		for _, name := range v.Unless {
			k.unless = append(k.unless, comparisonIndex("veto", name))
		}
		p.vetoes = append(p.vetoes, k)
	}
	if len(s.Comparisons) == 0 || len(s.Comparisons) > maxComparisons || len(s.Blocks) == 0 ||
		len(s.Blocks) > maxBlocks || len(s.Relations) > maxRelations || len(s.Wholes) > maxWholes {
		bad("1 to %d comparisons, 1 to %d blocks, up to %d relations and %d wholes", maxComparisons, maxBlocks, maxRelations, maxWholes)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	p.fingerprint = p.print()
	return p, nil
}

// falling reports whether each number is less than the one before it, and the first below 1.
func falling(steps []float64) bool {
	last := 1.0
	for _, x := range steps {
		if !(x < last) {
			return false
		}
		last = x
	}
	return true
}

// sketch chooses who makes the sketches of each field: the first metric that can.
func (p *plan) sketch() {
	p.sketchers, p.outlined = make([]metric.Sketcher, len(p.schema.Fields)), make([]bool, len(p.schema.Fields))
	for c := range p.comparisons {
		k := &p.comparisons[c]
		if k.field >= len(p.sketchers) {
			continue // a fault that was noted
		}
		for g := range k.groups {
			s, ok := k.groups[g].metric.(metric.Sketcher)
			if !ok {
				continue
			}
			if p.sketchers[k.field] == nil {
				p.sketchers[k.field], p.outlined[k.field] = s, metric.Agree(s, metric.JaroWinkler{})
			}
			if metric.Agree(s, p.sketchers[k.field]) {
				k.groups[g].sketcher = s
			}
		}
	}
}

// spec numbers the distinct ways in which rules cut a field's values.
func (p *plan) spec(f int, q Part) int {
	q.Field = ""
	for i, have := range p.specs[f] {
		if have == q {
			return i
		}
	}
	p.specs[f] = append(p.specs[f], q)
	return len(p.specs[f]) - 1
}

// print hashes the names, thresholds and rules that give a model its meaning.
func (p *plan) print() string {
	h := mix(0x5eed)
	add := func(args ...any) {
		h = mix(h ^ hashString(fmt.Sprint(args...)))
	}
	s := p.schema
	add(s.Name, s.Fields, s.Swaps, s.Relations, s.Vetoes, s.Wholes)
	for _, c := range s.Comparisons {
		add(c.Name, c.Field, c.Frequency, c.Steady, c.Crossed, c.ImpliedBy, c.ImpliedLevels)
		for _, l := range c.Levels {
			add(l.Name, fmt.Sprintf("%T", l.Metric), l.Min, l.Error)
		}
	}
	for _, b := range s.Blocks {
		add(b.Name, b.Parts, b.Wide)
	}
	return fmt.Sprintf("%s-%016x", s.Name, h)
}

// same reports whether two metrics are equal. Those that cannot be compared are taken for
// different, which costs time and no accuracy.
func same(a, b metric.Metric) bool {
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && t.Comparable() && a == b
}
