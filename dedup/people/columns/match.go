package columns

import (
	"slices"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/internal/fold"
)

// mostHeader bounds the name of a column in bytes and longestPhrase a phrase in words.
const (
	mostHeader    = 256
	longestPhrase = 5
)

// lexicon is what all vocabularies know, by word or phrase.
type lexicon map[string]meaning

func newLexicon() lexicon {
	out := lexicon{}
	for _, v := range vocabularies {
		for m, words := range v.words {
			for w := range strings.FieldsSeq(words) {
				if _, known := out[w]; !known {
					out[w] = m
				}
			}
		}
	}
	return out
}

// headerWords folds the name of a column and splits it into words: at case, between letters
// and digits, at whatever is neither.
func headerWords(name string) []string {
	if len(name) > mostHeader {
		return nil
	}
	name = withoutForm(name)
	var spaced strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 {
			p := runes[i-1]
			switch {
			case unicode.IsDigit(r) != unicode.IsDigit(p),
				unicode.IsUpper(r) && unicode.IsLower(p),
				unicode.IsUpper(r) && unicode.IsUpper(p) && i+1 < len(runes) && unicode.IsLower(runes[i+1]):
				spaced.WriteByte(' ')
			}
		}
		spaced.WriteRune(r)
	}
	return strings.Fields(fold.Key(spaced.String()))
}

// withoutForm cuts what says how a cell is written: "(yyyy-mm-dd)", "(m/v)", "(0/1)".
func withoutForm(name string) string {
	open := strings.IndexByte(name, '(')
	if open <= 0 {
		return name
	}
	inside, rest, ok := strings.Cut(name[open+1:], ")")
	if !ok || !strings.ContainsAny(inside, "/.-,:") {
		return name
	}
	for word := range strings.FieldsFuncSeq(inside, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(word) > 4 {
			return name
		}
	}
	return name[:open] + rest
}

// sense is what the name of a column says.
type sense struct {
	is      meaning
	context meaning // of mBilling to mShipping; none for the person as such
	line    int     // "address 2", "phone 2"; 0 where there is no number
	group   int     // of "Address 2 - City": which address; 0 where there is no number
	person  bool    // it says whose it is: "customer id"
}

// read returns what a name says, none where a word in it is in no list.
func (l lexicon) read(name string) sense {
	words := headerWords(name)
	if len(words) == 0 || len(words) > 12 {
		return sense{}
	}
	var s sense
	said := map[meaning]bool{}
	last, bare := none, false
	number := func(w string) {
		n := 0
		for i := 0; i < len(w); i++ {
			n = min(10*n+int(w[i]-'0'), 99)
		}
		switch {
		case last == mAddress, s.line > 0 && last == none: // "address 1", "line 1 - 1"
			s.group = n
			if s.line == 0 {
				s.line = n
			}
		case s.line == 0 || last == mStreet:
			s.line = n
		}
		last = none
	}
	for len(words) > 0 {
		if w := words[0]; w[0] >= '0' && w[0] <= '9' {
			number(w)
			words = words[1:]
			continue
		}
		m, n := l.longest(words)
		if n == 0 {
			parts := l.compound(words[0])
			if parts == nil {
				return sense{}
			}
			for _, m := range parts {
				said[m] = true
				last = m
			}
			words = words[1:]
			continue
		}
		said[m] = true
		last = m
		bare = bare || n == 1 && (words[0] == "first" || words[0] == "last")
		words = words[n:]
	}
	for c := mBilling; c <= mShipping; c++ {
		if said[c] {
			s.context = max(s.context, c)
		}
	}
	s.is, s.person = together(said), said[mPerson]
	if bare && s.line > 0 {
		return sense{} // "last 4"
	}
	if said[mAddress] && s.is != mAddress && s.is != mStreet && s.group == 0 {
		s.group, s.line = s.line, 0 // "address city - 2"
	}
	if s.is == mAddress && s.group == s.line {
		s.group = 0 // "address 2" is its second line
	}
	if s.group == s.line {
		s.line = 0
	}
	switch s.is {
	case mGiven, mFamily, mName, mMiddle:
		if said[mAddress] && s.context == none {
			s.context = mOther // the name at an address
		}
	}
	return s
}

// longest returns the meaning of the longest phrase with which the words begin.
func (l lexicon) longest(words []string) (m meaning, n int) {
	phrase := ""
	for i, w := range words[:min(len(words), longestPhrase)] {
		phrase += w
		if k, ok := l[phrase]; ok {
			m, n = k, i+1
		}
	}
	return m, n
}

// compound takes a word apart into two that are known, as German and Dutch put them together
// and programs do: "Kundenname", "customeremail".
func (l lexicon) compound(word string) []meaning {
	const shortest = 4 // what is shorter is met in too many words, but "id" after "customer"
	for i := len(word) - 2; i >= shortest; i-- {
		second, ok := l[word[i:]]
		if !ok {
			continue
		}
		head := word[:i]
		first, ok := l[head]
		if !ok {
			if first, ok = l[strings.TrimSuffix(head, "s")]; !ok || len(head) <= shortest {
				continue
			}
		}
		if len(word)-i >= shortest || first == mPerson {
			return []meaning{first, second}
		}
	}
	return nil
}

// together returns what meanings in one name say as one.
func together(said map[meaning]bool) meaning {
	heard := func(all ...meaning) bool {
		for _, m := range all {
			if said[m] {
				return true
			}
		}
		return false
	}
	// What is said beside one of these is of them: "e-mail address", "home phone".
	switch {
	case heard(mNational, mPassport, mLicence, mBirthplace, mOccupation, mFather, mMother):
		return alone(said, last(said, mNational, mMother), mID, mName)
	case said[mEmail]:
		return alone(said, mEmail, mAddress, mID, mName, mUser)
	case said[mPhone]:
		return alone(said, mPhone, mAddress, mUser)
	case said[mBirth]:
		return alone(said, mBirth)
	case said[mGender]:
		return alone(said, mGender)
	case heard(mYear, mMonth, mDay):
		return alone(said, last(said, mYear, mDay))
	case said[mCity]:
		return alone(said, mCity, mAddress, mTown, mDistrict, mPostcode, mName)
	case said[mTown]:
		return alone(said, mTown, mAddress, mPostcode, mName)
	case said[mPostcode]:
		return alone(said, mPostcode, mAddress, mID)
	case said[mStreet]:
		return alone(said, mStreet, mAddress, mHouse, mName, mWay, mDistrict)
	case said[mDistrict]:
		return alone(said, mDistrict, mAddress, mName)
	case said[mWay]:
		return alone(said, mWay, mAddress, mHouse, mName)
	case said[mHouse]:
		return alone(said, mHouse, mAddress)
	case said[mFamily] && heard(mGiven, mName, mMiddle), said[mGiven] && heard(mName, mMiddle):
		return alone(said, mFull, mGiven, mFamily, mName, mMiddle)
	case said[mFull]:
		return alone(said, mFull, mName)
	case heard(mMiddle, mSuffix, mInfix):
		return alone(said, last(said, mMiddle, mInfix), mName)
	case said[mGiven]:
		return alone(said, mGiven, mAddress)
	case said[mFamily]:
		return alone(said, mFamily, mAddress)
	case said[mName]:
		return alone(said, mName, mTitle)
	case said[mTitle]:
		return alone(said, mTitle)
	case said[mAddress] && !said[mNumber]: // "address number" is none
		return alone(said, mAddress)
	case said[mSource] && len(said) == 1:
		return mSource
	case said[mID], said[mNumber] && said[mPerson]:
		for c := mBilling; c <= mShipping; c++ {
			if said[c] {
				return none // of a bill, not of the person
			}
		}
		return alone(said, mID, mUser)
	case said[mPerson]:
		return alone(said, mTitle)
	}
	return none
}

// last returns the last of a range of meanings that was said.
func last(said map[meaning]bool, from, to meaning) (is meaning) {
	for m := from; m <= to; m++ {
		if said[m] {
			is = m
		}
	}
	return is
}

// alone returns a meaning if nothing else was said but what may stand beside it.
func alone(said map[meaning]bool, is meaning, beside ...meaning) meaning {
	for m := range said {
		switch {
		case m == is, m == mNumber, m == mPerson, m == mFiller, m >= mBilling && m <= mShipping, slices.Contains(beside, m):
		default:
			return none
		}
	}
	return is
}
