package vefa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// pieceKind are documents with what a piece of a job came to, of those who help.
const pieceKind = "night-piece"

// job is work of a step that is done part by part, in any order and by any process, and as
// often as it must be: what it writes has ids that are the same each time.
type job struct {
	Name   string          `json:"name"`
	Serial int             `json:"serial"` // among those of the evening
	Input  json.RawMessage `json:"input,omitempty"`
	Most   int             `json:"most"`           // parts of a piece; 0: it is not divided
	Open   []piece         `json:"open,omitempty"` // not taken yet
	Taken  []piece         `json:"taken,omitempty"`
}

// piece is some parts of a job.
type piece struct {
	Lo crm.Part `json:"lo"`
	Hi crm.Part `json:"hi"`
	// Owner is who has taken it; of one that is open, who would have least to do, if
	// anybody.
	Owner string `json:"owner,omitempty"`
	Done  bool   `json:"done,omitempty"`
}

// leastParts is how many parts a piece has at least, but for the last.
const leastParts = crm.Parts / 128

// stretch is some parts that are worked through from the first to the last, or up to where
// stop asked for an end.
type stretch struct {
	crm.PartRange
	stop func() bool // nil: at the last
	end  crm.Part    // up to where it came
}

func wholly(p piece) *stretch {
	return &stretch{PartRange: crm.PartRange{Lo: p.Lo, Hi: p.Hi}, end: p.Hi}
}

// everyPart is all parts, none of them taken.
func everyPart() []piece { return []piece{{Hi: crm.Parts}} }

// pieceID names the document of a piece.
func (s *share) pieceID(j *job, lo crm.Part) string {
	return fmt.Sprintf("%s/%d/%04d", s.id, j.Serial, lo)
}

func dropPieces(ctx context.Context, tx crm.Tx) error {
	for {
		docs, err := tx.ScanDocuments(ctx, pieceKind, "", loadBatch)
		if err != nil || len(docs) == 0 {
			return err
		}
		ids := make([]string, len(docs))
		for i, d := range docs {
			ids[i] = d.ID
		}
		if err := tx.DeleteDocuments(ctx, pieceKind, ids...); err != nil {
			return err
		}
	}
}

// take gives a process a piece: one that is left to it, or a part of one that is left to
// none that is at work, or one whose owner is gone.
func (j *job) take(d *shared, me string, now time.Time) (piece, bool) {
	left := 0
	for i, p := range j.Open {
		if p.Owner == me {
			j.Open = slices.Delete(j.Open, i, i+1)
			return j.taken(p, me), true
		}
		left += int(p.Hi - p.Lo)
	}
	for i := range j.Open {
		p := &j.Open[i]
		if p.Owner != "" && d.live(p.Owner, now) {
			continue
		}
		got := *p
		got.Hi = min(p.Hi, p.Lo+crm.Part(max(leastParts, min(j.Most, left/(2*d.atWork(now))))))
		if p.Lo = got.Hi; p.Lo == p.Hi {
			j.Open = slices.Delete(j.Open, i, i+1)
		}
		return j.taken(got, me), true
	}
	for i := range j.Taken {
		if p := &j.Taken[i]; !p.Done && p.Owner != me && !d.live(p.Owner, now) {
			p.Owner = me
			return *p, true
		}
	}
	return piece{}, false
}

func (j *job) taken(p piece, by string) piece {
	p.Owner = by
	j.Taken = append(j.Taken, p)
	return p
}

// done reports whether all of a job is done.
func (j *job) done() bool {
	return len(j.Open) == 0 && !slices.ContainsFunc(j.Taken, func(p piece) bool { return !p.Done })
}

func (d *shared) job(name string) *job {
	for i := range d.Jobs {
		if d.Jobs[i].Name == name {
			return &d.Jobs[i]
		}
	}
	return nil
}

// open offers a job to those who help, or to the first who comes before the step ends.
func (s *share) open(ctx context.Context, j job) error {
	if s == nil || !s.leads || s.lost.Load() {
		return nil
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.opened[j.Name] {
		return nil
	}
	s.serial++
	j.Serial = s.serial
	if !s.helped.Load() {
		s.pending = append(s.pending, j)
		return nil
	}
	err := s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, _ time.Time) error {
		d.Jobs = append(slices.DeleteFunc(d.Jobs, func(was job) bool { return was.Name == j.Name }), j)
		return nil
	})
	s.opened[j.Name] = err == nil
	if errors.Is(err, errUnshared) {
		s.lost.Store(true)
		return nil
	}
	return err
}

// offered reports whether a job is open to those who help. One that found no helper is
// not any more.
func (s *share) offered(name string) bool {
	if s == nil {
		return false
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.pending = slices.DeleteFunc(s.pending, func(j job) bool { return j.Name == name })
	return s.opened[name]
}

// closed notes that a job is done.
func (s *share) closed(name string) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	delete(s.opened, name)
}

// errNoPiece keeps claim from writing.
var errNoPiece = errors.New("vefa: no piece is left")

// claim takes a piece of one of the jobs, if there is one to take.
func (s *share) claim(ctx context.Context, names ...string) (of job, p piece, ok bool, err error) {
	err = s.change(ctx, func(_ context.Context, _ crm.Tx, d *shared, now time.Time) error {
		ok = false
		for i := range d.Jobs {
			j := &d.Jobs[i]
			if !slices.Contains(names, j.Name) {
				continue
			}
			if p, ok = j.take(d, s.me, now); ok {
				of = job{Name: j.Name, Serial: j.Serial, Input: j.Input}
				return nil
			}
		}
		return errNoPiece
	})
	if errors.Is(err, errNoPiece) {
		err = nil
	}
	return of, p, ok, err
}

// finish marks a piece done, with what it came to, unless another process has taken it over
// meanwhile.
func (s *share) finish(ctx context.Context, of job, p piece, result any) error {
	return s.change(ctx, func(ctx context.Context, tx crm.Tx, d *shared, _ time.Time) error {
		j := d.job(of.Name)
		if j == nil || j.Serial != of.Serial {
			return nil
		}
		i := slices.IndexFunc(j.Taken, func(t piece) bool { return t.Lo == p.Lo && t.Owner == s.me && !t.Done })
		if i < 0 {
			return nil
		}
		if j.Taken[i].Done = true; result == nil {
			return nil
		}
		doc, err := crm.NewDocument(pieceKind, s.pieceID(j, p.Lo), result)
		if err != nil {
			return err
		}
		return tx.PutDocuments(ctx, doc)
	})
}

// divide does a job together with those who help, and calls add with what each of its
// pieces came to, in any order; each piece counts once. While there is no helper
// it does the job from the first part to the last and writes nothing about it.
func divide[R any](ctx context.Context, e *Engine, j job, do func(context.Context, *stretch) (R, error), add func(piece, R)) error {
	var all []piece
	s := e.share
	if j.Most == 0 {
		s = nil
	}
	mine := func(at *stretch) error {
		r, err := do(ctx, at)
		if err == nil {
			p := piece{Lo: at.Lo, Hi: at.end, Owner: e.writer, Done: true}
			all = append(all, p)
			add(p, r)
		}
		return err
	}
	offered := s.offered(j.Name)
	for todo := j.Open; !offered; j.Open = todo {
		if len(todo) == 0 {
			return nil
		}
		at := wholly(todo[0])
		if s != nil && s.leads && !s.lost.Load() {
			if s.helped.Load() {
				break
			}
			at.stop = s.helped.Load
		}
		if err := mine(at); err != nil {
			return err
		}
		if todo[0].Lo = at.end; at.end == todo[0].Hi {
			todo = todo[1:]
		}
	}
	open := slices.Clone(j.Open)
	if err := s.open(ctx, j); err != nil {
		return err
	}
	for !s.lost.Load() {
		some, over, err := gather(ctx, s, j.Name, &all, add)
		var of job
		var p piece
		ok := false
		if err == nil && some {
			of, p, ok, err = s.claim(ctx, j.Name)
		}
		if err == nil && ok {
			if err = mine(wholly(p)); err != nil {
				return err
			}
			err = s.finish(ctx, of, p, nil)
		}
		if errors.Is(err, errUnshared) {
			s.lost.Store(true)
			break
		}
		if err != nil || over {
			s.closed(j.Name)
			return err
		}
		if !ok {
			if err := pause(ctx); err != nil {
				return err
			}
		}
	}
	// Another process leads now: what is left is done by this one by itself.
	for _, p := range missingFrom(open, all) {
		if err := mine(wholly(p)); err != nil {
			return err
		}
	}
	return nil
}

// gather adds what others came to and reports whether some of a job can be taken and
// whether all of it is done.
func gather[R any](ctx context.Context, s *share, name string, all *[]piece, add func(piece, R)) (some, over bool, err error) {
	d, _, now, err := s.look(ctx)
	if err != nil {
		return false, false, err
	}
	j := d.job(name)
	if j == nil {
		return false, false, errUnshared
	}
	for _, p := range j.Taken {
		if !p.Done || slices.ContainsFunc(*all, func(a piece) bool { return a.Lo == p.Lo }) {
			continue
		}
		var r R
		err := s.e.cfg.Store.View(ctx, func(rd crm.Reader) error {
			docs, err := rd.Documents(ctx, pieceKind, s.pieceID(j, p.Lo))
			if err != nil {
				return err
			}
			if docs[0] == nil {
				return errUnshared
			}
			r = *new(R)
			return docs[0].Decode(&r)
		})
		if err != nil {
			return false, false, err
		}
		*all = append(*all, p)
		add(p, r)
	}
	over = j.done()
	_, some = j.take(d, s.me, now)
	return some, over, nil
}

// missingFrom returns what of some parts is in none of the pieces.
func missingFrom(open, pieces []piece) (out []piece) {
	for _, o := range open {
		var run *piece
		for part := o.Lo; part < o.Hi; part++ {
			if slices.ContainsFunc(pieces, func(p piece) bool { return p.Lo <= part && part < p.Hi }) {
				run = nil
				continue
			}
			if run == nil {
				out = append(out, piece{Lo: part})
				run = &out[len(out)-1]
			}
			run.Hi = part + 1
		}
	}
	return out
}

// helping does a piece of a job for another process and returns what it came to.
type helping = func(ctx context.Context, j job, at *stretch) (any, error)

// help does pieces of the jobs of a step, until the process that leads has ended it.
func (s *share) help(ctx context.Context, step int, can map[string]helping) error {
	names := make([]string, 0, len(can))
	for name := range can {
		names = append(names, name)
	}
	for w := (&watch{share: s}); ; {
		d, now, err := w.look(ctx)
		if err != nil || d.Passed > step {
			return err
		}
		some := slices.ContainsFunc(d.Jobs, func(j job) bool {
			_, ok := j.take(d, s.me, now)
			return ok && can[j.Name] != nil
		})
		if some {
			j, p, ok, err := s.claim(ctx, names...)
			if err != nil {
				return err
			}
			if ok {
				r, err := can[j.Name](ctx, j, wholly(p))
				if err != nil {
					return err
				}
				if err := s.finish(ctx, j, p, r); err != nil {
					return err
				}
				continue
			}
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}
