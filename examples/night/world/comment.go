package world

// What people write into the open question, by what happened to them.
var badComments = [...][]string{
	fine: {
		"Fiyatlar çok yüksek", "Beklentimi karşılamadı", "Mağaza çok kalabalıktı, sıra bekledim", "Ürün fotoğraftaki gibi değil",
		"Saatin camı çabuk çizildi", "Aradım, kimse geri dönmedi", "Garanti koşulları anlatılmadı", "İade süreci çok uzun",
	},
	late: {
		"Kargo çok geç geldi", "Siparişim iki hafta sonra elime ulaştı, hediyeydi, yetişmedi", "Teslimat söz verilen günde yapılmadı",
		"Geç geldi, kimse haber vermedi", "Bir daha internetten almam, günlerce bekledim",
	},
	broken: {
		"Kayış ilk haftada koptu", "Saat iki günde durdu", "Kayışı çok kalitesiz, kolumu tahriş etti", "Tokası kırık çıktı",
		"Ekranı açılmıyor, servise götüreceğim",
	},
	wrong: {
		"Yanlış renk gönderilmiş", "Siparişimle ilgisi olmayan bir saat geldi", "Faturadaki model ile kutudaki model farklı",
	},
	rude: {
		"Görevli hiç ilgilenmedi", "Personel güler yüzlü değildi", "Sorduğum soruya ters cevap aldım", "Vitrindeki saati göstermek istemediler",
	},
}

var goodComments = []string{
	"Teşekkür ederim, çok memnun kaldım", "Personel çok ilgiliydi", "Saat çok şık, eşim bayıldı", "Hızlı kargo, özenli paket",
	"Güler yüzlü hizmet", "Her zamanki gibi harika", "Pil değişimi beş dakika sürdü, sağ olun", "Fiyat performans ürünü",
	"Işıklandırma ve vitrin çok güzeldi", "Tavsiye ederim",
}

var fairComments = []string{
	"İdare eder", "Güzel ama biraz pahalı", "Ürün iyi, paketleme daha iyi olabilir", "Mağaza küçük ama temiz", "Fena değil",
	"Kayışı biraz sert", "Otopark yok",
}

var stopWords = []string{"RET", "RET", "RET", "ret", "Ret SAAT", "RET ", "İptal", "Mesaj istemiyorum"}
