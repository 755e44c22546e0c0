package webtest

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const page = `<!DOCTYPE html><html><body><form method="post">
<input type="hidden" name="_key" value="K&quot;1"><input type="hidden" name="q.old" value="carried">
<fieldset><label><input type="radio" name="q.score" value="1" required>1</label><label><input type="radio" name="q.score" value="2" checked required>2</label></fieldset>
<textarea class="t" name="q.note" maxlength="5">&lt;typed&gt;</textarea>
<input class="t" title="a > b name=&quot;x&quot;" name="q.mail" type="email" value="" required>
<button type="submit">Send</button></form>
<form method="post" action="x/not-me"><button type="submit">No</button></form></body></html>`

func TestForms(t *testing.T) {
	forms := Forms([]byte(page))
	require.Len(t, forms, 2)
	assert.Equal(t, []string{"score", "note", "mail"}, forms[0].asks())
	assert.Empty(t, forms[0].Action)
	assert.Equal(t, "x/not-me", forms[1].Action)
	assert.Empty(t, forms[1].asks())
}

func TestFill(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers map[string]any
		want    url.Values
		err     error
	}{
		{"all", map[string]any{"score": 1, "note": "a\nb", "mail": "a@b.c", "elsewhere": 1},
			url.Values{"_key": {`K"1`}, "q.old": {"carried"}, "q.score": {"1"}, "q.note": {"a\r\nb"}, "q.mail": {"a@b.c"}}, nil},
		{"what was there stays", map[string]any{"note": "x", "mail": "m"},
			url.Values{"_key": {`K"1`}, "q.old": {"carried"}, "q.score": {"2"}, "q.note": {"x"}, "q.mail": {"m"}}, nil},
		{"not offered", map[string]any{"score": 3, "note": "x", "mail": "m"}, nil, ErrNotOffered},
		{"required", map[string]any{"score": 1, "note": "x"}, nil, ErrRequired},
		{"too long", map[string]any{"note": "abcdef", "mail": "m"}, nil, ErrTooLong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Fill([]byte(page), tc.answers)
			if tc.err != nil {
				require.ErrorIs(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
	_, err := Fill([]byte("<p>nothing</p>"), nil)
	require.ErrorIs(t, err, ErrNoForm)
}

func FuzzForms(f *testing.F) {
	for _, s := range []string{page, "<", "<form", `<form><input name="`, "<form><textarea>", `<form><input = "x" y>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, form := range Forms(data) {
			_, _ = form.fill(map[string]any{"a": 1})
		}
	})
}

const controls = `<form method="post" enctype="multipart/form-data"><button type="submit">Send</button>
<select name="q.shop" required><option value="">Choose</option><option value="a">A</option><option value="b" selected>B</option><option value="c" disabled>C</option></select>
<label><input type="checkbox" name="q.why" value="x" checked>x</label><label><input type="checkbox" name="q.why" value="y">y</label>
<select name="r.rank.m"><option value=""></option><option value="1"></option><option value="2" selected></option></select>
<select name="r.rank.n"><option value=""></option><option value="1" selected></option><option value="2"></option></select>
<input type="number" name="q.range" value="1"><input type="number" name="q.range" value="2">
<input type="text" name="q.fixed" value="z" readonly><input type="file" name="q.file">
<label><input type="checkbox" name="_del.file" value="1">Remove</label>
<button type="submit" name="_do" value="back">Back</button></form>`

func TestFillControls(t *testing.T) {
	assert.True(t, Forms([]byte(controls))[0].Multipart)
	got, err := Fill([]byte(controls), nil)
	require.NoError(t, err)
	assert.Equal(t, url.Values{"q.shop": {"b"}, "q.why": {"x"}, "r.rank.m": {"2"}, "r.rank.n": {"1"}, "q.range": {"1", "2"}}, got)
	got, err = Fill([]byte(controls), map[string]any{"shop": "a", "why": []any{"y"}, "rank": []any{"m", "n"}, "range": []any{3, 4}, "fixed": "q"})
	require.NoError(t, err)
	assert.Equal(t, url.Values{"q.shop": {"a"}, "q.why": {"y"}, "r.rank.m": {"1"}, "r.rank.n": {"2"}, "q.range": {"3", "4"}}, got)
	for _, answers := range []map[string]any{{"shop": "c"}, {"why": []any{"x", "z"}}} {
		_, err = Fill([]byte(controls), answers)
		require.ErrorIs(t, err, ErrNotOffered, answers)
	}
	_, err = Fill([]byte(controls), map[string]any{"shop": ""})
	require.Error(t, err)
}
