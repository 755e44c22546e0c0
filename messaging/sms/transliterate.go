package sms

import "strings"

// transliterate replaces Turkish letters outside GSM-7 and typographic signs
// with what a reader takes for them: ş s, ğ g, ı i, İ I, ç c, ’ ', – -, … ....
// Everything else stays.
func transliterate(text string) string { return plain.Replace(text) }

// plain is what transliterate replaces.
var plain = strings.NewReplacer(
	"ş", "s", "Ş", "S", "ğ", "g", "Ğ", "G", "ı", "i", "İ", "I", "ç", "c", "â", "a", "Â", "A", "î", "i", "Î", "I", "û", "u", "Û", "U",
	"‘", "'", "’", "'", "‚", ",", "“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "‹", "'", "›", "'",
	"–", "-", "—", "-", "−", "-", "‐", "-", "‑", "-", "…", "...", "•", "*", "·", ".", "×", "x",
	"\u00a0", " ", "\u2009", " ", "\u202f", " ", "\u200b", "", "\ufeff", "", "\u00ad", "", "₺", "TL", "\t", " ",
)
