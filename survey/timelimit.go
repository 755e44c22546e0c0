package survey

import "time"

// pageLimit is the time for the page that shows, in seconds; 0: none.
func (s *Session) pageLimit() int {
	i := s.PageIndex()
	if i < 0 || s.state == Starting {
		return 0
	}
	if own := s.d.pages[i].timeLimit; own > 0 {
		return own
	}
	return s.d.head.PageTimeLimit
}

// Ends is when the time for the page that shows is over, or that for the whole survey if it is
// sooner. ok is false where no time limit is in force: SessionOptions says since when it counts.
func (s *Session) Ends() (at time.Time, ok bool) {
	if began := s.opts.Began; s.d.head.TimeLimit > 0 && !began.IsZero() {
		at, ok = began.Add(time.Duration(s.d.head.TimeLimit)*time.Second), true
	}
	if began, limit := s.opts.PageBegan, s.pageLimit(); limit > 0 && !began.IsZero() {
		if end := began.Add(time.Duration(limit) * time.Second); !ok || end.Before(at) {
			return end, true
		}
	}
	return at, ok
}

// Expire does what SurveyJS's timer does once time is over, at SessionOptions.Now: that of the
// survey completes it from the page that shows, that of the page goes on to the next, or completes
// it on the last. over is false where there is time left, no limit, or no Now. The page is checked
// first: its faults keep it, and may be mended however late. Call it after the answers of a page,
// since those that a page sends are on their way when the time ends.
func (s *Session) Expire() (over bool, faults Faults) {
	at, ok := s.Ends()
	if !ok || s.state != Running || s.opts.Now.IsZero() || s.opts.Now.Before(at) {
		return false, nil
	}
	limit := time.Duration(s.d.head.TimeLimit) * time.Second
	all := limit > 0 && !s.opts.Began.IsZero() && !s.opts.Now.Before(s.opts.Began.Add(limit))
	if all || s.IsLast() {
		return true, s.Complete()
	}
	return true, s.Next()
}
