package crm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
)

func tagFact(k crm.ProfileKey, id string, at time.Time, c crm.TagChange) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindTag, Source: "staff", ID: id}, Subject: crm.OfProfile(k), At: at, Version: 1, Data: &c}
}

func names(tags []crm.Tag) (out []string) {
	for _, t := range tags {
		out = append(out, t.Name)
	}
	return out
}

// TestTagsAtAnInstant states who has which tag when: set, cleared, set again,
// expired, told at the same instant, and not yet.
func TestTagsAtAnInstant(t *testing.T) {
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	facts := []*crm.Fact{
		tagFact(pos("1"), "1", at(0), crm.TagChange{Tag: "vip", By: "ada", Why: "spends"}),
		tagFact(pos("2"), "2", at(10), crm.TagChange{Tag: "vip", Off: true}),
		tagFact(pos("1"), "3", at(20), crm.TagChange{Tag: "vip", Expires: at(30)}),
		tagFact(pos("1"), "4", at(5), crm.TagChange{Tag: "battery", Expires: at(40)}),
		tagFact(pos("1"), "5", at(50), crm.TagChange{Tag: "staff"}),
		tagFact(pos("1"), "6", at(50), crm.TagChange{Tag: "staff", Off: true}), // of the same instant the larger key counts
		tagFact(pos("1"), "8", at(55), crm.TagChange{Tag: "zebra", Off: true}),
		tagFact(pos("1"), "9", at(55), crm.TagChange{Tag: "zebra"}),
		order(pos("1"), "1", at(1)),
	}
	for minute, want := range map[int][]string{
		-1: nil, 0: {"vip"}, 4: {"vip"}, 5: {"battery", "vip"}, 9: {"battery", "vip"}, 10: {"battery"}, 19: {"battery"}, 20: {"battery", "vip"},
		29: {"battery", "vip"}, 30: {"battery"}, 39: {"battery"}, 40: nil, 50: nil, 54: nil, 55: {"zebra"}, 1000: {"zebra"},
	} {
		require.Equal(t, want, names(crm.TagsAt(facts, at(minute))), "minute %d", minute)
	}
	require.Equal(t, []crm.Tag{{Name: "vip", Since: at(0), By: "ada", Why: "spends", Profile: pos("1")}}, crm.TagsAt(facts, at(0)))
	require.Equal(t, at(40), crm.TagsAt(facts, at(5))[0].Expires)

	// Two profiles of one customer say it at one instant under one key: the larger profile counts.
	both := []*crm.Fact{tagFact(pos("1"), "x", at(0), crm.TagChange{Tag: "a"}), tagFact(pos("2"), "x", at(0), crm.TagChange{Tag: "a", Off: true})}
	require.Empty(t, crm.TagsAt(both, at(0)))
	both[0], both[1] = both[1], both[0]
	require.Empty(t, crm.TagsAt(both, at(0)))
}

// TestTagsDoNotDependOnOrder compares the fold of random changes with what the
// last change of each tag says, looked up one by one.
func TestTagsDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var facts []*crm.Fact
		for i := range rapid.IntRange(0, 12).Draw(t, "n") {
			c := crm.TagChange{Tag: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag"), Off: rapid.Bool().Draw(t, "off")}
			if x := rapid.IntRange(0, 6).Draw(t, "expires"); x > 0 {
				c.Expires = t0.Add(time.Duration(x) * time.Minute)
			}
			facts = append(facts, tagFact(pos("1"), fmt.Sprintf("%02d", i), t0.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "at"))*time.Minute), c))
		}
		now := t0.Add(time.Duration(rapid.IntRange(-1, 7).Draw(t, "now")) * time.Minute)
		got := crm.TagsAt(facts, now)
		require.Equal(t, got, crm.TagsAt(rapid.Permutation(facts).Draw(t, "order"), now))
		var want []string
		for _, name := range []string{"a", "b", "c"} {
			var last *crm.Fact
			for _, f := range facts { // ids rise: of one instant the later one counts
				if f.Data.(*crm.TagChange).Tag == name && !f.At.After(now) && (last == nil || !f.At.Before(last.At)) {
					last = f
				}
			}
			if last == nil {
				continue
			}
			if c := last.Data.(*crm.TagChange); !c.Off && (c.Expires.IsZero() || now.Before(c.Expires)) {
				want = append(want, name)
			}
		}
		require.Equal(t, want, names(got))
	})
}

// TestTagVerbs sets and clears tags of a customer of two records.
func TestTagVerbs(t *testing.T) {
	ctx := t.Context()
	s, c := newService(t)
	_, err := s.Import(ctx, crm.Batch{Profiles: []*crm.Profile{person(pos("1"), "A", "B", t0), person(pos("2"), "A", "B", t0)}})
	require.NoError(t, err)
	c.step()
	requireMerge(t, s, pos("1"), pos("2"))
	who, err := s.CustomerOf(ctx, pos("1"))
	require.NoError(t, err)
	tags := func() []crm.Tag {
		got, err := s.Tags(ctx, who.ID)
		require.NoError(t, err)
		return got
	}
	require.Empty(t, tags())
	c.step()
	require.NoError(t, s.Tag(ctx, pos("1"), crm.TagChange{Tag: "vip", Off: true})) // Tag sets, whatever it is given
	require.NoError(t, s.Tag(ctx, pos("2"), crm.TagChange{Tag: "press", By: "ada", Expires: c.t.Add(90 * time.Second)}))
	require.Equal(t, []string{"press", "vip"}, names(tags()))
	require.Equal(t, "ada", tags()[0].By)
	require.Equal(t, pos("2"), tags()[0].Profile)
	c.step()
	require.Equal(t, []string{"press", "vip"}, names(tags()))
	c.step()
	require.Equal(t, []string{"vip"}, names(tags()), "it expired")
	require.NoError(t, s.Untag(ctx, pos("2"), crm.TagChange{Tag: "vip"}))
	require.Empty(t, tags())
	_, err = s.Tags(ctx, "nobody")
	require.ErrorIs(t, err, crm.ErrNotFound)
	require.ErrorIs(t, s.Tag(ctx, pos("1"), crm.TagChange{}), crm.ErrInvalid)
}

// TestTagsInOneForm sets a tag whose accent is typed in two ways. Case D11.
func TestTagsInOneForm(t *testing.T) {
	svc, clock := newService(t)
	ctx := t.Context()
	const one, two = "caf\u00e9", "cafe\u0301"
	mine := tagFact(pos("1"), "7", t0, crm.TagChange{Tag: two})
	rep, err := svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{{ProfileKey: pos("1"), SourceVersion: 1}}, Facts: []*crm.Fact{mine}})
	require.NoError(t, err)
	require.Empty(t, rep.Rejected)
	require.Equal(t, two, mine.Data.(*crm.TagChange).Tag, "what the host gave is its own")
	id, err := svc.CustomerOf(ctx, pos("1"))
	require.NoError(t, err)
	tags := func() []string {
		found, err := svc.Tags(ctx, id.ID)
		require.NoError(t, err)
		return names(found)
	}
	require.Equal(t, []string{one}, tags())
	clock.t = clock.t.Add(time.Minute)
	require.NoError(t, svc.Tag(ctx, pos("1"), crm.TagChange{Tag: one, By: "ada"}))
	require.Equal(t, []string{one}, tags())
	require.NoError(t, svc.Untag(ctx, pos("1"), crm.TagChange{Tag: two, By: "ada"}), "at the same instant: after what was said")
	clock.t = clock.t.Add(time.Minute)
	require.Empty(t, tags())
}
