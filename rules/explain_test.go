package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

func TestExplain(t *testing.T) {
	set, err := compileYAML(t, `
conditions: {big: N > 5 or F > 9}
rules:
  - name: each
    each: Orders
    when: row.DaysAgo <= 30 and row.Channel in ["web", "app"] and big
    unless: any(visits, .Gift) or not (Flag and row.Amount > 0)
    then: [{tag: x}]
  - {name: off, enabled: false, to: 2020-01-01, when: Flag, then: [{tag: x}]}
  - {name: nulls, when: 'Ratio > 1 and daysSince(Born) > 3 and sum(Orders, .Amount) > 5 and fold(City) == "a"', then: [{tag: x}]}
`)
	require.NoError(t, err)
	f := &facts{N: 3, F: 9.5, Flag: true, City: "Çorum", Orders: []order{{DaysAgo: 3, Channel: "web", Amount: 5}, {DaysAgo: 90, Channel: "store"}}}
	x, err := set.Explain("each", f, evening)
	require.NoError(t, err)
	require.True(t, x.Fires)
	require.Empty(t, x.Missing())
	require.Equal(t, `Rule each fires.
  row 1 (yes)
    yes all of:
      yes row.DaysAgo <= 30 (row.DaysAgo is 3)
      yes row.Channel in ["web", "app"] (row.Channel is "web")
      yes any of:
        no  N > 5 (N is 3)
        yes F > 9.0 (F is 9.5)
    unless:
      no  any of:
        no  any(visits, .Gift) (0/0)
        no  not:
          yes all of:
            yes Flag (true)
            yes row.Amount > 0 (row.Amount is 5)
  row 2 (no)
    no  all of:
      no  row.DaysAgo <= 30 (row.DaysAgo is 90)
      no  row.Channel in ["web", "app"] (row.Channel is "store")
      yes any of:
        no  N > 5 (N is 3)
        yes F > 9.0 (F is 9.5)
    unless:
      yes any of:
        no  any(visits, .Gift) (0/0)
        yes not:
          no  all of:
            yes Flag (true)
            no  row.Amount > 0 (row.Amount is 0)
`, x.String())

	f.Orders = f.Orders[1:]
	x, err = set.Explain("each", f, evening)
	require.NoError(t, err)
	require.Equal(t, `each kuralı çalışmaz: row.DaysAgo <= 30 (row.DaysAgo = 90), row.Channel in ["web", "app"] (row.Channel = "store"), row.Amount > 0 (row.Amount = 0).`, firstLine(x.Text("tr-TR")))
	f.Orders = nil
	x, err = set.Explain("each", f, evening)
	require.NoError(t, err)
	require.Equal(t, "Rule each does not fire: there is no row.", firstLine(x.String()))
	x, err = set.Explain("off", f, evening)
	require.NoError(t, err)
	require.False(t, x.Fires)
	require.Equal(t, "off kuralı çalışmaz: kural kapalı, kural bu tarihte yürürlükte değil.", firstLine(x.Text("tr")))
	x, err = set.Explain("nulls", f, evening)
	require.NoError(t, err)
	require.Equal(t, `nulls kuralı çalışmaz: Ratio > 1.0 (Ratio = boş), daysSince(Born) > 3 (daysSince(Born) = boş), sum(Orders, .Amount) > 5 (sum(Orders, .Amount) = 0), fold(City) == "a" (City = "Çorum").`, firstLine(x.Text("tr")))

	_, err = set.Explain("nobody", f, evening)
	require.Error(t, err)
	f.Orders = make([]order, 21)
	_, err = set.Explain("each", f, evening)
	var be *rules.BoundsError
	require.ErrorAs(t, err, &be)
}

func firstLine(s string) string {
	for i := range s {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}

func TestTagSet(t *testing.T) {
	v := rules.NewVocabulary("vip", "red")
	var s rules.TagSet
	names := []string{}
	for i := range 200 {
		name := tagName(i)
		v.Add(&s, name)
		v.Add(&s, name)
		names = append(names, name)
	}
	require.Equal(t, 200, s.Len())
	require.ElementsMatch(t, names, v.Names(s))
	c := s.Clone()
	for i := 0; i < 200; i += 2 {
		v.Remove(&c, tagName(i))
		v.Remove(&c, tagName(i))
	}
	require.Equal(t, 100, c.Len())
	require.Equal(t, 200, s.Len())
	for i := range 200 {
		require.Equal(t, i%2 == 1, v.Has(c, tagName(i)))
		require.True(t, v.Has(s, tagName(i)))
	}
	require.False(t, v.Has(s, "never seen"))
	require.False(t, s.Equal(c))
	require.True(t, v.Set("red", "vip").Equal(v.Set("vip", "red")))
	require.Equal(t, []string{"red", "vip"}, v.Names(v.Set("vip", "red")))
}
