package gateway

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
)

// Job is a request whose messages a provider reports on together.
type Job struct {
	ID   string `json:"id"`
	Sent int64  `json:"sent"` // seconds since 1970
	// N is how many messages it has; 0 is not known.
	N int `json:"n,omitempty"`
	// At is where to read on, in the words of the provider; "" is the beginning.
	At string `json:"at,omitempty"`
	// Open says that a message read since the beginning was not final.
	Open bool `json:"open,omitempty"`
	// Done jobs stay in one cursor, so that who keeps it says that they are over.
	Done bool `json:"done,omitempty"`
}

// Cursor is what a Poller of jobs and an inbox keeps.
type Cursor struct {
	Jobs  []Job    `json:"jobs,omitempty"` // the first is asked about next
	Inbox string   `json:"inbox,omitempty"`
	Seen  []string `json:"seen,omitempty"` // what of the inbox's overlap was told
}

// ErrCursor: a text that is no cursor.
var ErrCursor = errors.New("is not a cursor")

// ParseCursor reads what String wrote; "" is the beginning.
func ParseCursor(s string) (Cursor, error) {
	var c Cursor
	if s == "" {
		return c, nil
	}
	if len(s) > 16<<20 || json.Unmarshal([]byte(s), &c) != nil {
		return Cursor{}, ErrCursor
	}
	return c, nil
}

// String writes the cursor.
func (c Cursor) String() string {
	b, _ := json.Marshal(c) // strings and numbers alone
	return string(b)
}

// Jobs are the jobs of this process that no kept cursor has yet, and the messages of jobs
// that came to an end without being asked about. The zero value is ready.
type Jobs struct {
	mu    sync.Mutex
	new   map[string]Job
	ended map[string]map[string]bool // by job, by message
}

// mostEnded bounds how many jobs are remembered with messages that ended; when there are
// more, those are asked about.
const mostEnded = 100_000

// Add notes a job of n messages; 0 if that is not known.
func (j *Jobs) Add(id string, sent time.Time, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.new == nil {
		j.new = map[string]Job{}
	}
	if _, known := j.new[id]; !known {
		j.new[id] = Job{ID: id, Sent: sent.Unix(), N: n}
	}
}

// End notes that a message of a job came to its end, as a push said. A job of which all
// did is asked about no more.
func (j *Jobs) End(job, message string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended == nil || len(j.ended) >= mostEnded {
		j.ended = map[string]map[string]bool{}
	}
	if j.ended[job] == nil {
		j.ended[job] = map[string]bool{}
	}
	j.ended[job][message] = true
}

// Merge returns the jobs of a cursor that the caller kept, which it forgets, without those
// that are done or were sent longer than keep ago, and after them the new ones, the oldest
// first.
func (j *Jobs) Merge(kept []Job, now time.Time, keep time.Duration) []Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Job, 0, len(kept)+len(j.new))
	known := map[string]bool{}
	for _, k := range kept {
		delete(j.new, k.ID)
		if !known[k.ID] && j.going(k, now, keep) {
			out = append(out, k)
		}
		known[k.ID] = true
	}
	rest := make([]Job, 0, len(j.new))
	for id, k := range j.new {
		if j.going(k, now, keep) {
			rest = append(rest, k)
		} else {
			delete(j.new, id)
		}
	}
	slices.SortFunc(rest, func(a, b Job) int {
		return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.ID, b.ID))
	})
	return append(out, rest...)
}

// going reports whether a job is to be asked about.
func (j *Jobs) going(k Job, now time.Time, keep time.Duration) bool {
	if !k.Done && k.Sent > now.Add(-keep).Unix() && (k.N == 0 || len(j.ended[k.ID]) < k.N) {
		return true
	}
	delete(j.ended, k.ID)
	return false
}

// Page is one answer about a job.
type Page struct {
	Next string // where to read on; "" after the last page
	Open bool   // a message of it is not final
}

// Sweep asks once for each job, page by page, until ask says that no more may be asked now.
// Together, which may be nil, says how many of the first jobs are asked about at once. It
// returns the jobs in the order in which to ask next time.
func Sweep(jobs []Job, together func([]Job) int, ask func(some []Job) (pages []Page, more bool, err error)) ([]Job, error) {
	left := slices.Clone(jobs)
	var swept []Job
	for len(left) > 0 {
		n := 1
		if together != nil {
			n = together(left)
		}
		pages, more, err := ask(left[:n])
		if err != nil || !more {
			return append(left, swept...), err
		}
		var unfinished []Job
		for i, p := range pages {
			k := left[i]
			k.Open = k.Open || p.Open
			if k.At = p.Next; k.At != "" {
				unfinished = append(unfinished, k)
				continue
			}
			k.Done, k.Open = !k.Open, false
			swept = append(swept, k)
		}
		left = append(unfinished, left[n:]...)
	}
	return swept, nil
}
