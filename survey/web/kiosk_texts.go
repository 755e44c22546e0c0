package web

// kioskTexts are what the pages of a kiosk say besides texts.
type kioskTexts struct {
	Begin, Code, Stay, Idle                string // Idle: {n} is the seconds that are left
	Waiting, Delivered, Failed, RefusedOne string // of the page for who looks after the device
}

var kioskEnglish = kioskTexts{
	Begin: "Tell us how it was", Code: "Number on your receipt", Stay: "Go on answering",
	Idle:    "Nobody has touched the screen for a while. Seconds until the page begins anew: ",
	Waiting: "Answers that wait to be delivered", Delivered: "Last delivered", Failed: "Last failure", RefusedOne: "Kept by the server for a person to look at",
}

var kioskTurkish = kioskTexts{
	Begin: "Deneyiminizi anlatın", Code: "Fişinizdeki numara", Stay: "Yanıtlamaya devam et",
	Idle:    "Ekrana bir süredir dokunulmadı. Sayfanın baştan başlamasına kalan saniye: ",
	Waiting: "Gönderilmeyi bekleyen yanıt", Delivered: "Son gönderim", Failed: "Son hata", RefusedOne: "Sunucuda bir görevlinin bakması için duruyor",
}

var kioskArabic = kioskTexts{
	Begin: "أخبرنا عن تجربتك", Code: "الرقم على إيصالك", Stay: "متابعة الإجابة",
	Idle:    "لم يلمس أحد الشاشة منذ فترة. الثواني المتبقية لبدء الصفحة من جديد: ",
	Waiting: "إجابات تنتظر الإرسال", Delivered: "آخر إرسال", Failed: "آخر خطأ", RefusedOne: "محفوظ على الخادم ليراجعه شخص",
}

// kioskTextsFor gives the texts of a language that textsFor gave.
func kioskTextsFor(lang string) *kioskTexts {
	switch lang {
	case "tr":
		return &kioskTurkish
	case "ar":
		return &kioskArabic
	}
	return &kioskEnglish
}
