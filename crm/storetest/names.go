package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var nameTests = []test{
	{"Names", "customers are found by the words of their names, each once, page by page, as profiles are renamed, merged and split", testNames},
}

// testNames compares SearchName with a look at every customer.
func testNames(e *env) {
	now := start
	svc := crm.New(e.store, crm.Config{Now: func() time.Time { now = now.Add(time.Millisecond); return now }, NameSearch: true})
	given := []string{"Ayşe", "İrem", "Irmak", "ışıl", "Ali", "Alkan", "Mehmet Ali", "Ay", "Олег", "Ольга"}
	family := []string{"Yılmaz", "YILMAZ", "Yilmazer", "Öz", "Gül-Şahin", "Alkan", "de la Cruz", "Иванов"}
	profile := func(i int) *crm.Profile {
		p := &crm.Profile{ProfileKey: crm.ProfileKey{Source: "s", ID: fmt.Sprint(i)}, Name: crm.Name{Given: given[i%len(given)], Family: family[i/3%len(family)]}}
		if i%11 == 0 {
			p.Name = crm.Name{Full: p.Name.Given + " " + p.Name.Family}
		}
		return p
	}
	const n = 700 // more than two pages of entries under some keys
	var b crm.Batch
	for i := range n {
		b.Profiles = append(b.Profiles, profile(i))
	}
	_, err := svc.Import(e.ctx, b)
	require.NoError(e, err)

	pages := func(name string, limit int) (ids []crm.CustomerID) {
		e.Helper()
		for q := (crm.NameQuery{Name: name, Limit: limit}); ; {
			page, err := svc.SearchName(e.ctx, q)
			require.NoError(e, err)
			require.LessOrEqual(e, len(page.Customers), limit)
			for _, c := range page.Customers {
				ids = append(ids, c.ID)
			}
			if q.After = page.Next; q.After == "" {
				return ids
			}
			require.Len(e, page.Customers, limit, "a page that is not the last is full")
		}
	}
	fold := strings.NewReplacer("ş", "s", "Ş", "s", "ı", "i", "I", "i", "İ", "i", "Ö", "o", "ö", "o", "ü", "u", "Y", "y", "L", "l", "M", "m", "A", "a", "Z", "z", "G", "g", "C", "c", "-", " ")
	type owner struct {
		id    crm.CustomerID
		names [][]string // the folded words of each profile
	}
	everyone := func() (all []owner) {
		for c, err := range svc.Customers(e.ctx) {
			require.NoError(e, err)
			who := owner{id: c.ID}
			for _, k := range c.Profiles {
				p, err := svc.Profile(e.ctx, k)
				require.NoError(e, err)
				who.names = append(who.names, strings.Fields(strings.ToLower(fold.Replace(p.Name.Given+" "+p.Name.Family+" "+p.Name.Full))))
			}
			all = append(all, who)
		}
		return all
	}
	found := func(all []owner, name string) (ids []crm.CustomerID) {
		words := strings.Fields(strings.ToLower(fold.Replace(name)))
		for _, who := range all {
			if slices.ContainsFunc(who.names, func(have []string) bool {
				return !slices.ContainsFunc(words, func(w string) bool {
					return !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) })
				})
			}) {
				ids = append(ids, who.id)
			}
		}
		return ids
	}
	check := func() {
		e.Helper()
		all := everyone()
		for name, limit := range map[string]int{"YILMAZ": 7, "yılm": 100, "İREM": 3, "irem": 1000, "ırm": 5, "al": 9, "ali alk": 2, "Ol": 5, "ол": 4, "ayse öz": 50, "sahin gul": 6, "nobody": 1, "la cruz a": 10} {
			got := pages(name, limit)
			require.ElementsMatch(e, found(all, name), got, name)
			if limit < 10 {
				require.Equal(e, got, pages(name, 1000), "%s: in one order", name)
			}
		}
	}
	check()
	require.NotEmpty(e, pages("ırm", 5))
	require.Equal(e, pages("Irmak", 10), pages("irmak", 10))

	for i := 0; i < 120; i += 4 { // merged, split again, renamed
		_, err := svc.Merge(e.ctx, "staff/a", crm.Evidence{}, profile(i).ProfileKey, profile(i+1).ProfileKey, profile(i+2).ProfileKey)
		require.NoError(e, err)
		if i%8 == 0 {
			_, err := svc.Split(e.ctx, "staff/a", crm.Evidence{}, profile(i+1).ProfileKey)
			require.NoError(e, err)
		}
		p := profile(i)
		p.Name = profile(i + 5).Name
		require.NoError(e, svc.PutProfile(e.ctx, p))
	}
	check()

	// All customers, page by page.
	var all []crm.CustomerID
	for c, err := range svc.Customers(e.ctx) {
		require.NoError(e, err)
		all = append(all, c.ID)
	}
	var paged []crm.CustomerID
	for after := (crm.ProfileKey{}); ; {
		page, next, err := svc.CustomerPage(e.ctx, after, 64)
		require.NoError(e, err)
		require.LessOrEqual(e, len(page), 64)
		for _, c := range page {
			paged = append(paged, c.ID)
		}
		if after = next; next.IsZero() {
			break
		}
	}
	require.Equal(e, all, paged)

	// What was there before NameSearch is found after IndexNames.
	old := crm.New(e.store, crm.Config{Now: func() time.Time { now = now.Add(time.Millisecond); return now }})
	_, err = old.Import(e.ctx, crm.Batch{Profiles: []*crm.Profile{{ProfileKey: crm.ProfileKey{Source: "old", ID: "1"}, Name: crm.Name{Given: "Zeynep"}}}})
	require.NoError(e, err)
	require.Empty(e, pages("zeynep", 5))
	named, err := svc.IndexNames(e.ctx)
	require.NoError(e, err)
	require.Equal(e, n+1, named)
	require.Len(e, pages("zeynep", 5), 1)
	check()

	for _, c := range []struct {
		svc  *crm.Service
		q    crm.NameQuery
		want string
	}{
		{old, crm.NameQuery{Name: "ayse"}, "NameSearch is off"},
		{svc, crm.NameQuery{Name: "a"}, "two letters"},
		{svc, crm.NameQuery{Name: " - "}, "two letters"},
		{svc, crm.NameQuery{Name: "ayse", After: "x"}, "is not the Next of a page"},
	} {
		_, err := c.svc.SearchName(e.ctx, c.q)
		require.ErrorIs(e, err, crm.ErrInvalid)
		require.ErrorContains(e, err, c.want)
	}
	page, err := svc.SearchName(e.ctx, crm.NameQuery{Name: "yilmaz", Limit: 1})
	require.NoError(e, err)
	_, err = svc.SearchName(e.ctx, crm.NameQuery{Name: "ayse", After: page.Next})
	require.ErrorContains(e, err, "is of another name")
}
