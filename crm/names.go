package crm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/internal/fold"
)

// RefName is the index of the words of names, see Config.NameSearch: under the first
// two letters of a word its profile, ordered by the letters that follow, and under those of
// each two words of a name, ordered by the letters that follow in both.
const RefName RefKind = "name"

// NameQuery asks for customers by name.
type NameQuery struct {
	// Name are words of the name, or their beginnings, in any order: "yıl ays" finds
	// Ayşe Yılmaz. Case, accents and the Turkish I do not count. One of them needs two
	// letters.
	Name  string
	After string // NamePage.Next of the page before; "": from the start
	// Limit is how many customers a page has at most; 0 means 50. A page may have fewer, or none,
	// and still not be the last, where many names begin as one word does and few have the rest.
	Limit int
}

// NamePage is a page of customers.
type NamePage struct {
	Customers []*Customer
	Next      string // for NameQuery.After; "" at the end
}

// SearchName returns a page of the customers of whom a source says a name, each once and
// always in the same order. It reads, by an index, the entries of the two longest words that were
// asked for together, or of one, and of few customers besides those that it returns. Without
// Config.NameSearch it is ErrInvalid.
func (s *Service) SearchName(ctx context.Context, q NameQuery) (NamePage, error) {
	var page NamePage
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	words := askedWords(q.Name)
	after, err := readNameMark(q.After)
	switch {
	case !s.cfg.NameSearch:
		err = fieldError("NameSearch", "is off: set it in the Config of every process, and run IndexNames once")
	case err == nil && (len(words) == 0 || utf8.RuneCountInString(words[0]) < 2):
		err = fieldError("name", "needs a word of two letters or more")
	}
	if err != nil {
		return page, invalid("search", "name", "", err)
	}
	in := nameSpanOf(words)
	scan := RefQuery{Kind: RefName, Key: in.key, After: Ref{Kind: RefName, Order: in.low}, Limit: min(2*limit, pageSize)}
	if q.After != "" {
		if after.Key != in.key {
			return page, invalid("search", "name", "", fieldError("after", "is of another name"))
		}
		scan.After = after
	}
	var last Ref // by which the last customer of the page was found
	for read, looked := 0, 0; ; {
		var refs []Ref
		var found []*Customer // by entry; nil of those that are passed over
		err := s.store.View(ctx, func(r Reader) (err error) {
			if refs, err = r.ScanRefs(ctx, scan); err != nil {
				return err
			}
			found, err = s.named(ctx, r, refs, words, in)
			return err
		})
		if err != nil {
			return NamePage{}, err
		}
		for i, ref := range refs {
			if ref.Order > in.high {
				return page, nil
			}
			if in.has(ref) {
				looked++
			}
			if found[i] == nil {
				continue
			}
			if len(page.Customers) == limit {
				page.Next = writeNameMark(last)
				return page, nil
			}
			page.Customers, last = append(page.Customers, found[i]), ref
		}
		if len(refs) < scan.Limit {
			return page, nil
		}
		scan.After = refs[len(refs)-1]
		if read += len(refs); read >= mostNameEntries || looked >= mostNamed {
			page.Next = writeNameMark(scan.After)
			return page, nil
		}
		if in.mask == 0 {
			scan.Limit = min(2*scan.Limit, mostNamed) // few of them have all the words
		} else {
			scan.Limit = pageSize // few of them are looked at
		}
	}
}

// What one page reads at most, about: entries of the index, and profiles that may have the name.
const (
	mostNameEntries = 8 * pageSize
	mostNamed       = 400
)

// named returns the customer of each entry whose profile has all the words, at the
// first entry of the customer that does.
func (s *Service) named(ctx context.Context, r Reader, refs []Ref, words []string, in nameSpan) ([]*Customer, error) {
	out := make([]*Customer, len(refs))
	var keys []ProfileKey
	var at []int
	for i, ref := range refs {
		if in.has(ref) {
			keys, at = append(keys, ref.Subject.Profile), append(at, i)
		}
	}
	some, err := r.Profiles(ctx, keys...)
	if err != nil {
		return nil, err
	}
	profiles := make([]*Profile, len(refs))
	for j, i := range at {
		profiles[i] = some[j]
	}
	var ids []CustomerID
	for _, p := range profiles {
		if p != nil && hasWords(p.Name, words) {
			ids = append(ids, p.Customer)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	members, err := r.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	all, err := r.Profiles(ctx, slices.Concat(members...)...)
	if err != nil {
		return nil, err
	}
	of := make(map[CustomerID][]*Profile, len(ids))
	for i, id := range ids {
		of[id], all = all[:len(members[i]):len(members[i])], all[len(members[i]):]
	}
	for i, p := range profiles {
		if p == nil || of[p.Customer] == nil {
			continue
		}
		if first, ok := firstNamed(of[p.Customer], words, in); ok && first.Compare(refs[i]) == 0 {
			out[i] = s.cfg.Survivorship.Fold(of[p.Customer])
		}
	}
	return out, nil
}

// firstNamed returns the first entry by which profiles are found by some words.
func firstNamed(profiles []*Profile, words []string, in nameSpan) (first Ref, ok bool) {
	for _, p := range profiles {
		if p == nil || !hasWords(p.Name, words) {
			continue
		}
		for _, ref := range nameRefs(p) {
			if ref.Key == in.key && in.has(ref) && (!ok || ref.Compare(first) < 0) {
				first, ok = ref, true
			}
		}
	}
	return first, ok
}

// IndexNames adds what SearchName needs of the profiles that were there before
// Config.NameSearch was set, or that a version wrote which kept no entries of two words, and
// returns how many have a name. It may run beside
// everything else, and again.
func (s *Service) IndexNames(ctx context.Context) (int, error) {
	if !s.cfg.NameSearch {
		return 0, invalid("index", "name", "", fieldError("NameSearch", "is off"))
	}
	total := 0
	for after := (ProfileKey{}); ; {
		n, named := 0, 0
		next := after
		err := s.update(ctx, func(tx Tx) error {
			page, err := tx.ScanProfiles(ctx, AllParts(), after, scanSize)
			if err != nil {
				return err
			}
			n, named = len(page), 0
			var refs []Ref
			for _, p := range page {
				next = p.ProfileKey
				own := nameRefs(p)
				if refs = append(refs, own...); len(own) > 0 {
					named++
				}
			}
			return tx.PutRefs(ctx, refs...)
		})
		if err != nil {
			return total, err
		}
		if total += named; n < scanSize {
			return total, nil
		}
		after = next
	}
}

// maxNameWords bounds the entries of one profile.
const maxNameWords = 6

// nameWords returns the folded words of a name, the longest first, each once.
func nameWords(name string) []string {
	words := strings.Fields(fold.Key(name))
	slices.SortFunc(words, func(a, b string) int {
		if n := utf8.RuneCountInString(b) - utf8.RuneCountInString(a); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	words = slices.Compact(words)
	return words[:min(len(words), maxNameWords)]
}

// askedWords are the words that are looked for. One that another begins with asks for nothing more.
func askedWords(name string) []string {
	words := nameWords(name)
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool {
		return slices.ContainsFunc(words, func(other string) bool { return other != w && strings.HasPrefix(other, w) })
	})
}

func (n Name) words() []string { return nameWords(n.Given + " " + n.Family + " " + n.Full) }

// hasWords reports whether each word begins a word of a name.
func hasWords(n Name, words []string) bool {
	have := n.words()
	return !slices.ContainsFunc(words, func(w string) bool {
		return !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) })
	})
}

// nameRefs returns the entries of a profile.
func nameRefs(p *Profile) []Ref {
	var refs []Ref
	add := func(key string, order int64) {
		if ref := (Ref{Kind: RefName, Key: key, Subject: OfProfile(p.ProfileKey), Order: order}); !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	words := slices.DeleteFunc(p.Name.words(), func(w string) bool { return utf8.RuneCountInString(w) < 2 })
	for i, w := range words {
		key, order, _ := nameRange(w)
		add(key, order)
		for _, other := range words[:i] {
			x := nameSpanOf([]string{w, other})
			add(x.key, x.want)
			if w, other := begins(w), begins(other); w == other { // which is the first of the two is not known when it is asked for
				add(x.key, swapped(x.want))
			}
		}
	}
	return refs
}

// The order of an entry has five bits for each of twelve letters.
const nameLetters, nameBits = 12, 5

// nameCode is a letter of an order.
func nameCode(r rune) int64 {
	switch {
	case r >= 'a' && r <= 'z':
		return int64(r-'a') + 1
	case r >= '0' && r <= '9':
		return 27
	}
	return 28 // of another script: told apart by the name itself
}

// begins returns the first two letters of a word that has them.
func begins(word string) string {
	n := 0
	for i, r := range word {
		if n++; n == 2 {
			return word[:i+utf8.RuneLen(r)]
		}
	}
	return word
}

// nameRange returns the key of a word's entries and the orders that words which begin
// with it have: the letters after the second, one after the other.
func nameRange(word string) (key string, low, high int64) {
	key = begins(word)
	n := 0
	for _, r := range word[len(key):] {
		if n++; n > nameLetters {
			n = nameLetters
			break
		}
		low |= nameCode(r) << (nameBits * (nameLetters - n))
	}
	return key, low, low | int64(math.MaxInt64)>>(63-nameBits*(nameLetters-n))
}

// nameSpan are the entries among which those are that have words: those of a key with orders
// from low to high that are want where mask is set.
type nameSpan struct {
	key                   string
	low, high, mask, want int64
}

func (x nameSpan) has(ref Ref) bool {
	return ref.Order >= x.low && ref.Order <= x.high && ref.Order&x.mask == x.want
}

// nameSpanOf returns the entries of the first two words, or of the first alone where the second
// is not there or has one letter. Those of two words have, under the first two letters
// of both, the letters that follow in turns, so that the beginnings of both are together.
func nameSpanOf(words []string) (x nameSpan) {
	if len(words) < 2 || utf8.RuneCountInString(words[1]) < 2 {
		x.key, x.low, x.high = nameRange(words[0])
		return x
	}
	a, b := min(words[0], words[1]), max(words[0], words[1])
	x.key = begins(a) + " " + begins(b)
	var known [2]int
	for side, w := range []string{a, b} {
		for _, r := range w[len(begins(w)):] {
			if known[side] == nameLetters/2 {
				break
			}
			at := nameBits * (nameLetters - 1 - 2*known[side] - side)
			x.want |= nameCode(r) << at
			x.mask |= (1<<nameBits - 1) << at
			known[side]++
		}
	}
	n := min(2*known[0], 2*known[1]+1) // letters of both in turns, up to the first that is not known
	free := int64(math.MaxInt64) >> (63 - nameBits*(nameLetters-n))
	x.low = x.want &^ free
	x.high = x.low | free
	return x
}

// swapped exchanges the two words of an order.
func swapped(order int64) int64 {
	const odd = 0b11111_00000_11111_00000_11111_00000_11111_00000_11111_00000_11111_00000
	return order&odd>>nameBits | order<<nameBits&odd
}

// nameMark is where a page ends.
type nameMark struct {
	Key   string     `json:"k"`
	Order int64      `json:"o"`
	Of    ProfileKey `json:"p"`
}

func writeNameMark(r Ref) string {
	data, _ := json.Marshal(nameMark{r.Key, r.Order, r.Subject.Profile}) // texts and a number: cannot fail
	return base64.RawURLEncoding.EncodeToString(data)
}

func readNameMark(text string) (Ref, error) {
	var m nameMark
	if text == "" {
		return Ref{}, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err == nil {
		err = m.Of.Validate()
	}
	if err != nil {
		return Ref{}, fieldError("after", "is not the Next of a page")
	}
	return Ref{Kind: RefName, Key: m.Key, Order: m.Order, Subject: OfProfile(m.Of)}, nil
}

// CustomerPage returns at most limit customers (0: 50) in the order of Customers, after
// the profile that a page before returned as next, and the profile to go on after, which
// is zero at the end. A page may have fewer customers and still not be the last one.
func (s *Service) CustomerPage(ctx context.Context, after ProfileKey, limit int) (page []*Customer, next ProfileKey, err error) {
	if limit <= 0 {
		limit = 50
	}
	err = s.store.View(ctx, func(r Reader) (err error) {
		page, next, err = s.customerPage(ctx, r, after, limit)
		return err
	})
	return page, next, err
}

func (s *Service) customerPage(ctx context.Context, r Reader, after ProfileKey, limit int) ([]*Customer, ProfileKey, error) {
	profiles, err := r.ScanProfiles(ctx, AllParts(), after, limit)
	if err != nil || len(profiles) == 0 {
		return nil, ProfileKey{}, err
	}
	keys := make([]ProfileKey, len(profiles))
	for i, p := range profiles {
		keys[i] = p.ProfileKey
	}
	homes, err := r.HomeIDs(ctx, keys...)
	if err != nil {
		return nil, ProfileKey{}, err
	}
	var ids []CustomerID
	for i, p := range profiles {
		if homes[i] == p.Customer {
			ids = append(ids, p.Customer)
		}
	}
	page, err := s.FoldMany(ctx, r, ids)
	if len(profiles) < limit {
		return page, ProfileKey{}, err
	}
	return page, keys[len(keys)-1], err
}
