package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/importer"
)

func TestBadRowsStopNothing(t *testing.T) {
	const header = "id,name,phone,since,birth\n"
	big := strings.Repeat("x", 1<<20+1)
	for _, c := range []struct {
		name, rows string
		rejected   []string
		warned     []string
		loaded     string // ids
		count      int
	}{
		{"all well", "1,Ali,05321112233,2025-01-01,1980\n2,\"a,\"\"b\"\"\nc\",,,\r\n\r\n3,Can,,,1980-05\n", nil, nil, "1 2 3", 3},
		{"broken UTF-8", "1,Ali,,,\n2,G\xfcl,,,\n3,Can,,,\n", []string{"p.csv:3: given: \"G\uFFFDl\" is not UTF-8"}, nil, "1 3", 3},
		{"wrong field count", "1,Ali,,,\n2,Can\n3,Can,,,,\n4,Nur,,,\n", []string{"p.csv:3: has 2 fields, the header has 5", "p.csv:4: has 6 fields, the header has 5"}, nil, "1 4", 4},
		{"quote never closed", "1,\"Ali,,,\n2,Can,,,\n3,Nur,,,\n", []string{"p.csv:2: unbalanced quotes: a quote is opened and never closed"}, nil, "2 3", 3},
		{"quote closed by another row", "1,\"Ali,,,\n2,Can,,,\n3,\"Nur\"\"\",,,\n4,\"Ece,,,\n5,Su,,,\n", []string{
			"p.csv:2: unbalanced quotes: with the lines that its quotes enclose a quoted field goes on after its end, at byte 3; a quote within quotes is doubled",
			"p.csv:5: unbalanced quotes: a quote is opened and never closed"}, nil, "2 3 5", 5},
		{"quote within", "1,A\"l\"i,,,\n2,Can,,,\n", []string{"p.csv:2: unbalanced quotes: a quote stands within an unquoted field, at byte 4"}, nil, "2", 2},
		{"no id", ",Ali,,,\n2,Can,,,\n", []string{"p.csv:2: id: must not be empty"}, nil, "2", 2},
		{"control character in an id", "\"1\x01\",Ali,,,\n2,Can,,,\n", []string{"p.csv:2: id: contains a control character"}, nil, "2", 2},
		{"long id", strings.Repeat("9", 513) + ",Ali,,,\n2,Can,,,\n", []string{"p.csv:2: id: has 513 bytes, at most 512 are allowed"}, nil, "2", 2},
		{"no time", "1,Ali,,yesterday,\n2,Can,,2025-02-30,\n3,Nur,,1025-01-01,\n", []string{
			`p.csv:2: since: "yesterday" is no time of the layouts 2006-01-02T15:04:05Z07:00 | 2006-01-02 15:04:05 | 2006-01-02T15:04:05 | 2006-01-02 15:04 | 2006-01-02`,
			`p.csv:3: since: "2025-02-30" is no time of the layouts 2006-01-02T15:04:05Z07:00 | 2006-01-02 15:04:05 | 2006-01-02T15:04:05 | 2006-01-02 15:04 | 2006-01-02`,
			`p.csv:4: since: "1025-01-01" is not between the years 1900 and 2200`}, nil, "", 3},
		{"every fault of a row", ",Ali,,soon,\n", []string{`p.csv:2: id: must not be empty; since: "soon" is no time of the layouts 2006-01-02T15:04:05Z07:00 | 2006-01-02 15:04:05 | 2006-01-02T15:04:05 | 2006-01-02 15:04 | 2006-01-02`}, nil, "", 1},
		{"phone that is none", "1,Ali,yok,,\n2,Can,+905321112233,,\n3,Nur,0555 555 55 55,,\n", nil, []string{
			`p.csv:2: phone: "yok" is no phone number that reaches one person; left out`,
			`p.csv:4: phone: "0555 555 55 55" is no phone number that reaches one person; left out`}, "1 2 3", 3},
		{"birth that is none", "1,Ali,,,31.31.1980\n", nil, []string{`p.csv:2: birth: "31.31.1980" is no time of the layouts 2006-01-02T15:04:05Z07:00 | 2006-01-02 15:04:05 | 2006-01-02T15:04:05 | 2006-01-02 15:04 | 2006-01-02; left out`}, "1", 1},
		{"formulas", "1,=1+1,+90 532 111 22 33,,\n2,\"@SUM(A1)\",,,\n3,-2+3,,,\n4,\"\tx\",,,\n5,-,,,\n", nil, []string{
			`p.csv:2: given: "=1+1" is a formula to a spreadsheet; kept as text`,
			`p.csv:3: given: "@SUM(A1)" is a formula to a spreadsheet; kept as text`,
			`p.csv:4: given: "-2+3" is a formula to a spreadsheet; kept as text`,
			`p.csv:5: given: "\tx" is a formula to a spreadsheet; kept as text`}, "1 2 3 4 5", 5},
		{"a megabyte", "1,Ali,,,\n2," + big + ",,,\n3,Can,,,\n", []string{"p.csv:3: given: the field has more than 1 MB"}, nil, "1 3", 3},
		{"a huge line", "1,Ali,,,\n2," + strings.Repeat(big, 5) + ",,,\n3,Can,,,\n", []string{"p.csv:3: the line has more than 4 MB"}, nil, "1 3", 3},
		{"one id twice", "1,Ali,,,\n1,Veli,,,\n", nil, []string{`p.csv:3: id: "1" stands in p.csv:2 already, no older; one of the two counts`}, "1", 2},
		{"no line break at the end", "1,Ali,,,", nil, nil, "1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := read(t, map[string]string{"mapping.yaml": simple, "p.csv": header + c.rows})
			require.Equal(t, append([]string{}, c.rejected...), messages(d.Rejected()))
			require.Equal(t, append([]string{}, c.warned...), messages(d.Warnings()))
			profiles, _ := everything(d)
			var ids []string
			for _, p := range profiles {
				require.NoError(t, p.Validate())
				ids = append(ids, p.ID)
			}
			slices.Sort(ids)
			require.Equal(t, c.loaded, strings.Join(ids, " "))
			require.Equal(t, c.count, d.Rows())
		})
	}
}

// Case C13: an e-mail address is written to as it was given; what links records is
// no address.
func TestEmailIsKeptAsGiven(t *testing.T) {
	const mapping = "sources: [{name: s, files: [{name: p.csv, kind: profiles, columns: {id: no, email: mail}}]}]\n"
	for in, want := range map[string]string{
		"ada+shop@corp.example":       "ada+shop@corp.example",
		" Ada.L@GMail.com ":           "ada.l@gmail.com",
		"ada@googlemail.com":          "ada@googlemail.com",
		"Ada <ada+shop@corp.example>": "ada+shop@corp.example",
		"<ada+shop@corp.example>":     "ada+shop@corp.example",
		"info@corp.example":           "",
		"ada":                         "",
	} {
		d := read(t, map[string]string{"mapping.yaml": mapping, "p.csv": "no,mail\n1," + in + "\n"})
		require.Empty(t, messages(d.Rejected()), in)
		profiles, _ := everything(d)
		require.Len(t, profiles, 1, in)
		if want == "" {
			require.Empty(t, profiles[0].Contacts, in)
			require.Len(t, d.Warnings(), 1, in)
			continue
		}
		require.Equal(t, []crm.Contact{{Address: crm.Address{Channel: crm.Email, Value: want}}}, profiles[0].Contacts, in)
	}
}

func TestBadOrders(t *testing.T) {
	const header = "no,who,at,total,cur,st,del,upd,gift\n"
	for _, c := range []struct{ row, reason string }{
		{"1,p,2025-01-01,12.x,,,,,", `total: "12.x" is no number`},
		{"1,p,2025-01-01,\"12,5\",,,,,", `total: "12,5" is no number with the decimal sign '.'; is it ','? Then set decimal: "," in mapping.yaml`},
		{"1,p,2025-01-01,12.345,,,,,", `total: "12.345" has more than 2 decimals; set round: true in mapping.yaml to round them`},
		{"1,p,2025-01-01,99999999999999999999,,,,,", `total: "99999999999999999999" is too large`},
		{"1,p,2025-01-01,1.5,JPY,,,,", `total: "1.5" has more than 0 decimals; set round: true in mapping.yaml to round them`},
		{"1,p,2025-01-01,1,Lira,,,,", `currency: "Lira" is no ISO 4217 code such as TRY`},
		{"1,p,,1,,,,,", "at: must not be empty"},
		{"1,,2025-01-01,1,,,,,", "profile: must not be empty"},
		{"1,p,2025-01-01,,,,,,", "total: is empty, and there are no lines to sum up"},
		{"1,p,2025-01-05,1,,Teslim,2025-01-04,,", `delivered: "2025-01-04" is before at, "2025-01-05"`},
		{"1,p,2025-01-05,1,,,,,maybe", `gift: "maybe" is not yes or no; say what it means under values.gift in mapping.yaml`},
	} {
		d := read(t, map[string]string{"mapping.yaml": orderMapping, "o.csv": header + "0,p,2025-01-01,1,,,,,\n" + c.row + "\n2,p,2025-01-01,1,,,,,\n"})
		require.Equal(t, []string{"o.csv:3: " + c.reason}, messages(d.Rejected()))
		_, facts := everything(d)
		require.Len(t, facts, 2)
	}
	d := read(t, map[string]string{"mapping.yaml": orderMapping, "o.csv": header + "1,p,2025-01-01,1,,,,,\n1,p,2025-01-01,1,,,,,\n"})
	require.Equal(t, []string{`o.csv:3: number: "1" stands in o.csv:2 already`}, messages(d.Rejected()))
	require.Equal(t, []string{`o.csv:2: profile: "s/p" is in no file of profiles or was rejected there; what hangs on it is kept`}, messages(d.Warnings()))
}

func TestCourseOfAnOrder(t *testing.T) {
	const header = "no,who,at,total,cur,st,del,upd,gift\n"
	mapping := strings.Replace(orderMapping, `values: {status: {Teslim: delivered, "*": placed}}`, "", 1)
	for _, c := range []struct{ row, course string }{
		{"1,p,2025-01-02 10:00,1,,,,,", "01-02 "},
		{"1,p,2025-01-02 10:00,1,,placed,,,", "01-02 placed"},
		{"1,p,2025-01-02 10:00,1,,delivered,,,", "01-02 delivered"},
		{"1,p,2025-01-02 10:00,1,,,2025-01-05,,", "01-02 placed, 01-05 delivered"},
		{"1,p,2025-01-02 10:00,1,,delivered,2025-01-02,,", "01-02 delivered"},
		{"1,p,2025-01-02 10:00,1,,shipped,,2025-01-03,", "01-02 placed, 01-03 shipped"},
		{"1,p,2025-01-02 10:00,1,,cancelled,,2025-01-03,", "01-02 placed, 01-03 cancelled"},
		{"1,p,2025-01-02 10:00,1,,cancelled,,,", "01-02 cancelled"},
		{"1,p,2025-01-02 10:00,1,,returned,2025-01-05,2025-01-09,", "01-02 placed, 01-05 delivered, 01-09 returned"},
		{"1,p,2025-01-02 10:00,1,,returned,2025-01-05,,", "01-02 placed, 01-05 returned"},
	} {
		d := read(t, map[string]string{"mapping.yaml": mapping, "o.csv": header + c.row + "\n"})
		require.Empty(t, d.Rejected())
		run := starting(d, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), nil)
		var got []string
		for n := range run.Days() {
			for _, f := range run.Day(n).Facts {
				o := f.Data.(*crm.Order)
				at := time.UnixMicro(f.Version).In(d.Zone())
				got = append(got, at.Format("01-02 ")+string(o.Status))
				require.False(t, o.Delivered.After(run.Evening(n)))
				require.Equal(t, "2025-01-02T07:00:00Z", f.At.Format(time.RFC3339))
			}
		}
		require.Equal(t, c.course, strings.Join(got, ", "))
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		in, currency string
		decimal      byte
		want         int64
		fails        string
	}{
		{"1.234,50", "TRY", ',', 123450, ""}, {"1,234.5", "TRY", '.', 123450, ""}, {"1 234 567,8", "EUR", ',', 123456780, ""},
		{"1\u00a0234,50 TL", "TRY", ',', 123450, ""}, {"₺12", "TRY", '.', 1200, ""}, {"-0.05", "USD", '.', -5, ""}, {"−3", "USD", 0, -300, ""},
		{"12.3400", "USD", '.', 1234, ""}, {".5", "USD", '.', 50, ""}, {"500", "JPY", '.', 500, ""}, {"1.234", "KWD", '.', 1234, ""},
		{"TRY 7", "TRY", '.', 700, ""}, {"92233720368547758.07", "USD", '.', 9223372036854775807, "too large"}, {"1e5", "USD", '.', 0, "no number"},
		{"", "USD", '.', 0, "no number"}, {"1.", "USD", '.', 0, "no number"}, {"-", "USD", '.', 0, "no number"}, {"--1", "USD", '.', 0, "no number"},
		{"1,2,3", "USD", '.', 0, "no number"}, {"12,34", "USD", '.', 0, "is it ','?"}, {"1.2.3", "USD", '.', 0, "no number"}, {"NaN", "USD", '.', 0, "no number"},
		{"1,234 567", "USD", '.', 0, "no number"}, {"0x10", "USD", '.', 0, "no number"}, {"１２", "USD", '.', 0, "no number"},
	} {
		got, err := importer.ParseAmount(c.in, c.currency, c.decimal)
		if c.fails != "" {
			require.ErrorContains(t, err, c.fails, c.in)
			continue
		}
		require.NoError(t, err, c.in)
		require.Equal(t, c.want, got, c.in)
	}
}

func TestNeutral(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+90": "'+90", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "x=1": "x=1", "": "", "-": "-"} {
		require.Equal(t, want, importer.Neutral(in))
	}
}

// Whoever writes one quote into every line must not make reading slow.
func TestManyQuotesAreReadInTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,name,phone,since,birth\n")
	for i := range 30_000 {
		fmt.Fprintf(&b, "%d,\"Ali,,,\n%d,Can,,,\n", i, i)
	}
	start := time.Now()
	d := read(t, map[string]string{"mapping.yaml": simple, "p.csv": b.String()})
	require.Less(t, time.Since(start), 10*time.Second)
	require.Equal(t, 60_000, d.Rows())
	require.Len(t, d.Rejected(), 30_000)
}
