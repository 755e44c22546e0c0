package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/segment"
)

// Case GR7: what excludes is marked in the tree of a definition, and so is what decides about a
// customer.
func TestExcludedAndDecidingPartsAreMarked(t *testing.T) {
	x := segment.NewIndex(segment.Options{})
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	_, err := x.Load(at, func(yield func(string, []string) bool) {
		_ = yield("ayşe", []string{"news", "staff"}) && yield("<b>", []string{"news"})
	})
	require.NoError(t, err)
	defs, err := segment.ParseDefinitions("segment mail = at least 1 of (news, vip) except staff", segment.Limits{})
	require.NoError(t, err)
	_, err = x.Define(at, defs...)
	require.NoError(t, err)
	v := x.View()
	counted, err := v.Preview("mail", at)
	require.NoError(t, err)
	out, err := v.Explain("mail", "ayşe", at)
	require.NoError(t, err)
	in, err := v.Explain("mail", "<b>", at)
	require.NoError(t, err)
	draw := func(lang string, pictures ...Picture) string {
		var b strings.Builder
		require.NoError(t, Page{Locale: lang, Sections: []Section{{Title: "x", Pictures: pictures}}}.Write(&b))
		return b.String()
	}
	page := draw("en", Counts("parts", counted), Explained("ayşe", out, "a note"), Explained("other", in))
	require.Contains(t, page, `<tr class="seg-off"><th scope="row" class="seg-name seg-d1"><bdi>except: tag staff</bdi></th><td class="seg-num">1</td>`)
	require.Contains(t, page, "ayşe is not in mail (version 1).")
	require.Contains(t, page, `<bdi>except: tag staff</bdi></th><td>yes</td><td>decides</td>`)
	require.Contains(t, page, `<bdi>at least 1 of (holds for 1)</bdi></th><td>yes</td><td></td>`)
	require.Contains(t, page, "a note")
	require.Contains(t, page, "&lt;b&gt; is in mail (version 1).")
	require.NotContains(t, page, "<b> is")
	page = draw("tr", Counts("parts", counted), Explained("ayşe", out))
	require.Contains(t, page, "dışarıda bırakılan: staff etiketi")
	require.Contains(t, page, "en az 1 tanesinde olan (1 tanesinde var)")
	require.Contains(t, page, "<td>evet</td><td>belirleyici</td>")
}
