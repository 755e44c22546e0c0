package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// clock is since when the time limits of a survey count. It travels with the form, and with the
// draft where there is one, signed for the invitation: a respondent cannot move it.
type clock struct {
	begun time.Time         // a page of questions was shown first; zero: none yet
	pages map[int]time.Time // each page was
	known bool              // the form said so, or there is none yet
}

// timed tells whether a survey has time limits.
func timed(d *survey.Definition) bool {
	if d == nil {
		return false
	}
	head := d.Head()
	return head.TimeLimit > 0 || head.PageTimeLimit > 0 ||
		slices.ContainsFunc(head.Pages, func(p survey.Page) bool { return p.TimeLimit > 0 })
}

// long is since when a form counts that does not say, or that was changed: its time is over.
var long = time.Unix(1, 0)

// began is since when the limits of the survey and of a page count.
func (c *clock) began(page int) (all, one time.Time) {
	if c == nil || c.known && c.begun.IsZero() {
		return time.Time{}, time.Time{}
	}
	if !c.known {
		return long, long
	}
	if one = c.pages[page]; one.IsZero() {
		one = c.begun
	}
	return c.begun, one
}

// show notes that a page is shown, the first time.
func (c *clock) show(s *step, at time.Time) {
	if c == nil || !c.known || s.done || s.view.Index < 0 || s.session.State() != survey.Running {
		return
	}
	at = at.Truncate(time.Second)
	if c.begun.IsZero() {
		c.begun = at
	}
	if c.pages[s.view.Index].IsZero() {
		c.pages[s.view.Index] = at
	}
}

// merge takes the earlier of two.
func (c *clock) merge(o *clock) {
	if !o.known {
		return
	}
	sooner := func(a, b time.Time) time.Time {
		if a.IsZero() || !b.IsZero() && b.Before(a) {
			return b
		}
		return a
	}
	if !c.known {
		*c = *o
		return
	}
	c.begun = sooner(c.begun, o.begun)
	for page, at := range o.pages {
		c.pages[page] = sooner(c.pages[page], at)
	}
}

// left is how long there is for the page that shows; ok is false where it has no limit.
func (c *clock) left(s *step, head *survey.Head, at time.Time) (left time.Duration, ok bool) {
	all, one := c.began(s.view.Index)
	at = at.Truncate(time.Second) // as the beginnings are
	if all.IsZero() || s.session.State() != survey.Running {
		return 0, false
	}
	if head.TimeLimit > 0 {
		left, ok = all.Add(time.Duration(head.TimeLimit)*time.Second).Sub(at), true
	}
	if s.view.TimeLimit > 0 {
		if l := one.Add(time.Duration(s.view.TimeLimit) * time.Second).Sub(at); !ok || l < left {
			left, ok = l, true
		}
	}
	return left, ok
}

// clockText is a clock as it travels: when the survey was begun, its pages, and the signature.
func (h *Handler) clockText(id uint64, c *clock) string {
	if !c.known {
		return ""
	}
	var b strings.Builder
	b.WriteString(seconds(c.begun))
	for _, page := range slices.Sorted(maps.Keys(c.pages)) {
		fmt.Fprintf(&b, "_%d-%s", page, seconds(c.pages[page]))
	}
	return b.String() + "." + h.clockMAC(id, b.String())
}

func seconds(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 36)
}

func (h *Handler) clockMAC(id uint64, text string) string {
	m := hmac.New(sha256.New, h.cfg.Key)
	fmt.Fprintf(m, "survey clock/%d/%s", id, text)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
}

// readClock reads what clockText wrote for the invitation; nothing is known of any other text.
func (h *Handler) readClock(id uint64, text string) *clock {
	said, mac, _ := strings.Cut(text, ".")
	if !hmac.Equal([]byte(mac), []byte(h.clockMAC(id, said))) {
		return &clock{}
	}
	c := &clock{pages: map[int]time.Time{}, known: true}
	for i, part := range strings.Split(said, "_") {
		page, at, ok := strings.Cut(part, "-")
		if i == 0 {
			at, ok, page = part, true, "0"
		}
		n, err := strconv.ParseInt(at, 36, 64)
		p, err2 := strconv.Atoi(page)
		switch {
		case err != nil || err2 != nil || !ok:
			return &clock{}
		case n == 0:
		case i == 0:
			c.begun = time.Unix(n, 0).UTC()
		default:
			c.pages[p] = time.Unix(n, 0).UTC()
		}
	}
	return c
}

// expire ends the page, or the survey, whose time is over. Nothing that was typed is given up for
// it: what could not be read keeps the page, as what is missing does. It is false while there is time.
func (s *step) expire(v visit, f *form) bool {
	end, ok := s.session.Ends()
	if !ok || v.at.Before(end) || s.session.State() != survey.Running {
		return false
	}
	if len(s.faults) > 0 {
		return true
	}
	was := s.session.PageIndex()
	over, faults := s.session.Expire()
	if !over {
		return false
	}
	for _, fa := range faults {
		s.faults[fa.Question] = append(s.faults[fa.Question], fa)
	}
	s.view = s.session.Page()
	switch s.done = s.session.State() == survey.Completed; {
	case s.done:
	case len(faults) > 0:
		s.goTo(faults)
	case s.session.PageIndex() != was:
		s.restore(views(s.view.Elements, nil), f)
	}
	return true
}

// timeLeft says how long there is.
func (t *texts) timeLeft(left time.Duration) string {
	switch {
	case left <= 0:
		return t.TimeOver
	case left < time.Minute:
		return t.TimeLittle
	}
	return strings.ReplaceAll(t.TimeLeft, "{n}", strconv.Itoa(int(left/time.Minute)))
}
