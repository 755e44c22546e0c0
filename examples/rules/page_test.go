package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/examples/internal/programtest"
)

// The page of a preview says whom rules reach, what they do and why, one of faulty rules shows each
// mistake below its line; both in two languages, as a browser sees and prints them.
func TestPagesInABrowser(t *testing.T) {
	dir := t.TempDir()
	pages := map[string][]byte{}
	page := func(name string, code int, args ...string) string {
		path := filepath.Join(dir, name)
		try(t, code, append([]string{"preview", "-report", path}, args...)...)
		html, err := os.ReadFile(path)
		require.NoError(t, err)
		pages[name] = html
		return string(html)
	}
	en := page("en", 0)
	for _, want := range []string{`<th scope="row">service-only`, `<td class="ru-n"><span class="ru-line">53</span></td><td class="ru-n"><span class="ru-line">17.7%</span></td>`,
		"sends the survey after-purchase, after 1 day, at 10:00", "service-only: customer c001", "<p>Rule service-only fires.</p><ul class=\"ru-why\"><li>yes all of:<ul class=\"ru-why\"><li>yes len(purchases) == 0 (len(purchases) is 0)</li>", "Nothing was found."} {
		require.Contains(t, en, want)
	}
	tr := page("tr", 0, "-lang", "tr", "-was", "sample:doubtful.yaml")
	for _, want := range []string{"%17,7", "after-purchase anketini gönderir, 1 gün sonra, saat 10:00", "Yeni ulaşılan", "service-only kuralı çalışır"} {
		require.Contains(t, tr, want)
	}
	require.Contains(t, page("en doubtful", 0, "-rules", "sample:doubtful.yaml"), "<span class=\"ru-line\">sample:doubtful.yaml:6:5</span>")
	faulty := page("tr faulty", 1, "-lang", "tr", "-rules", "sample:mistakes.yaml")
	require.Contains(t, faulty, "Kurallarda 9 yanlış var")
	require.Contains(t, faulty, `<li class="ru-bad" value="10"><code>    when: daysSince(row.at) == 1 and row.chanel == &#34;store&#34;</code><p class="ru-fault"><code aria-hidden="true">                                         ^</code>survey: unknown field chanel (did you mean channel?)</p>`)
	programtest.Pages(t, pages)
}

func TestReportIsCheckedFirst(t *testing.T) {
	require.Contains(t, try(t, 2, "preview", "-report", filepath.Join(t.TempDir(), "absent", "x")), "no such file")
}
