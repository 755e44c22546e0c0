package people

import (
	"strings"

	"github.com/vefacrm/vefa/dedup/metric"
)

// likeGiven is likeWord for given names, of which some are so alike that one passes for the
// other's typing error: Kemal and Cemal, Serkan and Serdar, Nuri and Nuriye. Two names that
// both are common are two names, as parents of twins choose them (E3, E7).
type likeGiven struct{ common *commonNames }

// Compare is likeWord's, and 0 for different names that consist of common ones.
func (l likeGiven) Compare(a, b string) float64 {
	s := likeWord{}.Compare(a, b)
	if s > leastLike && a != b && l.common.all(a) && l.common.all(b) {
		return 0
	}
	return s
}

func (l likeGiven) Sketch(s string) uint64 { return likeWord{}.Sketch(s) }

func (l likeGiven) Bound(a, b uint64) float64 { return likeWord{}.Bound(a, b) }

// unlike is 1 for names that may be anything, and 0 for two that consist of common ones:
// Ayşe is no typing error of Mehmet.
type unlike struct{ common *commonNames }

func (u unlike) Compare(a, b string) float64 {
	if u.common.all(a) && u.common.all(b) {
		return 0
	}
	return 1
}

// leastLike is the similarity below which no level holds anyway.
const leastLike = 0.7

// commonNames are given names that many have, as they are compared.
type commonNames struct{ words map[string]bool }

func newCommonNames() *commonNames {
	n := &commonNames{words: map[string]bool{}}
	for w := range strings.FieldsSeq(turkishNames) {
		n.words[w] = true
	}
	return n
}

// all reports whether every word of a name is a common name.
func (n *commonNames) all(name string) bool {
	for w := range strings.SplitSeq(name, " ") {
		if !n.words[w] {
			return false
		}
	}
	return true
}

var _ metric.Sketcher = likeGiven{}

// turkishNames are given names common in Turkey, folded, of both genders and all ages.
const turkishNames = `
abdulkadir abdullah abdurrahman ada adem adnan ahmet akif akin ali aliye alp alper alperen altan anil aras
arda arif arzu asim asiye asli asuman asya atakan atilla atlas aydin ayfer ayhan aykut ayla aylin aynur ayse
aysegul aysel aysun aytac ayten aziz azra bahar baki banu baris bariscan batuhan bayram bekir belgin berat
berk berkay berke berna betul beyhan beyza bilal bilge birol birsen bora bulent bunyamin burak burcu burhan
busra cafer cahit can canan caner cansu celal celil cem cemal cemil cemile cengiz ceren cevat cevdet ceyda
ceyhun cigdem cihan cihat cinar cuma cuneyt damla davut defne demet deniz derya didem dilek dogan dogukan
dondu doruk dursun duru duygu ebru ece ecrin eda efe ege ekrem ela elif elmas emel emin emine emir emrah
emre emrullah enes engin ensar enver ercan erdal erdem erdogan eren erhan erkan erol ersin ertan ertugrul
esin esma esra eylul fadime fahri faruk fatih fatma fatos ferdi ferhan ferhat feride feridun fevzi fidan
figen fikret filiz firat funda furkan galip gamze gazi gizem gokhan gonul gul gulay gulcan gulden guler
gulhan gulizar gullu gulnur gulsen gulseren gulsum gulten gurkan habibe hacer haci hafize hakan hale halil
halime halit haluk hamide hamit hamza handan hande hanife harun hasan hatice hatun havva hayati haydar
hayrettin hayriye hidayet hikmet hilal hilmi hiranur hulusi hulya huriye huseyin husnu ibrahim idris ihsan
ilhan ilker ilknur ilyas inci ipek irem irmak isa ishak isil ismail ismet izzet jale kaan kadir kadriye
kamil kamile kaya kazim kemal kenan kerem kezban kiymet koray kubilay kubra kursat kutay kuzey lale latife
levent leyla lina lokman lutfi mahir mahmut makbule mazlum mehdi mehmet mehtap melek melih meltem memis
meral mert merve meryem mesut metin mevlut mikail mine mira mirac miray mualla muammer muhammed muhammet
muharrem muhittin muhsin mujgan mukaddes mumin munevver murat murtaza musa muserref muslum mustafa muzaffer
naci naciye nadir nafiz naim naime nalan namik nazan nazim nazli nazmi nazmiye necati necdet necip necla
necmettin nedim nehir nergis neriman nermin neslihan nevin nigar nihal nihat nilay nilgun nilufer nimet
niyazi nizamettin nuh nur nuran nuray nurcan nurdan nurettin nurgul nurhan nuri nuriye nursel nursen
nurullah oguz oguzhan okan oktay olcay omer omur onder onur orcun orhan osman oya ozan ozcan ozge ozgur
ozkan ozlem oznur pakize pelin perihan pervin pinar poyraz rabia rahime ramazan ramize rasim recep resat
resul reyhan ridvan riza rukiye rustem ruya ruzgar saadet saban sabiha sabri sadettin sadik safiye sahin
saim sakine sakir salih saliha samet sami sanem sati savas seda sedat sefa seher selahattin selami selcan
selcuk selda selim selin selma sema semih semra senem sener senol serap serdar seref serhat serif serife
serkan servet sevda sevgi sevil sevim sevinc sevket sevtap seyfettin seyit sezai sezgin sibel sidika simge
sinan sirin soner songul suat suheyla sukran sukru sule suleyman sultan suzan taha tahir tahsin talat talip
tamer taner tarik tayfun taylan tekin temel timur tolga toprak tuba tugay tugba tulay tulin tuna tuncay
tuncer turan turgay turgut turhan turkan ugur ulku umit umran umut unal utku vahit vedat veli veysel vildan
volkan yagmur yahya yakup yalcin yaman yasar yasemin yavuz yeliz yesim yigit yildiz yilmaz yuksel yunus
yusuf zafer zahide zehra zekeriya zeki zekiye zeliha zerrin zeynep ziya zubeyde zuleyha zumra`
