package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// filler fills in forms with answers that their fields take. What a page finds wrong is answered
// otherwise the next time.
type filler struct {
	tries map[string]int // by field: how often it was answered
	files []webtest.File
}

// number is a number that a field takes: its least, or its step above it.
func number(f webtest.Field, try int) string {
	lo, err := strconv.ParseFloat(f.Min, 64)
	if err != nil {
		lo = 1
	}
	if hi, err := strconv.ParseFloat(f.Max, 64); err == nil && f.Min == "" {
		lo = min(lo, hi)
	}
	step, err := strconv.ParseFloat(f.Step, 64)
	if err != nil {
		step = 1
	}
	sizes := []float64{0, 1, 9, 17, 20, 99, 499, 1999, 12344, 99999}
	x := lo + step*sizes[try%len(sizes)]
	if hi, err := strconv.ParseFloat(f.Max, 64); err == nil {
		x = min(x, hi)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// lines are texts that a single line might want.
var lines = []string{"Ayşe Yılmaz", "+905321234567", "123456", "ayse@example.com", "1980", "34000", "AB12 3CD", "7", "https://example.com", "5551234567", "2026-03-02", "Abcdef1!", "a", "12345678", "X", "01/02/2030", "12:30"}

// line is a text that a field takes.
func line(f webtest.Field, try int) string {
	pick := func(all ...string) string { return all[try%len(all)] }
	switch f.Kind {
	case "number", "range":
		return number(f, try)
	case "email":
		return pick("ayse@example.com", "ayse@example.org")
	case "url":
		return "https://example.com/"
	case "tel":
		return pick("+905321234567", "5551234567", "(555) 123-4567", "05321234567")
	case "date":
		return pick("2026-03-02", f.Min, f.Max, "2030-01-01", "1990-05-17", "2010-06-15")
	case "datetime-local":
		return pick("2026-03-02T10:00", f.Min, f.Max, "2030-01-01T10:00")
	case "month":
		return "2026-03"
	case "week":
		return "2026-W10"
	case "time":
		return pick("10:30", f.Min, f.Max)
	case "color":
		return "#0b6770"
	}
	s := lines[try%len(lines)]
	if f.Kind == "textarea" && try == 0 {
		s = "Mağaza temizdi.\nKasada bekledim."
	}
	if f.MaxLength > 0 && len(s) > f.MaxLength {
		s = "1234567890"[:min(f.MaxLength, 10)]
	}
	return s
}

// fill answers a form. wrong are the fields that the page complains about.
func (fl *filler) fill(f webtest.Form, press string) url.Values {
	out := url.Values{}
	fl.files = nil
	chosen := map[string]int{}
	groups := map[string][]webtest.Field{}
	ranks := 0
	for _, fd := range f.Fields {
		name := fd.Name
		try := fl.tries[name]
		switch {
		case fd.Disabled || name == "" || fd.Kind == "button":
		case fd.Kind == "hidden":
			out.Add(name, fd.Value)
		case fd.Kind == "radio" || fd.Kind == "checkbox":
			groups[name] = append(groups[name], fd)
		case fd.Kind == "select" && strings.HasPrefix(name, "r."):
			ranks++
			out.Set(name, strconv.Itoa((ranks-1)%max(len(fd.Options)-1, 1)+1))
		case fd.Kind == "select":
			if len(fd.Options) > 1 {
				out.Set(name, fd.Options[1+try%(len(fd.Options)-1)])
			}
		case fd.Kind == "file":
			fl.files = append(fl.files, webtest.File{Field: name, Name: "a.png", Type: "image/png", Content: []byte("\x89PNG\r\n\x1a\nx")})
		default:
			out.Add(name, strings.ReplaceAll(line(fd, try+chosen[name]*2), "\n", "\r\n"))
			chosen[name]++
		}
	}
	for name, all := range groups {
		if strings.HasPrefix(name, "_") {
			continue
		}
		try := fl.tries[name]
		if all[0].Kind == "radio" {
			out.Set(name, all[try%len(all)].Value)
			continue
		}
		for i := range min(1+try, len(all)) { // one more each time
			if v := all[i].Value; !slices.Contains([]string{"all", "none"}, v) || len(all) == 1 {
				out.Add(name, v)
			}
		}
	}
	if press != "" {
		out.Set("_do", press)
	}
	return out
}

// walked is how a walk ended.
type walked struct {
	arrived bool
	pages   int
	at      string // what it ended on
}

var summaryLink = regexp.MustCompile(`<li><a href="#(q\d+)`)

// walk answers a survey page by page until it is thanked.
func walk(t *testing.T, w *world) walked {
	t.Helper()
	fl := filler{tries: map[string]int{}}
	resp, err := w.srv.Client().Get(w.link())
	require.NoError(t, err)
	o := webtest.Outcome{Status: resp.StatusCode, URL: w.link(), Page: []byte(read(t, resp))}
	require.NoError(t, resp.Body.Close())
	for pages := 1; pages < 250; pages++ {
		forms := webtest.Forms(o.Page)
		if len(forms) == 0 {
			return walked{at: fmt.Sprintf("%d without a form", o.Status), pages: pages}
		}
		if o.Status == http.StatusUnprocessableEntity {
			// Which fields belong to the questions that are complained about: those whose ids begin alike.
			for _, m := range summaryLink.FindAllStringSubmatch(string(o.Page), -1) {
				for _, in := range regexp.MustCompile(`id="`+m[1]+`(?:-\d+)?"[^>]* name="([^"]*)"|id="`+m[1]+`"(?s:.*?) name="([^"]*)"`).FindAllStringSubmatch(string(o.Page), -1) {
					fl.tries[unescape(in[1]+in[2])]++
				}
			}
		}
		press := "" // each button that adds, once
		for _, fd := range forms[0].Fields {
			if strings.HasPrefix(fd.Value, "add:") && fd.Kind == "button" && fl.tries[fd.Value] == 0 {
				press = fd.Value
				fl.tries[press]++
				break
			}
		}
		values := fl.fill(forms[0], press)
		o, err = webtest.Send(t.Context(), w.srv.Client(), o.URL, forms[0], values, fl.files)
		require.NoError(t, err)
		if o.Thanked() {
			return walked{arrived: true, pages: pages}
		}
	}
	return walked{pages: 250, at: strings.Join(regexp.MustCompile(`(?s)<div role="alert".*?</div>|<p class="e"[^<]*`).FindAllString(string(o.Page), 8), " ")}
}

func unescape(s string) string {
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}

// C17: real forms found in public repositories are answered page by page to their end. It says
// which do not get there and why.
func TestRealFormsArrive(t *testing.T) {
	root := os.Getenv("VEFA_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(root, "survey", "forms", "*.json"))
	if len(files) == 0 {
		t.Skip("no survey definitions under " + root + "; set VEFA_DATA")
	}
	arrived, published := 0, 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		d, err := survey.Parse(data, survey.Limits{})
		require.NoError(t, err, name)
		if d.Err() != nil {
			t.Logf("%s cannot be published", filepath.Base(name))
			continue
		}
		published++
		w := newWorld(t, d, func(c *web.Config) { c.MaxBody = 1 << 20 })
		o := walk(t, w)
		if !o.arrived {
			t.Logf("%s ends on page %d: %s", filepath.Base(name), o.pages, o.at)
			continue
		}
		arrived++
		assert.Equal(t, 1, w.submits, name)
		if strings.Contains(string(data), "surveyjs.io/Content/Images/examples/image-picker/lion.avi") {
			continue // it only shows pictures
		}
		assert.NotEmpty(t, w.answers[7].Answers, name)
	}
	t.Logf("%d forms, %d can be published, %d of them were answered to their end", len(files), published, arrived)
	assert.GreaterOrEqual(t, arrived*100, published*90)
}
