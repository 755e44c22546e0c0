package crm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Case B7: decisions are returned; a part of them is refused and changes nothing.
func TestUndoTakesWholeOperations(t *testing.T) {
	s, c := newService(t)
	ctx := t.Context()
	var keys []crm.ProfileKey
	for i, id := range []string{"1", "2", "3", "4"} {
		k := pos(id)
		keys = append(keys, k)
		require.NoError(t, s.PutProfile(ctx, person(k, "Ali", "Kaya", t0.Add(time.Duration(i)*time.Hour), phone(i))))
	}
	alone := digest(t, s)
	c.step()
	merged, err := s.Merge(ctx, "desk", crm.Evidence{}, keys...)
	require.NoError(t, err)
	require.Len(t, merged, 3)
	one := digest(t, s)
	logs := func() (n int) {
		for _, k := range keys {
			l, err := s.Links(ctx, k)
			require.NoError(t, err)
			n += len(l)
		}
		return n
	}
	before := logs()
	for _, part := range [][]crm.Link{merged[:1], merged[1:], {merged[0], merged[0], merged[0]}} {
		_, err := s.Undo(ctx, "desk", part...)
		var partial *crm.PartialUndoError
		require.ErrorAs(t, err, &partial)
		require.ErrorIs(t, err, crm.ErrInvalid)
		require.Equal(t, 3, partial.Complete)
	}
	forged := append([]crm.Link(nil), merged...)
	forged[1].Customer = "somebody else's"
	_, err = s.Undo(ctx, "desk", forged...)
	require.ErrorIs(t, err, crm.ErrInvalid)
	first, err := s.Links(ctx, keys[0])
	require.NoError(t, err)
	_, err = s.Undo(ctx, "desk", first[0])
	require.ErrorIs(t, err, crm.ErrInvalid, "that a profile was seen cannot be taken back")
	require.Equal(t, one, digest(t, s))
	require.Equal(t, before, logs(), "a refused call wrote something")

	split, err := s.Split(ctx, "desk", crm.Evidence{}, keys[0])
	require.NoError(t, err)
	require.Len(t, split, 4, "a split decides about everybody concerned")
	back, err := s.Undo(ctx, "desk", split...)
	require.NoError(t, err)
	require.Equal(t, one, digest(t, s))
	for _, l := range back {
		require.Equal(t, crm.LinkUndo, l.Kind)
		require.Equal(t, split[0].Op, l.Undoes)
	}
	// Several at once, the last first.
	again, err := s.Split(ctx, "desk", crm.Evidence{}, keys[2], keys[3])
	require.NoError(t, err)
	_, err = s.Undo(ctx, "desk", append(append([]crm.Link(nil), merged...), again...)...)
	require.NoError(t, err)
	require.Equal(t, alone, digest(t, s))
}

// Two operations taken back at once, of which the earlier one brings a profile back
// to an id that no customer had in between.
func TestUndoThroughAnEmptyID(t *testing.T) {
	s, _ := newService(t)
	ctx := t.Context()
	var k []crm.ProfileKey
	for i, id := range []string{"1", "2", "3"} {
		k = append(k, pos(id))
		require.NoError(t, s.PutProfile(ctx, person(k[i], "Ali", "Kaya", t0.Add(time.Duration(i)*time.Hour))))
	}
	_, err := s.Merge(ctx, "desk", crm.Evidence{}, k[0], k[2])
	require.NoError(t, err)
	one := digest(t, s)
	split, err := s.Split(ctx, "desk", crm.Evidence{}, k[2])
	require.NoError(t, err)
	merged, err := s.Merge(ctx, "desk", crm.Evidence{}, k[1], k[2])
	require.NoError(t, err)
	_, err = s.Undo(ctx, "desk", append(split, merged...)...)
	require.NoError(t, err)
	require.Equal(t, one, digest(t, s))
}

// A button that is pressed twice takes a merger back once: whom a person has merged
// again meanwhile stays merged. The undo can be taken back, and then the merger again.
func TestUndoTwice(t *testing.T) {
	s, _ := newService(t)
	ctx := t.Context()
	a, b := pos("1"), pos("2")
	for i, k := range []crm.ProfileKey{a, b} {
		require.NoError(t, s.PutProfile(ctx, person(k, "Ali", "Kaya", t0.Add(time.Duration(i)*time.Hour))))
	}
	one := func() bool {
		x, err := s.CustomerOf(ctx, a)
		require.NoError(t, err)
		return len(x.Profiles) == 2
	}
	merged, err := s.Merge(ctx, "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
	undone, err := s.Undo(ctx, "desk", merged...)
	require.NoError(t, err)
	same := func(links []crm.Link) {
		t.Helper()
		before := digest(t, s)
		log, err := s.Links(ctx, b)
		require.NoError(t, err)
		none, err := s.Undo(ctx, "desk", links...)
		require.NoError(t, err)
		require.Empty(t, none)
		require.Equal(t, before, digest(t, s))
		after, err := s.Links(ctx, b)
		require.NoError(t, err)
		require.Equal(t, log, after)
	}
	same(merged)
	again, err := s.Merge(ctx, "another", crm.Evidence{}, a, b)
	require.NoError(t, err)
	same(merged)
	require.True(t, one())
	_, err = s.Undo(ctx, "desk", again...)
	require.NoError(t, err)
	require.False(t, one())
	_, err = s.Undo(ctx, "desk", undone...)
	require.NoError(t, err)
	require.True(t, one(), "the undo is taken back")
	same(undone)
	last, err := s.Undo(ctx, "desk", merged...)
	require.NoError(t, err, "it is in force again")
	require.False(t, one())
	same(merged)
	// Both at once: the undo first, then what it had taken back.
	both := append(merged, last...)
	_, err = s.Undo(ctx, "desk", both...)
	require.NoError(t, err)
	require.False(t, one())
	same(both)
}

// What decides about nothing is a mistake, and says so.
func TestNothingToDecide(t *testing.T) {
	s, _ := newService(t)
	ctx := t.Context()
	for field, verb := range map[string]func() ([]crm.Link, error){
		"profiles":           func() ([]crm.Link, error) { return s.Merge(ctx, "desk", crm.Evidence{}) },
		"profiles ":          func() ([]crm.Link, error) { return s.Split(ctx, "desk", crm.Evidence{}) },
		"decisions":          func() ([]crm.Link, error) { return s.Undo(ctx, "desk") },
		"groups[0].profiles": func() ([]crm.Link, error) { return s.Regroup(ctx, crm.Grouping{Kind: crm.LinkManual}) },
	} {
		links, err := verb()
		require.Empty(t, links)
		require.ErrorIs(t, err, crm.ErrInvalid)
		var fault *crm.FieldError
		require.ErrorAs(t, err, &fault)
		require.Equal(t, strings.TrimSpace(field), fault.Field)
	}
	links, err := s.Regroup(ctx)
	require.NoError(t, err, "linkage that found nothing has nothing to say")
	require.Empty(t, links)
}

// Whom linkage took for one person is so by a person's word after a merge, which
// the log shows.
func TestMergeOfThoseWhoAreOneAlready(t *testing.T) {
	s, _ := newService(t)
	a, b := pos("1"), pos("2")
	for i, k := range []crm.ProfileKey{a, b} {
		require.NoError(t, s.PutProfile(t.Context(), person(k, "Ali", "Kaya", t0.Add(time.Duration(i)*time.Hour))))
	}
	_, err := s.Regroup(t.Context(), crm.Grouping{Profiles: []crm.ProfileKey{a, b}, Kind: crm.LinkMatched, Actor: "dedup"})
	require.NoError(t, err)
	links, err := s.Merge(t.Context(), "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.True(t, links[0].Stays)
	again, err := s.Merge(t.Context(), "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
	require.Empty(t, again, "it is a person's word already")
	_, err = s.Undo(t.Context(), "desk", links...)
	require.NoError(t, err)
	one, err := s.CustomerOf(t.Context(), b)
	require.NoError(t, err)
	require.Len(t, one.Profiles, 2, "who stayed stays")
}

// Decisions about who is who name who took them.
func TestDecisionsHaveAnActor(t *testing.T) {
	ctx := t.Context()
	s := crm.New(memstore.New(), crm.Config{})
	a, b := crm.ProfileKey{Source: "pos", ID: "a"}, crm.ProfileKey{Source: "pos", ID: "b"}
	for _, k := range []crm.ProfileKey{a, b} {
		require.NoError(t, s.PutProfile(ctx, &crm.Profile{ProfileKey: k}))
	}
	links, err := s.Merge(ctx, "ada", crm.Evidence{}, a, b)
	require.NoError(t, err)
	for name, verb := range map[string]func() error{
		"merge": func() error { _, err := s.Merge(ctx, "", crm.Evidence{}, a, b); return err },
		"split": func() error { _, err := s.Split(ctx, "", crm.Evidence{}, a); return err },
		"undo":  func() error { _, err := s.Undo(ctx, "", links...); return err },
		"not me": func() error {
			_, err := s.NotMe(ctx, a, crm.Address{Channel: crm.Phone, Value: "+905321234567"}, "")
			return err
		},
	} {
		var field *crm.FieldError
		require.ErrorAs(t, verb(), &field, name)
		require.Equal(t, "actor", field.Field, name)
	}
}
