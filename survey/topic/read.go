package topic

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Sentiment is what a comment says of what it is about.
type Sentiment int8

const (
	Neutral  Sentiment = iota // nothing that praises or complains
	Positive                  // praise alone
	Negative                  // complaints alone
	Mixed                     // both
)

// String returns "neutral", "positive", "negative" or "mixed".
func (s Sentiment) String() string {
	return [...]string{"neutral", "positive", "negative", "mixed"}[s&3]
}

// Mention is the first place of a topic in a comment.
type Mention struct {
	Topic     string
	Sentiment Sentiment // of the clauses that mention it; of the whole comment where they say nothing
	Start     int       // of the word, in bytes
	End       int
}

// Reading is what a comment says.
type Reading struct {
	Topics    []Mention // each once, in the order of the lexicon
	Sentiment Sentiment
	// Praise and Complaints count the words that say so, after negations.
	Praise, Complaints int
	// Severity is 0 without a complaint, 1 with one, 2 with serious words or three
	// complaints and more, 3 with grave ones.
	Severity int
	// Short says that the comment was longer than Options.Limit and its end was not read.
	Short bool
}

// About reports whether the comment mentions the topic.
func (r Reading) About(topic string) bool {
	return slices.ContainsFunc(r.Topics, func(m Mention) bool { return m.Topic == topic })
}

// clauseWords begin a clause.
var clauseWords = map[string]bool{"ama": true, "fakat": true, "ancak": true, "lakin": true, "but": true, "however": true, "although": true}

// fillers may stand between a word and what negates it.
var fillers = map[string]bool{"da": true, "de": true, "hic": true, "bir": true, "bile": true, "asla": true, "pek": true, "oyle": true, "cok": true, "hicbir": true, "kadar": true, "a": true, "any": true, "the": true, "very": true, "so": true, "at": true, "all": true}

// said is a word that praises or complains.
type said struct {
	word, clause int
	good         bool
	turned       bool
}

// reader is the state of one reading.
type reader struct {
	f     *Finder
	words []token
	fold  []byte
	said  []said
	hits  []hit
	// negates is the word, not long ago, that negates what follows; -1: none.
	negates int
	clause  int
	grave   int
	where   []place
}

// place is a mention of a topic.
type place struct{ topic, word, clause int }

// Read reads a comment. It never fails: what is no text has no topic.
func (f *Finder) Read(text string) Reading {
	var out Reading
	if len(text) > f.opts.Limit {
		text, out.Short = text[:f.opts.Limit], true
		for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	var wordRoom [64]token
	var foldRoom [512]byte
	var hitRoom [16]hit
	r := reader{f: f, hits: hitRoom[:0], negates: -1}
	r.words, r.fold = split(text, wordRoom[:0], foldRoom[:0])
	for i := range r.words {
		r.word(i)
	}
	for _, s := range r.said {
		if s.good {
			out.Praise++
		} else {
			out.Complaints++
		}
	}
	for _, c := range text {
		switch c {
		case '😡', '🤬', '😠', '👎', '😞', '😢', '😤', '💔', '😒', '🤮', '😭', '😔':
			out.Complaints++
		case '😊', '👍', '❤', '😍', '👏', '🥰', '😀', '😃', '🙂', '💯', '🤗', '😁':
			out.Praise++
		}
	}
	out.Sentiment = sentiment(out.Praise, out.Complaints)
	switch {
	case r.grave == 3:
		out.Severity = 3
	case out.Complaints == 0:
	case r.grave == 2 || out.Complaints > 2:
		out.Severity = 2
	default:
		out.Severity = 1
	}
	if len(r.where) > 0 {
		out.Topics = r.mentions(out.Sentiment)
	}
	return out
}

func sentiment(praise, complaints int) Sentiment {
	switch {
	case praise > 0 && complaints > 0:
		return Mixed
	case praise > 0:
		return Positive
	case complaints > 0:
		return Negative
	}
	return Neutral
}

// mentions lists the topics.
func (r *reader) mentions(whole Sentiment) []Mention {
	slices.SortStableFunc(r.where, func(a, b place) int { return a.topic - b.topic })
	var out []Mention
	for i := 0; i < len(r.where); {
		first := r.where[i]
		good, bad := 0, 0
		for ; i < len(r.where) && r.where[i].topic == first.topic; i++ {
			for _, s := range r.said {
				if s.clause == r.where[i].clause && s.good {
					good++
				} else if s.clause == r.where[i].clause {
					bad++
				}
			}
		}
		m := Mention{Topic: r.f.titles[first.topic].Name, Sentiment: sentiment(good, bad), Start: r.words[first.word].start, End: r.words[first.word].end}
		if m.Sentiment == Neutral {
			m.Sentiment = whole
		}
		out = append(out, m)
	}
	return out
}

// letters of word i.
func (r *reader) letters(i int) []byte { return r.fold[r.words[i].from:r.words[i].to] }

// word takes one word in.
func (r *reader) word(i int) {
	w := r.letters(i)
	if r.words[i].stop || clauseWords[string(w)] {
		r.clause++
		r.negates = -1
	}
	r.hits = r.f.look(w, r.hits[:0])
	var found [roles]ending
	phrase, apart := 0, 0 // the letters of the longest stem that means nothing
	for _, h := range r.hits {
		if e := &r.f.entries[h.entry]; e.role == other {
			apart = max(apart, len(e.stem))
		}
	}
	for _, h := range r.hits { // of phrases the longest, which hides its last word
		if e := &r.f.entries[h.entry]; r.precedes(e.before, i) {
			phrase = max(phrase, len(e.before))
		}
	}
	verb := false
	for _, h := range r.hits {
		e := &r.f.entries[h.entry]
		if len(e.before) != phrase || !r.precedes(e.before, i) {
			continue
		}
		if e.role == other || len(e.stem) <= apart && phrase == 0 {
			continue
		}
		found[e.role] |= h.end
		verb = verb || e.verb
		if e.role == ofTopic {
			r.where = append(r.where, place{e.topic, i, r.clause})
		}
	}
	turning := r.negates >= 0 && i-r.negates <= 4
	say := func(good bool, how ending) {
		turned := how == negated
		if turning {
			turned, r.negates, turning = !turned, -1, false
		}
		r.said = append(r.said, said{i, r.clause, good != turned, turned})
	}
	negative := found[absent] != 0 || verb && r.negated(found) || !verb && len(r.hits) == 0 && looksNegated(w)
	turned := negative && r.turn(i)
	switch {
	case found[complaint] != 0 && !turned:
		say(false, found[complaint])
	case found[praise] != 0 && !turned:
		say(true, found[praise])
	case found[serious] == plain || found[grave] == plain:
		say(false, plain)
	case negative && !turned, found[expected] != 0 && turning: // what should be is not
		r.said = append(r.said, said{i, r.clause, false, true})
		r.negates = -1
	}
	if found[serious]&plain != 0 {
		r.grave = max(r.grave, 2)
	}
	if found[grave]&plain != 0 && !turning {
		r.grave = 3
	}
	if found[never] != 0 {
		r.negates = i
	}
}

// negated reports whether what was found is a negated form alone.
func (r *reader) negated(found [roles]ending) bool {
	var all ending
	for _, e := range found {
		all |= e
	}
	return all == negated
}

// precedes reports whether the words stand before word i.
func (r *reader) precedes(before []string, i int) bool {
	if len(before) > i {
		return false
	}
	for k, b := range before {
		if string(r.letters(i-len(before)+k)) != b {
			return false
		}
	}
	return true
}

// turn turns what word i negates: praise up to three words before, a complaint that stands
// next to it but for fillers ("sorun da yaşamadım", and not "bozuk ürünü geri almadılar").
func (r *reader) turn(i int) bool {
	if len(r.said) == 0 {
		return false
	}
	s := &r.said[len(r.said)-1]
	if s.clause != r.clause || s.turned || s.word == i {
		return false
	}
	reach := 1
	if s.good {
		reach = 3
	}
	for k := s.word + 1; k < i; k++ {
		if !fillers[string(r.letters(k))] {
			reach--
		}
	}
	if reach <= 0 {
		return false
	}
	s.good, s.turned = !s.good, true
	return true
}

// looksNegated reports whether a word that is not in the lexicon is a negated Turkish verb:
// gelmedi, olmamış, yapmıyor, etmez, alamadım.
func looksNegated(w []byte) bool {
	s := string(w)
	for _, n := range [...]string{"medi", "madi", "memis", "mamis", "miyor", "muyor", "miyo", "muyo", "meyecek", "mayacak", "meden", "madan", "medig", "madig", "medik", "madik", "meyen", "mayan"} {
		if at := strings.LastIndex(s, n); at >= 2 {
			return true
		}
	}
	return len(s) > 4 && (strings.HasSuffix(s, "mez") || strings.HasSuffix(s, "maz") || strings.HasSuffix(s, "mezler") || strings.HasSuffix(s, "mazlar"))
}
