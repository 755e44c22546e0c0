package rules_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// grown is a struct with something of every kind that refers to memory beside it, to
// which a host adds fields of every kind.
type grown struct {
	rules.Extensible
	N      int
	Ago    rules.Maybe[int] `rule:",days=since"`
	Until  *int             `rule:",days=until"`
	Tags   rules.TagSet
	Labels []string
	Orders []grownOrder `rule:",max=4"`
	Plain  []grownLine  `rule:",max=4"`
}

type grownOrder struct {
	Ago   int `rule:",days=since"`
	SKU   string
	Score *int
	Lines []grownLine `rule:",max=3"`
	index int
}

type grownLine struct{ N int }

// addedKinds are fields of every kind, those that cannot be null besides those that may.
func addedKinds(prefix string, nullable bool) []rules.Field {
	var out []rules.Field
	for i, k := range []rules.Kind{rules.Bool, rules.Int, rules.Float, rules.String, rules.Time} {
		out = append(out, rules.Field{Name: prefix + k.String(), Kind: k, Nullable: nullable})
		if i == 1 {
			out = append(out, rules.Field{Name: prefix + "money", Kind: k, Nullable: nullable, Scale: 2})
		}
	}
	return out
}

func grownSchema(t require.TestingT) *rules.Extended[grown] {
	fields := append(addedKinds("x", false), addedKinds("y", true)...)
	x, err := rules.Extend[grown](append(fields, rules.Field{Name: "Perks", Kind: rules.Tags},
		rules.Field{Name: "Orders", Kind: rules.Rows, Fields: append(addedKinds("x", false), addedKinds("y", true)...)},
		rules.Field{Name: "Cart", Kind: rules.Rows, Max: 3, Fields: append(addedKinds("y", true), rules.Field{Name: "Perks", Kind: rules.Tags},
			rules.Field{Name: "Parts", Kind: rules.Rows, Fields: addedKinds("y", true)})}), rules.Options{})
	require.NoError(t, err)
	return x
}

// kindTexts are conditions on the fields that addedKinds makes; @ is where they stand.
func kindTexts(at string) (out []string) {
	for _, text := range []string{
		"@xbool", "@xint > 1", "@xmoney >= 0.02", "@xfloat < 0.5", `@xstring == "a"`, "daysSince(@xtime) == 1", "@xtime == nil",
		"@ybool", "not @ybool", "@ybool == nil", "@yint > 1", "@yint != 2", "@yint == nil", "(@yint ?? 3) > 2", "@ymoney >= 0.02", "@ymoney == nil",
		"@yfloat < 0.5", "@yfloat == nil", `@ystring == "a"`, `@ystring contains "b"`, "@ystring == nil", "daysUntil(@ytime) >= 0", "@ytime == nil", "month(@ytime) == 2",
		"@yint == @xint", "@yint + @xint > 3", `@ystring == @xstring`, "(@yint ?? N) % 2 == 1", "@xint == N", "@xmoney > @ymoney",
	} {
		out = append(out, strings.ReplaceAll(text, "@", at))
	}
	return out
}

func grownSet(t require.TestingT, x *rules.Extended[grown]) *rules.Set[grown] {
	texts := append(kindTexts(""), `"p" in Perks`, "len(Perks) == 2", `"t" in Tags`, "Ago == 2", "Until <= 1", "Until == nil", "N > 2 and yint > 0", `"l" in Labels`,
		"any(Plain, .N == 1)", `any(Cart, "p" in .Perks)`, "len(Cart) == 2", "any(Cart, any(.Parts, .yint == 1 or .ystring == nil))", "sum(Cart, .yint) > 2", "max(Cart, .yfloat) > 0.5",
		"count(Orders, .Ago == 1 and .yint > 0) == 1", "sum(Orders, .xmoney) > 0.02", "any(Orders, any(.Lines, .N == 1) and .xbool)", "any(Orders, .Score == .yint)", `last(Orders).ystring == "a"`)
	for _, text := range kindTexts(".") {
		texts = append(texts, "any(Orders, "+text+")")
	}
	book := &rules.Book{Groups: []rules.Group{{Name: "first", Mode: rules.First}}}
	for i, text := range texts {
		r := rules.Rule{Name: fmt.Sprintf("%03d %s", i, text), When: text, Then: tagX}
		if i%7 == 0 {
			r.Group = "first"
		}
		book.Rules = append(book.Rules, r)
	}
	for i, text := range kindTexts("row.") {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("each%03d %s", i, text), Each: "Orders", When: text, Then: tagX})
	}
	for i, text := range kindTexts("row.")[7:] {
		if i < 17 { // of those that may be null
			book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("cart%03d %s", i, text), Each: "Cart", When: text, Then: tagX})
		}
	}
	book.Rules = append(book.Rules, rules.Rule{Name: "date", On: rules.Trigger{Date: "ytime", Before: "1d"}, Then: tagX})
	set, err := x.Compile(book)
	require.NoError(t, err)
	return set
}

// drawnKinds are values of the fields that addedKinds makes.
func drawnKinds(t *rapid.T, prefix string, nullable bool) map[string]any {
	n := rapid.IntRange(-1, 4)
	at := evening.Now().AddDate(0, 0, n.Draw(t, "at")-2)
	out := map[string]any{prefix + "bool": rapid.Bool().Draw(t, "bool"), prefix + "int": n.Draw(t, "int"), prefix + "money": int64(n.Draw(t, "money")),
		prefix + "float": rapid.SampledFrom([]float64{-1, 0, 0.5, 2}).Draw(t, "float"), prefix + "string": rapid.SampledFrom([]string{"", "a", "ab"}).Draw(t, "string"), prefix + "time": at}
	for _, k := range []string{"bool", "int", "money", "float", "string", "time"} {
		if nullable && rapid.IntRange(0, 2).Draw(t, "null") == 0 {
			out[prefix+k] = nil
		}
	}
	return out
}

// subjectValues is what a host knows of one subject.
type subjectValues struct {
	n, ago, until int // negative: null
	tags, perks   []string
	orders        []grownOrder
	plain         []grownLine
	own           map[string]any
	rows          []map[string]any
	cart          []map[string]any
}

func drawSubject(t *rapid.T) *subjectValues {
	n := rapid.IntRange(-1, 4)
	tags := rapid.SampledFrom([][]string{nil, {"p"}, {"t", "p"}, {"t", "l"}, {"q", "r", "p"}})
	s := &subjectValues{n: n.Draw(t, "N"), ago: n.Draw(t, "Ago"), until: n.Draw(t, "Until"), tags: tags.Draw(t, "tags"), perks: tags.Draw(t, "perks"), own: drawnKinds(t, "x", false)}
	for k, v := range drawnKinds(t, "y", true) {
		s.own[k] = v
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "orders") {
		o := grownOrder{Ago: n.Draw(t, "ago"), SKU: "s", index: i}
		if rapid.Bool().Draw(t, "scored") {
			o.Score = new(n.Draw(t, "score"))
		}
		for range rapid.IntRange(0, 2).Draw(t, "lines") {
			o.Lines = append(o.Lines, grownLine{n.Draw(t, "line")})
		}
		s.orders = append(s.orders, o)
		row := drawnKinds(t, "x", false)
		for k, v := range drawnKinds(t, "y", true) {
			row[k] = v
		}
		s.rows = append(s.rows, row)
	}
	for range rapid.IntRange(0, 2).Draw(t, "plain") {
		s.plain = append(s.plain, grownLine{n.Draw(t, "line")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "cart") {
		row := drawnKinds(t, "y", true)
		row["Perks"] = tags.Draw(t, "perks")
		if row["Perks"].([]string) == nil {
			delete(row, "Perks")
		}
		if rapid.Bool().Draw(t, "parts") {
			row["Parts"] = []map[string]any{drawnKinds(t, "y", true)}
		}
		for k, v := range row { // what is not given is null
			if v == nil {
				delete(row, k)
			}
		}
		s.cart = append(s.cart, row)
	}
	return s
}

// into puts the values into f, whose memory it uses again as a filler of many does.
func (s *subjectValues) into(t require.TestingT, x *rules.Extended[grown], f *grown) {
	orders, labels, plain, until := f.Orders[:0], f.Labels[:0], f.Plain[:0], f.Until
	*f = grown{Extensible: f.Extensible, N: s.n, Tags: x.Tags().Set(s.tags...), Labels: append(labels, s.tags...), Plain: append(plain, s.plain...)}
	if s.ago >= 0 {
		f.Ago = rules.Some(s.ago)
	}
	if s.until >= 0 {
		if until == nil {
			until = new(int)
		}
		*until = s.until
		f.Until = until
	}
	for i, o := range s.orders {
		var old grownOrder
		if i < cap(orders) {
			old = orders[:cap(orders)][i]
		}
		o.Lines = append(old.Lines[:0], o.Lines...)
		if score := o.Score; score != nil {
			if o.Score = old.Score; o.Score == nil {
				o.Score = new(int)
			}
			*o.Score = *score
		}
		orders = append(orders, o)
	}
	f.Orders = orders
	require.NoError(t, x.Clear(f))
	for k, v := range s.own {
		require.NoError(t, x.Set(f, k, v), k)
	}
	require.NoError(t, x.Set(f, "Perks", s.perks))
	if s.cart != nil {
		require.NoError(t, x.Set(f, "Cart", s.cart))
	}
	for i, row := range s.rows {
		for k, v := range row {
			require.NoError(t, x.SetRow(f, "Orders", i, k, v), k)
		}
	}
}

// oneByOne is what closures say of a subject some days later.
func oneByOne(t require.TestingT, set *rules.Set[grown], f *grown, days int) []string {
	f, err := set.Schema().Age(f, days)
	require.NoError(t, err)
	got, err := set.Evening(nil, f, rules.NewMoment(evening.Now().AddDate(0, 0, days), nil))
	require.NoError(t, err)
	return firingTexts(got)
}

func firingTexts(firings []rules.Firing) []string {
	out := []string{}
	for _, f := range firings {
		out = append(out, fmt.Sprint(f.Rule.Name, " ", f.Row))
	}
	return out
}

// TestColumnsOfAddedFields: columns say of fields that a host added what closures say, of
// every kind and with nulls, though the source uses one struct and the memory of its rows
// again for all; on later days, after changes, in previews and backtests, and in facts
// that are read back.
func TestColumnsOfAddedFields(t *testing.T) {
	x := grownSchema(t)
	set := grownSet(t, x)
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOfN(rapid.Custom(drawSubject), 1, 25).Draw(t, "people")
		reused := x.New()
		pop, err := population.New(x.Schema, evening, iter.Seq[*grown](func(yield func(*grown) bool) {
			for _, s := range people {
				s.into(t, x, reused)
				if !yield(reused) {
					return
				}
			}
			(&subjectValues{n: 9, orders: make([]grownOrder, 4), rows: make([]map[string]any, 0)}).into(t, x, reused)
		}))
		require.NoError(t, err)
		check := func(days int) {
			m := rules.NewMoment(evening.Now().AddDate(0, 0, days), nil)
			matches, err := pop.Evaluate(t.Context(), set, m)
			require.NoError(t, err)
			got := map[int][]string{}
			for i, f := range matches.All() {
				got[i] = firingTexts(f)
			}
			for i, s := range people {
				f := x.New()
				s.into(t, x, f)
				want := oneByOne(t, set, f, days)
				aged, err := x.Age(f, days)
				require.NoError(t, err)
				for k := range aged.Orders { // as who reads the struct sees them
					require.Equal(t, s.orders[k].Ago+days, aged.Orders[k].Ago)
					require.Equal(t, s.orders[k].Ago, f.Orders[k].Ago)
				}
				require.ElementsMatch(t, want, got[i], "subject %d, %d days later", i, days)
				kept, ok := pop.Facts(i, m)
				require.True(t, ok)
				require.Len(t, kept.Orders, len(s.orders))
				for k := range kept.Orders {
					require.Equal(t, s.orders[k].Ago+days, kept.Orders[k].Ago)
				}
				back, err := set.Evening(nil, kept, m)
				require.NoError(t, err)
				require.Equal(t, want, firingTexts(back))
				require.NoError(t, x.Set(kept, "yint", 4)) // it is a copy
			}
		}
		check(0)
		check(rapid.IntRange(-3, 3).Draw(t, "days"))
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			s := drawSubject(t)
			s.into(t, x, reused)
			if rapid.Bool().Draw(t, "new") {
				_, err := pop.Add(reused, evening)
				require.NoError(t, err)
				people = append(people, s)
			} else {
				i := rapid.IntRange(0, len(people)-1).Draw(t, "who")
				require.NoError(t, pop.Put(i, reused, evening))
				people[i] = s
			}
		}
		drawSubject(t).into(t, x, reused)
		check(1)

		text := rapid.SampledFrom(kindTexts("")).Draw(t, "text")
		preview, err := pop.Preview(t.Context(), set, rules.Rule{Name: "preview", When: text, Then: tagX}, evening, len(people))
		require.NoError(t, err)
		one, err := x.Compile(&rules.Book{Rules: []rules.Rule{{Name: "one", When: text, Then: tagX}}})
		require.NoError(t, err)
		var want []int
		for i, s := range people {
			f := x.New()
			s.into(t, x, f)
			if len(oneByOne(t, one, f, 0)) > 0 {
				want = append(want, i)
			}
		}
		require.Equal(t, want, preview.Sample)
		changes, err := pop.Compare(t.Context(), one, one, evening, 3)
		require.NoError(t, err)
		require.Empty(t, changes)
		for night, err := range pop.Backtest(t.Context(), one, evening, 1, population.BacktestOptions[grown]{Tags: "Tags"}) {
			require.NoError(t, err)
			require.Equal(t, want, slices.Collect(night.Rules[0].Subjects()))
		}
	})
}

// TestBlocksOfAddedFields goes over the size of a block, and over the point where blocks are
// encoded anew.
func TestBlocksOfAddedFields(t *testing.T) {
	x := grownSchema(t)
	set, err := x.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: `yint == 3 and any(Orders, .ystring == "a" and .Ago == 2)`, Then: tagX}}})
	require.NoError(t, err)
	f := x.New()
	fill := func(i int) *grown {
		s := &subjectValues{n: i, own: map[string]any{"yint": i % 5}, orders: []grownOrder{{Ago: i % 3}}, rows: []map[string]any{{"ystring": "a"}}, cart: []map[string]any{{"yint": i}}}
		s.into(t, x, f)
		return f
	}
	const n = 40_000
	pop, err := population.New(x.Schema, evening, func(yield func(*grown) bool) {
		for i := range n {
			if !yield(fill(i)) {
				return
			}
		}
	})
	require.NoError(t, err)
	of := map[int]int{}
	count := func() (k int) {
		for i := range n {
			v := i
			if w, ok := of[i]; ok {
				v = w
			}
			if v%5 == 3 && v%3 == 2 {
				k++
			}
		}
		return k
	}
	check := func() {
		m, err := pop.Evaluate(t.Context(), set, evening)
		require.NoError(t, err)
		got, _ := m.Count("r")
		require.Equal(t, count(), got)
	}
	check()
	for i := range 5000 { // of one block, then of another
		of[i*3] = i
		require.NoError(t, pop.Put(i*3, fill(i), evening))
	}
	check()
	got, ok := pop.Facts(39_999, evening)
	require.True(t, ok)
	v, err := x.Value(got, "yint")
	require.NoError(t, err)
	require.Equal(t, int64(39_999%5), v)
	require.Equal(t, []grownOrder{{Ago: 0, Lines: got.Orders[0].Lines}}, got.Orders)
}
