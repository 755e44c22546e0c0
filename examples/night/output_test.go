package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/households"
)

// zeros are what the audit may never count.
var zeros = []string{"effects_repeated", "sent_without_consent", "sent_to_open_ticket", "sent_to_excluded_tag", "survey_before_delivery", "answers_bad_without_ticket", "record_contradicts"}

func TestJSON(t *testing.T) {
	people, evenings := 3000, 14
	if long() {
		people, evenings = 20_000, 60
	}
	var out, errs strings.Builder
	args := append([]string{"-db", "memory", "-json"}, size(people, evenings)...)
	require.NoError(t, run(deadline(t), args, &out, &errs), errs.String())

	dec := json.NewDecoder(strings.NewReader(out.String()))
	var all map[string]any
	require.NoError(t, dec.Decode(&all))
	require.False(t, dec.More(), "one object and nothing else")
	require.NotContains(t, all, "digest", "it was not asked for")
	for _, name := range append([]string{"customers", "profiles", "merges", "dedup", "effects", "rows_read", "rows_rejected", "seconds", "sent",
		"campaigns", "surveys", "withheld", "tickets", "clicks"}, zeros...) {
		assert.Contains(t, all, name)
	}
	for _, name := range zeros {
		assert.Zero(t, all[name], "%s: %v", name, all["findings"])
	}
	for _, name := range []string{"precision", "recall", "f1"} {
		assert.Contains(t, all["dedup"], name)
	}
	for _, name := range []string{"history", "import", "identify", "rules", "campaigns", "deliver", "visitors", "audit"} {
		assert.Contains(t, all["seconds"], name)
	}

	var sum summary
	require.NoError(t, json.Unmarshal([]byte(out.String()), &sum))
	assert.True(t, sum.Dedup.Known)
	assert.GreaterOrEqual(t, sum.Dedup.F1, 0.93, "%+v", sum.Dedup)
	for how, most := range map[households.Relation]float64{households.Couple: 0.002, households.Parent: 0.002, households.Twins: 0.05, households.Namesake: 0.3} {
		n := sum.Dedup.Merged[how]
		assert.Greater(t, n.Pairs, 8, how)
		assert.LessOrEqual(t, n.Share(), most, "%s: %+v", how, n)
	}
	assert.Equal(t, sum.Profiles-sum.Customers, sum.Merges, "each profile that joined another customer is one customer less")
	assert.Positive(t, sum.Sent)
	assert.Positive(t, sum.RowsRead)
	assert.Positive(t, sum.Effects["message"]["done"])
	assert.Positive(t, sum.Effects["tag"]["done"])
	assert.Positive(t, sum.Effects["message"]["heldout"])
	assert.Positive(t, sum.Visitors["click"])
	assert.Positive(t, sum.Visitors["scan"])
	assert.Positive(t, sum.Visitors["answer"])
	assert.Equal(t, "memory", sum.Store)
	assert.Equal(t, evenings, sum.Evenings)
}

func TestPlainLinesWhereThereIsNoTerminal(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	var out strings.Builder
	require.NoError(t, run(deadline(t), append([]string{"-db", "memory", "-digest"}, size(150, 23)...), &out, log))
	text, err := os.ReadFile(log.Name())
	require.NoError(t, err)
	require.NotContains(t, string(text), "\r")
	require.NotContains(t, string(text), "\x1b")
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, lines, 4, "%s", text)
	require.Equal(t, "150 people, seed 1 on memory, 23 evenings from 1 January 2025", lines[0])
	for i, start := range []string{"evening 10 of 23: 10 January 2025  ", "evening 20 of 23: 20 January 2025  ", "evening 23 of 23: 23 January 2025  "} {
		require.True(t, strings.HasPrefix(lines[1+i], start), lines[1+i])
	}
	// The results are for people; only the last line is the digest.
	require.NotContains(t, out.String(), "\r")
	require.Contains(t, out.String(), " profiles are ")
	require.Contains(t, out.String(), "audit of the record: 0 messages sent twice, 0 sent without consent")
	require.Regexp(t, regexp.MustCompile(`\n[0-9a-f]{64}\n$`), out.String())
}

func TestWithoutDatabaseNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var out, errs strings.Builder
	require.NoError(t, run(deadline(t), append([]string{"-digest"}, size(100, 2)...), &out, &errs))
	require.Contains(t, errs.String(), "on SQLite")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestImportedShop runs evenings on a folder of CSV files, on each store, and
// again.
func TestImportedShop(t *testing.T) {
	args := []string{"-import", "csv:../../crm/importer/testdata/shop", "-evenings", "20"}
	want := night(t, append(args, "-db", "memory")...)
	require.Positive(t, want.Profiles)
	require.Positive(t, want.RowsRejected, "the folder has bad rows")
	require.Greater(t, want.RowsRead, want.RowsRejected)
	require.False(t, want.Dedup.Known)
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			first := night(t, append(args, "-db", db)...)
			same(t, "memory", db, want, first)
			again := night(t, append(args, "-db", db)...)
			same(t, db, db, first, again)
			require.Equal(t, first.effects, again.effects)
		})
	}
}

// TestAdventureWorks runs the last evenings of real, unknown data.
func TestAdventureWorks(t *testing.T) {
	evenings, others := "5", []database(nil)
	if raced { // .ci/run has all five without the detector
		evenings = "2"
	}
	if long() {
		evenings, others = "30", onAll
	}
	base := os.Getenv("VEFA_DATA")
	if base == "" {
		base = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(base, "retail", "adventureworks")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the data is not here: %v", err)
	}
	args := []string{"-import", "adventureworks:" + dir, "-evenings", evenings}
	want := night(t, append(args, "-db", "memory")...)
	require.True(t, want.Clean())
	require.Greater(t, want.Customers, 19_000)
	for _, d := range others {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			same(t, "memory", db, want, night(t, append(args, "-db", db)...))
		})
	}
}
