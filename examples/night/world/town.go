package world

import "strings"

// town is a province to live in: its name, region and weight, and its districts,
// the most populous first.
type town struct {
	name      string
	region    int
	weight    float64
	districts []string
}

func newTown(name string, region int, weight float64, districts string) town {
	return town{name, region, weight, strings.Fields(districts)}
}

var towns = []town{
	newTown("İstanbul", 0, 160, "Kadıköy Üsküdar Esenyurt Ümraniye Pendik Bağcılar Bahçelievler Küçükçekmece Maltepe Kartal Beşiktaş Şişli Bakırköy Fatih Beyoğlu Sarıyer Ataşehir Sultangazi Gaziosmanpaşa Eyüpsultan Avcılar Başakşehir Beylikdüzü Sancaktepe Kağıthane Tuzla Zeytinburnu Güngören Büyükçekmece Beykoz"),
	newTown("Ankara", 1, 58, "Çankaya Keçiören Yenimahalle Mamak Etimesgut Sincan Altındağ Pursaklar Gölbaşı Polatlı"),
	newTown("İzmir", 2, 45, "Konak Bornova Karşıyaka Buca Karabağlar Bayraklı Çiğli Gaziemir Balçova Menemen Torbalı"),
	newTown("Bursa", 0, 32, "Osmangazi Yıldırım Nilüfer İnegöl Gemlik Mudanya Gürsu Karacabey"),
	newTown("Antalya", 3, 27, "Muratpaşa Kepez Konyaaltı Alanya Manavgat Serik Döşemealtı Aksu Kumluca"),
	newTown("Konya", 1, 23, "Selçuklu Meram Karatay Ereğli Akşehir Beyşehir Çumra"),
	newTown("Adana", 3, 23, "Seyhan Yüreğir Çukurova Sarıçam Ceyhan Kozan"),
	newTown("Şanlıurfa", 5, 21, "Eyyübiye Haliliye Karaköprü Siverek Viranşehir Suruç Birecik"),
	newTown("Gaziantep", 5, 22, "Şahinbey Şehitkamil Nizip İslahiye Oğuzeli"),
	newTown("Kocaeli", 0, 21, "İzmit Gebze Darıca Körfez Gölcük Derince Çayırova Kartepe Başiskele"),
	newTown("Mersin", 3, 19, "Yenişehir Mezitli Toroslar Akdeniz Tarsus Erdemli Silifke Anamur"),
	newTown("Diyarbakır", 5, 18, "Kayapınar Bağlar Yenişehir Sur Ergani Bismil"),
	newTown("Hatay", 3, 15, "Antakya İskenderun Defne Dörtyol Samandağ Reyhanlı Kırıkhan"),
	newTown("Manisa", 2, 15, "Yunusemre Şehzadeler Akhisar Turgutlu Salihli Soma Alaşehir"),
	newTown("Kayseri", 1, 14, "Melikgazi Kocasinan Talas Develi İncesu"),
	newTown("Samsun", 4, 14, "İlkadım Atakum Canik Bafra Çarşamba Tekkeköy Vezirköprü"),
	newTown("Balıkesir", 0, 13, "Karesi Altıeylül Bandırma Edremit Gönen Ayvalık Burhaniye"),
	newTown("Kahramanmaraş", 3, 11, "Onikişubat Dulkadiroğlu Elbistan Afşin Pazarcık"),
	newTown("Van", 6, 11, "İpekyolu Tuşba Edremit Erciş Özalp"),
	newTown("Aydın", 2, 12, "Efeler Nazilli Söke Kuşadası Didim İncirliova"),
	newTown("Tekirdağ", 0, 12, "Süleymanpaşa Çorlu Çerkezköy Kapaklı Ergene Malkara"),
	newTown("Denizli", 2, 11, "Pamukkale Merkezefendi Çivril Acıpayam Tavas"),
	newTown("Sakarya", 0, 11, "Adapazarı Serdivan Erenler Akyazı Hendek Arifiye"),
	newTown("Muğla", 2, 11, "Menteşe Bodrum Fethiye Milas Marmaris Ortaca"),
	newTown("Eskişehir", 1, 9, "Odunpazarı Tepebaşı Sivrihisar Çifteler"),
	newTown("Mardin", 5, 9, "Artuklu Kızıltepe Midyat Nusaybin Derik"),
	newTown("Malatya", 6, 8, "Battalgazi Yeşilyurt Doğanşehir Akçadağ"),
	newTown("Trabzon", 4, 8, "Ortahisar Akçaabat Araklı Of Yomra Vakfıkebir"),
	newTown("Ordu", 4, 8, "Altınordu Ünye Fatsa Gölköy Perşembe"),
	newTown("Erzurum", 6, 7, "Yakutiye Palandöken Aziziye Horasan Oltu"),
	newTown("Afyonkarahisar", 2, 7, "Merkez Sandıklı Dinar Bolvadin Emirdağ"),
	newTown("Sivas", 1, 6, "Merkez Şarkışla Suşehri Yıldızeli"),
	newTown("Tokat", 4, 6, "Merkez Erbaa Turhal Niksar Zile"),
	newTown("Çorum", 4, 5, "Merkez Sungurlu Osmancık İskilip Alaca"),
	newTown("Düzce", 4, 4, "Merkez Akçakoca Kaynaşlı Gölyaka"),
	newTown("Isparta", 3, 4, "Merkez Yalvaç Eğirdir Gelendost"),
	newTown("Rize", 4, 3, "Merkez Çayeli Ardeşen Pazar"),
}

// newDistricts draws the district of each town: the first has most people.
func newDistricts() []table {
	bySize := map[int]table{}
	out := make([]table, len(towns))
	for i, t := range towns {
		n := len(t.districts)
		if bySize[n] == nil {
			bySize[n] = newZipf(n, 1)
		}
		out[i] = bySize[n]
	}
	return out
}
