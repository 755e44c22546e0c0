package metric

// masks say where each ASCII character stands in a string of up to 64.
type masks [128]uint64

func (m *masks) set(s string) {
	for i := 0; i < len(s); i++ {
		m[s[i]&127] |= 1 << i
	}
}

func (m *masks) clear(s string) {
	for i := 0; i < len(s); i++ {
		m[s[i]&127] = 0
	}
}

// Prepared is a string made ready to be compared with many others, which takes half
// the time of comparing it anew. The zero value is the empty string. It is for one goroutine.
type Prepared struct {
	text  string
	short bool // 1 to 64 ASCII characters, and mask holds them
	mask  masks
}

// Set makes s the string.
func (p *Prepared) Set(s string) {
	if p.short {
		p.mask.clear(p.text)
	}
	p.text, p.short = s, short(s)
	if p.short {
		p.mask.set(s)
	}
}

func short(s string) bool { return len(s) > 0 && len(s) <= 64 && isASCII(s) }

// JaroWinkler is [JaroWinkler] of the string and b.
func (p *Prepared) JaroWinkler(b string) float64 {
	if !p.short || !short(b) {
		return JaroWinkler{}.Compare(p.text, b)
	}
	if p.text == b {
		return 1
	}
	return p.mask.jaroWinkler(p.text, b)
}

// Levenshtein is [Levenshtein] of the string and b.
func (p *Prepared) Levenshtein(b string) int {
	if !p.short || !short(b) {
		return Levenshtein(p.text, b)
	}
	return p.mask.edits(p.text, b, false)
}

// OSA is [OSA] of the string and b.
func (p *Prepared) OSA(b string) int {
	if !p.short || !short(b) {
		return OSA(p.text, b)
	}
	return p.mask.edits(p.text, b, true)
}
