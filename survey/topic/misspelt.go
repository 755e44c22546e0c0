package topic

import (
	"math/bits"
	"slices"
)

// The errors that a finger makes, and which stems they are forgiven: other errors make one
// word of another ("kasiyer", "kariyer") more often than they are made.
//
//	a letter twice             kuttu      stems of 3 letters and more, and in suffixes
//	two letters changed        stie       4, and in suffixes
//	a vowel missing            fiyt       5, and in suffixes of stems of 4 or of verbs
//	a consonant missing        sipaiş     6
//	one letter too many        siparciş   5
//	a neighbour on the keys    sipatiş    5
//
// The first letter is right. At the end of a stem no letter is replaced, and only a vowel
// before a suffix may be missing.
const (
	leastTwice   = 3
	leastChanged = 4
	leastVowel   = 5
	leastStem    = 5
	leastMissing = 6
)

// neighbours are the keys beside each, of the Turkish keyboard and of the English one.
var neighbours = func() (n [26]uint32) {
	for _, row := range [...]string{"qwertyuiopgu", "asdfghjklsi", "zxcvbnmoc"} {
		for i := 1; i < len(row); i++ {
			n[row[i]-'a'] |= 1 << (row[i-1] - 'a')
			n[row[i-1]-'a'] |= 1 << (row[i] - 'a')
		}
	}
	return n
}()

const vowels = 1 | 1<<('e'-'a') | 1<<('i'-'a') | 1<<('o'-'a') | 1<<('u'-'a')

func isVowel(c byte) bool { return vowels&(1<<(c-'a')) != 0 }

// misspelt appends the words that word is with one letter wrong.
func (f *Finder) misspelt(word []byte, hits []hit) []hit {
	at := f.nodes[0].next[word[0]-'a']
	for i := 1; at != 0; i++ { // the edit is at letter i, of the word and of the stem
		n := &f.nodes[at]
		if i < len(word) {
			c := word[i] - 'a'
			for ways := n.ways & neighbours[c] &^ (1 << c); ways != 0; ways &= ways - 1 {
				hits = f.from(n.next[bits.TrailingZeros32(ways)], word, i+1, max(leastStem, i+2), hits)
			}
			if word[i] == word[i-1] { // twice; a stem may end before it
				hits = f.from(at, word, i+1, leastTwice, hits)
			} else {
				hits = f.from(at, word, i+1, max(leastStem, i+1), hits)
			}
			if i+1 < len(word) && word[i] != word[i+1] {
				if k := n.next[word[i+1]-'a']; k != 0 { // a stem may end between the two
					word[i], word[i+1] = word[i+1], word[i]
					hits = f.from(k, word, i+1, max(leastChanged, i+1), hits)
					word[i], word[i+1] = word[i+1], word[i]
				}
			}
			// In the suffixes of a stem that ends here.
			hits = f.suffixes(at, word, i, hits)
		}
		for ways := n.ways; ways != 0; ways &= ways - 1 {
			c := bits.TrailingZeros32(ways)
			least := max(leastMissing, i+2)
			if vowels&(1<<c) != 0 {
				least = max(leastVowel, i+2)
				if i < len(word) && !isVowel(word[i]) { // before a suffix also the last
					least = max(leastVowel, i+1)
				}
			}
			hits = f.from(n.next[c], word, i, least, hits)
		}
		if i >= len(word) {
			break
		}
		at = n.next[word[i]-'a']
	}
	return hits
}

// from goes on in a word whose edit is behind, for stems of at least so many letters.
func (f *Finder) from(at int32, word []byte, i, least int, hits []hit) []hit {
	for ; ; i++ {
		hits = f.ending(at, word[min(i, len(word)):], least, hits)
		if i >= len(word) {
			return hits
		}
		if at = f.nodes[at].next[word[i]-'a']; at == 0 {
			return hits
		}
	}
}

// ending appends the stems that end at a node and go on with rest; those of at least so
// many letters, if the word is misspelt.
func (f *Finder) ending(at int32, rest []byte, least int, hits []hit) []hit {
	n := f.nodes[at].ends
	if n == 0 {
		return hits
	}
	for _, s := range f.ends[n-1] {
		if int(s.length) < least || s.vowel && (len(rest) == 0 || !isVowel(rest[0])) {
			continue
		}
		end := plain
		if s.state != 0 {
			end = f.suffix.accept(s.state, s.h, rest)
		} else if len(rest) > 0 {
			end = 0
		}
		hits = appendHit(hits, s.entry, end, least > 0)
	}
	return hits
}

func appendHit(hits []hit, entry int32, end ending, misspelt bool) []hit {
	if end == 0 || slices.ContainsFunc(hits, func(h hit) bool { return h.entry == entry && h.end == end }) {
		return hits
	}
	return append(hits, hit{entry, end, misspelt})
}

// suffixes appends the stems that end at a node and whose suffixes are misspelt.
func (f *Finder) suffixes(at int32, word []byte, i int, hits []hit) []hit {
	n := f.nodes[at].ends
	if n == 0 {
		return hits
	}
	for _, s := range f.ends[n-1] {
		if s.state == 0 || s.vowel && !isVowel(word[i]) || s.length < leastChanged && !f.entries[s.entry].verb {
			continue
		}
		var room [64]byte
		rest := word[i:]
		try := func(parts ...[]byte) {
			spelt := room[:0]
			for _, p := range parts {
				spelt = append(spelt, p...)
			}
			hits = appendHit(hits, s.entry, f.suffix.accept(s.state, s.h, spelt), true)
		}
		if len(rest) > 24 {
			continue
		}
		for k := range rest {
			if k > 0 && rest[k] == rest[k-1] {
				try(rest[:k], rest[k+1:])
			}
			if k+1 < len(rest) {
				try(rest[:k], rest[k+1:k+2], rest[k:k+1], rest[k+2:])
			}
			if !isVowel(rest[k]) && !isVowel(word[i+k-1]) {
				for _, v := range [...]string{"a", "e", "i", "u"} {
					try(rest[:k], []byte(v), rest[k:])
				}
			}
		}
	}
	return hits
}

// longest keeps of the misspelt words those of the longest stem.
func (f *Finder) longest(hits []hit, from int) []hit {
	best := 0
	for _, h := range hits[from:] {
		best = max(best, len(f.entries[h.entry].stem))
	}
	return slices.DeleteFunc(hits, func(h hit) bool {
		return h.misspelt && len(f.entries[h.entry].stem) < best
	})
}
