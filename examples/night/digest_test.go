package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The world of most tests: it has all three campaigns and the tag that turns
// red on the way.
func usual() []string {
	if long() {
		return size(20_000, 60)
	}
	if testing.Short() {
		return size(120, 42)
	}
	return size(300, 42)
}

// same compares two runs and shows the rows in which they differ.
func same(t testing.TB, wantDB, gotDB string, want, got printed) {
	t.Helper()
	if got.Digest != want.Digest && wantDB != "memory" && gotDB != "memory" {
		t.Errorf("the end states differ:%s", difference(rows(t, wantDB), rows(t, gotDB)))
	}
	require.Equal(t, want.Digest, got.Digest)
	require.Equal(t, want.Results.Effects, got.Results.Effects)
	require.True(t, got.Clean(), "%v", got.Findings)
}

func TestDigestIsTheSameOnEveryStore(t *testing.T) {
	want := night(t, append([]string{"-db", "memory"}, usual()...)...)
	require.NotZero(t, want.Sent)
	require.NotEmpty(t, want.Campaigns)
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			got := night(t, append([]string{"-db", db}, usual()...)...)
			same(t, "memory", db, want, got)
			require.Equal(t, want.Results, got.Results, "all figures, not only the digest")
			require.Equal(t, want.AuditReport, got.AuditReport)
			require.Equal(t, want.Dedup, got.Dedup)
		})
	}
}

func TestDigestDependsOnTheWorldAlone(t *testing.T) {
	args := append([]string{"-db", "memory"}, usual()...)
	want := night(t, args...)
	for name, env := range map[string]string{"another run": "GOMAXPROCS=", "one processor": "GOMAXPROCS=1", "two processors": "GOMAXPROCS=2", "four": "GOMAXPROCS=4"} {
		t.Run(name, func(t *testing.T) {
			got, killed := process(deadline(t), t, []string{env}, args...)
			require.False(t, killed)
			require.Equal(t, want.Digest, got.Digest)
			require.Equal(t, want.Results, got.Results)
		})
	}
	for name, resident := range map[string]string{"page by page": "-1", "outgrown": "320"} { // of a record that is not kept in memory
		t.Run(name, func(t *testing.T) {
			got := night(t, append(args, "-resident", resident)...)
			require.Equal(t, want.Digest, got.Digest)
			require.Equal(t, want.Results, got.Results)
			require.Equal(t, want.Dedup, got.Dedup)
		})
	}
	for name, other := range map[string][]string{
		"seed":     {"-seed", "2"},
		"people":   {"-customers", "301"},
		"evenings": {"-evenings", "41"},
		"from":     {"-from", "2025-01-02"},
	} {
		if raced && name != "seed" { // .ci/run has them without the detector
			continue
		}
		t.Run("another "+name, func(t *testing.T) {
			require.NotEqual(t, want.Digest, night(t, append(args, other...)...).Digest, "a digest that nothing changes proves nothing")
		})
	}
}

// TestAgain runs a finished database again, extends it and repeats evenings.
func TestAgain(t *testing.T) {
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			with := func(evenings string, more ...string) printed {
				return night(t, append([]string{"-db", db, "-customers", "300", "-evenings", evenings}, more...)...)
			}
			unchanged := func(was, is printed) {
				t.Helper()
				require.Equal(t, was.Digest, is.Digest)
				require.Equal(t, was.effects, is.effects, "no effect was added")
				require.Equal(t, was.Results, is.Results)
				require.Zero(t, is.GatewayRepeats)
			}
			short := with("12")
			require.NotContains(t, short.log, "goes on")

			again := with("12")
			unchanged(short, again)
			require.Contains(t, again.log, "goes on after 12 evenings")
			unchanged(short, with("7")) // what was done stays done

			long := with("15")
			require.Greater(t, long.effects, short.effects)
			atOnce := night(t, "-db", "memory", "-customers", "300", "-evenings", "15")
			require.Equal(t, atOnce.Digest, long.Digest)
			require.Equal(t, atOnce.Results, long.Results)

			unchanged(long, with("15", "-evening", "2025-01-11")) // the campaign's
			unchanged(long, with("15", "-evening", "2025-01-11"))
			unchanged(long, with("15"))
		})
	}
}

// TestEveryEveningAgain repeats each evening of a run, first to last.
func TestEveryEveningAgain(t *testing.T) {
	people, evenings := 200, 28
	if testing.Short() {
		people, evenings = 100, 12
	}
	args := append([]string{"-db", onSQLite.open(t)}, size(people, evenings)...)
	want := night(t, args...)
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range evenings {
		day := first.AddDate(0, 0, n).Format(time.DateOnly)
		got := night(t, append(args, "-evening", day)...)
		require.Equal(t, want.Digest, got.Digest, day)
		require.Equal(t, want.effects, got.effects, day)
		require.Equal(t, want.Results, got.Results, day)
	}
}

// TestInPieces ends the program after every third evening (a fortnight under -short): nothing that
// matters may be known to the process alone.
func TestInPieces(t *testing.T) {
	people, evenings, step := 300, 42, 3
	if testing.Short() {
		people, step = 120, 14
	}
	db := onSQLite.open(t)
	wholeDB := onSQLite.open(t)
	want := night(t, append([]string{"-db", wholeDB}, size(people, evenings)...)...)
	var got printed
	for n := step; n <= evenings; n += step {
		got = night(t, append([]string{"-db", db}, size(people, n)...)...)
	}
	same(t, wholeDB, db, want, got)
	require.Equal(t, want.Results, got.Results)
}

func TestAnotherWorldIsRefused(t *testing.T) {
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			db := d.open(t)
			want := night(t, "-db", db, "-customers", "120", "-evenings", "2")
			for name, c := range map[string]struct{ flag, value, theirs, mine string }{
				"seed":   {"-seed", "7", "seed 1", "seed 7"},
				"size":   {"-customers", "121", "120 customers", "121 customers"},
				"from":   {"-from", "2025-03-01", "2025-01-01", "2025-03-01"},
				"import": {"-import", "csv:../../crm/importer/testdata/shop", `import ""`, `import "csv"`},
			} {
				t.Run(name, func(t *testing.T) {
					var out, errs strings.Builder
					err := run(deadline(t), []string{"-db", db, "-customers", "120", "-evenings", "2", c.flag, c.value}, &out, &errs)
					require.ErrorIs(t, err, errOther)
					require.ErrorContains(t, err, c.theirs)
					require.ErrorContains(t, err, c.mine)
					require.Empty(t, out.String())
				})
			}
			require.Equal(t, want.Digest, night(t, "-db", db, "-customers", "120", "-evenings", "2").Digest)
		})
	}
}

// TestPathOfADatabase keeps the record in the file that was named, whatever
// its name means in a URI.
func TestPathOfADatabase(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gece #1 100%25 ?mode=memory&x.db")
	args := append([]string{"-db", "sqlite:" + path}, size(60, 1)...)
	first := night(t, args...)
	_, err := os.Stat(path)
	require.NoError(t, err)
	again := night(t, args...)
	require.Contains(t, again.log, "goes on after 1 evening\n")
	require.Equal(t, first.Digest, again.Digest)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		require.True(t, strings.HasPrefix(f.Name(), filepath.Base(path)), f.Name())
	}
}

// TestAnotherFolderIsRefused keeps one database for one folder, as it was.
func TestAnotherFolderIsRefused(t *testing.T) {
	db := onSQLite.open(t)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../crm/importer/testdata/shop")))
	args := []string{"-db", db, "-import", "csv:" + dir, "-evenings", "3"}
	want := night(t, args...)
	require.Equal(t, want.Digest, night(t, args...).Digest)
	f, err := os.OpenFile(filepath.Join(dir, "customers.csv"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("more\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	var out, errs strings.Builder
	err = run(deadline(t), args, &out, &errs)
	require.ErrorIs(t, err, errOther)
	require.ErrorContains(t, err, fmt.Sprintf("of %d rows", want.RowsRead))
	require.ErrorContains(t, err, fmt.Sprintf("of %d rows", want.RowsRead+1))
	require.Empty(t, out.String())
}
