package consent

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Checkpoint is how long all chains were at a time. Kept outside of the record, it shows
// later which chain was cut or written anew; its Head, which is short, shows that the
// checkpoint itself is the one that was kept.
type Checkpoint struct {
	At    time.Time
	Heads []ChainHead // sorted by chain
}

// Head stands for a whole checkpoint, to be printed, signed, or kept by somebody else.
type Head struct {
	At      time.Time `json:"at"`
	Chains  int64     `json:"chains"`
	Entries int64     `json:"entries"`
	// Root is the root of the Merkle tree over the chains' heads as RFC 6962 builds it:
	// a leaf is SHA-256 of a byte 0, the chain's ID, its last Seq in 8 bytes and its last
	// hash; a node is SHA-256 of a byte 1 and its two children.
	Root Hash `json:"root"`
}

// bytes is what a signature is over.
func (h Head) bytes() []byte {
	b := appendText(nil, "vefa/consent/head/1")
	for _, n := range []int64{h.At.UnixMicro(), h.Chains, h.Entries} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, h.Root[:]...)
}

// Sign returns the Ed25519 signature of the head. A key of the wrong length is crm.ErrInvalid.
func (h Head) Sign(key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, invalid("sign", &crm.FieldError{Field: "key", Msg: "is no Ed25519 key"})
	}
	return ed25519.Sign(key, h.bytes()), nil
}

// Signed reports whether a signature is the head's by the owner of a key.
func (h Head) Signed(key ed25519.PublicKey, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, h.bytes(), signature)
}

// Head returns what stands for the checkpoint.
func (c *Checkpoint) Head() Head {
	h := Head{At: crm.Micros(c.At), Chains: int64(len(c.Heads)), Root: c.root(0, len(c.Heads))}
	for _, x := range c.Heads {
		h.Entries += x.Seq
	}
	return h
}

func (h ChainHead) leaf() Hash {
	var b [1 + 32 + 8 + 32]byte
	copy(b[1:], h.Chain[:])
	binary.BigEndian.PutUint64(b[33:], uint64(h.Seq))
	copy(b[41:], h.Hash[:])
	return sha256.Sum256(b[:])
}

func node(l, r Hash) Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], l[:])
	copy(b[33:], r[:])
	return sha256.Sum256(b[:])
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// root is the Merkle root over heads lo to hi; of none, the hash of nothing.
func (c *Checkpoint) root(lo, hi int) Hash {
	switch hi - lo {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return c.Heads[lo].leaf()
	}
	k := split(hi - lo)
	return node(c.root(lo, lo+k), c.root(lo+k, hi))
}

// find returns the head of a chain.
func (c *Checkpoint) find(chain Hash) (int, bool) {
	return slices.BinarySearchFunc(c.Heads, chain, func(h ChainHead, id Hash) int { return slices.Compare(h.Chain[:], id[:]) })
}

// Inclusion shows that a chain's head is in a checkpoint, to whom has only its Head.
type Inclusion struct {
	Head      Head      `json:"head"`
	Signature []byte    `json:"signature,omitempty"` // of Head, if the host adds it
	Of        ChainHead `json:"of"`
	Index     int64     `json:"index"` // of the chain in the checkpoint
	Path      []Hash    `json:"path"`  // siblings, from the leaf up
}

// Include returns what shows that a chain is in the checkpoint; ok is false where it is not.
func (c *Checkpoint) Include(chain Hash) (in Inclusion, ok bool) {
	i, ok := c.find(chain)
	if !ok {
		return in, false
	}
	in = Inclusion{Head: c.Head(), Of: c.Heads[i], Index: int64(i)}
	lo, hi := 0, len(c.Heads)
	for hi-lo > 1 {
		if k := lo + split(hi-lo); i < k {
			in.Path, hi = append(in.Path, c.root(k, hi)), k
		} else {
			in.Path, lo = append(in.Path, c.root(lo, k)), k
		}
	}
	slices.Reverse(in.Path)
	return in, true
}

// Check reports whether the path leads from the chain's head to the root, by the algorithm
// of RFC 9162 section 2.1.3.2.
func (in Inclusion) Check() bool {
	if in.Index < 0 || in.Index >= in.Head.Chains || len(in.Path) > 64 {
		return false
	}
	at, last, sum := in.Index, in.Head.Chains-1, in.Of.leaf()
	for _, p := range in.Path {
		if last == 0 {
			return false
		}
		if at&1 == 1 || at == last {
			sum = node(p, sum)
			for at&1 == 0 && at != 0 {
				at, last = at>>1, last>>1
			}
		} else {
			sum = node(sum, p)
		}
		at, last = at>>1, last>>1
	}
	return last == 0 && sum == in.Head.Root
}

// The form of a written checkpoint: a magic text, the time in microseconds, the number of
// chains, then of each 32 bytes ID, 8 bytes Seq, 32 bytes hash.
const (
	checkpointMagic = "vefa-consent-checkpoint-1\n"
	checkpointRow   = 32 + 8 + 32
)

// WriteTo writes the checkpoint, 72 bytes a chain. It implements io.WriterTo.
func (c *Checkpoint) WriteTo(w io.Writer) (int64, error) {
	buf := bufio.NewWriter(w)
	b := append(make([]byte, 0, 128), checkpointMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.At.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(len(c.Heads)))
	n := int64(len(b))
	_, err := buf.Write(b)
	for _, h := range c.Heads {
		b = append(b[:0], h.Chain[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(h.Seq))
		_, failed := buf.Write(append(b, h.Hash[:]...))
		err = cmp.Or(err, failed)
		n += checkpointRow
	}
	return n, cmp.Or(err, buf.Flush())
}

// ReadCheckpoint is the inverse of WriteTo. What is no checkpoint is crm.ErrInvalid: also
// one whose chains are not sorted, each once, or that has bytes after its end.
func ReadCheckpoint(r io.Reader) (*Checkpoint, error) {
	in := bufio.NewReader(r)
	head := make([]byte, len(checkpointMagic)+16)
	bad := func(format string, args ...any) error {
		return invalid("read", fmt.Errorf("checkpoint: "+format, args...))
	}
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, bad("the beginning: %w", err)
	}
	if string(head[:len(checkpointMagic)]) != checkpointMagic {
		return nil, bad("it does not begin as one")
	}
	micros, n := int64(binary.BigEndian.Uint64(head[len(head)-16:])), binary.BigEndian.Uint64(head[len(head)-8:])
	c := &Checkpoint{At: time.UnixMicro(micros).UTC()}
	if y := c.At.Year(); y < 1 || y > 9999 {
		return nil, bad("its time has a year that is not between 1 and 9999")
	}
	var row [checkpointRow]byte
	for i := range n {
		if _, err := io.ReadFull(in, row[:]); err != nil {
			return nil, bad("chain %d of %d: %w", i+1, n, err)
		}
		h := ChainHead{Chain: Hash(row[:32]), Seq: int64(binary.BigEndian.Uint64(row[32:])), Hash: Hash(row[40:])}
		if h.Seq < 1 || h.Seq > math.MaxInt32 {
			return nil, bad("chain %d of %d has %d entries", i+1, n, h.Seq)
		}
		if i > 0 && slices.Compare(c.Heads[i-1].Chain[:], h.Chain[:]) >= 0 {
			return nil, bad("chain %d of %d is not after the one before", i+1, n)
		}
		c.Heads = append(c.Heads, h)
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, bad("it goes on after chain %d", n)
	}
	return c, nil
}

// Checkpoint returns how long all chains are, with those that were erased. It reads the
// whole ledger, and keeps 72 bytes of each chain.
func (l *Ledger) Checkpoint(ctx context.Context) (*Checkpoint, error) {
	c := &Checkpoint{At: l.svc.Now()}
	err := l.walk(ctx, func(_ crm.Subject, h *History) error {
		e := &h.Entries[len(h.Entries)-1]
		c.Heads = append(c.Heads, ChainHead{h.Chain.ID(), e.Seq, e.Hash})
		return nil
	})
	slices.SortFunc(c.Heads, func(a, b ChainHead) int { return slices.Compare(a.Chain[:], b.Chain[:]) })
	return c, err
}

// walk calls fn with each chain of the ledger, in one view.
func (l *Ledger) walk(ctx context.Context, fn func(crm.Subject, *History) error) error {
	return l.svc.Store().View(ctx, func(r crm.Reader) error {
		var of crm.Subject
		var rows []*crm.Fact
		flush := func() error {
			for _, h := range histories(rows) {
				if err := fn(of, &h); err != nil {
					return err
				}
			}
			rows = rows[:0]
			return nil
		}
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), KindRow) {
			if err != nil {
				return err
			}
			if _, ok := f.Data.(*Row); !ok {
				return invalid("read", &crm.FieldError{Field: "kinds", Msg: "the store does not know consent.Kind"})
			}
			if f.Subject != of {
				if err := flush(); err != nil {
					return err
				}
				of = f.Subject
			}
			rows = append(rows, f)
		}
		return flush()
	})
}

// Report is what Verify found.
type Report struct {
	Chains, Entries int64
	// Breaks are the chains that are broken, sorted by chain.
	Breaks []*BreakError
}

// maxBreaks bounds the list; a ledger of which more is broken is broken.
const maxBreaks = 10_000

// Verify walks all chains and says which are broken and where. A kept checkpoint shows also
// which were cut or written anew since, or are gone; nil is none. Compare its Head with the
// one that was signed first. The error is that of the store.
func (l *Ledger) Verify(ctx context.Context, kept *Checkpoint) (Report, error) {
	var rep Report
	seen := map[Hash]bool{}
	note := func(err error) {
		var b *BreakError
		if errors.As(err, &b) && len(rep.Breaks) < maxBreaks {
			rep.Breaks = append(rep.Breaks, b)
		}
	}
	err := l.walk(ctx, func(of crm.Subject, h *History) error {
		rep.Chains++
		rep.Entries += int64(len(h.Entries))
		id := h.Chain.ID()
		var head *ChainHead
		if kept != nil {
			seen[id] = true
			if i, ok := kept.find(id); ok {
				head = &kept.Heads[i]
			}
		}
		if !l.belongs(of, h.Chain) {
			note(&BreakError{id, 1, Misplaced, "it hangs on another address than it is about"})
			return nil
		}
		note(VerifyChain(h.Chain, h.Entries, head))
		return nil
	})
	if kept != nil {
		for _, h := range kept.Heads {
			if !seen[h.Chain] {
				note(&BreakError{h.Chain, 1, Cut, fmt.Sprintf("the whole chain is gone, the kept head knew %d entries", h.Seq)})
			}
		}
	}
	slices.SortFunc(rep.Breaks, func(a, b *BreakError) int { return slices.Compare(a.Chain[:], b.Chain[:]) })
	return rep, err
}

// belongs reports whether a chain hangs on the address that it is about.
func (l *Ledger) belongs(s crm.Subject, c Chain) bool {
	a := s.Address
	if a == erasedSubject(c.Holder).Address {
		return true
	}
	return a.Channel == c.Channel && holder(l.opening(a), a) == c.Holder
}
