package linktest

import (
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/messaging/link"
)

// The families of people.
const (
	inBrowser = "browser"
	inApp     = "in-app browser"
	inOffice  = "office"
	onCarrier = "carrier's shared address"
)

const (
	webkit   = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
	chromium = "AppleWebKit/537.36 (KHTML, like Gecko)"
	windows  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chromium + " Chrome/131.0.0.0 Safari/537.36"
	reduced  = "Mozilla/5.0 (Linux; Android 10; K) " + chromium + " Chrome/131.0.0.0 Mobile Safari/537.36" // what most Androids send
	safari18 = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) " + webkit + " Version/18.1 Mobile/15E148 Safari/604.1"
	safari14 = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_4 like Mac OS X) " + webkit + " Version/14.0.3 Mobile/15E148 Safari/604.1"
	// appleOwn is what an iPhone's own preview of a link in a message sends.
	appleOwn = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
)

// browsers are those that people follow links with, other than the reduced agent.
var browsers = []string{
	safari18, safari18, safari14,
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) " + webkit + " Version/17.5 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) " + webkit + " Version/16.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) " + chromium + " Chrome/130.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 10; K) " + chromium + " SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 14; SM-A546B) " + chromium + " Chrome/131.0.6778.39 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 12; CUBOT P60) " + chromium + " Chrome/120.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 11; EDA51 ScanPal) " + chromium + " Chrome/119.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; U; Android 13; tr-tr; 22101316G Build/TP1A.220624.014) " + chromium + " Version/4.0 Chrome/109.0.5414.118 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.5.0-gn",
	"Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
	windows,
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkit + " Version/18.1 Safari/605.1.15",
}

// App is an app whose own browser people follow links in.
type App struct {
	Name    string
	IPhone  string // what it adds to an iPhone's agent, empty where it adds none
	Android string // the same of an Android's WebView
}

// Apps are the apps whose browsers the people of a Mix use.
func Apps() []App {
	return []App{
		{"Snapchat", "Snapchat/12.89.0.44 (like Safari/8618.2.12.10.9, panda)", "Snapchat/12.89.0.40 (SM-A546B; Android 14#A546BXXU7CXE2#34; gzip; )"},
		{"Instagram", "Instagram 350.0.0.28.91 (iPhone14,5; iOS 17_5_1; tr_TR; tr; scale=3.00; 1170x2532; 634567890; IABMV/1)", "Instagram 309.0.0.40.113 Android (33/13; 440dpi; 1080x2177; Xiaomi/Redmi; 22101316G; ruby; mt6877; tr_TR; 536988423)"},
		{"Facebook", "[FBAN/FBIOS;FBAV/485.0.0.35.109;FBBV/658378230;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBSS/3;FBCR/;FBID/phone;FBLC/tr_TR;FBOP/80]", "[FB_IAB/FB4A;FBAV/485.0.0.70.77;IABMV/1;]"},
		{"TikTok", "musical_ly_35.5.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/tr Region/TR BytedanceWebview/d8a21c6 FalconTag/8E1C9A66", "trill_350502 JsSdk/1.0 NetType/4G Channel/googleplay AppName/musical_ly app_version/35.5.2 ByteLocale/tr-TR BytedanceWebview/d8a21c6"},
		{"Telegram", "Telegram-iOS/11.4.2", "Telegram-Android/11.4.2 (Samsung SM-A546E; Android 14; SDK 34; HIGH)"},
		{"Viber", "Viber/23.9.0", "Viber/23.9.0.3"},
		{"LINE", "Safari Line/14.19.1", "Line/14.19.1/IAB"},
		{"KakaoTalk", "KAKAOTALK 10.8.5", "KAKAOTALK/10.8.5 (INAPP)"},
		{"WeChat", "MicroMessenger/8.0.50(0x1800323d) NetType/WIFI Language/tr", "XWEB/1160117 MMWEBSDK/20240404 MMWEBID/8731 MicroMessenger/8.0.49.2600(0x28003137) WeChat/arm64 Weixin NetType/4G Language/tr ABI/arm64"},
		{"X", "Twitter for iPhone/10.69", "TwitterAndroid"},
		{"LinkedIn", "[LinkedInApp]/9.30.1234", "[LinkedInApp]/4.1.1006"},
		{"Pinterest", "[Pinterest/iOS]", "[Pinterest/Android]"},
		{"Google", "GSA/344.0.695551749 Safari/604.1", "GSA/15.47.40.28.arm64"},
		{"Outlook", "Safari/604.1 Outlook-iOS/723.4027091.prod.iphone (4.2445.0)", "Outlook-Android/4.2445.1"},
		{"a scanner of bar codes", "Safari/604.1 QRScanner/3.2.1", "QR&BarcodeScanner/2.9.4"},
		{"Microsoft Teams", "TeamsMobile-iOS/6.19", "TeamsMobile-Android/6.19"},
	}
}

// Agents returns what the app's browser sends on both systems.
func (a App) Agents() []string {
	return []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) " + webkit + " Mobile/15E148 " + a.IPhone,
		"Mozilla/5.0 (Linux; Android 14; SM-A546E Build/UP1A.231005.007; wv) " + chromium + " Version/4.0 Chrome/130.0.6723.107 Mobile Safari/537.36 " + a.Android,
	}
}

// people click when they have read the message, some twice.
func (t *Traffic) people(mix Mix) {
	apps := Apps()
	for _, id := range t.campaign(mix.People) {
		if t.rng.IntN(3) == 0 {
			t.person(inApp, id, t.address(), t.pick(apps[t.rng.IntN(len(apps))].Agents()...), "")
			continue
		}
		t.person(inBrowser, id, t.address(), t.agent(0.5), "")
	}
	for range mix.Offices {
		ip := t.address()
		for _, id := range t.campaign(mix.PerOffice) {
			t.person(inOffice, id, ip, t.pick(windows, windows, windows, t.agent(0.5)), "")
		}
	}
	for n := range mix.Carriers {
		ip, share := t.address(), 0.4+0.35*t.rng.Float64() // of the agent that most have
		network := link.NetworkUnknown
		if n < mix.KnownCarriers {
			network = link.NetworkCarrier
		}
		for _, id := range t.campaign(mix.PerCarrier) {
			agent := t.agent(share)
			if t.rng.IntN(5) == 0 {
				agent = t.pick(apps[t.rng.IntN(len(apps))].Agents()...)
			}
			t.person(onCarrier, id, ip, agent, network)
		}
	}
}

// agent is a person's, of whom a share has the reduced one.
func (t *Traffic) agent(share float64) string {
	if t.rng.Float64() < share {
		return reduced
	}
	return t.pick(browsers...)
}

// person follows a link, and with some phones what the phone itself does before.
func (t *Traffic) person(family string, id, ip uint64, agent string, network link.Network) {
	c := link.Click{ID: id, At: t.Delivered[id].Add(t.reading()), Agent: agent, Language: true, Fetch: agent != safari14, IP: ip, Network: network}
	switch {
	case strings.Contains(agent, "Version/18.1 Mobile") && t.rng.IntN(3) == 0:
		t.request(Machine, "own phone's preview", link.Click{ID: id, At: c.At.Add(-4 * time.Second), IP: ip, Agent: appleOwn, Network: network})
	case agent == reduced && t.rng.IntN(8) == 0:
		own := c
		own.At, own.Prefetch = c.At.Add(-time.Second), true
		t.request(Machine, "own browser's prefetch", own)
	}
	t.request(Person, family, c)
	if t.rng.IntN(5) == 0 {
		c.At = c.At.Add(t.between(20*time.Second, time.Hour))
		t.request(Person, family, c)
	}
}

// chrome is an agent of a version.
func chrome(version int) string {
	return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) %s Chrome/%d.0.0.0 Safari/537.36", chromium, version)
}
