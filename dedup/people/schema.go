package people

import (
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/metric"
)

// schema is the preset: how persons are compared, whatever file they come from.
// Absent attributes are no evidence either way. The assumed shares (M) are rough
// beliefs about customer data that count for thirty pairs of evidence.
func schema(extra []string, short *shortNames) dedup.Schema {
	jw, common := metric.JaroWinkler{}, knownNames()
	s := dedup.Schema{
		Name: "people/6",
		Fields: []dedup.Field{
			{Name: "given"}, {Name: "family"}, {Name: "other"}, {Name: "birth"},
			{Name: "phone", Set: true, Identifier: true, Holder: "family"},
			{Name: "email", Set: true, Identifier: true, Holder: "family"},
			{Name: "gender"}, {Name: "place"}, {Name: "postcode"}, {Name: "street"},
			{Name: "names"}, {Name: "city"}, {Name: "district"}, {Name: "generation"}, {Name: "year"},
		},
		Comparisons: []dedup.Comparison{
			{Name: "given", Field: "given", Frequency: true, Steady: 6, Levels: []dedup.Level{
				{Name: "equal", M: 0.765, U: 0.01}, {Name: "part", Metric: nickname{short}, Min: 1, M: 0.05, U: 0.005},
				{Name: "alike", Metric: likeGiven{common}, Min: 0.92, M: 0.08, U: 0.003, Error: true}, {Name: "similar", Metric: likeGiven{common}, Min: 0.85, M: 0.03, U: 0.005, Error: true},
				{Name: "vague", Metric: likeGiven{common}, Min: 0.75, M: 0.02, U: 0.02, Error: true}, {Name: "initial", Metric: initial{}, Min: 1, M: 0.03, U: 0.003},
				{Name: "unlike", Metric: unlike{common}, Min: 1, M: 0.02, U: 0.5}}},
			{Name: "family", Field: "family", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.8, U: 0.005}, {Name: "part", Metric: part{}, Min: 1, M: 0.02, U: 0.0005},
				{Name: "alike", Metric: likeWord{}, Min: 0.92, M: 0.08, U: 0.002, Error: true}, {Name: "similar", Metric: likeWord{}, Min: 0.85, M: 0.03, U: 0.005, Error: true},
				{Name: "vague", Metric: likeWord{}, Min: 0.75, M: 0.02, U: 0.02, Error: true}, {Name: "initial", Metric: initial{}, Min: 1, M: 0.01, U: 0.002}}},
			{Name: "other", Field: "other", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.5, U: 0.005}, {Name: "most", Metric: overlap{}, Min: 0.6, M: 0.2, U: 0.005},
				{Name: "some", Metric: overlap{}, Min: 0.1, M: 0.1, U: 0.02}, {Name: "alike", Metric: jw, Min: 0.85, M: 0.1, U: 0.01, Error: true}}},
			{Name: "birth", Field: "birth", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.8, U: 5e-05}, {Name: "typo", Metric: dates{}, Min: 0.9, M: 0.07, U: 0.0015, Error: true},
				{Name: "partial", Metric: dates{}, Min: 0.8, M: 0.03, U: 0.001}, {Name: "exchanged", Metric: dates{}, Min: 0.7, M: 0.03, U: 5e-05},
				{Name: "other year", Metric: dates{}, Min: 0.6, M: 0.02, U: 0.003}, {Name: "same year", Metric: dates{}, Min: 0.4, M: 0.01, U: 0.014},
				{Name: "near", Metric: dates{}, Min: 0.2, M: 0.01, U: 0.5}}},
			{Name: "phone", Field: "phone", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.8, U: 1e-05}, {Name: "typo", Metric: phones{}, Min: 1, M: 0.04, U: 1e-05, Error: true}}},
			{Name: "email", Field: "email", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.75, U: 1e-05}, {Name: "other domain", Metric: mails{}, Min: 1, M: 0.03, U: 1e-05},
				{Name: "typo", Metric: mails{}, Min: 0.95, M: 0.06, U: 1e-05, Error: true}, {Name: "similar", Metric: mails{}, Min: 0.81, M: 0.04, U: 0.0005, Error: true}}},
			{Name: "gender", Field: "gender", ImpliedBy: "given", ImpliedLevels: 4, Levels: []dedup.Level{
				{Name: "equal", M: 0.97, U: 0.5}}},
			{Name: "generation", Field: "generation", Levels: []dedup.Level{
				{Name: "equal", M: 0.98, U: 0.5}}},
			{Name: "place", Field: "place", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.7, U: 0.01}, {Name: "city", Metric: places{}, Min: 0.9, M: 0.05, U: 0.01},
				{Name: "other district", Metric: places{}, Min: 0.8, M: 0.05, U: 0.05}, {Name: "city alike", Metric: places{}, Min: 0.7, M: 0.04, U: 0.005, Error: true},
				{Name: "district", Metric: places{}, Min: 0.5, M: 0.01, U: 0.02}}},
			{Name: "postcode", Field: "postcode", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.75, U: 0.002}, {Name: "typo", Metric: metric.Edits{Max: 1}, Min: 1, M: 0.06, U: 0.01, Error: true},
				{Name: "near", Metric: postcodes{}, Min: 0.5, M: 0.06, U: 0.02}, {Name: "region", Metric: postcodes{}, Min: 0.2, M: 0.03, U: 0.1}}},
			{Name: "street", Field: "street", Frequency: true, Levels: []dedup.Level{
				{Name: "equal", M: 0.6, U: 0.002}, {Name: "slip", Metric: doors{}, Min: 1, M: 0.06, U: 0.0005, Error: true},
				{Name: "door", Metric: doors{}, Min: 0.5, M: 0.06, U: 0.0005}, {Name: "words", Metric: overlap{}, Min: 0.66, M: 0.09, U: 0.005},
				{Name: "alike", Metric: jw, Min: 0.88, M: 0.1, U: 0.005, Error: true}}},
		},
		Relations: []dedup.Relation{
			{Name: "household", Shared: []string{"family", "phone", "email", "place", "postcode", "street"}},
			{Name: "twins", Shared: []string{"family", "phone", "email", "birth", "place", "postcode", "street"}},
			{Name: "namesakes", Shared: []string{"email"}, Chance: []string{"given", "family"}},
		},
		Wholes: []dedup.Whole{{Field: "names", Parts: []string{"given", "family"}}},
		Vetoes: []dedup.Veto{{Comparison: "given"}, {Comparison: "birth", Unless: extra}, {Comparison: "generation"}},
		Swaps:  []dedup.Swap{{A: "given", B: "family", Level: 2}},
		Blocks: []dedup.Block{
			learning(block("phone", whole("phone")), "phone"),
			learning(block("email", whole("email")), "email"),
			block("names+birth", whole("names"), whole("birth")),
			block("names+city", whole("names"), whole("city")),
			block("names+district", whole("names"), whole("district")),
			block("names+postcode", whole("names"), whole("postcode")),
			block("family+birth", whole("family"), whole("birth")),
			block("given+birth", whole("given"), whole("birth")),
			block("starts+month", start("given", 3), start("family", 3), start("birth", 7)),
			block("family+postcode", whole("family"), whole("postcode")),
			block("given+postcode", whole("given"), whole("postcode")),
			block("street+birth", whole("street"), whole("birth")),
			block("postcode+birth", whole("postcode"), whole("birth")),
			learning(wide("names", whole("names")), "given", "family", "gender"),
			learning(wide("birth", whole("birth")), "birth"),
			wide("starts+city", start("given", 3), start("family", 3), whole("city")),
			wide("given+family start", start("given", 3), start("family", 4)),
			wide("family+city", start("family", 3), whole("city")),
			wide("given+city", start("given", 3), whole("city")),
			wide("family+year", start("family", 3), start("birth", 4)),
			wide("given+year", start("given", 3), start("birth", 4)),
			learning(wide("given", whole("given")), "given", "gender"),
			learning(wide("street", whole("street")), "street"),
			learning(wide("postcode", whole("postcode")), "postcode", "place"),
			learning(wide("family", whole("family")), "family"),
		},
	}
	if len(extra) <= mostExtra-1 { // more leave no room for it
		s.Comparisons = append(s.Comparisons, dedup.Comparison{Name: "year", Field: "year", Crossed: true, ImpliedBy: "email", ImpliedLevels: 4, Levels: []dedup.Level{
			{Name: "equal", Metric: years{}, Min: 1, M: 0.4, U: 0.01}, {Name: "digits", Metric: years{}, Min: 0.8, M: 0.25, U: 0.01},
			{Name: "other digits", Metric: years{}, Min: 0.4, M: 0.15, U: 0.3}}})
		s.Relations[1].Shared = append(s.Relations[1].Shared, "year")
	}
	for _, name := range extra {
		s.Fields = append(s.Fields, dedup.Field{Name: name})
		s.Comparisons = append(s.Comparisons, dedup.Comparison{Name: name, Field: name, Frequency: true, Levels: []dedup.Level{
			{Name: "equal"}, {Name: "typo", Metric: metric.Edits{Max: 1}, Min: 1, Error: true}, {Name: "alike", Metric: jw, Min: 0.9, Error: true}}})
		s.Blocks = append(s.Blocks, learning(wide(name, whole(name)), name))
	}
	return s
}

func block(name string, parts ...dedup.Part) dedup.Block {
	return dedup.Block{Name: name, Parts: parts}
}

func wide(name string, parts ...dedup.Part) dedup.Block {
	return dedup.Block{Name: name, Parts: parts, Wide: true}
}

// learning marks a rule as one to learn from, but not about these comparisons.
func learning(b dedup.Block, about ...string) dedup.Block {
	b.Learn = about
	return b
}

func whole(field string) dedup.Part { return dedup.Part{Field: field} }

func start(field string, n int) dedup.Part { return dedup.Part{Field: field, Prefix: n} }
