package world

// The systems that know customers. A person may stand in several of them, and
// twice in one.
const (
	pos = iota
	web
	marketplace
	dealer
	kiosk
	service
	callcentre
	sourceCount
)

var sourceNames = [sourceCount]string{"pos", "web", "marketplace", "dealer", "kiosk", "service", "callcentre"}

var (
	firstSource = newTable(44, 19, 10, 14, 7, 5, 1)
	laterSource = newTable(36, 22, 11, 11, 7, 8, 5)
	moreSources = newTable(64, 20, 9, 5, 1, 0.5, 0.5) // profiles besides the first
)

// maxProfiles is the largest number of profiles of a person.
const maxProfiles = 7

// life is what has to be known of a person to tell on which days something
// happens: a few numbers, made anew whenever they are needed.
type life struct {
	person   int
	profiles int
	source   [maxProfiles]uint8
	arrival  [maxProfiles]int32 // the day on which the source first meets the person
	change   [maxProfiles]int32 // the day of the profile's second version
	activity uint8
}

// activities say how often people come, relative to the mean.
var activities = [8]float64{0.1, 0.3, 0.5, 0.7, 0.95, 1.25, 1.7, 2.5}

func (w *World) life(person int) life {
	r := w.random(streamLife, uint64(person), 0)
	l := life{person: person, activity: uint8(r.below(len(activities)))}
	l.profiles = 1 + moreSources.draw(&r)
	first := 0
	switch {
	case r.unit() >= w.known:
		first = w.newcomers.draw(&r)
	case r.chance(0.45):
		first = -pastDays + r.below(60)
	default:
		first = -pastDays + r.below(pastDays)
	}
	l.source[0], l.arrival[0] = uint8(firstSource.draw(&r)), int32(first)
	l.change[0] = int32(first + 1 + w.changes.draw(&r))
	for k := 1; k < l.profiles; k++ {
		day := 0
		switch {
		case first < -1 && r.chance(0.75):
			day = first + 1 + r.below(-1-first)
		case first < 0:
			day = 2 * w.newcomers.draw(&r)
		default:
			day = first + 1 + w.newcomers.draw(&r)
		}
		l.source[k], l.arrival[k] = uint8(laterSource.draw(&r)), int32(day)
		l.change[k] = int32(day + 1 + w.changes.draw(&r))
	}
	return l
}

// dweller is who a person is: name, address, numbers.
type dweller struct {
	person     int
	female     bool
	given      uint16
	second     int16 // a second given name, or -1
	last       uint16
	born       date
	town       uint8
	district   uint8
	habit      uint32
	numberOf   int // the person whose phone it is: oneself, or the household's first
	mailStyle  uint8
	mailNumber int
	mailDomain uint8
}

// date is a day of birth.
type date struct{ year, month, day int }

func (d date) String() string {
	b := [10]byte{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0'}
	for i, y := 3, d.year; i >= 0; i, y = i-1, y/10 {
		b[i] = byte('0' + y%10)
	}
	b[5], b[6] = byte('0'+d.month/10), byte('0'+d.month%10)
	b[8], b[9] = byte('0'+d.day/10), byte('0'+d.day%10)
	return string(b[:])
}

// Of every twelve persons one is the second of a household: the same surname
// and town, mostly the same phone, seldom the same birthday. They are the hard
// cases that must not become one person.
const householdShare = 0.16 // of pairs of neighbours in the population

// partner returns the other person of a household of two, or false.
func (w *World) partner(person int) (other int, ok bool) {
	if other = person ^ 1; other >= w.people {
		return 0, false
	}
	r := w.random(streamHousehold, uint64(person>>1), 0)
	return other, r.chance(householdShare)
}

func (w *World) dweller(person int) dweller {
	d := w.single(person)
	if first, ok := w.partner(person); ok && first < person {
		one := w.single(first)
		d.last, d.town, d.district = one.last, one.town, one.district
		r := w.random(streamHousehold, uint64(person), 1)
		if r.chance(0.6) {
			d.numberOf = first
		}
		if r.chance(0.05) { // twins
			d.born = one.born
		}
	}
	return d
}

func (w *World) single(person int) dweller {
	r := w.random(streamPerson, uint64(person), 0)
	d := dweller{person: person, numberOf: person, second: -1}
	names, zipf, secondShare := len(w.words.male), w.words.maleZipf, 0.16
	if d.female = r.chance(0.56); d.female {
		names, zipf, secondShare = len(w.words.female), w.words.femaleZipf, 0.14
	}
	d.given = uint16(zipf.draw(&r))
	if r.chance(secondShare) {
		if s := zipf.draw(&r); s != int(d.given) {
			d.second = int16(s)
		} else {
			d.second = int16((s + 1) % names)
		}
	}
	d.last = uint16(w.words.lastZipf.draw(&r))
	d.born = date{1945 + r.below(62), 1 + r.below(12), 1 + r.below(28)}
	if r.chance(0.03) { // registered late, as many of the elder are
		d.born.month, d.born.day = 1, 1
	}
	d.town = uint8(w.shops.towns.draw(&r))
	d.district = uint8(w.words.districts[d.town].draw(&r))
	d.habit = uint32(r.next() >> 32)
	d.mailStyle = uint8(r.below(4))
	d.mailNumber = r.below(100000)
	d.mailDomain = uint8(w.words.domainZipf.draw(&r))
	return d
}

// givenWords returns the list that the person's given names stand in.
func (w *World) givenWords(d *dweller) []word {
	if d.female {
		return w.words.female
	}
	return w.words.male
}

// mail writes the e-mail address of a person; another number gives another
// address of the same person.
func (w *World) mail(d *dweller, number int) string {
	given, last := w.givenWords(d)[d.given][lowerASCII], w.words.last[d.last][lowerASCII]
	b := make([]byte, 0, 40)
	switch d.mailStyle {
	case 0:
		b = append(append(append(b, given...), '.'), last...)
		b = appendDigits(b, uint64(number%10000), 0)
	case 1:
		b = append(append(b, given...), last...)
		b = appendDigits(b, uint64(d.born.year%100), 2)
		b = appendDigits(b, uint64(number%100), 2)
	case 2:
		b = append(append(b, given[0]), last...)
		b = appendDigits(b, uint64(number%10000), 0)
	default:
		b = append(b, given...)
		b = appendDigits(b, uint64(number), 5)
	}
	b = append(b, '@')
	return string(append(b, mailDomains[d.mailDomain]...))
}

// appendDigits writes x with at least width digits.
func appendDigits(b []byte, x uint64, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for x > 0 || len(digits)-i < width || i == len(digits) {
		i--
		digits[i] = byte('0' + x%10)
		x /= 10
	}
	return append(b, digits[i:]...)
}
