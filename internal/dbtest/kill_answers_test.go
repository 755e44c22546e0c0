package dbtest

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// asPages makes this binary a process that serves the pages of a survey to visitors of its own, see
// TestMain.
const asPages = "VEFA_TEST_PAGES"

// pages is such a process.
type pages struct {
	File     string // SQLite; empty: PostgreSQL
	Schema   string
	Limit    int64 // of answers; 0: none
	Visitors []visitor
}

// visitor is a person who answers, and what he was told so far.
type visitor struct {
	Number int
	Link   string
	Told   int // pages that were kept: 3 is the answer, 4 that there are enough
}

func (p pages) database() (database, error) {
	if p.File == "" {
		db, err := sql.Open("pgx", os.Getenv("VEFA_TEST_POSTGRES"))
		return database{"postgres", sqlstore.Postgres, db, sqlstore.Config{Schema: p.Schema}}, err
	}
	db, err := sql.Open("sqlite", durableDSN(p.File))
	return database{"sqlite", sqlstore.SQLite, db, sqlstore.Config{}}, err
}

// engine serves them; it has the record of evenings without anybody.
func (p pages) engine(t nighttest.TB, store crm.Store) *nighttest.Asked {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	w := &nighttest.Asked{Store: store, Clock: clock}
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns, c.Surveys[0].Definition = nil, nil, nighttest.ThreePages(t)
		c.Surveys[0].Links = []vefa.SurveyLink{{Code: "till"}}
		if p.Limit > 0 {
			c.Surveys[0].Quotas = []vefa.Quota{{Name: "all", Limit: p.Limit}}
		}
	})
	w.Engines = []*vefa.Engine{shop.Engine}
	return w
}

func pagesMain(job string) int {
	var p pages
	err := json.Unmarshal([]byte(job), &p)
	if err == nil {
		err = p.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (p pages) run(ctx context.Context) error {
	d, err := p.database()
	if err != nil {
		return err
	}
	defer d.db.Close()
	d.db.SetMaxOpenConns(8)
	d.db.SetMaxIdleConns(8)
	var t outOfTest
	w := p.engine(&t, d.store())
	var mu sync.Mutex
	tell := func(v visitor) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(v.Number, v.Told, v.Link)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(p.Visitors))
	for i, v := range p.Visitors {
		wg.Go(func() { errs[i] = v.answer(ctx, w.Client(0), tell) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// answer goes on where the link is, and tells each page that was acknowledged.
func (v visitor) answer(ctx context.Context, c *http.Client, tell func(visitor)) error {
	o, err := nighttest.Open(ctx, c, cmp.Or(v.Link, "https://s.example/q/till"))
	if err != nil {
		return err
	}
	if v.Link == "" {
		v.Link = o.URL
		tell(v)
	}
	for {
		at := nighttest.At(o)
		switch {
		case at < 0:
			return fmt.Errorf("visitor %d: status %d: %s", v.Number, o.Status, o.Page)
		case at < v.Told:
			return fmt.Errorf("visitor %d: page %d was kept and is lost: page %d is asked", v.Number, v.Told, at+1)
		case at > v.Told:
			v.Told = at
			tell(v)
		}
		if at >= 3 {
			return nil
		}
		o, err = nighttest.Next(ctx, c, o, []map[string]any{{"nps": v.Number % 11}, {"why": fmt.Sprint("visitor ", v.Number)}, {"age": v.Number}}[at])
		if err != nil {
			return err
		}
	}
}

// TestAnswersUnderKills: a process that takes answers is killed again and again, in the middle of
// pages, answers and their quotas, and what it was writing is torn. Each page and answer
// that was acknowledged is there afterwards, each answer once; the quota has as many as it
// may. VEFA_KILLED_ANSWERS is how often it is killed (.ci/long).
func TestAnswersUnderKills(t *testing.T) {
	kills := 6
	if s := os.Getenv("VEFA_KILLED_ANSWERS"); s != "" {
		var err error
		kills, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			var p pages
			var d database
			if name == "sqlite" {
				p.File = filepath.Join(t.TempDir(), "vefa.db")
				d = openDurable(t, p.File)
			} else {
				d = openPostgres(t)
				p.Schema = d.cfg.Schema
			}
			migrate(t, d)
			if name == "sqlite" { // of the processes alone: the last to close it empties its log
				require.NoError(t, d.db.Close())
			}
			underKills(t, p, kills)
		})
	}
}

func underKills(t *testing.T, p pages, kills int) {
	const each = 24
	r := rand.New(rand.NewPCG(7, uint64(kills)))
	people := each + 6*kills
	p.Limit = int64(people - people/8)
	told := make([]visitor, people)
	for i := range told {
		told[i].Number = i
	}
	torn := 0
	for cycle := 0; ; cycle++ {
		p.Visitors = nil
		for _, v := range told {
			if v.Told < 3 && len(p.Visitors) < each {
				p.Visitors = append(p.Visitors, v)
			}
		}
		if len(p.Visitors) == 0 {
			break
		}
		lines := -1
		if cycle < kills {
			lines = r.IntN(2 * each)
		}
		killed, err := runPages(t, p, lines, told)
		require.NoError(t, err, "cycle %d", cycle)
		if killed && p.File != "" && r.IntN(2) == 0 {
			require.NoError(t, tear(p.File+"-wal", r))
			torn++
		}
	}
	d, err := p.database()
	require.NoError(t, err)
	defer func() { require.NoError(t, d.db.Close()) }()
	w := p.engine(t, d.store())
	of := map[string]int{}
	for id, a := range w.Stored(t, t.Context()) {
		of[a.Comment]++
		require.Equal(t, a.Comment, fmt.Sprint("visitor ", a.Values["age"]), id)
	}
	answers := 0
	for _, v := range told {
		require.Equal(t, map[bool]int{true: 1}[v.Told == 3], of[fmt.Sprint("visitor ", v.Number)], "%+v", v)
		answers += map[bool]int{true: 1}[v.Told == 3]
	}
	require.Len(t, of, answers, "and no others")
	require.EqualValues(t, p.Limit, answers)
	c, err := w.Engines[0].Service().Counter(t.Context(), crm.CounterKey{Kind: "survey-quota", ID: "visit/all"})
	require.NoError(t, err)
	require.Equal(t, [2]int64{p.Limit, 0}, [2]int64{c.Used, c.Reserved})
	t.Logf("%d kills, %d torn logs: %d visitors, %d answers, %d told that there are enough; none lost, none twice", kills, torn, people, answers, people-answers)
}

// tear writes what is no page behind what was written, as of a write that the power ended.
func tear(file string, r *rand.Rand) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	junk := make([]byte, 1+r.IntN(9000))
	for i := range junk {
		junk[i] = byte(r.Uint32())
	}
	_, err = f.Write(junk)
	return errors.Join(err, f.Close())
}

// runPages runs a process, and kills it after some lines (-1: never). It notes what it told.
func runPages(t *testing.T, p pages, lines int, told []visitor) (killed bool, err error) {
	job, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	cmd := osexec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asPages+"="+string(job))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	n := 0
	if lines == 0 {
		_ = cmd.Process.Kill()
	}
	for in := bufio.NewScanner(out); in.Scan(); {
		var v visitor
		if k, _ := fmt.Sscan(in.Text(), &v.Number, &v.Told, &v.Link); k < 3 || v.Number >= len(told) {
			continue // the last line of one that was killed
		}
		told[v.Number] = v
		if n++; n == lines {
			_ = cmd.Process.Kill()
		}
	}
	failed := cmd.Wait()
	switch {
	case failed == nil:
		return false, nil
	case lines >= 0 && n >= lines && said.Len() == 0:
		return true, nil
	}
	return false, fmt.Errorf("%w: %s", failed, said.String())
}
