package looktest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFaults: each kind of fault is found where it is, and nothing in a page without any.
func TestFaults(t *testing.T) {
	page := func(style, body string) []byte {
		return []byte(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Page</title>
<style>
:root{color-scheme:light dark}body{background:#fff;color:#000}a{color:#00e}@media(prefers-color-scheme:dark){body{background:#111;color:#fff}a{color:#9bf}}:focus-visible{outline:3px solid}` + style + `</style>
</head>
<body>
<main>
<h1>Page</h1>
` + body + `
</main>
</body>
</html>
`)
	}
	long := `<p class="long">Text</p>`
	cases := []struct{ name, style, body, look, rule string }{
		{"sound", "", `<p>Text</p><p><a href="#x">More</a></p>`, "", ""},
		{"no html", "", `<p>Text</b></p>`, "html", "close-order"},
		{"pale in dark", "@media(prefers-color-scheme:dark){.long{color:#444}}", long, "dark 768", "color-contrast"},
		{"pale in light", ".long{color:#bbb}@media(prefers-color-scheme:dark){.long{color:#fff}}", long + `<p>Text</p>`, "light 320", "color-contrast"},
		{"pale and not on the screen", ".off{margin-top:3000px;content-visibility:auto}.long{color:#bbb}@media(prefers-color-scheme:dark){.long{color:#fff}}", `<section class="off">` + long + `</section>`, "light 320", "color-contrast"},
		{"wide at 360", "@media(width:360px){.long{width:400px}}", long, "folded", "wider than its window"},
		{"wide unfolded", ".long{width:400px}", `<details><summary>More</summary>` + long + `</details>`, "unfolded", "wider than its window"},
		{"focus", "a:focus-visible{outline:none}", `<p><a href="#x">More</a></p>`, "keyboard", "focus is not seen"},
		{"order", "", `<p><a href="#x">More</a></p><p><a href="#y" tabindex="1">Most</a></p>`, "keyboard", "keyboard order"},
		{"scrolls", ".s{overflow:auto}.long{width:2000px}", `<div class="s">` + long + `</div>`, "light 360", "scrolls without focus or name"},
		{"cut", "@media print{.long{width:900px}}", long, "print", "cut in print"},
		{"alone", "@media print{.long{height:228mm}p{break-before:page}.long{break-before:auto}}", long + `<h2>Alone</h2><p>Text</p>`, "print", "a heading alone"},
		{"policy", "", `<p><img src="http://127.0.0.1:1/x" alt="x"></p>`, "", "console"},
	}
	pages := make([]Page, len(cases))
	for i, c := range cases {
		pages[i] = Page{Name: c.name, HTML: page(c.style, c.body)}
	}
	found, looks := run(t, look, needed, lines(t, pages)...)
	require.Equal(t, 7*len(cases), looks)
	said := map[string][]string{}
	for _, f := range found {
		said[f.Page] = append(said[f.Page], f.Look+": "+f.Rule)
	}
	for _, c := range cases {
		if c.rule == "" {
			assert.Empty(t, said[c.name], c.name)
		} else {
			assert.Contains(t, said[c.name], c.look+": "+c.rule, c.name)
		}
	}
}
