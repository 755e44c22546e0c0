package email_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/email"
)

// FuzzReadMessage reads any bytes: what is told is in form, and the same twice.
func FuzzReadMessage(f *testing.F) {
	v := verp(f)
	names, err := filepath.Glob("testdata/mail/*.eml")
	require.NoError(f, err)
	for _, name := range names {
		f.Add([]byte(fixture(f, strings.TrimSuffix(filepath.Base(name), ".eml"), v, letter(1).ID)))
	}
	f.Add([]byte(mailOf("Content-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n", "PGI+")))
	r := &email.Reader{VERP: v, Unsubscribe: "off@shop.example"}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := r.ReadMessage(t.Context(), strings.NewReader(string(data)))
		if err != nil {
			return
		}
		for _, x := range got.Reports {
			require.NoError(t, x.Validate())
		}
		for _, x := range got.Inbound {
			require.NoError(t, x.Validate())
			require.NotContains(t, x.From.Value, "\n")
			require.NotContains(t, x.ID, "\n")
		}
		again, err := r.ReadMessage(t.Context(), strings.NewReader(string(data)))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

// FuzzEffect: nothing but what the key made names a message.
func FuzzEffect(f *testing.F) {
	v := verp(f)
	f.Add(v.ReturnPath(letter(1).ID))
	f.Add(v.MessageID(letter(1).ID))
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := v.Effect(s); ok {
			low := strings.Trim(strings.ToLower(strings.TrimSpace(s)), "<>")
			require.Contains(t, []string{v.ReturnPath(id), v.MessageID(id)}, low)
		}
	})
}
