package people_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// soil does to a fifth of the cells what spreadsheets, exports and people do to them.
type soil struct{ *rand.Rand }

func (s soil) phone(p string) string {
	d := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, p)
	if len(d) < 10 || s.Float64() > 0.2 {
		return p
	}
	d = d[len(d)-10:]
	all := []string{"'0" + d, d + ".0", "0" + d + " (eşi)", "0" + d[:3] + " " + d[3:6] + " " + d[6:] + " dahili 12",
		fmt.Sprintf("0%s / 0212 555 %d %d", d, 10+s.IntN(90), 10+s.IntN(90)), "0" + d + "/12", `="0` + d + `"`}
	return all[s.IntN(len(all))]
}

func (s soil) email(m string) string {
	if s.Float64() > 0.2 {
		return m
	}
	all := []string{"mailto:" + m, m + ", info@example.com", m + ",", "Müşteri <" + m + ">"}
	return all[s.IntN(len(all))]
}

func (s soil) text(t string) string {
	if s.Float64() > 0.2 {
		return t
	}
	switch s.IntN(3) {
	case 0: // UTF-8 read as Windows-1252; the bytes that it lacks stay
		high := []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")
		var b strings.Builder
		for i := range len(t) {
			if c := t[i]; c >= 0x80 && c < 0xA0 {
				b.WriteRune(high[c-0x80])
			} else {
				b.WriteRune(rune(c))
			}
		}
		return b.String()
	case 1: // Windows-1254 read as Latin-1
		return strings.NewReplacer("ğ", "ð", "Ğ", "Ð", "ş", "þ", "Ş", "Þ", "ı", "ý", "İ", "Ý").Replace(t)
	}
	var b strings.Builder
	for _, r := range t {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

// Cases E9 to E11: a file with a fifth of its cells soiled is linked as the clean one.
func TestSoiledCells(t *testing.T) {
	s := sets["retail_5k"]
	records, truth := load(t, s, data(t, s.file))
	f1 := func(records []people.Record) float64 {
		r, err := newLinker(t, s.options()).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		return dedup.Evaluate(r.Clusters, lookup(truth)).F1
	}
	clean := f1(records)
	by := soil{rand.New(rand.NewPCG(5, 7))}
	for i := range records {
		r := &records[i]
		r.Phones, r.Emails = slices.Clone(r.Phones), slices.Clone(r.Emails)
		for k := range r.Phones {
			r.Phones[k] = by.phone(r.Phones[k])
		}
		for k := range r.Emails {
			r.Emails[k] = by.email(r.Emails[k])
		}
		for _, field := range []*string{&r.Given, &r.Family, &r.City, &r.District} {
			*field = by.text(*field)
		}
	}
	soiled := f1(records)
	t.Logf("F1 clean %.4f, soiled %.4f", clean, soiled)
	require.GreaterOrEqual(t, soiled, clean-0.003)
}
