package topic

import (
	"slices"
	"strings"
	"sync"
)

// The letters that an automaton reads: a to z, and the vowels that are in harmony with the
// one before, which may be those of a suffix that changes.
const (
	harmonicA = 26 + iota // a
	harmonicE
	harmonicI // i
	harmonicU
	letters
)

// ending says how a word may end: plainly, negated, or both ("bekleme": waiting, do not wait).
type ending uint8

const (
	plain ending = 1 << iota
	negated
)

// automaton is a deterministic automaton of suffixes.
type automaton struct {
	next   [][letters]uint16 // 0: no way on
	ends   []ending
	turns  []byte // the vowel that harmony goes by from here on, where a fixed one was read; 0: none
	states map[string]uint16
}

// suffixes is that of Turkish, made when it is first needed.
var suffixes = sync.OnceValue(func() *automaton {
	return determine(turkish, "nounC", "nounV", "verbC", "verbV", "narrow")
})

// harmony is what the vowels of suffixes go by.
type harmony struct {
	back, round bool
}

// after returns the harmony after a vowel of a word as it is written, unfolded; ok is false
// for other letters.
func (h harmony) after(r rune) (_ harmony, ok bool) {
	switch r {
	case 'a', 'ı', 'â':
		return harmony{back: true}, true
	case 'e', 'i', 'î':
		return harmony{}, true
	case 'o', 'u', 'û':
		return harmony{back: true, round: true}, true
	case 'ö', 'ü':
		return harmony{round: true}, true
	}
	return h, false
}

// accept runs the automaton over what follows a stem. It takes one step a letter and
// allocates nothing.
func (a *automaton) accept(state uint16, h harmony, rest []byte) ending {
	for _, c := range rest {
		if c < 'a' || c > 'z' {
			return 0
		}
		sym := c - 'a'
		switch c {
		case 'a':
			if h.back {
				sym = harmonicA
			}
			h.round = false
		case 'e':
			if !h.back {
				sym = harmonicE
			}
			h.round = false
		case 'i':
			if !h.round {
				sym = harmonicI
			}
			h.round = false
		case 'u':
			if h.round {
				sym = harmonicU
			}
			h.round = true
		case 'o':
			h.round = true
		}
		if state = a.next[state][sym]; state == 0 {
			return 0
		}
		switch a.turns[state] {
		case 'o', 'a':
			h.back = true
		case 'i', 'e':
			h.back = false
		}
	}
	return a.ends[state]
}

// nondet is the automaton before it is made deterministic.
type nondet struct {
	empty [][]int
	edges [][]edge
	ends  []ending
}

// edge is a way on by one of several letters.
type edge struct {
	on    [letters]bool
	to    int
	fixed byte // the vowel, if it is not one of harmony
}

func (n *nondet) state() int {
	n.empty, n.edges, n.ends = append(n.empty, nil), append(n.edges, nil), append(n.ends, 0)
	return len(n.ends) - 1
}

// determine makes the automaton of a grammar; starts are the states that a stem may be
// followed by.
func determine(grammar string, starts ...string) *automaton {
	n := &nondet{}
	names := map[string]int{}
	named := func(name string) int {
		if _, ok := names[name]; !ok {
			names[name] = n.state()
		}
		return names[name]
	}
	for line := range strings.Lines(strings.TrimSpace(grammar)) {
		name, ways, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for _, copied := range []string{"", "!"} {
			from := named(copied + name)
			for _, way := range splitWays(ways) {
				read, to, _ := strings.Cut(way, " ")
				switch {
				case read == ".":
					n.ends[from] = plain
					if copied != "" {
						n.ends[from] = negated
					}
				case to == "" && isName(read):
					n.empty[from] = append(n.empty[from], named(copied+read))
				case to == "":
					end := n.state()
					n.ends[end] = plain
					if copied != "" {
						n.ends[end] = negated
					}
					n.read(from, read, end)
				case copied != "" && !strings.HasPrefix(to, "!"):
					n.read(from, read, named(copied+to))
				default:
					n.read(from, read, named(to))
				}
			}
		}
	}
	return n.subsets(names, starts)
}

// isName tells the name of a state from letters to read: it has a small letter, then
// others, and is one of those that a line defines.
func isName(s string) bool { return strings.Contains(turkish, "\n"+s+": ") }

// splitWays splits at bars outside parentheses.
func splitWays(s string) (ways []string) {
	depth, start := 0, 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			ways = append(ways, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(ways, strings.TrimSpace(s[start:]))
}

// read adds the ways from one state to another by a pattern.
func (n *nondet) read(from int, pattern string, to int) {
	if pattern == "" {
		n.empty[from] = append(n.empty[from], to)
		return
	}
	rest := pattern[1:]
	mid := n.state()
	if pattern[0] == '(' {
		end := strings.IndexByte(pattern, ')')
		for way := range strings.SplitSeq(pattern[1:end], "|") {
			n.read(from, way, mid)
		}
		rest = pattern[end+1:]
	} else {
		e := edge{to: mid}
		switch c := pattern[0]; c {
		case 'A':
			e.on[harmonicA], e.on[harmonicE] = true, true
		case 'I':
			e.on[harmonicI], e.on[harmonicU] = true, true
		case 'D':
			e.on['d'-'a'], e.on['t'-'a'] = true, true
		case 'C':
			e.on['c'-'a'] = true
		default:
			e.on[c-'a'] = true
			switch c {
			case 'a':
				e.on[harmonicA] = true
			case 'e':
				e.on[harmonicE] = true
			case 'i':
				e.on[harmonicI] = true
			case 'u':
				e.on[harmonicU] = true
			}
			if strings.IndexByte("aeiou", c) >= 0 {
				e.fixed = c
			}
		}
		n.edges[from] = append(n.edges[from], e)
	}
	if strings.HasPrefix(rest, "?") {
		n.empty[from] = append(n.empty[from], mid)
		rest = rest[1:]
	}
	n.read(mid, rest, to)
}

// closure adds what is reached without a letter, sorted.
func (n *nondet) closure(set []int) []int {
	seen := map[int]bool{}
	var out []int
	for len(set) > 0 {
		s := set[len(set)-1]
		set = set[:len(set)-1]
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
			set = append(set, n.empty[s]...)
		}
	}
	slices.Sort(out)
	return out
}

func (n *nondet) subsets(names map[string]int, starts []string) *automaton {
	a := &automaton{next: make([][letters]uint16, 1), ends: make([]ending, 1), turns: make([]byte, 1), states: map[string]uint16{}}
	known := map[string]uint16{}
	var sets [][]int
	add := func(set []int, turn byte) uint16 {
		key := []byte{turn}
		for _, s := range set {
			key = append(key, byte(s), byte(s>>8))
		}
		id, ok := known[string(key)]
		if !ok {
			id = uint16(len(a.next))
			known[string(key)] = id
			sets = append(sets, set)
			var end ending
			for _, s := range set {
				end |= n.ends[s]
			}
			a.next, a.ends, a.turns = append(a.next, [letters]uint16{}), append(a.ends, end), append(a.turns, turn)
		}
		return id
	}
	for _, name := range starts {
		a.states[name] = add(n.closure([]int{names[name]}), 0)
	}
	for i := 0; i < len(sets); i++ {
		for sym := range letters {
			var to []int
			var turn byte
			for _, s := range sets[i] {
				for _, e := range n.edges[s] {
					if e.on[sym] {
						to = append(to, e.to)
						turn = max(turn, e.fixed)
					}
				}
			}
			if len(to) > 0 {
				a.next[i+1][sym] = add(n.closure(to), turn)
			}
		}
	}
	return a
}
