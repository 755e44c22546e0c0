package peers

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/machine.json and, with VEFA_PYTHON, testdata/peers.json")

// tolerance is by how much a value may differ, relative to the larger of it and 1, by the beginning of its
// name; the longest decides.
var tolerance = map[string]float64{
	"duckdb/":                     0,
	"duckdb/purchases":            1e-14, // means
	"lifetimes/":                  1e-8,
	"lifetimes/bgnbd/covariate":   1e-3,
	"lifetimes/paretonbd/covari":  1e-3,
	"lifetimes/bgnbd/fit":         1e-4, // its search ends before the derivatives are 0
	"lifetimes/mbgnbd/fit":        1e-4,
	"lifetimes/paretonbd/fit":     1e-3,
	"lifetimes/gammagamma/fit":    1e-3,
	"lifetimes/bgnbd/probability": 1e-8,
	"lifelines/":                  1e-10,
	"mlxtend/":                    1e-12,
	"scipy/":                      1e-11,
	"statsmodels/":                1e-11,
}

func allowed(name string) float64 {
	longest := ""
	for k := range tolerance {
		if strings.HasPrefix(name, k) && len(k) > len(longest) {
			longest = k
		}
	}
	return tolerance[longest]
}

// compare requires that two sets of lists have the same names, lengths and values.
func compare(t *testing.T, theirs, ours map[string][]float64) {
	t.Helper()
	values, worst := 0, map[string]float64{}
	for name, want := range theirs {
		got, ok := ours[name]
		require.True(t, ok, "%s is not computed here", name)
		require.Len(t, got, len(want), name)
		for i := range want {
			off := math.Abs(got[i]-want[i]) / max(1, math.Abs(want[i]))
			require.LessOrEqual(t, off, allowed(name), "%s: value %d is %v there and %v here", name, i, want[i], got[i])
			who := name[:strings.Index(name, "/")]
			worst[who] = max(worst[who], off)
			values++
		}
	}
	for name := range ours {
		require.Contains(t, theirs, name, "not asked there")
	}
	t.Logf("%d values compared; the largest differences: %v", values, worst)
}

// TestGolden compares with what the packages said.
func TestGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/peers.json")
	require.NoError(t, err)
	var theirs map[string][]float64
	require.NoError(t, json.Unmarshal(raw, &theirs))
	ours := answers(t)
	compare(t, theirs, ours)
	// The maximum is here: nobody's likelihood is larger.
	for name, want := range theirs {
		if strings.HasSuffix(name, "/fit") {
			got := ours[name]
			require.GreaterOrEqual(t, got[len(got)-1], want[len(want)-1]-1e-7, name)
		}
	}
}

// TestPeers asks the packages themselves.
func TestPeers(t *testing.T) {
	python := os.Getenv("VEFA_PYTHON")
	if python == "" {
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal("VEFA_PYTHON names no Python with the packages of testdata/requirements.txt")
		}
		t.Skip("VEFA_PYTHON names no Python with the packages of testdata/requirements.txt: compared with what they said before, by TestGolden")
	}
	cmd := exec.Command(python, "testdata/peers.py", "testdata/sales.csv", exported(t))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	raw, err := cmd.Output()
	require.NoError(t, err, complaint.String())
	var theirs map[string][]float64
	require.NoError(t, json.Unmarshal(raw, &theirs))
	if *update {
		write(t, "testdata/peers.json", theirs)
	}
	compare(t, theirs, answers(t))
}

// write stores lists, each on a line.
func write(t *testing.T, path string, lists map[string][]float64) {
	var b strings.Builder
	b.WriteString("{\n")
	names := make([]string, 0, len(lists))
	for name := range lists {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		list, err := json.Marshal(lists[name])
		require.NoError(t, err)
		key, err := json.Marshal(name)
		require.NoError(t, err)
		b.Write(key)
		b.WriteString(": ")
		b.Write(list)
		if i < len(names)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
}
