package sms

// The tables of 3GPP TS 23.038: the default alphabet (6.2.1), its extension
// (6.2.1.1) and what the Turkish tables put in their place (A.2.1, A.3.1).
const (
	escape = 0x1B

	// defaultAlphabet has one rune per septet; the one at 0x1B is never
	// looked up.
	defaultAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
		" !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
		"¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

// pair is a character and its code.
type pair struct {
	septet byte
	r      rune
}

var (
	extension = []pair{{0x0A, '\f'}, {0x14, '^'}, {0x28, '{'}, {0x29, '}'}, {0x2F, '\\'}, {0x3C, '['}, {0x3D, '~'}, {0x3E, ']'}, {0x40, '|'}, {0x65, '€'}}
	// turkishSingle is what the single shift table adds to the extension.
	turkishSingle = []pair{{0x47, 'Ğ'}, {0x49, 'İ'}, {0x53, 'Ş'}, {0x63, 'ç'}, {0x67, 'ğ'}, {0x69, 'ı'}, {0x73, 'ş'}}
	// turkishLocking is what the locking shift table puts into the alphabet.
	turkishLocking = []pair{{0x04, '€'}, {0x07, 'ı'}, {0x0B, 'Ğ'}, {0x0C, 'ğ'}, {0x1C, 'Ş'}, {0x1D, 'ş'}, {0x40, 'İ'}, {0x60, 'ç'}}
)

// table is one 7-bit encoding: septet to rune and back.
type table struct {
	base, shifted [128]rune // 0: nothing there
	low           [0x180]code
	high          map[rune]code
}

// code is how a rune is written: a septet, after an escape or not. The zero
// code stands for runes that are not in the table; '@', whose septet is 0, is
// told apart by cost.
type code struct {
	septet byte
	cost   uint8 // septets: 0 (not in the table), 1 or 2
}

// newTable merges the default alphabet and its extension with the Turkish tables of 3GPP TS
// 23.038: the locking one replaces characters, the single one adds to the extension.
func newTable(locking, single bool) *table {
	t := &table{high: map[rune]code{}}
	i := 0
	for _, r := range defaultAlphabet {
		if i != escape {
			t.base[i] = r
		}
		i++
	}
	if locking {
		for _, p := range turkishLocking {
			t.base[p.septet] = p.r
		}
	}
	for _, p := range extension {
		t.shifted[p.septet] = p.r
	}
	if single {
		for _, p := range turkishSingle {
			t.shifted[p.septet] = p.r
		}
	}
	for s, r := range t.shifted {
		t.put(r, code{byte(s), 2})
	}
	for s, r := range t.base { // after the escaped ones: the shorter form wins
		t.put(r, code{byte(s), 1})
	}
	return t
}

// put adds a character, or replaces its code by the one that is put later.
func (t *table) put(r rune, c code) {
	switch {
	case r == 0:
	case int(r) < len(t.low):
		t.low[r] = c
	default:
		t.high[r] = c
	}
}

// code returns how a character is written, or the zero code for one that is not there.
func (t *table) code(r rune) code {
	if r >= 0 && int(r) < len(t.low) {
		return t.low[r]
	}
	return t.high[r]
}

// tables is indexed by Encoding; UCS2 has none.
var tables = [...]*table{
	GSM7:           newTable(false, false),
	TurkishSingle:  newTable(false, true),
	TurkishLocking: newTable(true, false),
	TurkishBoth:    newTable(true, true),
	UCS2:           nil,
}
