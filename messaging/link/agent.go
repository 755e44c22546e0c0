package link

import "strings"

// machineMarks are parts of the user agents of programs, previews and scanners,
// in lower case. A browser's own agent has none of them, nor has that of an app
// that shows pages.
var machineMarks = [...]string{
	"://", "+http", "www.", // a browser names no site
	"bot", "crawl", "spider", "slurp", "validator", "headless", "phantomjs", "lighthouse", "puppeteer", "playwright", "selenium",
	"facebookexternalhit", "facebookcatalog", "skypeuripreview", "slack-imgproxy", "vkshare", "embedly", "iframely", "outbrain", "linkexpanding", "unfurl", "url preview", "link preview", "linkpreview",
	"safelinks", "proofpoint", "mimecast", "barracuda", "symantec", "trendmicro", "forcepoint", "sophos", "fortinet", "paloalto", "cisco-", "ironport", "zscaler", "urldefense", "virustotal", "checkpoint", "netcraft", "phish", "censys", "expanse", "google-safety", "googleother", "google-pagerenderer", "google-read-aloud", "googleimageproxy", "google favicon", "google-inspectiontool", "apis-google", "mediapartners-google", "feedfetcher", "yahoomailproxy", "cloudmark", "msoffice", "microsoft office", "ms-office", "bingpreview", "google web preview", "duckduckgo-favicons", "aolbuild", "ahrefs", "archive.org", "ia_archiver", "nutch", "heritrix",
	"(compatible)", "-agent", "httpagent", "synthetics", "scrap", ".com/", "linkcheck", "brokenlink", "securityheaders", "translationserver", "productfinder", "autoconfig test",
	"pingdom", "appinsights", "siteimprove", "dareboost", "physicalweb", "playstore-google", "datanyze", "ptst/", "nikto/", "newsai/", "collapsify", "cookiehub", "hardenize", "manus-user", "scope3", "silktide", "thousandeyes", "sindup", "turingos", "foregenix", "ghost inspector", "gtmetrix", "hotjar", "linktiger", "marketgoo", "miniature.io", "newsnow", "printfriendly", "feeder.co", "testlocally", "watchtowr", "; rigor)", " splash ", "dlc/", " ylt ", "readable/", "xmco.fr", "contentscan", "-monitor)", "sitemonitor", "monitorss", "integrity monitor",
	"curl/", "wget/", "libwww", "go-http-client", "okhttp", "apache-httpclient", "httpclient", "http-client", "http_request", "httpie", "axios", "node-fetch", "undici", "guzzle", "libcurl", "winhttp", "postman", "insomnia", "restsharp", "aiohttp", "httpx", "scrapy", "reqwest", "urlgrabber", "dalvik/", "cfnetwork/",
}

// appMarks are parts of the agents of previews and programs which also stand in
// those of apps that show pages to people: Snapchat names itself in both, scanners
// of bar codes have a browser, "ruby" is the name of a phone. They tell a machine
// only where the rest of the agent is not a browser's.
var appMarks = [...]string{
	"whatsapp/", "telegram", "viber/", "snapchat/", "pinterest/0", "skype for business", "outlook-", "mail.ru",
	"scan", "fetch", "preview", "monitor", "python", "java/", "got (", "ruby", "perl", "php/", "dart/",
}

// marks groups the marks by the low five bits of their first three bytes, which
// are the same in both cases of a letter, so that most places of an agent are
// passed over after one look: at holds the number of a group, 0 for none.
var marks = func() (t struct {
	at     [1 << 15]uint16
	groups [][]mark
}) {
	t.groups = make([][]mark, 1)
	add := func(s string, app bool) {
		at := bits15(s[0], s[1], s[2])
		if t.at[at] == 0 {
			t.at[at] = uint16(len(t.groups))
			t.groups = append(t.groups, nil)
		}
		t.groups[t.at[at]] = append(t.groups[t.at[at]], mark{s, app})
	}
	for _, s := range machineMarks {
		add(s, false)
	}
	for _, s := range appMarks {
		add(s, true)
	}
	return t
}()

type mark struct {
	text string
	app  bool
}

func bits15(a, b, c byte) int { return int(a&31)<<10 | int(b&31)<<5 | int(c&31) }

// machineAgent looks for a machine's mark in an agent. No agent has none.
func machineAgent(s string) bool {
	if s == "" {
		return false
	}
	if !browserForm(s) {
		return true
	}
	browser := browserAgent(s)
	for i := 0; i+2 < len(s); i++ {
		group := marks.at[bits15(s[i], s[i+1], s[i+2])]
		if group == 0 {
			continue
		}
		for _, m := range marks.groups[group] {
			if m.app && browser || !startsFold(s[i:], m.text) || m.text == "bot" && i >= 2 && startsFold(s[i-2:], "cu") { // CUBOT makes phones
				continue
			}
			return true
		}
	}
	return false
}

// browserForm reports agents that start as browsers' do. Programs that take no
// pains start with their own name, or call themselves compatible with nothing.
func browserForm(s string) bool {
	switch {
	case strings.HasPrefix(s, "Mozilla/5.0 ("), strings.HasPrefix(s, "Mozilla/4.0 ("):
		for rest := s; ; {
			_, after, ok := strings.Cut(rest, "ompatible;")
			if !ok {
				return true
			}
			if !strings.HasPrefix(after, " MSIE ") {
				return false
			}
			rest = after
		}
	}
	for _, name := range [...]string{"Opera/", "UCWEB/", "Nokia", "BlackBerry", "SAMSUNG-"} { // small phones
		if strings.HasPrefix(s, name) {
			return true
		}
	}
	return false
}

// browserAgent reports agents of the form that browsers and the apps around
// their engines have.
func browserAgent(s string) bool {
	return strings.HasPrefix(s, "Mozilla/5.0 (") && (strings.Contains(s, " AppleWebKit/") || strings.Contains(s, " Gecko/"))
}

// startsFold reports whether s starts with a text of lower-case ASCII, whatever
// the case of s.
func startsFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// sendsFetch reports agents of browsers that send Sec-Fetch headers on https:
// Chromium from 76, Firefox from 90, Safari from 16.4. The handler of a test
// over plain http never sees them from a real browser; nobody clicks there.
func sendsFetch(agent string) bool {
	if v, ok := version(agent, "Chrome/"); ok {
		return v >= 80
	}
	if v, ok := version(agent, "Firefox/"); ok {
		return v >= 90
	}
	if v, ok := version(agent, "Version/"); ok && strings.Contains(agent, "Safari/") {
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
