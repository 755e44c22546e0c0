package survey

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Definitions that were written to hurt are refused or run in bounded time: values that set each
// other in circles, questions inside questions, panels that grow, markup.
func TestHostileDefinitions(t *testing.T) {
	chain := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i, (i+1)%n)
		}
		return strings.Join(parts, ",")
	}
	nested := `{"type":"text","name":"x"}`
	for i := range 20 {
		nested = fmt.Sprintf(`{"type":"paneldynamic","name":"p%d","panelCount":20,"templateElements":[%s]}`, i, nested)
	}
	for name, src := range map[string]string{
		"values in a circle":     elementOf(chain(300, `{"type":"text","name":"q%d","setValueExpression":"{q%d} + 1"}`)),
		"expressions in circles": elementOf(chain(300, `{"type":"expression","name":"q%d","expression":"{q%d} + 1"}`)),
		"defaults in a circle":   elementOf(chain(300, `{"type":"text","name":"q%d","defaultValueExpression":"{q%d} + 1"}`)),
		"conditions in a circle": elementOf(chain(300, `{"type":"text","name":"q%d","visibleIf":"{q%d} empty"}`)),
		"choices in a circle":    elementOf(chain(100, `{"type":"checkbox","name":"q%d","choicesFromQuestion":"q%d"}`)),
		"triggers in a circle":   `{"elements":[{"type":"text","name":"q0"}],"triggers":[` + chain(300, `{"type":"runexpression","expression":"{q0} <> -1","setToName":"q%d","runExpression":"{q%d} + 1"}`) + `]}`,
		"calculated in a circle": `{"elements":[{"type":"text","name":"q0"}],"calculatedValues":[` + chain(300, `{"name":"c%d","expression":"{c%d} + {q0}"}`) + `]}`,
		"panels in panels":       elementOf(nested),
		"many rows":              elementOf(`{"type":"matrixdynamic","name":"m","rowCount":1000,"columns":[` + chain(100, `{"name":"c%d","cellType":"text","title":"%d"}`) + `]}`),
		"a wide expression":      elementOf(`{"type":"text","name":"q0"},{"type":"text","name":"b","visibleIf":"` + strings.Repeat("{q0}+", 800) + `1"}`),
		"brackets":               elementOf(`{"type":"text","name":"b","visibleIf":"` + strings.Repeat("(", 4000) + `"}`),
		"functions in functions": elementOf(`{"type":"text","name":"b","visibleIf":"` + strings.Repeat("iif(", 900) + `"}`),
		"regex":                  elementOf(`{"type":"text","name":"q0","validators":[{"type":"regex","regex":"^(a+)+$"}]}`),
		"regex of repetitions":   elementOf(`{"type":"text","name":"q0","validators":[{"type":"regex","regex":"((a{1,100}){1,100}){1,100}"}]}`),
		"ready by itself":        elementOf(`{"type":"text","name":"q0","requiredIf":"isContainerReady('page1')","validators":[{"type":"expression","expression":"isContainerReady('page1')"}]}`),
		"texts in texts":         elementOf(`{"type":"text","name":"q0","title":"` + strings.Repeat("{q0}", 5000) + `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			d, err := Parse([]byte(src), Limits{})
			if err != nil {
				require.ErrorIs(t, err, ErrLimit)
				return
			}
			_ = d.Err()
			s := d.Begin(SessionOptions{})
			s.Set("q0", strings.Repeat("a", 3000)+"!")
			s.Add("m")
			page := s.Page()
			assert.NotPanics(t, func() { s.Next(); s.Complete() })
			_ = page
			assert.Less(t, time.Since(began), 30*time.Second) // on a busy machine; it takes a fraction of a second
		})
	}
}

// Ten megabytes are refused before they are read.
func TestHugeDefinition(t *testing.T) {
	_, err := Parse([]byte(`{"title":"`+strings.Repeat("x", 10<<20)+`"}`), Limits{})
	require.ErrorIs(t, err, ErrLimit)
}

func TestSafeHTML(t *testing.T) {
	for src, want := range map[string]string{
		`<p>Merhaba <b>Ada</b></p>`:                  `<p>Merhaba <b>Ada</b></p>`,
		`<script>alert(1)</script>x`:                 `x`,
		`<img src=x onerror=alert(1)>`:               `<img src="x">`,
		`<a href="javascript:alert(1)">x</a>`:        `<a>x</a>`,
		`<a href="java&#115;cript:alert(1)">x</a>`:   `<a>x</a>`,
		"<a href=\" java\nscript:alert(1)\">x</a>":   `<a>x</a>`,
		`<a href="https://a.example/?x=1&y=2">x</a>`: `<a href="https://a.example/?x=1&amp;y=2" rel="noopener noreferrer nofollow">x</a>`,
		`<p>open`:                          `<p>open</p>`,
		`</b></p>x`:                        `x`,
		`<b><p>x</b></p>`:                  `<b><p>x</p></b>`,
		`<svg onload=alert(1)><p>y</svg>z`: `z`,
		`a < b & c`:                        `a &lt; b &amp; c`,
		`<p style="position:fixed" class=x onclick=y>x`:   `<p>x</p>`,
		`<iframe src="https://a.example"></iframe>z`:      `z`,
		`<!-- <b> -->x<!doctype html>`:                    `x`,
		`<img src="data:image/svg+xml,<svg/>">`:           ``,
		`&lt;script&gt;`:                                  `&lt;script&gt;`,
		`<form action=x><input name=y><button>b</button>`: `b`,
	} {
		assert.Equal(t, want, SafeHTML(src), src)
	}
	deep := SafeHTML(strings.Repeat("<div>", 10_000))
	assert.Equal(t, strings.Count(deep, "<div>"), strings.Count(deep, "</div>"))
}

// Regular expressions of JavaScript mean the same here, look-ahead at the beginning included.
func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		re, yes, no string
	}{
		{`^05[0-9]{9}$`, "05321234567", "532"},
		{`^(?=.*[A-Z])(?=.*\d).{8,}$`, "Parola2026", "parola2026"},
		{`^(?!admin).*$`, "ada", "administrator"},
		{`(?=\d{9})`, "123456789", "12345678"},
		{`^[\w.]+@\w+\.\w{2,}$`, "a.b@c.de", "a@b"},
		{`^\u0130\s?$`, "\u0130\u00a0", "I"},
		{`^[^]+$`, "a\nb", ""},
		{`^a{,2}$`, "a{,2}", "aa"},
		{`^\/x\-y$`, "/x-y", "x"},
		{`^(?:a|b)(?<n>c)$`, "bc", "c"},
	} {
		p, err := compilePattern(tc.re, false)
		require.NoError(t, err, tc.re)
		assert.True(t, p.match(tc.yes), "%s %q", tc.re, tc.yes)
		assert.False(t, p.match(tc.no), "%s %q", tc.re, tc.no)
	}
	for _, re := range []string{`(?<=a)b`, `(a)\1`, `a(?=b)c`, `(`, strings.Repeat("a", 2000), `^(?=a)b|c$`} {
		_, err := compilePattern(re, false)
		require.Error(t, err, re)
	}
}
