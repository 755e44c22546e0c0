//go:build !race

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// While the provider throttles, loses answers and reports twice, customers of messages that wait
// or are being handed over refuse and complain: the audited zeros stay zero, and nothing reaches
// the provider twice.
func TestStorm(t *testing.T) {
	people, evenings := "1500", "14"
	if long() {
		people, evenings = "20000", "60"
	}
	for _, db := range []string{"memory", "sqlite:" + t.TempDir() + "/storm.db"} {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-db", db, "-customers", people, "-evenings", evenings, "-storm", "-json"}, &out, io.Discard))
		var sum summary
		require.NoError(t, json.Unmarshal(out.Bytes(), &sum))
		require.True(t, sum.Clean(), "%v", sum.Findings)
		require.Greater(t, sum.Sent, 50)
		st := sum.Storm
		require.NotNil(t, st)
		require.Zero(t, st.Twice)
		require.Positive(t, st.Lost)
		require.Greater(t, st.Reports, 20)
		require.Positive(t, st.Refused)
		require.Positive(t, st.Tickets)
		require.Positive(t, st.Throttled)
		require.Positive(t, sum.Effects["message"]["withheld"])
		require.Greater(t, sum.Visitors["click"], 10, "people still get links that work")
	}
}

// A run that depends on the moment goes with nothing that must be the same again.
func TestStormFlags(t *testing.T) {
	for _, args := range [][]string{{"-digest"}, {"-evening", "2025-01-02"}, {"-import", "csv:nowhere"}} {
		err := run(t.Context(), append([]string{"-storm", "-db", "memory"}, args...), io.Discard, io.Discard)
		require.ErrorContains(t, err, "-storm: ")
	}
	db := "sqlite:" + t.TempDir() + "/night.db"
	require.NoError(t, run(t.Context(), []string{"-db", db, "-customers", "20", "-evenings", "1"}, io.Discard, io.Discard))
	require.ErrorContains(t, run(t.Context(), []string{"-db", db, "-customers", "20", "-evenings", "2", "-storm"}, io.Discard, io.Discard), "-storm: the database holds a run already")
}
