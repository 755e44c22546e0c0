package world

import "net/http"

// browser is what a person reads messages with.
type browser struct {
	agent, language string
	chromium        bool
}

var browsers = []browser{
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", "tr-TR,tr;q=0.9", false},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36", "tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7", true},
	{"Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36", "tr-TR,tr;q=0.9,en-US;q=0.8", true},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1", "tr", false},
	{"Mozilla/5.0 (Linux; Android 13; 22101316G) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36", "tr-TR,tr;q=0.9", true},
	{"Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "tr,en-US;q=0.7,en;q=0.3", false},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "tr-TR,tr;q=0.9", false},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "tr-TR,tr;q=0.9,en;q=0.8", true},
	{"Mozilla/5.0 (Linux; Android 12; CPH2385) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36 OPR/85.0.0.0", "tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7", true},
}

var browserShare = newTable(30, 27, 15, 8, 8, 3, 4, 3, 2)

// header returns what a browser sends when its user follows a link.
func (b *browser) header() http.Header {
	h := http.Header{
		"User-Agent":                {b.agent},
		"Accept":                    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Accept-Language":           {b.language},
		"Sec-Fetch-Dest":            {"document"},
		"Sec-Fetch-Mode":            {"navigate"},
		"Sec-Fetch-Site":            {"none"},
		"Upgrade-Insecure-Requests": {"1"},
	}
	if b.chromium {
		h.Set("Sec-Fetch-User", "?1")
		h.Set("Sec-Ch-Ua-Mobile", "?1")
	}
	return h
}

// scanner is a machine that looks at links: it checks them for the recipient
// or draws a preview.
type scanner struct {
	name, agent string
	methods     []string // the requests of one visit, in order
	// Seconds after the delivery of the first request; negative is before it,
	// in the operator's network.
	from, to int
	header   map[string]string
}

var (
	get         = []string{http.MethodGet}
	head        = []string{http.MethodHead}
	headThenGet = []string{http.MethodHead, http.MethodGet}
)

const chromeAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// Sixteen families. Those with the agent of a browser betray themselves by the
// method, the haste or what a browser would send and they do not.
var scanners = []scanner{
	{"android-messages", "Mozilla/5.0 (Linux; Android 7.0; SM-G930V) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/59.0.3071.125 Mobile Safari/537.36 (compatible; Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/))", get, 1, 4, map[string]string{"Accept": "text/html"}},
	{"imessage", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0", get, 1, 5, map[string]string{"Accept": "*/*", "Accept-Language": "tr-TR"}},
	{"whatsapp", "WhatsApp/2.24.23.78 A", get, 2, 20, map[string]string{"Accept": "*/*"}},
	{"telegram", "TelegramBot (like TwitterBot)", get, 2, 20, nil},
	{"facebook", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", get, 2, 30, map[string]string{"Accept": "*/*"}},
	{"x", chromeAgent, []string{http.MethodGet, http.MethodHead, http.MethodHead, http.MethodHead}, 1, 3, map[string]string{"Accept": "*/*"}},
	{"bitly", "bitlybot/3.0 (+http://bit.ly/)", headThenGet, 1, 6, nil},
	{"safelinks", chromeAgent + " Edg/131.0.0.0", get, 1, 8, map[string]string{"Accept": "text/html", "Purpose": "prefetch", "Sec-Purpose": "prefetch"}},
	{"proofpoint", "Mozilla/5.0 (compatible; Proofpoint URL Defense)", get, 1, 9, map[string]string{"Accept": "*/*"}},
	{"barracuda", "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/84.0.4147.105 Safari/537.36", head, 1, 7, nil},
	{"mimecast", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0", headThenGet, 1, 5, map[string]string{"Accept": "*/*"}},
	{"operator-firewall", "Go-http-client/1.1", get, -1, 0, map[string]string{"Accept-Encoding": "gzip"}},
	{"virus-guard", "python-requests/2.32.3", headThenGet, 1, 12, map[string]string{"Accept": "*/*"}},
	{"curl", "curl/8.5.0", head, 1, 15, map[string]string{"Accept": "*/*"}},
	{"handset-guard", "okhttp/4.12.0", get, 1, 3, nil},
	{"headless", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36", get, 1, 6, map[string]string{"Accept": "text/html", "Accept-Language": "en-US"}},
}

var scannerShare = newTable(30, 22, 8, 3, 3, 5, 3, 5, 3, 4, 3, 4, 2, 1, 3, 1)

func (s *scanner) headers() http.Header {
	h := http.Header{"User-Agent": {s.agent}}
	for k, v := range s.header {
		h.Set(k, v)
	}
	return h
}
