package memstore

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// feed is the change log: per part a list of blocks that are full and a tail
// that grows. Entries of a block leave out what they have in common with the
// entry before, which is most of it: an import changes a profile, its link and
// its orders one after the other.
//
// Snapshots share the blocks and the tail. A writer only appends behind what
// any snapshot can see; what a rolled-back transaction left there is written
// over.
type feed struct {
	groups [crm.Parts / groupSize]*group
}

const (
	groupSize = 16
	blockSize = 2048 // bytes of a tail before it becomes a block
)

// group holds the logs of some parts and is copied as a whole by the first transaction that
// writes to one of them; owner is that transaction.
type group struct {
	owner uint64
	parts [groupSize]partLog
}

// partLog is the feed of one part.
type partLog struct {
	n      uint64 // changes so far
	pruned uint64 // how many of them are gone
	blocks []block
	tail   []byte
	first  uint64 // the number of the tail's first change
	last   shared // of the tail's last entry
}

// block is a piece of a feed that is full: the number of its first change, and the changes.
type block struct {
	first uint64
	data  string
}

// shared is what an entry may have in common with the next one.
type shared struct {
	subject      crm.Subject
	kind, source string // of the fact
	at           int64  // microseconds since the epoch
}

const (
	sameSubject = 4 << iota // the two bits below hold the kind
	sameSource
	sameTime
)

// changeKinds gives the kinds the two bits they are stored as.
var changeKinds = [...]crm.ChangeKind{crm.ChangedProfile, crm.ChangedLink, crm.ChangedFact}

// part returns the log of a part, or nil where nothing has changed yet.
func (f *feed) part(p crm.Part) *partLog {
	if g := f.groups[p/groupSize]; g != nil {
		return &g.parts[p%groupSize]
	}
	return nil
}

// changed appends an entry to the feed of a part.
func (t *tx) changed(part crm.Part, kind crm.ChangeKind, subject crm.Subject, fact crm.FactKey, at time.Time) {
	log := t.ownLog(part)
	log.n++
	if len(log.tail) == 0 {
		log.first, log.last = log.n, shared{}
	}
	next := shared{subject: subject, kind: log.last.kind, source: log.last.source, at: at.UnixMicro() - epoch*1e6}
	flags := slices.Index(changeKinds[:], kind)
	if kind == crm.ChangedFact {
		next.kind, next.source = string(fact.Kind), fact.Source
	}
	if subject == log.last.subject {
		flags |= sameSubject
	}
	if next.kind == log.last.kind && next.source == log.last.source {
		flags |= sameSource
	}
	if next.at == log.last.at {
		flags |= sameTime
	}
	e := encoder{b: log.tail, words: &t.store.words}
	e.byte(byte(flags))
	if flags&sameSubject == 0 {
		e.subject(subject)
	}
	if flags&sameSource == 0 {
		e.word(next.kind)
		e.word(next.source)
	}
	if kind == crm.ChangedFact {
		e.text(fact.ID)
	}
	if flags&sameTime == 0 {
		e.int(next.at - log.last.at)
	}
	t.st.words = t.store.words.list
	log.tail, log.last = e.b, next
	if len(log.tail) >= blockSize {
		log.blocks = append(log.blocks, block{log.first, string(log.tail)})
		log.tail = nil
	}
}

// Changes returns changes after a position.
func (r *reader) Changes(ctx context.Context, after crm.Position, limit int) ([]crm.Change, crm.Position, error) {
	if err := r.usable(ctx); err != nil {
		return nil, "", err
	}
	at, err := after.Parts()
	if err != nil {
		return nil, "", err
	}
	limit = pageLimit(limit)
	var out []crm.Change
	for p := crm.Part(0); p < crm.Parts && len(out) < limit; p++ {
		log := r.st.feed.part(p)
		if log == nil || log.n <= at[p] {
			continue
		}
		if at[p] < log.pruned {
			return nil, "", &crm.Error{Op: "read", Entity: "changes", Kind: crm.ErrPruned}
		}
		if out == nil {
			out = make([]crm.Change, 0, room(limit))
		}
		out = log.after(out, p, at[p], limit, r.words())
		at[p] = out[len(out)-1].Seq
	}
	return out, at.Position(), nil
}

// after appends the changes of one part after number seq to out, up to limit.
func (l *partLog) after(out []crm.Change, p crm.Part, seq uint64, limit int, words []string) []crm.Change {
	i := sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].first > seq+1 })
	for i = max(i-1, 0); i < len(l.blocks) && len(out) < limit; i++ {
		out = readBlock(out, p, l.blocks[i], seq, limit, words)
	}
	if len(out) < limit && len(l.tail) > 0 {
		out = readBlock(out, p, block{l.first, string(l.tail)}, seq, limit, words)
	}
	return out
}

// readBlock appends the changes of a block after number seq. It must read from the block's
// beginning, because each entry leaves out what the one before had.
func readBlock(out []crm.Change, p crm.Part, b block, seq uint64, limit int, words []string) []crm.Change {
	d := decoder{s: b.data, words: words}
	var last shared
	for n := b.first; d.s != "" && len(out) < limit; n++ {
		flags := d.byte()
		if flags&sameSubject == 0 {
			last.subject = d.subject()
		}
		if flags&sameSource == 0 {
			last.kind, last.source = d.word(), d.word()
		}
		c := crm.Change{Part: p, Seq: n, Kind: changeKinds[flags&3], Subject: last.subject}
		if c.Kind == crm.ChangedFact {
			c.Fact = crm.FactKey{Kind: crm.FactKind(last.kind), Source: last.source, ID: d.text()}
		}
		if flags&sameTime == 0 {
			last.at += d.int()
		}
		if n > seq {
			c.At = time.UnixMicro(last.at + epoch*1e6).UTC()
			out = append(out, c)
		}
	}
	return out
}

// Head returns the position after everything.
func (r *reader) Head(ctx context.Context) (crm.Position, error) {
	if err := r.usable(ctx); err != nil {
		return "", err
	}
	var at crm.PartPositions
	for p := range crm.Part(crm.Parts) {
		if log := r.st.feed.part(p); log != nil {
			at[p] = log.n
		}
	}
	return at.Position(), nil
}

// Cursor returns a consumer's position. Nobody else can hold it: updates run
// one after the other.
func (t *tx) Cursor(ctx context.Context, consumer string) (crm.Position, error) {
	if err := t.usable(ctx); err != nil {
		return "", err
	}
	val, _ := t.st.cursors.get([]byte(consumer))
	return crm.Position(strings.Clone(val)), nil
}

// SetCursor keeps a consumer's position.
func (t *tx) SetCursor(ctx context.Context, consumer string, to crm.Position) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	if _, err := to.Parts(); err != nil {
		return err
	}
	t.st.cursors.put(&t.writer, []byte(consumer), []byte(to))
	return nil
}
