package sms

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The vectors were confirmed by independent programs: the counts by npm
// sms-segments-calculator 1.3.0 (Twilio's; TestCalculator asks it again),
// the Turkish segments by the decoder of npm smpp 0.5.1, which gave each text
// back. That decoder reads the single shift with the locking base table, so
// texts with a letter that only the default table has are left out.
func TestCounterparts(t *testing.T) {
	raw, err := os.ReadFile("testdata/counterparts.json")
	require.NoError(t, err)
	var vectors struct {
		Counts []struct {
			Text, Encoding string
			Segments       int
		}
		Turkish []struct {
			Text     string
			Encoding Encoding
			Segments []struct{ Header, Body string }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	require.NotEmpty(t, vectors.Counts)
	require.NotEmpty(t, vectors.Turkish)
	for _, v := range vectors.Counts {
		plan, err := Profile{}.Plan(v.Text)
		require.NoError(t, err)
		assert.Equal(t, v.Encoding, plan.Encoding.String(), v.Text)
		assert.Equal(t, v.Segments, plan.Segments, v.Text)
	}
	for _, v := range vectors.Turkish {
		segments, err := Encode(v.Text, v.Encoding, Reference{Number: 9})
		require.NoError(t, err)
		require.Len(t, segments, len(v.Segments))
		for i, s := range segments {
			assert.Equal(t, v.Segments[i].Header, hex.EncodeToString(s.Header))
			assert.Equal(t, v.Segments[i].Body, hex.EncodeToString(s.Body))
		}
	}
}
