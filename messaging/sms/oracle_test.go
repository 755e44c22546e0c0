package sms

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// calculate has Twilio's calculator count the segments of each text, and how many units the
// longest of its graphemes takes, which it does not part.
const calculate = `
const { SegmentedMessage } = require("sms-segments-calculator");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map(t => {
	const m = new SegmentedMessage(t);
	return { encoding: m.getEncodingName(), segments: m.segmentsCount, longest: Math.max(0, ...m.graphemes.map(g => g.length)) };
})));`

// TestCalculator counts the segments of random texts beside npm sms-segments-calculator,
// where VEFA_NODE_MODULES has it (.ci/oracles installs it). A difference is explained by one
// thing alone: it keeps what readers see as one sign, such as a family of four, in one
// segment, which handsets do not need.
func TestCalculator(t *testing.T) {
	modules := os.Getenv("VEFA_NODE_MODULES")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(filepath.Join(modules, "sms-segments-calculator")); modules == "" || err != nil || missing != nil {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal("npm sms-segments-calculator (VEFA_NODE_MODULES) is missing")
		}
		t.Skip("npm sms-segments-calculator (VEFA_NODE_MODULES) is missing")
	}
	random := rand.New(rand.NewPCG(11, 160))
	signs := [][]string{
		strings.Split("abcdefghijklmnopqrstuvwxyz ABC .,!?0123456789 @£$¥èéùìòÇØøÅåÄÖÑÜ§¿äöñüà", ""),
		strings.Split("^{}[]~\\|€", ""),
		strings.Split("şŞğĞıİçâî’“”…–", ""),
		strings.Split("Привет世界ءالعربية", ""),
		{"😀", "🎁", "👍🏽", "👨‍👩‍👧‍👦", "🇹🇷", "é", "\r\n", "𝒳"},
	}
	texts := make([]string, 5000)
	for i := range texts {
		kinds := 1 + random.IntN(len(signs))
		var b strings.Builder
		for n := random.IntN(330); n > 0; n-- {
			k := 0
			if random.IntN(12) == 0 {
				k = random.IntN(kinds)
			}
			b.WriteString(signs[k][random.IntN(len(signs[k]))])
		}
		texts[i] = b.String()
	}
	in, err := json.Marshal(texts)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), node, "-e", calculate)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errs
	out, err := cmd.Output()
	require.NoError(t, err, errs.String())
	var theirs []struct {
		Encoding          string
		Segments, Longest int
	}
	require.NoError(t, json.Unmarshal(out, &theirs))
	require.Len(t, theirs, len(texts))
	of, apart := map[string]int{}, 0
	for i, text := range texts {
		plan, err := Profile{}.Plan(text)
		require.NoError(t, err)
		ours := map[Encoding]string{GSM7: "GSM-7", UCS2: "UCS-2"}[plan.Encoding]
		require.Equal(t, theirs[i].Encoding, ours, "%q", text)
		of[ours]++
		if text == "" || theirs[i].Segments == plan.Segments {
			continue
		}
		apart++
		require.Greater(t, theirs[i].Longest, 2, "%q: theirs %d, ours %d", text, theirs[i].Segments, plan.Segments)
		require.Greater(t, theirs[i].Segments, plan.Segments, "%q", text)
		// It is no more than what its segments leave empty before signs that it does not part.
		units := len(utf16.Encode([]rune(text)))
		require.GreaterOrEqual(t, units, (theirs[i].Segments-1)*(67-theirs[i].Longest+1), "%q", text)
	}
	t.Logf("%v texts; in %d of them the calculator keeps a sign whole and needs more segments", of, apart)
	require.Greater(t, min(of["GSM-7"], of["UCS-2"]), 1000)
}
