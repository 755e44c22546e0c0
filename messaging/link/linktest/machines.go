package linktest

import (
	"net/http"
	"time"

	"github.com/vefacrm/vefa/messaging/link"
)

// previews and programs that name themselves.
var named = []struct{ family, agent string }{
	{"bitlybot", "bitlybot/3.0 (+http://bit.ly/)"},
	{"WhatsApp preview", "WhatsApp/2.24.20.89 A"},
	{"Facebook preview", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
	{"Android Messages preview", "Mozilla/5.0 (Windows NT 6.1; rv:6.0) Gecko/20110814 Firefox/6.0 Google (+https://developers.google.com/+/web/snippet/) Google-PageRenderer"},
	{"Apple preview", appleOwn},
	{"Telegram preview", "TelegramBot (like TwitterBot)"},
	{"Snapchat preview", "Mozilla/5.0 (compatible; Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots)"},
	{"Viber preview", "Viber/23.9.0.3 CFNetwork/1494.0.7 Darwin/23.4.0"},
	{"KakaoTalk preview", "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984"},
	{"LINE preview", "facebookexternalhit/1.1;line-poker/1.0"},
	{"X preview", "Twitterbot/1.0"},
	{"LinkedIn preview", "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)"},
	{"Pinterest preview", "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)"},
	{"TikTok preview", "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)"},
	{"Slack preview", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
	{"Microsoft preview", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com"},
	{"Outlook's program", "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)"},
	{"script", "python-requests/2.32.3"},
	{"headless browser", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36"},
}

// browser is a request that shows all that a browser's shows.
func browser(id uint64, at time.Time, agent string, ip uint64) link.Click {
	return link.Click{ID: id, At: at, Agent: agent, Language: true, Fetch: true, IP: ip}
}

// machines asks for about n links by each family.
func (t *Traffic) machines(n int) {
	if n <= 0 {
		return
	}
	for _, m := range named {
		for _, id := range t.campaign(n) {
			c := link.Click{ID: id, At: t.after(id, 0, time.Hour), Agent: m.agent, IP: t.address(), Language: t.rng.IntN(2) == 0}
			t.request(Machine, m.family, c)
		}
	}
	t.probing(n)
	t.filters(n)
	t.clients(n)
	for left := n; left > 0; {
		size := min(left, 40+t.rng.IntN(160))
		t.gateway(max(size, 24))
		left -= size
	}
	t.undecidable(n)
}

func (t *Traffic) after(id uint64, from, to time.Duration) time.Time {
	return t.Delivered[id].Add(t.between(from, to))
}

// probing: X asks by GET and three HEAD with browsers' agents within seconds, from
// changing addresses; others ask what the server allows.
func (t *Traffic) probing(n int) {
	for _, id := range t.campaign(n / 4) {
		at := t.after(id, time.Minute, time.Hour)
		t.request(Machine, "X: GET and three HEAD", link.Click{ID: id, At: at, Agent: windows, IP: t.address()})
		for k, agent := range []string{safari18, windows, reduced} {
			head := browser(id, at.Add(time.Duration(k)*time.Second+t.between(0, time.Second)), agent, t.address())
			head.Method = http.MethodHead
			t.request(Machine, "X: GET and three HEAD", head)
		}
	}
	for _, id := range t.campaign(n) {
		c := browser(id, t.after(id, 0, time.Hour), windows, t.address())
		c.Method = http.MethodOptions
		t.request(Machine, "OPTIONS probe", c)
	}
}

// filters of mail and of companies.
func (t *Traffic) filters(n int) {
	farm := make([]uint64, 20)
	for i := range farm {
		farm[i] = t.address()
	}
	for _, id := range t.campaign(n) {
		// Safe Links runs a whole browser with JavaScript as soon as there is a link.
		at := t.after(id, -2*time.Second, 1500*time.Millisecond)
		t.request(Machine, "SafeLinks with JavaScript, at once", browser(id, at, chrome(124+t.rng.IntN(8)), farm[t.rng.IntN(len(farm))]))
	}
	for _, id := range t.campaign(n) {
		// The same minutes later, from a range that Microsoft publishes.
		c := browser(id, t.after(id, time.Minute, 2*time.Hour), chrome(124+t.rng.IntN(8)), farm[t.rng.IntN(len(farm))])
		c.Network = link.NetworkScanner
		t.request(Machine, "SafeLinks with JavaScript, known range", c)
	}
	for _, id := range t.campaign(n / 3) {
		// Proofpoint follows the link with scrambled UTM parameters, several times,
		// before the message is passed on.
		ip, at := t.address(), t.after(id, -40*time.Second, -5*time.Second)
		for k := range 3 {
			t.request(Machine, "Proofpoint, scrambled UTM", browser(id, at.Add(time.Duration(k)*time.Second), windows, ip))
		}
	}
	for _, id := range t.campaign(n) {
		c := link.Click{ID: id, At: t.after(id, 0, 20*time.Minute), IP: t.address(), Agent: "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)"}
		t.request(Machine, "Mimecast", c)
	}
	ip := t.address()
	for _, id := range t.campaign(n / 2) {
		// Barracuda asks by HEAD, then by GET from a browser's farm.
		head := browser(id, t.after(id, 0, 20*time.Second), windows, ip)
		get := head
		head.Method = http.MethodHead
		get.At = get.At.Add(t.between(100*time.Millisecond, 3*time.Second))
		t.request(Machine, "Barracuda", head)
		t.request(Machine, "Barracuda", get)
	}
}

// clients that are no browsers, or do what no person sees.
func (t *Traffic) clients(n int) {
	for _, id := range t.campaign(n) {
		c := browser(id, t.after(id, 10*time.Second, time.Hour), reduced, t.address())
		c.Prefetch = true
		t.request(Machine, "prefetch", c)
	}
	for _, id := range t.campaign(n) {
		t.request(Machine, "bare client", link.Click{ID: id, At: t.after(id, 0, time.Hour), IP: t.address()})
	}
	for _, id := range t.campaign(n) {
		t.request(Machine, "browser's name without its headers", link.Click{ID: id, At: t.after(id, 0, time.Hour), Agent: windows, IP: t.address()})
	}
}

// gateway: a carrier's or a company's gateway asks for everybody's links, each
// with a perfect browser. There are four of them.
func (t *Traffic) gateway(n int) {
	ip, from := t.address(), start.Add(t.between(2*time.Hour, 3*time.Hour))
	gap := t.between(50*time.Millisecond, 2*time.Second)
	ids := t.campaign(n)
	for k, id := range ids { // evenly, as sent
		t.request(Machine, "gateway: in the order of sending", browser(id, from.Add(time.Duration(k)*gap), safari18, ip))
	}
	ip, ids = t.address(), t.campaign(n)
	t.rng.Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	at := from
	for _, id := range ids { // a queue of many workers: any order, gaps like people's, one browser
		at = at.Add(time.Duration(float64(min(gap, 800*time.Millisecond)) * t.rng.ExpFloat64()))
		t.request(Machine, "gateway: in any order, one browser", browser(id, at, safari18, ip))
	}
	ip, ids = t.address(), t.campaign(n)
	t.rng.Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for k, id := range ids { // a worker with a pause, and an agent by lot
		jitter := t.between(0, gap/2)
		t.request(Machine, "gateway: at even gaps, many browsers", browser(id, from.Add(time.Duration(k)*gap+jitter), t.pick(browsers[3:]...), ip))
	}
	ip = t.address()
	for k := range n { // each when it arrives
		id := t.message(from.Add(time.Duration(k)*gap + t.between(0, gap)))
		t.request(Machine, "gateway: as they arrive, many browsers", browser(id, t.after(id, 3*time.Second, 12*time.Second), t.pick(browsers[3:]...), ip))
	}
}

// undecidable is what nobody can tell from people by the requests: a patient
// browser at an unknown address; a gateway whose requests come at people's gaps, in
// no order, with people's browsers, long after the arrival; and one with a single
// browser that asks for so few links that an office might have.
func (t *Traffic) undecidable(n int) {
	for _, id := range t.campaign(n) {
		t.request(Undecidable, "patient browser, unknown address", browser(id, t.after(id, time.Minute, 8*time.Hour), safari18, t.address()))
	}
	ip := t.address()
	for _, id := range t.campaign(n) {
		t.request(Undecidable, "gateway that behaves like a crowd", browser(id, t.Delivered[id].Add(t.reading()), t.agent(0.5), ip))
	}
	for left := n; left > 0; {
		size := min(left, 5+t.rng.IntN(18))
		left -= size
		ip, at := t.address(), start.Add(t.between(2*time.Hour, 3*time.Hour))
		ids := t.campaign(size)
		t.rng.Shuffle(size, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		for _, id := range ids {
			at = at.Add(time.Duration(float64(2*time.Second) * t.rng.ExpFloat64()))
			t.request(Undecidable, "gateway of few links, in any order", browser(id, at, safari18, ip))
		}
	}
}
