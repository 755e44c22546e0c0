package topic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options are those of New; the zero value works.
type Options struct {
	// Exact finds no misspelt words. By default one letter of a stem of five or more may be
	// wrong, missing, too many or changed with its neighbour, but for the first.
	Exact bool
	// Limit is how many bytes of a comment are read, the rest is not; 0: 10,000.
	Limit int
}

// Finder finds the words of a lexicon. It may be used by several goroutines at once.
type Finder struct {
	opts    Options
	titles  []Topic
	entries []entry
	nodes   []node
	ends    [][]stem // of nodes
	suffix  *automaton
}

// node is one of the tree of stems: 0 stands for no way on.
type node struct {
	next [26]int32
	ways uint32 // which of next are there, a bit each
	ends int32  // index+1 in ends
}

// stem is where a word's stem ends in the tree.
type stem struct {
	entry  int32
	state  uint16 // of the suffixes; 0: none may follow
	h      harmony
	vowel  bool // a vowel must follow
	length uint8
}

// New makes a finder. An error wraps ErrLexicon and names every word that it is about.
func New(lex Lexicon, opts Options) (*Finder, error) {
	if opts.Limit <= 0 {
		opts.Limit = 10000
	}
	f := &Finder{opts: opts, nodes: make([]node, 1), suffix: suffixes()}
	var errs []error
	names := map[string]bool{}
	add := func(r role, topic int, where string, words Words) {
		langs := make([]string, 0, len(words))
		for lang := range words {
			langs = append(langs, lang)
		}
		slices.Sort(langs)
		for _, lang := range langs {
			for _, w := range words[lang] {
				e, err := parseEntry(lang, w)
				if err != nil {
					errs = append(errs, fmt.Errorf("%w: %s: %q: %w", ErrLexicon, where, w, err))
					continue
				}
				e.role, e.topic = r, topic
				f.add(e)
			}
		}
	}
	for i, t := range lex.Topics {
		if t.Name == "" || names[t.Name] {
			errs = append(errs, fmt.Errorf("%w: topic %d: name %q is empty or taken", ErrLexicon, i, t.Name))
		}
		names[t.Name] = true
		f.titles = append(f.titles, Topic{Name: t.Name, Title: t.Title})
		add(ofTopic, i, "topic "+t.Name, t.Words)
	}
	for r := praise; r < roles; r++ {
		add(r, -1, roleNames[r], lex.list(r))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return f, nil
}

// add puts the stems of a word into the tree.
func (f *Finder) add(e entry) {
	n := int32(len(f.entries))
	f.entries = append(f.entries, e)
	put := func(word, state string, h harmony, vowel bool) {
		s := stem{entry: n, h: h, vowel: vowel, length: uint8(min(len(word), 255))}
		if state != "" {
			s.state = f.suffix.states[state]
		}
		f.put(word, s)
	}
	switch {
	case e.en:
		put(e.stem, "", e.h, false)
		if e.exact {
			return
		}
		for _, form := range english(e.stem) {
			put(form, "", e.h, false)
		}
	case e.exact:
		put(e.stem, "", e.h, false)
	default:
		kind := "noun"
		if e.verb {
			kind = "verb"
		}
		end := "C"
		if strings.IndexByte("aeiou", e.stem[len(e.stem)-1]) >= 0 {
			end = "V"
		}
		put(e.stem, kind+end, e.h, false)
		if e.alt != "" {
			put(e.alt, kind+"C", e.h, true)
		}
		if last := e.stem[len(e.stem)-1]; e.verb && (last == 'a' || last == 'e') {
			// The vowel is narrowed before yor, in harmony with the one before it.
			head := e.stem[:len(e.stem)-1]
			h := harmony{back: last == 'a'}
			if i := strings.LastIndexAny(head, "aeiou"); i >= 0 {
				h.round = head[i] == 'o' || head[i] == 'u'
			}
			put(head, "narrow", h, true)
		}
	}
}

func (f *Finder) put(word string, s stem) {
	at := int32(0)
	for i := range len(word) {
		c := word[i] - 'a'
		if f.nodes[at].next[c] == 0 {
			f.nodes = append(f.nodes, node{})
			f.nodes[at].next[c] = int32(len(f.nodes) - 1)
			f.nodes[at].ways |= 1 << c
		}
		at = f.nodes[at].next[c]
	}
	if f.nodes[at].ends == 0 {
		f.ends = append(f.ends, nil)
		f.nodes[at].ends = int32(len(f.ends))
	}
	f.ends[f.nodes[at].ends-1] = append(f.ends[f.nodes[at].ends-1], s)
}

// english are the other forms of an English word.
func english(w string) []string {
	last := w[len(w)-1]
	forms := []string{w + "s", w + "ed", w + "ing", w + "er", w + "ers"}
	switch {
	case last == 'e':
		forms = []string{w + "s", w + "d", w[:len(w)-1] + "ing", w + "r", w + "rs"}
	case last == 'y' && len(w) > 2 && strings.IndexByte("aeou", w[len(w)-2]) < 0:
		forms = append(forms, w[:len(w)-1]+"ies", w[:len(w)-1]+"ied", w[:len(w)-1]+"ier")
	case strings.HasSuffix(w, "ch"), strings.HasSuffix(w, "sh"), last == 's', last == 'x':
		forms = append(forms, w+"es")
	case strings.IndexByte("bdgmnprt", last) >= 0 && strings.IndexByte("aeiou", w[len(w)-2]) >= 0:
		forms = append(forms, w+string(last)+"ed", w+string(last)+"ing")
	}
	return forms
}

// hit is a word of the lexicon in a text.
type hit struct {
	entry int32
	end   ending
	// misspelt says that a letter was wrong.
	misspelt bool
}

// look appends what the word may be. Words that are right come alone, else those with one
// wrong letter; of these, those of the longest stem.
func (f *Finder) look(word []byte, hits []hit) []hit {
	from := len(hits)
	at := int32(0)
	for i := 0; ; i++ {
		hits = f.ending(at, word[i:], 0, hits)
		if i == len(word) {
			break
		}
		if at = f.nodes[at].next[word[i]-'a']; at == 0 {
			break
		}
	}
	if len(hits) > from || f.opts.Exact || len(word) < 4 {
		return hits
	}
	return f.longest(f.misspelt(word, hits), from)
}
