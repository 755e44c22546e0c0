package people

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vefacrm/vefa/dedup/metric"
)

// likeGiven is likeWord for given names, of which some are so alike that one passes for the
// other's typing error: Kemal and Cemal, Serkan and Serdar, Nuri and Nuriye. Two that mean
// different common names are two names, as parents of twins choose them (E3, E7).
type likeGiven struct{ common *commonNames }

// Compare is likeWord's, and 0 for what means different names.
func (l likeGiven) Compare(a, b string) float64 {
	s := likeWord{}.Compare(a, b)
	if s > leastLike && a != b && l.common.different(a, b) {
		return 0
	}
	return s
}

func (l likeGiven) Sketch(s string) uint64 { return likeWord{}.Sketch(s) }

func (l likeGiven) Bound(a, b uint64) float64 { return likeWord{}.Bound(a, b) }

// unlike is 1 for names that may be anything, and 0 for two that mean different common
// names: Ayşe is no typing error of Mehmet, nor of Memet.
type unlike struct{ common *commonNames }

func (u unlike) Compare(a, b string) float64 {
	if u.common.different(a, b) {
		return 0
	}
	return 1
}

// leastLike is the similarity below which no level holds anyway.
var leastLike = 0.7

// commonNames are given names that many have, as they are compared.
type commonNames struct {
	words map[string]bool
	slips map[string][]string // names by what is left of them without one of their letters
}

// knownNames are turkishNames: they never change, and a program makes many linkers.
var knownNames = sync.OnceValue(newCommonNames)

func newCommonNames() *commonNames {
	n := &commonNames{words: map[string]bool{}, slips: map[string][]string{}}
	for w := range strings.FieldsSeq(turkishNames) {
		n.words[w] = true
	}
	for _, w := range slices.Sorted(maps.Keys(n.words)) {
		for i := range w {
			left := w[:i] + w[i+1:]
			if !slices.Contains(n.slips[left], w) {
				n.slips[left] = append(n.slips[left], w)
			}
		}
	}
	return n
}

// different reports whether two names mean different ones: one consists of common names, the
// other of common names and words one typing error away from some, and no word of one means
// what a word of the other does. Of two that are no common names, each may be a name of its
// own, and one the other's error.
func (n *commonNames) different(a, b string) bool {
	var bufA, bufB [8]string
	as, exactA, ok := n.meant(bufA[:0], a)
	if !ok {
		return false
	}
	bs, exactB, ok := n.meant(bufB[:0], b)
	if !ok || !exactA && !exactB {
		return false
	}
	for _, x := range as {
		if slices.Contains(bs, x) {
			return false
		}
	}
	return true
}

// meant appends the common names that the words of a name may mean. It reports whether they
// are those names, and whether there are some for each word.
func (n *commonNames) meant(dst []string, name string) (all []string, exact, ok bool) {
	exact = true
	for w := range strings.SplitSeq(name, " ") {
		if n.words[w] {
			dst = append(dst, w)
			continue
		}
		exact = false
		had := len(dst)
		dst = n.near(dst, w)
		if len(dst) == had {
			return dst, false, false
		}
	}
	return dst, exact, true
}

// near appends the common names that are one typing error away from a word. A word of two
// letters may mean anything.
func (n *commonNames) near(dst []string, word string) []string {
	if len(word) < 3 || len(word) > longestSlip {
		return dst
	}
	had := len(dst)
	add := func(names []string) {
		for _, w := range names {
			if !slices.Contains(dst[had:], w) && (metric.Edits{Max: 1}).Compare(word, w) == 1 {
				dst = append(dst, w)
			}
		}
	}
	add(n.slips[word]) // a letter was left out
	var buf [longestSlip]byte
	for i := range len(word) {
		left := append(append(buf[:0], word[:i]...), word[i+1:]...)
		if n.words[string(left)] && !slices.Contains(dst[had:], string(left)) {
			dst = append(dst, string(left)) // one too many
		}
		add(n.slips[string(left)]) // another one, or two exchanged
	}
	return dst
}

// longestSlip is the length from which a word is no misspelt name, in bytes.
const longestSlip = 16

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
