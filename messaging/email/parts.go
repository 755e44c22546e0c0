package email

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/htmlindex"
)

const (
	maxLeaves = 64
	maxDepth  = 8
	maxText   = 64 << 10
)

// document is a mail and its parts, those of mails within it left whole.
type document struct {
	header mail.Header
	kind   string // of the whole
	params map[string]string
	leaves []*leaf
}

// leaf is a part that has no parts.
type leaf struct {
	kind, charset, encoding string
	attached                bool
	raw                     []byte
	decoded                 []byte
}

// walk collects the leaves of a part.
func (d *document) walk(h map[string][]string, body []byte, depth int) {
	get := func(name string) string {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if kind == "" || err != nil && params == nil {
		if kind == "" {
			kind = "text/plain"
		}
		params = map[string]string{}
	}
	if depth == 0 {
		d.kind, d.params = kind, params
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		if depth >= maxDepth {
			return
		}
		for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); len(d.leaves) < maxLeaves; {
			p, err := r.NextRawPart()
			if err != nil {
				return
			}
			part, _ := io.ReadAll(p) // what there is: a mail may be cut off
			d.walk(p.Header, part, depth+1)
		}
		return
	}
	if len(d.leaves) >= maxLeaves {
		return
	}
	disposition, _, _ := strings.Cut(get("Content-Disposition"), ";")
	d.leaves = append(d.leaves, &leaf{kind: kind, charset: params["charset"], encoding: strings.ToLower(strings.TrimSpace(get("Content-Transfer-Encoding"))),
		attached: strings.EqualFold(strings.TrimSpace(disposition), "attachment"), raw: body})
}

// leaf returns the first part of a kind, nil without one.
func (d *document) leaf(kinds ...string) *leaf {
	for _, l := range d.leaves {
		for _, k := range kinds {
			if l.kind == k {
				return l
			}
		}
	}
	return nil
}

// content is a part without its transfer encoding; of one that breaks off, what there is.
func (l *leaf) content() []byte {
	if l.decoded != nil {
		return l.decoded
	}
	switch l.encoding {
	case "quoted-printable":
		l.decoded, _ = io.ReadAll(quotedprintable.NewReader(bytes.NewReader(l.raw)))
	case "base64":
		l.decoded, _ = io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(l.raw)))
	default:
		l.decoded = l.raw
	}
	return l.decoded
}

// charset decodes bytes; of an unknown character set the ASCII remains.
func charset(name string, b []byte) string {
	if e, err := htmlindex.Get(strings.TrimSpace(name)); err == nil {
		if out, err := e.NewDecoder().Bytes(b); err == nil {
			return string(out)
		}
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

var words = mime.WordDecoder{CharsetReader: func(name string, in io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxText))
	return strings.NewReader(charset(name, b)), err
}}

func decodeWords(s string) string {
	if out, err := words.DecodeHeader(s); err == nil {
		return out
	}
	return s
}

// text is what the sender wrote: of the first part of text, or of HTML where there is none.
func (d *document) text() string {
	for _, kind := range []string{"text/plain", "text/html"} {
		for _, l := range d.leaves {
			if l.kind != kind || l.attached {
				continue
			}
			b := l.content()
			s := charset(l.charset, b[:min(len(b), 4*maxText)])
			if kind == "text/html" {
				s = plain(s)
			}
			if s = strings.TrimSpace(own(clean(s, maxText))); s != "" {
				return s
			}
		}
	}
	return ""
}

// all is the text of a part with everything that it quotes.
func (d *document) all() string {
	for _, kind := range []string{"text/plain", "text/html"} {
		if l := d.leaf(kind); l != nil {
			b := l.content()
			s := charset(l.charset, b[:min(len(b), 4*maxText)])
			if kind == "text/html" {
				s = plain(s)
			}
			return clean(s, maxText)
		}
	}
	return ""
}

// clean writes lines with line feeds, without control characters, at most so many bytes.
func clean(s string, most int) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return -1
		}
		return r
	}, s)
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

var (
	hiddenHTML = regexp.MustCompile(`(?is)<(script|style|head|title)\b.*?</(script|style|head|title)\s*>|<!--.*?-->`)
	quotedHTML = regexp.MustCompile(`(?i)<blockquote\b|class="?gmail_quote|id="?(?:appendonsend|divRplyFwdMsg|mail-editor-reference)|class="?(?:yahoo_quoted|moz-cite-prefix)`)
	breakHTML  = regexp.MustCompile(`(?i)<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^>]*>`)
	tagHTML    = regexp.MustCompile(`<[^>]*>?`)
	blankRuns  = regexp.MustCompile(`[ \t\r\n\x{a0}]+`)
)

// plain is the text of HTML, without what it quotes.
func plain(s string) string {
	s = hiddenHTML.ReplaceAllString(s, " ")
	if at := quotedHTML.FindStringIndex(s); at != nil {
		before := s[:at[0]]
		if open := strings.LastIndexByte(before, '<'); open > strings.LastIndexByte(before, '>') {
			before = before[:open] // the tag that has the class
		}
		if strings.TrimSpace(html.UnescapeString(tagHTML.ReplaceAllString(before, " "))) != "" {
			s = before
		}
	}
	s = blankRuns.ReplaceAllString(s, " ")
	s = breakHTML.ReplaceAllString(s, "\n")
	s = html.UnescapeString(tagHTML.ReplaceAllString(s, ""))
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

var (
	// attribution is the line above a quotation, in the words of programs.
	attribution = regexp.MustCompile(`(?i)^(?:on\b.*\bwrote|.*\btarihinde\b.*yazdı|.*\bşunları yazdı|le\b.*\ba écrit|am\b.*\bschrieb.*|el\b.*\bescribió|il\b.*\bha scritto) ?:$`)
	separator   = regexp.MustCompile(`(?i)^(?:-{2,} ?(?:original message|or[iİı]j[iİı]nal (?:[iİı]leti|mesaj)|özgün [iİı]leti|ursprüngliche nachricht|message d'origine|forwarded message|[iİı]letilen mesaj)|_{20,}|\*?(?:from|kimden|gönderen|von|de) ?:\*? .*@)`)
)

// own is what somebody wrote himself: without quoted lines, what is below the head of a
// quotation, and the signature. Our own footer, which is in what people quote, is no word
// of theirs.
func own(text string) string {
	lines := strings.Split(text, "\n")
	var kept []string
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "--" || separator.MatchString(line) {
			break
		}
		if head := line; attribution.MatchString(head) || i+1 < len(lines) && len(head) > 0 && attribution.MatchString(head+" "+strings.TrimSpace(lines[i+1])) {
			// of an answer between the quoted lines the rest is kept, without them
			rest := lines[i+1:]
			if !attribution.MatchString(head) {
				rest = lines[i+2:]
			}
			if !quotedNext(rest) {
				break
			}
			i = len(lines) - len(rest) - 1
			continue
		}
		if strings.HasPrefix(line, ">") {
			continue
		}
		kept = append(kept, strings.TrimRight(lines[i], " \t"))
	}
	return strings.Join(kept, "\n")
}

// quotedNext reports whether the next line that is not blank is quoted by its first letter.
func quotedNext(lines []string) bool {
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			return l[0] == '>'
		}
	}
	return false
}
