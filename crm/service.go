package crm

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Config configures a Service. The zero value works.
type Config struct {
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// NewID makes the ids of customers and of operations (Link.Op). Defaults to UUIDs of version 7.
	NewID func() string
	// Logger gets what nobody waits for. Defaults to slog.Default.
	Logger *slog.Logger
	// Survivorship decides which source's value a customer shows. The zero
	// value takes the newest.
	Survivorship Survivorship
	// Normalise returns the form in which an address is kept, or why it is none:
	// contacts of profiles, subjects of facts, look-ups, "not me". Defaults to
	// NormalAddress, which asks for phone numbers with their country code. It
	// must be safe for concurrent use.
	Normalise Normaliser
	// Conflicts says what an import does with a record whose version is there
	// with other content. The zero value keeps the one with the larger content
	// hash and reports it. A Service with a value that is not known returns an
	// error from every verb.
	Conflicts ConflictPolicy
	// Kinds describes kinds of facts besides the library's own. The store must know
	// them too: where it does not, an import returns ErrInvalid with the name.
	Kinds []Kind
	// ChunkSize is how many records an import writes per transaction. Defaults
	// to 500. Of what a batch delivers several times without a version all
	// deliveries of one key are in one transaction, however many they are.
	ChunkSize int
	// Workers is how many of those transactions a large import has open at
	// once, each about parts of its own. Defaults to 1. More help where the
	// store is a database server; Now and NewID must then be safe for
	// concurrent use. The record is the same, save ids and version counters.
	Workers int
	// NameSearch keeps the words of names in an index, by which SearchName finds
	// customers: some two entries for each profile. It must be the same in every process;
	// where it is set later, IndexNames adds what is there.
	NameSearch bool
	// Retry says how often a verb that met another writer is run again. The
	// zero value gives up after about five seconds, with ErrBusy.
	Retry Retry
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Normalise == nil {
		c.Normalise = NormalAddress
	}
	if c.ChunkSize <= 0 {
		c.ChunkSize = 500
	}
	return c
}

// Service is the record: what was said, what happened, who is who, and what is
// to be done. It starts nothing and closes nothing; it is safe for concurrent
// use if its Store is.
type Service struct {
	store Store
	cfg   Config
	kinds *Kinds
}

// New returns a Service on a store. With a nil store, or a Config that cannot be
// followed, every verb returns an error that says so.
func New(store Store, cfg Config) *Service {
	if store == nil {
		store = noStore{}
	}
	if err := cfg.Conflicts.Validate(); err != nil {
		store = misconfigured{&Error{Op: "configure", Entity: "service", Kind: ErrInvalid, Err: err}}
	}
	kinds, err := NewKinds(cfg.Kinds...)
	if err != nil {
		store, kinds = misconfigured{err}, BuiltIn()
	}
	return &Service{store: store, cfg: cfg.withDefaults(), kinds: kinds}
}

// In returns a Service whose every verb runs in the caller's transaction.
func (s *Service) In(tx Tx) *Service {
	if _, bad := s.store.(misconfigured); bad {
		return s
	}
	return &Service{store: joined{tx}, cfg: s.cfg, kinds: s.kinds}
}

// On returns a Service of the same configuration on another store, such as
// sqlstore's Join of a transaction of the host's.
func (s *Service) On(store Store) *Service { return New(store, s.cfg) }

// Store returns the store, which is the caller's transaction after In.
func (s *Service) Store() Store { return s.store }

// Now returns the service's time in the resolution that stores keep.
func (s *Service) Now() time.Time { return Micros(s.cfg.Now()) }

// joined is a Store whose transactions are the caller's.
type joined struct{ tx Tx }

func (j joined) View(_ context.Context, fn func(Reader) error) error { return fn(j.tx) }
func (j joined) Update(_ context.Context, fn func(Tx) error) error   { return fn(j.tx) }

// Joined implements Joined.
func (j joined) Joined() {}

// Update runs fn in a transaction, and again, after a pause, when it met
// another writer: what fn decides on it must read through its Tx. It is what
// every verb of the Service does. It returns fn's error, or ErrBusy when
// Config.Retry is used up, and never ErrConflict. After In, fn runs in the
// caller's transaction, once.
func (s *Service) Update(ctx context.Context, fn func(Tx) error) error {
	return s.cfg.Retry.Update(ctx, s.store, fn)
}

// update is Update for the service's own verbs. A panic of a function that the
// host gave, such as Config.NewID, is rolled back and becomes an error.
func (s *Service) update(ctx context.Context, fn func(Tx) error) (err error) {
	defer Recover("update", &err)
	return s.Update(ctx, fn)
}

// Import accepts what a source delivered, in transactions of Config.ChunkSize
// records. Bad records are reported, each with every fault, and the others
// kept; so are those that only the store refuses, save in a transaction of the
// caller's, which a store does not go on with. Repeating a delivery of
// records that have versions, in whatever order, changes nothing; those without
// are the newest by arrival (see Fact.Version). A fact may come before its
// profile: the profile is then known by its key alone until it is delivered.
// The error is about the store; what was reported as accepted before it is kept.
//
// A large batch is cut part by part, so that a transaction touches few parts:
// give 10,000 records and more at a time where there are many.
func (s *Service) Import(ctx context.Context, b Batch) (ImportReport, error) {
	b.Facts = s.kinded(b.Facts)
	if b.Len() <= s.cfg.ChunkSize {
		return s.importChunks(ctx, b.chunks(s.cfg.ChunkSize), 1)
	}
	first, last := b.divide(s.kinds, s.cfg.Conflicts != ConflictByContent)
	workers := s.cfg.Workers
	if _, theirs := s.store.(Joined); theirs {
		workers = 1
	}
	total, err := s.importChunks(ctx, first.chunks(s.cfg.ChunkSize), workers)
	if err != nil {
		return total, err
	}
	rep, err := s.importChunks(ctx, last.together(s.kinds, s.cfg.ChunkSize), 1)
	total.Add(rep)
	return total, err
}

// importChunks writes chunks of a batch, up to some workers at once.
func (s *Service) importChunks(ctx context.Context, chunks iter.Seq[Batch], workers int) (ImportReport, error) {
	var total ImportReport
	if workers <= 1 {
		for chunk := range chunks {
			rep, err := s.importOne(ctx, chunk)
			total.Add(rep)
			if err != nil {
				return total, err
			}
		}
		return total, nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var reps []*ImportReport
	var failed error
	var running sync.WaitGroup
	slots := make(chan struct{}, workers)
	for chunk := range chunks {
		slots <- struct{}{}
		mu.Lock()
		i, bad := len(reps), failed != nil
		reps = append(reps, nil)
		mu.Unlock()
		if bad {
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			rep, err := s.importOne(ctx, chunk)
			mu.Lock()
			defer mu.Unlock()
			reps[i] = &rep
			if err != nil && failed == nil {
				failed = err
				stop()
			}
		})
	}
	running.Wait()
	for _, rep := range reps {
		if rep != nil {
			total.Add(*rep)
		}
	}
	return total, failed
}

// importOne writes a chunk in a transaction. Where the store itself refuses a
// record of it, the chunk is cut into smaller ones, each with a transaction of its
// own, until the record stands alone and is reported as rejected.
func (s *Service) importOne(ctx context.Context, chunk Batch) (rep ImportReport, err error) {
	if err := ctx.Err(); err != nil {
		return rep, err
	}
	begun := false // a store that is not configured is ErrInvalid, too
	err = s.update(ctx, func(tx Tx) (err error) {
		begun = true
		rep, err = s.importChunk(ctx, tx, chunk)
		return err
	})
	if err == nil {
		return rep, nil
	}
	if _, theirs := s.store.(Joined); theirs || !begun || ctx.Err() != nil || !errors.Is(err, ErrInvalid) {
		return ImportReport{}, err
	}
	if chunk.Len() == 1 {
		return ImportReport{Rejected: []Rejected{chunk.reject(err)}}, nil
	}
	rep = ImportReport{}
	for _, piece := range chunk.halve(s.kinds) {
		more, err := s.importOne(ctx, piece)
		rep.Add(more)
		if err != nil {
			return rep, err
		}
	}
	return rep, nil
}

// PutProfile accepts one profile. Without a version (At and SourceVersion) it is
// the newest one, by the service's clock. With one that is older than what is
// stored, or that was there with other content, nothing is written and the error
// is ErrExists; with the same content nothing is written and there is no error.
func (s *Service) PutProfile(ctx context.Context, p *Profile) error {
	return s.one(ctx, Batch{Profiles: []*Profile{p}})
}

// Record accepts facts, all or none. A fact of Version 0 becomes the newest
// version, by the service's clock, unless it says what is stored. With a version
// that is older than what is stored, or that was there with other content, the
// error is ErrExists; with the same content there is nothing to write and no
// error. A tag, a ticket or a note (see Kind.Known) on a profile that is not there is
// ErrNotFound: that would make a customer of a mistyped number. Other facts may come before
// their profile, as in Import.
func (s *Service) Record(ctx context.Context, facts ...*Fact) error {
	return s.one(ctx, Batch{Facts: facts})
}

// aboutKnown refuses what people say at a desk about profiles that are not there.
func (s *Service) aboutKnown(ctx context.Context, tx Tx, facts []*Fact) error {
	var keys []ProfileKey
	var records []FactKey
	for _, f := range facts {
		if f == nil {
			continue
		}
		if k := s.kinds.Of(f.Key.Kind); k == nil || !k.Known {
			continue
		}
		if !f.Subject.Profile.IsZero() {
			keys = append(keys, f.Subject.Profile)
		}
		if f.Subject.Record != "" {
			records = append(records, f.Subject.recordKey())
		}
	}
	if len(records) > 0 {
		at, err := tx.Anchors(ctx, records...)
		if err != nil {
			return err
		}
		for i, k := range records {
			if at[i] == (Subject{}) || at[i] == OfRecord(k) {
				return &Error{Op: "record", Entity: string(k.Kind), ID: k.String(), Kind: ErrNotFound}
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	profiles, err := tx.Profiles(ctx, keys...)
	if err != nil {
		return err
	}
	for i, p := range profiles {
		if p == nil {
			return &Error{Op: "record", Entity: "profile", ID: keys[i].String(), Kind: ErrNotFound}
		}
	}
	return nil
}

var (
	errSameVersion  = errors.New("this version of it says something else")
	errNewerVersion = errors.New("a newer version of it is stored")
)

func (s *Service) one(ctx context.Context, b Batch) error {
	b.Facts = s.kinded(b.Facts)
	return s.update(ctx, func(tx Tx) error {
		if err := s.aboutKnown(ctx, tx, b.Facts); err != nil {
			return err
		}
		rep, err := s.importChunk(ctx, tx, b)
		for _, r := range rep.Rejected {
			err = errors.Join(err, r.Err)
		}
		for _, c := range rep.Conflicting {
			err = errors.Join(err, &Error{Op: "record", Entity: c.Entity, ID: c.ID, Kind: ErrExists, Err: errSameVersion})
		}
		if err == nil && rep.Older > 0 {
			err = &Error{Op: "record", Entity: b.entity(), Kind: ErrExists, Err: errNewerVersion}
		}
		return err
	})
}
