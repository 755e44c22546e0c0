package iystest

import (
	"regexp"
	"strings"
	"time"
)

var (
	numberForm = regexp.MustCompile(`^\+90[1-9][0-9]{9}$`)
	mailForm   = regexp.MustCompile(`^[^@ <>,;]+@[^@ <>,;]+$`)
)

// ownSources are what a sender may give.
const ownSources = " HS_2015 HS_ATM HS_CAGRI_MERKEZI HS_EORTAM HS_EPOSTA HS_ETKINLIK HS_FIZIKSEL_ORTAM HS_ISLAK_IMZA HS_KARAR HS_MESAJ HS_MOBIL HS_SOSYAL_MEDYA HS_WEB "

// judge reads one consent as it came and says what is wrong with it.
func (g *Registry) judge(in map[string]any, now time.Time) (Record, []map[string]any) {
	var faults []map[string]any
	wrong := func(field, code, message string) {
		faults = append(faults, map[string]any{"code": code, "location": []string{field}, "message": message})
	}
	get := func(field string) string { s, _ := in[field].(string); return s }
	r := Record{Recipient: get("recipient"), As: get("recipientType"), Channel: get("type"), Status: get("status"), Source: get("source")}

	if r.Recipient == "" {
		wrong("recipient", "H114", "Alıcı (recipient) bulunamadı.")
	}
	switch r.Channel {
	case "EPOSTA":
		if r.Recipient != "" && !mail(r.Recipient) {
			wrong("recipient", "H001", "Alıcı hatalı.")
		}
	case "ARAMA", "MESAJ":
		if r.Recipient != "" && !numberForm.MatchString(r.Recipient) {
			wrong("recipient", "H001", "Alıcı hatalı.")
		}
	default:
		wrong("type", "H111", "İzin tipi (type) bulunamadı.")
	}
	merchant := r.As == "TACIR"
	if !merchant && r.As != "BIREYSEL" {
		wrong("recipientType", "H002", "Alıcı tipi hatalı.")
	}
	if r.Status != "ONAY" && r.Status != "RET" {
		wrong("status", "H003", "İzin durumu hatalı.")
	}
	if !(merchant && r.Source == "") && (r.Source == "" || strings.ContainsRune(r.Source, ' ') || !strings.Contains(ownSources, " "+r.Source+" ")) {
		wrong("source", "H113", "İzin kaynağı (source) bulunamadı.")
	}

	text := get("consentDate")
	given, err := time.ParseInLocation("2006-01-02 15:04:05", text, istanbul)
	switch {
	case text == "" && merchant:
		given = now.Truncate(time.Second)
	case err != nil:
		wrong("consentDate", "H004", "Tarih hatalı.")
		given = time.Time{}
	default:
		first := time.Date(2015, time.May, 1, 0, 0, 0, 0, istanbul)
		if given.Unix() > now.Unix() {
			wrong("consentDate", "H005", "İleri tarih.")
		}
		if given.Unix() < first.Unix() {
			wrong("consentDate", "H155", "2015-05-01 00:00:00 tarihinden önceki tarihler girilmemelidir.")
		} else if r.Source == "HS_2015" && given.Unix() != first.Unix() {
			wrong("consentDate", "H006", "HS_2015")
		}
		if g.cfg.Activated.Before(now) && now.Sub(thirdDay(given)) > 0 {
			wrong("consentDate", "H007", "3 iş günü")
		}
	}
	r.Given = given

	if was, ok := g.now[r.Recipient+"|"+r.As+"|"+r.Channel]; !ok {
		if r.Status == "RET" {
			wrong("status", "H175", "Önce ONAY gerekir.")
		}
	} else {
		if was.Status == r.Status {
			wrong("status", "H008", "Aynı durum.")
		}
		if given.Unix() <= was.Given.Unix() {
			wrong("consentDate", "H009", "Daha yeni izin var.")
		}
	}
	return r, faults
}

// mail reports what looks like an address: its host has a dot within.
func mail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return len(s) <= 254 && mailForm.MatchString(s) && strings.Contains(strings.Trim(s[at+1:], "."), ".")
}
