package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/programtest"
)

func TestBadFlags(t *testing.T) {
	notADatabase := filepath.Join(t.TempDir(), "note.txt")
	require.NoError(t, os.WriteFile(notADatabase, []byte(strings.Repeat("this is no database\n", 100)), 0o600))
	for name, c := range map[string]struct {
		args []string
		want []string // parts of the error
	}{
		"argument":             {[]string{"now"}, []string{`unexpected argument "now"`}},
		"flag":                 {[]string{"-customer", "5"}, []string{"-customer"}},
		"no number":            {[]string{"-customers", "many"}, []string{`"many"`, "-customers"}},
		"nobody":               {[]string{"-customers", "0"}, []string{"-customers", "0"}},
		"too many":             {[]string{"-customers", "99999999"}, []string{"-customers", "99999999"}},
		"evenings":             {[]string{"-evenings", "-1"}, []string{"-evenings", "-1"}},
		"seed":                 {[]string{"-seed", "-1"}, []string{"-seed", `"-1"`}},
		"database":             {[]string{"-db", "oracle:x"}, []string{"-db", `"oracle:x"`, "memory", "sqlite:PATH", "postgres:DSN", "mysql:DSN"}},
		"no DSN of MySQL":      {[]string{"-db", "mysql:x"}, []string{"-db", "USER:PASSWORD@tcp(HOST)/DATABASE"}},
		"no server of MySQL":   {[]string{"-db", "mysql:me@unix(/nonexistent)/x"}, []string{"-db", "/nonexistent"}},
		"folder of a database": {[]string{"-db", "sqlite:" + filepath.Join(t.TempDir(), "none", "x.db")}, []string{"-db"}},
		"no database":          {[]string{"-db", "sqlite:" + notADatabase}, []string{"-db", "not a database"}},
		"no server":            {[]string{"-db", "postgres:host=/nonexistent user=nobody dbname=x"}, []string{"-db", "/nonexistent"}},
		"no server of a URL":   {[]string{"-db", "postgres://nobody@/x?host=/nonexistent"}, []string{"-db", "/nonexistent"}},
		"no server of another": {[]string{"-db", "postgresql://nobody@/x?host=/nonexistent"}, []string{"-db", "/nonexistent"}},
		"a path":               {[]string{"-db", "shop.db"}, []string{"-db", "sqlite:shop.db", "postgres://USER@HOST/DATABASE"}},
		"a file":               {[]string{"-db", "file:shop.db"}, []string{"-db", "sqlite:shop.db"}},
		"from":                 {[]string{"-db", "memory", "-from", "2025-02-30"}, []string{"-from", `"2025-02-30"`, "2025-01-01"}},
		"import":               {[]string{"-import", "shop"}, []string{"-import", `"shop"`, "FORMAT:DIR"}},
		"format":               {[]string{"-db", "memory", "-import", "xml:shop"}, []string{"-import", `"xml"`, "adventureworks", "csv"}},
		"no folder":            {[]string{"-db", "memory", "-import", "csv:/nonexistent"}, []string{"-import", "/nonexistent"}},
		"no mapping":           {[]string{"-db", "memory", "-import", "csv:" + t.TempDir()}, []string{"-import", "mapping.yaml"}},
		"no rules":             {[]string{"-db", "memory", "-rules", "/nonexistent.yaml"}, []string{"/nonexistent.yaml"}},
		"no date":              {[]string{"-db", "memory", "-customers", "60", "-evenings", "1", "-evening", "first"}, []string{"-evening", `"first"`}},
		"evening to come":      {[]string{"-db", "memory", "-customers", "60", "-evenings", "1", "-evening", "2025-01-02"}, []string{"-evening", "2025-01-02", "1 evenings"}},
		"evening before":       {[]string{"-db", "memory", "-customers", "60", "-evenings", "1", "-evening", "2024-12-31"}, []string{"-evening", "2024-12-31"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := run(deadline(t), c.args, &out, &errs)
			require.Error(t, err)
			for _, part := range c.want {
				require.ErrorContains(t, err, part)
			}
			require.Empty(t, out.String())
		})
	}
}

// TestBadRules stops a run on rules that do not compile before anything
// changes, and says where they do not.
func TestBadRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`rules:
  - name: first
    when: Orderz > 3
    then:
      - tag: loyal
  - name: second
    when: Orders > "three"
    then:
      - tag: loyal
  - name: third
    when: Orders > 3
    then:
      - survey: nobody-wrote-it
`), 0o600))
	db := onSQLite.open(t)
	want := night(t, append([]string{"-db", db}, size(100, 2)...)...)
	before := rows(t, db)
	var out, errs bytes.Buffer
	err := run(deadline(t), append([]string{"-db", db, "-rules", file}, size(100, 4)...), &out, &errs)
	require.Error(t, err)
	text := err.Error()
	require.Contains(t, text, file+":3:11: ")
	require.Contains(t, text, "unknown name Orderz")
	require.Contains(t, text, " |     when: Orderz > 3\n |           ^")
	require.Contains(t, text, file+":7:", "every fault is told at once")
	require.Empty(t, out.String())
	require.Empty(t, difference(before, rows(t, db)), "nothing changed")

	again := night(t, append([]string{"-db", db}, size(100, 2)...)...)
	require.Equal(t, want.Digest, again.Digest)
}

// TestOwnRules replaces the rules of the evening.
func TestOwnRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`rules:
  - name: somebody
    when: Orders > 0 and "somebody" not in Tags
    then:
      - tag: somebody
`), 0o600))
	got := night(t, append([]string{"-db", "memory", "-rules", file}, size(100, 3)...)...)
	require.Zero(t, got.Sent)
	require.Len(t, got.Effects, 1)
	require.Positive(t, got.Effects[string(crm.EffectTag)][string(crm.Done)])
}

// until is a place for progress that ends a run when it has said something.
type until struct {
	bytes.Buffer
	text string
	end  context.CancelFunc
}

func (u *until) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if strings.Contains(u.Buffer.String(), u.text) {
		u.end()
	}
	return n, err
}

// TestCancelled ends runs in the middle by their context. They return at once
// and the same command goes on.
func TestCancelled(t *testing.T) {
	for _, d := range onAll {
		t.Run(d.name, func(t *testing.T) {
			flags := size(150, 23)
			whole := d.open(t)
			start := time.Now()
			want := night(t, append([]string{"-db", whole}, flags...)...)
			took := time.Since(start)
			db := d.open(t)
			args := append([]string{"-db", db}, flags...)
			// Each is cancelled when it says text. That it stopped there and then
			// is seen from how many evenings the next one finds done.
			found := ""
			for _, stop := range []struct{ text, found string }{
				{" on ", ""}, {"evening 10 of 23", "goes on after 9 evenings"}, {"evening 20 of 23", "goes on after 19 evenings"},
			} {
				ctx, cancel := context.WithCancel(deadline(t))
				errs := &until{text: stop.text, end: cancel}
				var out bytes.Buffer
				err := run(ctx, args, &out, errs)
				require.Error(t, err, "it went on to the end")
				require.Truef(t, errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded), "%v", err)
				require.Empty(t, out.String())
				require.Contains(t, errs.String(), found)
				found = stop.found
			}
			got := night(t, args...)
			require.Contains(t, got.log, found)
			same(t, whole, db, want, got)

			// And wherever it happens to be.
			db = d.open(t)
			args[1] = db
			for i := range 2 {
				ctx, cancel := context.WithTimeout(deadline(t), took*time.Duration(i+1)/4)
				var out, errs bytes.Buffer
				err := run(ctx, args, &out, &errs)
				cancel()
				if err != nil {
					require.Truef(t, errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled), "%v", err)
				}
			}
			same(t, whole, db, want, night(t, args...))
		})
	}
}

// TestTheDatabaseGoesAway cuts every connection to PostgreSQL in the middle of
// a run, some times. A run may fail then; the same command goes on.
func TestTheDatabaseGoesAway(t *testing.T) {
	flags := size(150, 23)
	want := night(t, append([]string{"-db", "memory"}, flags...)...)
	db := onPostgres.open(t)
	name := db[strings.LastIndex(db, "vefa_"):]
	args := append([]string{"-json", "-digest", "-db", db}, flags...)
	cut := func() {
		programtest.Administer(t, "pgx", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, strings.SplitN(name, "?", 2)[0])
	}
	for _, text := range []string{" on ", "evening 10 of 23", "evening 20 of 23"} {
		var out bytes.Buffer
		errs := &until{text: text, end: cut}
		if err := run(deadline(t), args, &out, errs); err != nil {
			require.NotErrorIs(t, err, errOther)
			require.Empty(t, out.String())
		}
	}
	var out, errs bytes.Buffer
	require.NoError(t, run(deadline(t), args, &out, &errs), errs.String())
	got := read(t, out.Bytes(), errs.String())
	same(t, "memory", db, want, got)
}
