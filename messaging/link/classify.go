package link

import (
	"net/http"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Classifier is the version of Classify's rules. Store it beside a verdict; a
// verdict of another version is to be computed again.
const Classifier = "vefa-2026.11"

// The reasons of a verdict, in the order in which Classify gives them. They are
// stored with the click, so that their texts never change.
const (
	reasonMethod    = "method"           // HEAD or OPTIONS
	reasonPrefetch  = "prefetch"         // a header said so
	reasonAgent     = "agent"            // a known preview, scanner or program
	reasonNoAgent   = "no-agent"         // none at all
	reasonEarly     = "before-delivery"  // the message had not arrived
	reasonFast      = "after-delivery"   // within MinDelay of its arrival
	reasonSpread    = "many-recipients"  // the same network asked for many people's links
	reasonCompanion = "probed-at-once"   // somebody probed the same link
	reasonNoFetch   = "no-fetch-headers" // a browser that names one sends Sec-Fetch-Mode
	reasonLanguage  = "no-language"      // browsers send Accept-Language
	reasonAgents    = "agent-changed"    // the same network came with another agent within seconds
)

// Context is what a click's neighbours tell about it; Contexts computes it. The
// zero value knows nothing and costs nothing.
type Context struct {
	// Delivered is when the message arrived, zero if nobody knows.
	Delivered time.Time
	// MinDelay is how long after delivery a person needs at least; 0 means 2 s.
	MinDelay time.Duration
	// Recipients is how many links other than this one the same IP hash asked
	// for around it.
	Recipients int
	// MaxRecipients is how many of them are still fine, such as of people in
	// one shop's network; 0 means 8.
	MaxRecipients int
	// Companion is set when somebody probed the same link (HEAD, OPTIONS) at
	// nearly the same time, from wherever.
	Companion bool
	// Agents is how many other browsers' user agents asked for the same link
	// from the same IP hash at nearly the same time.
	Agents int
}

// Classify gives the verdict about a click and why. Machine means certain
// evidence (a method or header that no person's click has, an agent that names
// itself, a click before the message arrived), or two suspicions; Suspected one
// suspicion; Human none. It is a pure function: run it again over history when
// Classifier changes.
func Classify(c Click, x Context) (crm.Verdict, []string) {
	var reasons []string
	var certain, doubts int
	add := func(hit bool, reason string, weight *int) {
		if hit {
			reasons = append(reasons, reason)
			*weight++
		}
	}
	minDelay, maxRecipients := x.MinDelay, x.MaxRecipients
	if minDelay <= 0 {
		minDelay = 2 * time.Second
	}
	if maxRecipients <= 0 {
		maxRecipients = 8
	}
	agent := strings.ToLower(c.Agent)
	add(!ordinary(c.Method), reasonMethod, &certain)
	add(c.Prefetch, reasonPrefetch, &certain)
	add(agent != "" && machineAgent(agent), reasonAgent, &certain)
	add(agent == "", reasonNoAgent, &doubts)
	since := c.At.Sub(x.Delivered)
	add(!x.Delivered.IsZero() && since < 0, reasonEarly, &certain)
	add(!x.Delivered.IsZero() && since >= 0 && since < minDelay, reasonFast, &doubts)
	add(x.Recipients > 4*maxRecipients, reasonSpread, &certain)
	add(x.Recipients > maxRecipients && x.Recipients <= 4*maxRecipients, reasonSpread, &doubts)
	add(x.Companion, reasonCompanion, &doubts)
	add(!c.Fetch && sendsFetch(agent), reasonNoFetch, &doubts)
	add(!c.Language, reasonLanguage, &doubts)
	add(x.Agents > 0, reasonAgents, &doubts)
	switch {
	case certain > 0 || doubts > 1:
		return crm.Machine, reasons
	case doubts == 1:
		return crm.Suspected, reasons
	}
	return crm.Human, nil
}

// machineAgents are parts of the user agents of programs, previews and
// scanners, in lower case. A browser's own agent has none of them.
var machineAgents = [...]string{
	"bot", "crawl", "spider", "scan", "preview", "fetch", "slurp", "validator", "monitor", "headless", "phantomjs", "lighthouse", "puppeteer", "playwright", "selenium",
	"facebookexternalhit", "facebookcatalog", "whatsapp/", "telegram", "skypeuripreview", "slack-imgproxy", "viber/", "snapchat/", "pinterest/0", "vkshare", "embedly", "iframely", "outbrain", "linkexpanding", "unfurl",
	"safelinks", "proofpoint", "mimecast", "barracuda", "symantec", "trendmicro", "forcepoint", "sophos", "fortinet", "paloalto", "cisco-", "ironport", "zscaler", "urldefense", "virustotal", "checkpoint", "netcraft", "phish", "censys", "expanse", "google-safety", "googleother", "google-pagerenderer", "google-read-aloud", "googleimageproxy", "google favicon", "google-inspectiontool", "apis-google", "mediapartners-google", "feedfetcher", "mail.ru", "yahoomailproxy", "cloudmark", "msoffice", "microsoft office", "ms-office", "outlook-", "skype for business", "bingpreview", "duckduckgo-favicons", "aolbuild", "ahrefs", "archive.org", "ia_archiver", "nutch", "heritrix",
	"curl/", "wget/", "libwww", "python", "go-http-client", "java/", "okhttp", "apache-httpclient", "httpclient", "http-client", "http_request", "httpie", "axios", "node-fetch", "undici", "got (", "ruby", "perl", "php/", "guzzle", "libcurl", "winhttp", "postman", "insomnia", "restsharp", "aiohttp", "httpx", "scrapy", "reqwest", "dart/", "urlgrabber", "dalvik/", "cfnetwork/",
}

// marks groups machineAgents by the low bits of their first three bytes, so
// that most places of an agent are passed over after one look: at holds the
// number of a group, 0 for none.
var marks = func() (t struct {
	at     [1 << 15]uint8
	groups [256][]string
}) {
	n := uint8(0)
	for _, s := range machineAgents {
		at := bits15(s[0], s[1], s[2])
		if t.at[at] == 0 {
			n++ // there are far fewer than 256 marks
			t.at[at] = n
		}
		t.groups[t.at[at]] = append(t.groups[t.at[at]], s)
	}
	return t
}()

func bits15(a, b, c byte) int { return int(a&31)<<10 | int(b&31)<<5 | int(c&31) }

// machineAgent looks for a machine's mark in an agent in lower case.
func machineAgent(lower string) bool {
	for i := 0; i+2 < len(lower); i++ {
		group := marks.at[bits15(lower[i], lower[i+1], lower[i+2])]
		if group == 0 {
			continue
		}
		for _, mark := range marks.groups[group] {
			if !strings.HasPrefix(lower[i:], mark) || (mark == "bot" && i >= 2 && lower[i-2:i] == "cu") { // CUBOT makes phones
				continue
			}
			return true
		}
	}
	return false
}

// ordinary reports methods that a person's browser uses; "" is not known.
func ordinary(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodPost
}

// sendsFetch reports agents of browsers that send Sec-Fetch headers on https:
// Chromium from 76, Firefox from 90, Safari from 16.4. The handler of a test
// over plain http never sees them from a real browser; nobody clicks there.
func sendsFetch(lower string) bool {
	if v, ok := version(lower, "chrome/"); ok {
		return v >= 80
	}
	if v, ok := version(lower, "firefox/"); ok {
		return v >= 90
	}
	if v, ok := version(lower, "version/"); ok && strings.Contains(lower, "safari/") {
		return v >= 17
	}
	return false
}

// version reads the major number after a mark.
func version(s, mark string) (int, bool) {
	_, rest, ok := strings.Cut(s, mark)
	if !ok {
		return 0, false
	}
	n := 0
	for i := 0; i < len(rest) && i < 4 && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = n*10 + int(rest[i]-'0')
	}
	return n, n > 0
}
