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
	maiden     int16  // the surname of before, or -1
	numberOf   int    // the person whose phone mostly serves: oneself, or one of the household
	mailOf     int    // the same of the e-mail address
	mailLast   uint16 // the surname in one's own e-mail address
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

func (w *World) dweller(person int) dweller {
	r := w.random(streamPerson, uint64(person), 0)
	d := dweller{person: person, habit: uint32(r.next() >> 32)}
	d.mailStyle = uint8(r.below(4))
	d.mailNumber = r.below(100000)
	d.mailDomain = uint8(w.words.domainZipf.draw(&r))
	late := r.chance(0.03)

	b := w.block(person)
	at := person % blockSize
	p, first := &b.people[at], person-at
	d.female, d.second, d.maiden = p.Woman, -1, -1
	given := w.words.maleAt
	if p.Woman {
		given = w.words.femaleAt
	}
	d.given, d.last, d.mailLast = given[p.Given], w.words.lastAt[p.Family], w.words.lastAt[p.MailFamily]
	if p.Second != "" {
		d.second = int16(given[p.Second])
	}
	if p.Maiden != "" {
		d.maiden = int16(w.words.lastAt[p.Maiden])
	}
	d.born = date{p.Year, p.Month, p.Day}
	if late { // registered late, as many of the elder are
		d.born.month, d.born.day = 1, 1
	}
	d.numberOf, d.mailOf = first+p.PhoneOf, first+p.EmailOf
	home := w.random(streamHousehold, uint64(first+b.head[at]), 1) // where the whole family lives
	d.town = uint8(w.shops.towns.draw(&home))
	d.district = uint8(w.words.districts[d.town].draw(&home))
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
	given, last := w.givenWords(d)[d.given][lowerASCII], w.words.last[d.mailLast][lowerASCII]
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
