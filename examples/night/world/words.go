package world

import (
	"slices"
	"strings"

	"github.com/vefacrm/vefa/internal/households"
)

// Common given names and surnames of Turkey, combined at random. The
// lists are those of the project's generator for record linkage
// (data/dedup/retail_synth); no combination stands for a real person.
var (
	maleNames   = strings.Fields("Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim İsmail Osman Yusuf Murat Ömer Ramazan Halil Süleyman Abdullah Mahmut Recep Salih Fatih Kadir Emre Hakan Adem Kemal Yaşar Bekir Musa Metin Orhan Serkan Burak Furkan Enes Emirhan Eren Arda Kerem Mert Can Cem Volkan Onur Tolga Umut Uğur Gökhan Oğuz Çağlar Şükrü İlker Selim Sinan Tuncay Turgut Veysel Yavuz Yiğit Barış Berk Batuhan Bilal Bülent Cengiz Cihan Deniz Doğan Engin Erdal Erhan Erkan Ercan Ferhat Gürkan Güven Harun İlhan İlyas Kaan Koray Levent Nuri Okan Özgür Rıdvan Rıza Sedat Selçuk Semih Taner Tarık Tayfun Tuğrul Ümit Vedat Zafer Zeki")
	femaleNames = strings.Fields("Fatma Ayşe Emine Hatice Zeynep Elif Meryem Şerife Zehra Sultan Hanife Merve Havva Zeliha Esra Fadime Özlem Hacer Yasemin Hülya Cemile Sevim Gülsüm Leyla Dilek Büşra Aysel Songül Kübra Halime Esma Aynur Hayriye Kezban Sibel Rabia Tuğba Sevgi Rukiye Hava Sevda Gülay Nuray Derya Filiz Ebru Seda Pınar Gamze Selin Ceren Buse İrem Ece Defne Nehir Ecrin Azra Hiranur Işıl Irmak Gizem Damla Duygu Çiğdem Şeyma Şule Şengül Ülkü Nurcan Nurgül Gülşen Gönül Güler Figen Funda Handan İlknur İpek Melek Melike Meltem Mine Müge Neslihan Nilüfer Nihal Oya Öykü Özge Sinem Şebnem Tülay Tülin Yeşim Zuhal")
	surnames    = strings.Fields("Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Acar Şen Aktaş Güneş Bulut Yalçın Güler Bozkurt Taş Ünal Turan Keskin Gül Avcı Işık Tekin Ateş Köse Yavuz Sarı Can Uysal Tunç Özer Duman Coşkun Aksoy Karaca Güven Ay Kaplan Kahraman Demirci Ceylan Toprak Ekinci Uçar Altun Uzun Kocabaş Bayram Erol Soylu Soysal Sönmez Tuna Türk Türkmen Uğur Uslu Vural Yaman Yazıcı Yiğit Yüksel Zengin Başaran Baş Balcı Bal Bakır Aydoğan Aygün Akın Akbaş Akbulut Akgül Akkaya Akyol Alkan Altıntaş Ata Atalay Çağlar Çınar Çiftçi Dağ Dinç Durmaz Dursun Eker Elmas Er Eren Ergin Ergün Erdem Gök Gökçe Gültekin Gümüş Gündoğdu Gündüz Güngör Gürbüz İnce İpek Kalkan Kandemir Karadağ Karagöz Karakaya Karakuş Karataş Kartal Kavak Kaçar Kılınç Kırmızı Kızıl Koca Koçak Konuk Kutlu Mutlu Oral Oruç Önal Öner Özcan Özbek Özgür Özmen Pala Parlak Sağlam Savaş Sevinç Sezer Şeker Tan Taşkın Tatar Temel Toker Topal Topçu")
	surnameHead = strings.Fields("Kara Ak Sarı Kızıl Gök Deli Koca Küçük Hacı Molla Hoca Kör Topal Çolak Demirci Bakırcı Kuyumcu Terzi Ekmekçi Değirmenci Çoban Bahçıvan Balıkçı Arıcı Saatçi İmam Kadı Paşa Bey Ağa Genç Yeni Eski Uzun Kısa Er Öz Alp Bay Çam")
	surnameTail = strings.Fields("oğlu gil er soy kaya taş tepe dağ bulut kan türk alp han bey baş göz kol el deniz su ova bağ")
	mailDomains = []string{"example.com", "example.org", "example.net", "mail.example", "posta.example"}
)

// The ways in which tills, web forms and old systems write a name.
const (
	asIs = iota
	upperTurkish
	upperASCII
	plainASCII
	lowerASCII
	spellings
)

// word is a name in every spelling.
type word [spellings]string

var (
	toASCII      = strings.NewReplacer("ç", "c", "Ç", "C", "ğ", "g", "Ğ", "G", "ı", "i", "İ", "I", "ö", "o", "Ö", "O", "ş", "s", "Ş", "S", "ü", "u", "Ü", "U")
	turkishUpper = strings.NewReplacer("i", "İ", "ı", "I")
)

func spell(s string, spelling int) string {
	switch spelling {
	case upperTurkish:
		return strings.ToUpper(turkishUpper.Replace(s))
	case upperASCII:
		return strings.ToUpper(toASCII.Replace(s))
	case plainASCII:
		return toASCII.Replace(s)
	case lowerASCII:
		return strings.ToLower(toASCII.Replace(s))
	}
	return s
}

func spellAll(list []string) []word {
	out := make([]word, len(list))
	for i, s := range list {
		for k := range spellings {
			out[i][k] = spell(s, k)
		}
	}
	return out
}

// neighbours are the keys beside each key of a keyboard.
var neighbours = map[rune]string{'a': "sqz", 'e': "wrd", 'i': "uok", 'o': "ipl", 'u': "yij", 'n': "bm", 'm': "n", 'r': "et", 'l': "k", 's': "ad", 't': "ry", 'k': "jl", 'd': "sf", 'y': "tu", 'h': "gj", 'b': "vn", 'c': "xv", 'z': "ax", 'g': "fh", 'f': "dg", 'v': "cb", 'p': "o", 'j': "hk"}

// typo drops, doubles or swaps a letter, or hits the key beside it.
func typo(r *random, s string) string {
	q := []rune(s)
	if len(q) < 3 {
		return s
	}
	i := 1 + r.below(len(q)-1)
	switch r.below(4) {
	case 0:
		return string(q[:i]) + string(q[i+1:])
	case 1:
		return string(q[:i]) + string(q[i-1]) + string(q[i:])
	case 2:
		if i+1 < len(q) {
			q[i], q[i+1] = q[i+1], q[i]
		}
		return string(q)
	}
	if near, ok := neighbours[q[i]]; ok {
		q[i] = rune(near[r.below(len(near))])
	}
	return string(q)
}

// words are the lists in the form that drawing needs.
type words struct {
	male, female, last   []word
	maleAt, femaleAt     map[string]uint16
	lastAt               map[string]uint16
	maleZipf, femaleZipf table
	lastZipf, domainZipf table
	districts            []table // by town
	spelled              table
}

func newWords() *words {
	last := append([]string(nil), surnames...)
	for _, head := range surnameHead {
		for _, tail := range surnameTail {
			last = append(last, head+tail)
		}
	}
	male, female := withRhymes(maleNames, false), withRhymes(femaleNames, true)
	return &words{
		male: spellAll(male), female: spellAll(female), last: spellAll(last),
		maleAt: placesOf(male), femaleAt: placesOf(female), lastAt: placesOf(last),
		maleZipf: newZipf(len(male), 1.1), femaleZipf: newZipf(len(female), 1.1),
		lastZipf: newZipf(len(last), 1.05), domainZipf: newZipf(len(mailDomains), 1),
		districts: newDistricts(), spelled: newTable(3, 2, 2, 2, 1),
	}
}

// withRhymes adds the names that twins may have, as the rarest.
func withRhymes(names []string, woman bool) []string {
	out := slices.Clone(names)
	for _, pair := range households.Rhymes(woman) {
		for _, name := range pair {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// placesOf says where each name stands.
func placesOf(names []string) map[string]uint16 {
	out := make(map[string]uint16, len(names))
	for i, name := range names {
		out[name] = uint16(i)
	}
	return out
}
