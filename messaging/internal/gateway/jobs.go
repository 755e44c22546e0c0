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
	// At is where to read on, in the words of the provider; "" is the beginning.
	At string `json:"at,omitempty"`
	// Open says that a message read since the beginning was not final.
	Open bool `json:"open,omitempty"`
	// Done jobs stay in one cursor, so that whoever keeps it says that they are over.
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

// Jobs are the jobs of this process that no kept cursor has yet. The zero value is ready.
type Jobs struct {
	mu  sync.Mutex
	new map[string]int64
}

// Add notes a job.
func (j *Jobs) Add(id string, sent time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.new == nil {
		j.new = map[string]int64{}
	}
	if _, known := j.new[id]; !known {
		j.new[id] = sent.Unix()
	}
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
		if !k.Done && !known[k.ID] && k.Sent > now.Add(-keep).Unix() {
			out = append(out, k)
		}
		known[k.ID] = true
	}
	rest := make([]Job, 0, len(j.new))
	for id, sent := range j.new {
		rest = append(rest, Job{ID: id, Sent: sent})
	}
	slices.SortFunc(rest, func(a, b Job) int {
		return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.ID, b.ID))
	})
	return append(out, rest...)
}

// Page is one answer about a job.
type Page struct {
	Next string // where to read on; "" after the last page
	Open bool   // a message of it is not final
}

// Sweep asks once for each job, page by page, until ask says that no more may be asked now.
// It returns the jobs in the order in which to ask next time.
func Sweep(jobs []Job, ask func(j Job) (p Page, more bool, err error)) ([]Job, error) {
	left := slices.Clone(jobs)
	var swept []Job
	for len(left) > 0 {
		j := left[0]
		p, more, err := ask(j)
		if err != nil || !more {
			return append(left, swept...), err
		}
		j.Open = j.Open || p.Open
		if j.At = p.Next; j.At != "" {
			left[0] = j
			continue
		}
		j.Done, j.Open = !j.Open, false
		swept, left = append(swept, j), left[1:]
	}
	return swept, nil
}
