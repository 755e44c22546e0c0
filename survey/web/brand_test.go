package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// TestPagesWearTheBrand: every page says whose it is, in one response and under a
// policy that lets nothing else be loaded. Cases B13, GS4.
func TestPagesWearTheBrand(t *testing.T) {
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))))
	w := newWorld(t, survey.Satisfaction(), func(c *web.Config) {
		c.Brand = web.Brand{Name: `Saat & "Saat"`, Logo: picture.Bytes(), Accent: "#0b6770",
			Privacy: map[string]string{"tr": "Yanıtlarınız nasıl kullanılır", "": "How answers are used"}, PrivacyURL: "https://saat.example/kvkk?a=1&b=2"}
	})
	for path, says := range map[string]string{"/s/" + w.token: "Yanıtlarınız nasıl kullanılır", "/s/nobody": "How answers are used"} {
		r := w.do(http.MethodGet, path, nil, "Accept-Language", "de")
		page := r.Body.String()
		require.Contains(t, page, `<img src="data:image/png;base64,`+base64.StdEncoding.EncodeToString(picture.Bytes())+`" alt="Saat &amp; &#34;Saat&#34;">`, path)
		require.Contains(t, page, `<a href="https://saat.example/kvkk?a=1&amp;b=2">`+says+`</a>`, path)
		require.Contains(t, page, "background:#0b6770;color:#ffffff")
		_, css, _ := strings.Cut(page, "<style>")
		css, _, _ = strings.Cut(css, "</style>")
		sum := sha256.Sum256([]byte(css))
		policy := r.Header().Get("Content-Security-Policy")
		require.Contains(t, policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		require.Contains(t, policy, "img-src data:")
		require.Contains(t, policy, "default-src 'none'")
	}
	require.Contains(t, w.get("/s/"+w.token+"?lang=en").Body.String(), "How answers are used")

	// Without a logo the name is a text, and no picture may be shown at all.
	w = newWorld(t, survey.Satisfaction(), func(c *web.Config) { c.Brand = web.Brand{Name: "Saat", Privacy: map[string]string{"": "<b>"}} })
	r := w.get("/s/" + w.token)
	require.Contains(t, r.Body.String(), `<header class="b">Saat</header>`)
	require.Contains(t, r.Body.String(), `<footer>&lt;b&gt;</footer>`)
	require.NotContains(t, r.Header().Get("Content-Security-Policy"), "img-src")
	// Without a name what it says of privacy is there all the same.
	w = newWorld(t, survey.Satisfaction(), func(c *web.Config) {
		c.Brand = web.Brand{Privacy: map[string]string{"": "How answers are used"}, PrivacyURL: "https://saat.example/kvkk"}
	})
	require.Contains(t, w.get("/s/"+w.token).Body.String(), `<a href="https://saat.example/kvkk">How answers are used</a>`)
	// Without a brand nothing of it is there.
	require.NotContains(t, newWorld(t, survey.Satisfaction()).get("/s/"+w.token).Body.String(), "<header")
}

// TestBrandsThatCannotBeRead are refused, with what is wrong. Case B13.
func TestBrandsThatCannotBeRead(t *testing.T) {
	for want, b := range map[string]web.Brand{
		"Accent #777777 under #ffffff has a contrast of 4.47:1, 4.5:1 is needed": {Accent: "#777777"},
		"Accent #ffee00 under #ffffff":                                           {Accent: "#ffee00"},
		`Accent "red" is no colour`:                                              {Accent: "red"},
		`Accent "#0b6770;}" is no colour`:                                        {Accent: "#0b6770;}"},
		`Ink "#fff" is no colour`:                                                {Accent: "#0b6770", Ink: "#fff"},
		"Ink needs an Accent":                                                    {Ink: "#000000"},
		"Name must be set":                                                       {Logo: []byte("<svg/>")},
		"Logo is no PNG":                                                         {Name: "x", Logo: []byte("<html><script>")},
		"Logo has 40000 bytes":                                                   {Name: "x", Logo: append([]byte("<svg>"), make([]byte, 39995)...)},
		`PrivacyURL "javascript:x" is no https`:                                  {PrivacyURL: "javascript:x", Privacy: map[string]string{"": "x"}},
		`Privacy "turkish" is no language`:                                       {Privacy: map[string]string{"": "x", "turkish": "x", "tr-TR": "x"}},
		"Privacy must be set":                                                    {PrivacyURL: "https://x.example/"},
	} {
		err := b.Validate()
		require.ErrorIs(t, err, web.ErrBrand, want)
		require.ErrorContains(t, err, want)
		_, err = web.New(web.Config{Store: hearing{}, Tokens: noTokens{}.Parse, Brand: b})
		require.ErrorIs(t, err, web.ErrBrand, want)
	}
	for _, b := range []web.Brand{{}, {Accent: "#767676"}, {Accent: "#ffee00", Ink: "#000000"}, {Name: "x", Logo: []byte("<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>")}} {
		require.NoError(t, b.Validate())
	}
}

type noTokens struct{}

func (noTokens) Parse(string) (uint64, error) { return 0, nil }
