package crm_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

func web(id string) crm.ProfileKey { return crm.ProfileKey{Source: "web", ID: id} }

func contacts(addrs ...crm.Address) (out []crm.Contact) {
	for _, a := range addrs {
		out = append(out, crm.Contact{Address: a})
	}
	return out
}

// TestWhoseValueSurvives folds two or three profiles and states, field by
// field, whose value the customer shows.
func TestWhoseValueSurvives(t *testing.T) {
	full := func(k crm.ProfileKey, at time.Time, tag string) *crm.Profile {
		return &crm.Profile{ProfileKey: k, Kind: crm.Organisation, Name: crm.Name{Given: "given " + tag}, Birth: "birth " + tag, Gender: "gender " + tag, Locale: "locale " + tag,
			Postal: crm.Postal{City: "city " + tag}, Attributes: map[string]string{"size": "size " + tag, tag: tag}, Contacts: contacts(phone(1), crm.Address{Channel: crm.Email, Value: tag}),
			Since: at, At: at, Customer: "c"}
	}
	values := func(c *crm.Customer) []string {
		return []string{c.Name.Given, c.Birth, c.Gender, c.Locale, c.Postal.City, c.Attributes["size"]}
	}
	all := func(tag string) []string {
		return []string{"given " + tag, "birth " + tag, "gender " + tag, "locale " + tag, "city " + tag, "size " + tag}
	}
	old, young := full(pos("1"), t0, "old"), full(web("1"), t0.Add(time.Hour), "young")
	for name, c := range map[string]struct {
		sources  []string
		profiles []*crm.Profile
		want     []string
	}{
		"the newest":                 {nil, []*crm.Profile{old, young}, all("young")},
		"a named source":             {[]string{"pos"}, []*crm.Profile{old, young}, all("old")},
		"the first named source":     {[]string{"pos", "web"}, []*crm.Profile{old, young}, all("old")},
		"the other way round":        {[]string{"web", "pos"}, []*crm.Profile{old, young}, all("young")},
		"a source that is not there": {[]string{"erp"}, []*crm.Profile{old, young}, all("young")},
		"at one time the smaller key": {nil, []*crm.Profile{full(pos("2"), t0, "two"), full(pos("1"), t0, "one"), full(web("0"), t0, "web")},
			all("one")},
		"what the best source does not say": {[]string{"erp"}, []*crm.Profile{old, {ProfileKey: crm.ProfileKey{Source: "erp", ID: "1"}, Birth: "1980", At: t0.Add(-time.Hour)}},
			[]string{"given old", "1980", "gender old", "locale old", "city old", "size old"}},
	} {
		for range 4 {
			rand.Shuffle(len(c.profiles), func(i, j int) { c.profiles[i], c.profiles[j] = c.profiles[j], c.profiles[i] })
			got := crm.Survivorship{Sources: c.sources}.Fold(c.profiles)
			require.Equal(t, c.want, values(got), name)
		}
	}

	got := crm.Survivorship{}.Fold([]*crm.Profile{old, young})
	require.Equal(t, crm.CustomerID("c"), got.ID)
	require.Equal(t, []crm.ProfileKey{pos("1"), web("1")}, got.Profiles)
	require.Equal(t, crm.Organisation, got.Kind)
	require.Equal(t, t0, got.Since, "the earliest")
	require.Equal(t, map[string]string{"size": "size young", "old": "old", "young": "young"}, got.Attributes)
	require.Equal(t, []crm.Contact{{Address: phone(1)}, {Address: crm.Address{Channel: crm.Email, Value: "young"}}, {Address: crm.Address{Channel: crm.Email, Value: "old"}}}, got.Contacts,
		"the best source first, each once")
	require.Equal(t, map[string]crm.ProfileKey{"kind": web("1"), "name": web("1"), "birth": web("1"), "gender": web("1"), "locale": web("1"), "postal": web("1"),
		"attributes.size": web("1"), "attributes.young": web("1"), "attributes.old": pos("1")}, got.Origin)

	require.Nil(t, crm.Survivorship{}.Fold(nil))
	bare := crm.Survivorship{}.Fold([]*crm.Profile{{ProfileKey: pos("1")}})
	require.Equal(t, &crm.Customer{Profiles: []crm.ProfileKey{pos("1")}, Kind: crm.Person, Origin: map[string]crm.ProfileKey{}}, bare, "nothing is made up")
}

// TestSinceIsTheEarliestKnown passes over profiles without a time.
func TestSinceIsTheEarliestKnown(t *testing.T) {
	at := func(times ...time.Time) time.Time {
		var list []*crm.Profile
		for i, x := range times {
			list = append(list, &crm.Profile{ProfileKey: pos(fmt.Sprint(i)), Since: x, At: t0.Add(time.Duration(i) * time.Minute)})
		}
		return crm.Survivorship{}.Fold(list).Since
	}
	require.Equal(t, t0, at(t0, t0.Add(time.Hour)))
	require.Equal(t, t0, at(t0.Add(time.Hour), t0))
	require.Equal(t, t0, at(time.Time{}, t0))
	require.Equal(t, t0, at(t0, time.Time{}))
	require.Equal(t, t0, at(t0.Add(time.Hour), time.Time{}, t0))
	require.Zero(t, at(time.Time{}, time.Time{}))
}

// TestReachable leaves out what is masked, disowned or of another channel.
func TestReachable(t *testing.T) {
	email := crm.Address{Channel: crm.Email, Value: "ada@shop.example"}
	p := &crm.Profile{ProfileKey: pos("1"), Contacts: []crm.Contact{{Address: phone(1), Masked: true}, {Address: phone(2)}, {Address: email}, {Address: phone(3)}, {Address: phone(4)}},
		Disowned: []crm.Address{phone(3)}}
	require.Equal(t, []crm.Address{phone(2), phone(4)}, p.Reachable(crm.Phone))
	require.Equal(t, []crm.Address{email}, p.Reachable(crm.Email))
	require.Empty(t, p.Reachable(crm.Post))
	// A number that one profile's holder disowned may be another's.
	q := &crm.Profile{ProfileKey: web("1"), Contacts: contacts(phone(3)), At: t0}
	c := crm.Survivorship{}.Fold([]*crm.Profile{p, q})
	require.Equal(t, []crm.Address{phone(3), phone(2), phone(4)}, c.Reachable(crm.Phone))
	require.Equal(t, []crm.Address{email}, c.Reachable(crm.Email))
}

func TestSeniority(t *testing.T) {
	ordered := []*crm.Profile{
		{ProfileKey: web("9"), Since: t0},
		{ProfileKey: pos("1"), Since: t0.Add(time.Microsecond)},
		{ProfileKey: pos("2"), Since: t0.Add(time.Microsecond)},
		{ProfileKey: web("1"), Since: t0.Add(time.Microsecond)},
		{ProfileKey: pos("0")},
		{ProfileKey: web("0")},
	}
	for i, a := range ordered {
		for j, b := range ordered {
			got := crm.CompareSeniority(a, b)
			switch {
			case i < j:
				require.Negative(t, got, "%d %d", i, j)
			case i > j:
				require.Positive(t, got, "%d %d", i, j)
			default:
				require.Zero(t, got)
			}
		}
	}
}

// TestFoldDoesNotDependOnOrder folds random profiles in two orders.
func TestFoldDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		var list []*crm.Profile
		for i := range n {
			text := rapid.SampledFrom([]string{"", "a", "b"})
			p := &crm.Profile{ProfileKey: crm.ProfileKey{Source: rapid.SampledFrom([]string{"erp", "pos", "web"}).Draw(t, "source"), ID: fmt.Sprint(i)},
				Name: crm.Name{Given: text.Draw(t, "name")}, Birth: text.Draw(t, "birth"), Gender: text.Draw(t, "gender"), Locale: text.Draw(t, "locale"),
				Postal: crm.Postal{City: text.Draw(t, "city")}, At: t0.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "at")) * time.Hour), Customer: "c"}
			if since := rapid.IntRange(0, 3).Draw(t, "since"); since > 0 {
				p.Since = t0.Add(time.Duration(since) * time.Hour)
			}
			for range rapid.IntRange(0, 2).Draw(t, "contacts") {
				p.Contacts = append(p.Contacts, crm.Contact{Address: phone(rapid.IntRange(0, 3).Draw(t, "phone"))})
			}
			list = append(list, p)
		}
		s := crm.Survivorship{Sources: []string{"web"}}
		want := s.Fold(list)
		other := slices.Clone(list)
		for i, j := range rapid.Permutation(list).Draw(t, "order") {
			other[i] = j
		}
		require.Equal(t, want, s.Fold(other))
		for field, k := range want.Origin { // a value comes from one profile that has it
			i := slices.IndexFunc(list, func(p *crm.Profile) bool { return p.ProfileKey == k })
			p := list[i]
			got, has := map[string]string{"name": want.Name.Given, "birth": want.Birth, "gender": want.Gender, "locale": want.Locale, "postal": want.Postal.City},
				map[string]string{"name": p.Name.Given, "birth": p.Birth, "gender": p.Gender, "locale": p.Locale, "postal": p.Postal.City}
			require.Equal(t, has[field], got[field], field)
			require.NotEmpty(t, got[field])
			if k.Source != "web" {
				for _, q := range list {
					has := map[string]string{"name": q.Name.Given, "birth": q.Birth, "gender": q.Gender, "locale": q.Locale, "postal": q.Postal.City}
					require.False(t, q.Source == "web" && has[field] != "", "the named source comes first")
				}
			}
		}
	})
}

// TestCustomersArePaged reads more customers than one page holds, some of
// several profiles, each once.
func TestCustomersArePaged(t *testing.T) {
	const people = 2100
	s := crm.New(memstore.New(), crm.Config{})
	var b crm.Batch
	for i := range people {
		b.Profiles = append(b.Profiles, person(pos(fmt.Sprint(i)), "A", fmt.Sprint(i), t0.Add(time.Duration(i)*time.Second)))
	}
	_, err := s.Import(t.Context(), b)
	require.NoError(t, err)
	for i := range 50 {
		requireMerge(t, s, pos(fmt.Sprint(i)), pos(fmt.Sprint(people-1-i)))
	}
	seen, profiles := map[crm.CustomerID]bool{}, 0
	for c, err := range s.Customers(t.Context()) {
		require.NoError(t, err)
		require.False(t, seen[c.ID])
		seen[c.ID] = true
		profiles += len(c.Profiles)
	}
	require.Len(t, seen, people-50)
	require.Equal(t, people, profiles)
	n := 0
	for range s.Customers(t.Context()) {
		if n++; n == 3 {
			break // a consumer that stops is not called again
		}
	}
	require.Equal(t, 3, n)

	// FoldMany answers in the order of the question, and nil for an id without profiles.
	one, err := s.CustomerOf(t.Context(), pos("0"))
	require.NoError(t, err)
	two, err := s.CustomerOf(t.Context(), pos("1000"))
	require.NoError(t, err)
	require.NoError(t, s.Store().View(t.Context(), func(r crm.Reader) error {
		got, err := s.FoldMany(t.Context(), r, []crm.CustomerID{two.ID, "nobody", one.ID})
		require.NoError(t, err)
		require.Equal(t, []*crm.Customer{two, nil, one}, got)
		return nil
	}))
	_, err = s.Customer(t.Context(), "nobody")
	require.ErrorIs(t, err, crm.ErrNotFound)
	_, err = s.Resolve(t.Context(), "nobody")
	require.ErrorIs(t, err, crm.ErrNotFound)
	_, err = s.CustomerOf(t.Context(), pos("nobody"))
	require.ErrorIs(t, err, crm.ErrNotFound)
	// The id of a customer that was merged means the other one for ever.
	gone, err := s.Links(t.Context(), pos(fmt.Sprint(people-1)))
	require.NoError(t, err)
	id, err := s.Resolve(t.Context(), gone[0].Customer)
	require.NoError(t, err)
	require.Equal(t, one.ID, id)
	again, err := s.Customer(t.Context(), gone[0].Customer)
	require.NoError(t, err)
	require.Equal(t, one, again)
}
