package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

func pageOf(t *testing.T, args ...string) string {
	path := filepath.Join(t.TempDir(), "page.html")
	var out, errs bytes.Buffer
	require.NoError(t, run(t.Context(), append(args, "-report", path), &out, &errs))
	require.Equal(t, "wrote "+path+"\n", errs.String())
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, never := range []string{"<script", "NaN", "%!", ">worth.", "ZgotmplZ"} {
		require.NotContains(t, string(page), never)
	}
	return string(page)
}

// TestReport: the page of a shop has every picture in its language, what it says is what the program prints, and the
// same sales give the same bytes.
func TestReport(t *testing.T) {
	a := answerOf(t)
	for lang, want := range map[string][]string{
		"en": {"What customers are worth", "1,500 customers", "Who comes back after a first purchase", "What the change is made of", "mix: new or returning", "How this was computed"},
		"tr": {"Müşteriler ne kadar değerli", "1.500 müşteri", "İlk alışverişten sonra kimler geri geliyor", "Değişim neden oluştu", "karışım: yeni ya da dönen", "Nasıl hesaplandı"},
	} {
		page := pageOf(t, "-lang", lang, "-currency", "TRY")
		for _, w := range want {
			require.Contains(t, page, w)
		}
		require.Contains(t, page, a.Top[0].ID)
		require.Equal(t, 12, strings.Count(page, "<figure"))
		require.NotContains(t, page, map[string]string{"en": "bilinenler yetersiz", "tr": "Too little is known"}[lang])
		require.Less(t, len(page), 150_000)
	}
	// The purchases to come and their interval, as -json has them.
	page := pageOf(t)
	require.Equal(t, page, pageOf(t))
	require.Contains(t, page, fmt.Sprintf("<td>%s</td><td>%s to %s (90%%)</td>", grouped(a.Expected.Expected), grouped(a.Expected.Low), grouped(a.Expected.High)))
	require.Contains(t, page, "<td>"+grouped(a.Worth)+"</td>")
	// A number of the triangle.
	c := a.Cohorts[0]
	require.Regexp(t, fmt.Sprintf(`>Jan 2024</th><td>%d</td><td class="va-h\d+" title="%d of %d;`, c.Size, c.Cells[1].Customers, c.Size), page)
}

// grouped writes a number of thousands in English.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// TestReportOfFew: of a file with few sales the page says what is not known.
func TestReportOfFew(t *testing.T) {
	page := pageOf(t, "-in", file(t, "customer,time,amount\n<b>a,2025-01-01,10\n<b>a,2025-02-05,20\nb,2025-01-10,7.50\nb,2025-01-24,9.50\n"))
	require.Contains(t, page, "Too little is known")
	require.Contains(t, page, "&lt;b&gt;a")
	require.NotContains(t, page, "<b>a")
	page = pageOf(t, "-in", file(t, "customer,time,amount\na,2025-01-01,10\n"))
	require.Contains(t, page, "Too little is known")
	page = pageOf(t, "-in", file(t, "customer,time,amount,category\na,2025-01-01,10,x\na,2025-03-01,-20,y\nb,2025-03-01,5,y\n"))
	require.Contains(t, page, "What customers are worth")
}

// TestChange: what a change is made of adds up to it, of whole years where two are known.
func TestChange(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("customer,time,amount\n")
	day := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 800 {
		fmt.Fprintf(&rows, "c%d,%s,%d.37\n", i%90, day.AddDate(0, 0, i).Format(time.DateOnly), 10+i%7)
	}
	page := pageOf(t, "-in", file(t, rows.String()), "-until", "2024-12-31")
	require.Contains(t, page, "1 January 2024 – 31 December 2024")
	require.Contains(t, page, "1 January 2023 – 31 December 2023")
	require.Regexp(t, `Not explained</bdi></th><td>0.00</td>`, page)
	require.Regexp(t, regexp.MustCompile(`31 December 2024</bdi></th><td>[\d,]+</td><td>[^<]+</td><td>366</td>`), page)
}

func TestReportFile(t *testing.T) { programtest.OutputsFirst(t, run, "-report") }

// Cases GR2 to GR4: the page in both languages, as a browser sees and prints it.
func TestReportInABrowser(t *testing.T) {
	programtest.Pages(t, map[string][]byte{"en": []byte(pageOf(t)), "tr": []byte(pageOf(t, "-lang", "tr", "-currency", "TRY"))})
}
