package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
)

func TestPosters(t *testing.T) {
	codec, err := invite.New("poster", []byte("0f1e2d3c4b5a69788796a5b4c3d2e1f0zyxwvut"))
	require.NoError(t, err)
	broken := errors.New("no database")
	p := &web.Posters{Path: "/q/", Mint: codec.Mint, Find: func(code string) (uint32, error) {
		switch code {
		case "TILL":
			return web.MaxPoster, nil
		case "BAD":
			return web.MaxPoster + 1, nil
		case "DOWN":
			return 0, broken
		}
		return 0, web.ErrNotFound
	}}
	get := func(method, path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
		return rec
	}
	seen := map[uint64]bool{}
	for range 200 {
		rec := get("GET", "/q/TILL?lang=tr")
		require.Equal(t, http.StatusSeeOther, rec.Code)
		require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
		to, ok := strings.CutSuffix(rec.Header().Get("Location"), "?lang=tr")
		require.True(t, ok)
		id, err := codec.Parse(strings.TrimPrefix(to, "/s/"))
		require.NoError(t, err)
		require.Equal(t, uint32(web.MaxPoster), web.PosterOf(id))
		require.False(t, seen[id])
		seen[id] = true
	}
	for path, want := range map[string]int{"/q/": 404, "/q/NONE": 404, "/q/BAD": 404, "/x/TILL": 404, "/q/DOWN": 503, "/q/TILL/": 303} {
		require.Equal(t, want, get("GET", path).Code, path)
	}
	require.Equal(t, 405, get("POST", "/q/TILL").Code)
	require.NotContains(t, get("GET", "/q/TILL?lang=%0d%0aX:y").Header().Get("Location"), "lang")
}
