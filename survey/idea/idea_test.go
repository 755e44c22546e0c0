package idea

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var day = time.Date(2025, 5, 1, 12, 0, 0, 0, time.UTC)

func at(n int) time.Time { return day.Add(time.Duration(n) * time.Minute) }

func proposed(t require.TestingT, ids ...string) *Board {
	b := &Board{}
	for i, id := range ids {
		require.NoError(t, b.Propose(Idea{ID: id, Text: "Fikir " + id, Products: []string{"p" + id}, By: "c0", At: at(i)}))
	}
	return b
}

func vote(t require.TestingT, b *Board, idea string, n int, person string, yes bool) {
	require.NoError(t, b.Vote(Vote{ID: fmt.Sprint("v", n, idea, person), Idea: idea, Person: person, For: yes, At: at(n)}))
}

func said(list []Ranked) string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("%s %d/%d", r.ID, r.For, r.N))
	}
	return strings.Join(out, ", ")
}

// Case G34: two votes of two stand below ninety of a hundred; one without votes comes last.
func TestRanking(t *testing.T) {
	b := proposed(t, "few", "many", "none", "bad")
	for i := range 100 {
		vote(t, b, "many", i, fmt.Sprint("c", i), i < 90)
		vote(t, b, "bad", i, fmt.Sprint("c", i), i < 10)
	}
	vote(t, b, "few", 1, "a", true)
	vote(t, b, "few", 1, "b", true)
	list := b.Ranking(Query{})
	require.Equal(t, "many 90/100, few 2/2, bad 10/100, none 0/0", said(list))
	require.InDelta(t, 82.56, list[0].Share.Interval.Low, .01)
	require.InDelta(t, 94.48, list[0].Share.Interval.High, .01)
	require.Equal(t, "few 2/2", said(b.Ranking(Query{Product: "pfew"})))
	require.Empty(t, b.Ranking(Query{Product: "other"}))
}

// One person has one vote, the latest; a vote may be taken back; who became one person is one.
func TestOneVoteEach(t *testing.T) {
	b := proposed(t, "i")
	vote(t, b, "i", 1, "a", true)
	vote(t, b, "i", 2, "a", false)
	require.Equal(t, "i 0/1", said(b.Ranking(Query{})))
	vote(t, b, "i", 3, "b", true)
	require.Equal(t, "i 1/2", said(b.Ranking(Query{})))
	one := func(string) string { return "c1" }
	require.Equal(t, "i 1/1", said(b.Ranking(Query{Person: one})), "two records of one customer, the later one counts")
	require.NoError(t, b.Vote(Vote{ID: "back", Idea: "i", Person: "b", Taken: true, At: at(4)}))
	require.Equal(t, "i 0/1", said(b.Ranking(Query{})))
	require.Equal(t, "i 0/0", said(b.Ranking(Query{Person: one})))
}

// Votes of duplicates are kept, those of who voted for both count once, and a merge can be undone.
func TestMergeKeepsVotes(t *testing.T) {
	b := proposed(t, "i", "j", "k")
	vote(t, b, "i", 1, "a", true)
	vote(t, b, "i", 1, "b", true)
	vote(t, b, "j", 2, "b", false)
	vote(t, b, "j", 2, "c", true)
	vote(t, b, "k", 3, "d", true)
	before := said(b.Ranking(Query{}))
	require.NoError(t, b.Merge(Merge{ID: "m1", Idea: "j", Into: "i", At: at(5)}))
	require.NoError(t, b.Merge(Merge{ID: "m2", Idea: "k", Into: "j", At: at(6)}))
	list := b.Ranking(Query{Product: "pk"})
	require.Equal(t, "i 3/4", said(list))
	require.Equal(t, []string{"j", "k"}, list[0].Duplicates)
	require.Equal(t, []string{"pi", "pj", "pk"}, list[0].Products)
	require.NoError(t, b.Merge(Merge{ID: "m3", Idea: "j", Undone: true, At: at(7)}))
	require.NoError(t, b.Merge(Merge{ID: "m4", Idea: "k", Undone: true, At: at(7)}))
	require.Equal(t, before, said(b.Ranking(Query{})))
	// A circle is one idea, its earliest; an idea that is not there takes nothing.
	require.NoError(t, b.Merge(Merge{ID: "m5", Idea: "k", Into: "j", At: at(8)}))
	require.NoError(t, b.Merge(Merge{ID: "m6", Idea: "j", Into: "k", At: at(8)}))
	require.NoError(t, b.Merge(Merge{ID: "m7", Idea: "i", Into: "lost", At: at(8)}))
	require.Equal(t, "i 2/2, j 2/3", said(b.Ranking(Query{})))
}

// The order in which things come, and how often, makes no difference; no vote is lost by merging:
// each person who has a vote somewhere has one in the end.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{"i", "j", "k", "l"})
		var do []func(*Board) error
		for n := range rapid.IntRange(0, 25).Draw(t, "steps") {
			when := at(rapid.IntRange(0, 5).Draw(t, "at"))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				m := Merge{ID: fmt.Sprint("m", n), Idea: id.Draw(t, "from"), Into: id.Draw(t, "into"), At: when}
				if m.Idea == m.Into {
					m.Into, m.Undone = "", true
				}
				do = append(do, func(b *Board) error { return b.Merge(m) })
			default:
				v := Vote{ID: fmt.Sprint("v", n), Idea: id.Draw(t, "idea"), Person: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "person"), For: rapid.Bool().Draw(t, "for"), At: when}
				do = append(do, func(b *Board) error { return b.Vote(v) })
			}
		}
		one := proposed(t, "i", "j", "k", "l")
		for _, f := range do {
			require.NoError(t, f(one))
		}
		other := proposed(t, "i", "j", "k", "l")
		r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		for range 2 {
			for _, i := range r.Perm(len(do)) {
				require.NoError(t, do[i](other))
			}
		}
		require.Equal(t, one.Ranking(Query{}), other.Ranking(Query{}))
		voted := map[string]bool{}
		for _, v := range one.votes {
			voted[one.roots()[v.Idea]+v.Person] = true
		}
		var n int64
		ideas := 0
		for _, r := range one.Ranking(Query{}) {
			n += r.N
			ideas += 1 + len(r.Duplicates)
		}
		require.EqualValues(t, len(voted), n)
		require.Equal(t, 4, ideas)
	})
}

func TestRefused(t *testing.T) {
	b := proposed(t, "i")
	for _, bad := range []Idea{{}, {ID: "x", Text: " ", By: "a", At: day}, {ID: "x", Text: strings.Repeat("a", maxText+1), By: "a", At: day}, {ID: "x", Text: "t", By: "a", At: day, Products: []string{""}}, {ID: "x", Text: "t", At: day}} {
		require.ErrorIs(t, b.Propose(bad), ErrInvalid)
	}
	require.ErrorIs(t, b.Propose(Idea{ID: "i", Text: "another", By: "c0", At: at(0)}), ErrExists)
	require.ErrorIs(t, b.Vote(Vote{ID: "v", Idea: "i", At: day}), ErrInvalid)
	require.NoError(t, b.Vote(Vote{ID: "v", Idea: "i", Person: "a", For: true, At: day}))
	require.NoError(t, b.Vote(Vote{ID: "v", Idea: "i", Person: "a", For: true, At: day.In(time.FixedZone("x", 3600))}))
	require.ErrorIs(t, b.Vote(Vote{ID: "v", Idea: "i", Person: "a", At: day}), ErrExists)
	for _, bad := range []Merge{{ID: "m", Idea: "i", Into: "i", At: day}, {ID: "m", Idea: "i", At: day}, {ID: "m", Idea: "i", Into: "j", Undone: true, At: day}, {Idea: "i", Into: "j", At: day}} {
		require.ErrorIs(t, b.Merge(bad), ErrInvalid)
	}
	require.NoError(t, b.Merge(Merge{ID: "m", Idea: "i", Into: "j", At: day}))
	require.ErrorIs(t, b.Merge(Merge{ID: "m", Idea: "i", Into: "k", At: day}), ErrExists)
}

// A long chain of duplicates, as a program makes that compares each idea with the one before, and a large circle are
// ranked in time that grows with them.
func TestLongMerges(t *testing.T) {
	const n = 20_000
	for _, circle := range []bool{false, true} {
		b := &Board{}
		for i := range n {
			id, into := fmt.Sprint("i", i), fmt.Sprint("i", (i+n-1)%n)
			require.NoError(t, b.Propose(Idea{ID: id, Text: "x", By: "a", At: at(i)}))
			vote(t, b, id, 1, id, true)
			if i > 0 || circle {
				require.NoError(t, b.Merge(Merge{ID: "m" + id, Idea: id, Into: into, At: at(i)}))
			}
		}
		began := time.Now()
		list := b.Ranking(Query{})
		require.Less(t, time.Since(began), 10*time.Second)
		require.Equal(t, fmt.Sprintf("i0 %d/%d", n, n), said(list))
		require.Len(t, list[0].Duplicates, n-1)
	}
}
