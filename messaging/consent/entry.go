package consent

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Chain names one chain of the ledger: whose brand may write to whom, by which channel,
// addressed as what. It does not hold the address.
type Chain struct {
	Brand     string      `json:"brand,omitempty"`
	Recipient string      `json:"recipient,omitempty"` // "" for a consumer, or Merchant; "consumer" where the record spells it so
	Channel   crm.Channel `json:"channel"`
	// Holder stands for the address: a keyed hash, which nobody can compute who has
	// neither the ledger's key nor the opening of this address that a Proof holds.
	Holder Hash `json:"holder"`
	// Epoch counts how often the chain of this name was erased before: what is said
	// afterwards begins another one.
	Epoch int `json:"epoch,omitempty"`
}

// ID returns the chain's hash, which its first entry has as Prev. It is SHA-256 over
// these bytes, numbers with the highest byte first:
//
//	22 bytes   "vefa/consent/chain/1" after its length in 2 bytes
//	4+n bytes  length of the brand, the brand
//	4+n bytes  length of the recipient, the recipient
//	4+n bytes  length of the channel, the channel
//	32 bytes   holder
//	4 bytes    epoch
func (c Chain) ID() Hash {
	const name = "vefa/consent/chain/1"
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 128), uint16(len(name)))
	b = append(b, name...)
	b = appendText(appendText(appendText(b, c.Brand), c.Recipient), string(c.Channel))
	b = append(b, c.Holder[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(c.Epoch))
	return sha256.Sum256(b)
}

// Entry is one entry of a chain: what the holder of the address said, when, and when it
// became known here. It never changes; a correction is another entry.
type Entry struct {
	Seq     int64             `json:"seq"` // from 1 without a gap
	Status  crm.ConsentStatus `json:"status"`
	Purpose string            `json:"purpose,omitempty"` // empty: marketing
	// Source is the code of how it was given, such as HS_WEB or HS_MESAJ; at most 255 bytes.
	Source string    `json:"source,omitempty"`
	Said   time.Time `json:"said"` // when the holder said it
	// Recorded is when it was entered here. It rises from entry to entry.
	Recorded time.Time `json:"recorded"`
	// Text is the hash of the version of the text that was agreed to, see HashText.
	Text Hash `json:"text,omitzero"`
	// Origin tells the consent facts of the record apart that entries are about: of two
	// entries with one origin the later corrects the earlier.
	Origin Tag `json:"origin"`
	// Proof is the hash of Evidence, which remains when the evidence is erased.
	Proof    Hash      `json:"proof"`
	Prev     Hash      `json:"prev"` // Hash of the entry before; of the first one the chain's ID
	Hash     Hash      `json:"hash"`
	Evidence *Evidence `json:"evidence,omitempty"` // nil when it was erased
}

// Withdrawn is the status of an entry that takes back an earlier one with its origin: the
// record no longer has the consent fact that it was about. Nobody said anything.
const Withdrawn crm.ConsentStatus = "withdrawn"

// Evidence is what shows that an entry is true. It may hold personal data, and goes when
// the address is erased.
type Evidence struct {
	Nonce Tag    `json:"nonce"`           // keeps short evidence from being guessed by its hash
	Actor string `json:"actor,omitempty"` // who entered it: a person, a program, the holder
	IP    string `json:"ip,omitempty"`    // where the holder's request came from
	Note  string `json:"note,omitempty"`  // id of a recording, of a message, of a token, …
}

// hash returns the commitment to the evidence: SHA-256 over one byte 1, the nonce, and
// actor, IP and note, each after its length in 4 bytes.
func (e *Evidence) hash() Hash {
	var buf [192]byte
	b := append(buf[:0], 1)
	b = append(b, e.Nonce[:]...)
	return sha256.Sum256(appendText(appendText(appendText(b, e.Actor), e.IP), e.Note))
}

// Digest returns what Hash must be: SHA-256 over these bytes, numbers with the highest
// byte first and times in microseconds since 1970:
//
//	1 byte     1, the version of this layout
//	32 bytes   Prev
//	32 bytes   Proof, which is SHA-256 over a byte 1, the evidence's nonce (16 bytes), and its
//	           actor, IP and note, each after its length in 4 bytes
//	32 bytes   Text, zero if there is none
//	16 bytes   Origin
//	8 bytes    Said
//	8 bytes    Recorded
//	8 bytes    Seq
//	1 byte     1 for granted, 2 for refused, 3 for withdrawn, 0 for anything else
//	1+n bytes  length of Source, Source
//	2+n bytes  length of Purpose, Purpose
func (e *Entry) Digest() Hash {
	var buf [256]byte
	b := append(buf[:0], 1)
	b = append(b, e.Prev[:]...)
	b = append(b, e.Proof[:]...)
	b = append(b, e.Text[:]...)
	b = append(b, e.Origin[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Said.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Recorded.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	switch e.Status {
	case crm.Granted:
		b = append(b, 1)
	case crm.Refused:
		b = append(b, 2)
	case Withdrawn:
		b = append(b, 3)
	default:
		b = append(b, 0)
	}
	b = append(append(b, byte(len(e.Source))), e.Source...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.Purpose)))
	return sha256.Sum256(append(b, e.Purpose...))
}

// Fault is what is wrong with a chain.
type Fault string

// The faults of a chain.
const (
	Changed   Fault = "changed"   // the content does not fit its own hash
	Replaced  Fault = "replaced"  // the entry is whole, but not the one that its neighbour or a kept head knew
	Missing   Fault = "missing"   // an entry was taken out
	Reordered Fault = "reordered" // entries stand in another order, or one stands twice
	Cut       Fault = "cut"       // the end that a kept head knew is gone
	Misplaced Fault = "misplaced" // the chain, or the entry, belongs elsewhere
)

// BreakError says at which entry a chain is broken.
type BreakError struct {
	Chain Hash
	Seq   int64 // of the first entry that is not what it was
	Fault Fault
	Note  string // one line for people
}

func (e *BreakError) Error() string {
	return fmt.Sprintf("consent chain %s is broken at entry %d: %s: %s", e.Chain, e.Seq, e.Fault, e.Note)
}

// ChainHead is how long a chain was at a time, and its last hash.
type ChainHead struct {
	Chain Hash  `json:"chain"` // its ID
	Seq   int64 `json:"seq"`   // of the last entry
	Hash  Hash  `json:"hash"`  // of the last entry
}

// VerifyChain walks a chain and returns a *BreakError for the first entry that was changed,
// taken out, put elsewhere or replaced. Without a kept head it cannot notice that the end
// was cut off, or that every entry was written anew; with one it does.
func VerifyChain(c Chain, entries []Entry, kept *ChainHead) error {
	id := c.ID()
	broken := func(seq int64, f Fault, format string, args ...any) error {
		return &BreakError{id, seq, f, fmt.Sprintf(format, args...)}
	}
	prev := id
	for i := range entries {
		e, want := &entries[i], int64(i)+1
		switch {
		case e.Seq > want && hasSeq(entries[i:], want), e.Seq < want:
			return broken(want, Reordered, "entry %d stands in its place", e.Seq)
		case e.Seq > want:
			return broken(want, Missing, "entry %d follows entry %d", e.Seq, want-1)
		case e.Digest() != e.Hash:
			return broken(want, Changed, "its hash is that of another content")
		case e.Evidence != nil && e.Evidence.hash() != e.Proof:
			return broken(want, Changed, "its evidence is another one")
		case e.Prev != prev && i == 0:
			return broken(want, Misplaced, "it is not the first of this chain")
		case e.Prev != prev:
			return broken(want-1, Replaced, "the entry after it knew another one")
		case i > 0 && !e.Recorded.After(entries[i-1].Recorded):
			return broken(want, Reordered, "it was recorded before the entry that it follows")
		case kept != nil && kept.Seq == want && kept.Hash != e.Hash:
			return broken(want, Replaced, "the kept head has another hash")
		}
		prev = e.Hash
	}
	switch {
	case kept == nil:
	case kept.Chain != id:
		return broken(1, Misplaced, "the kept head is of another chain")
	case int64(len(entries)) < kept.Seq:
		return broken(int64(len(entries))+1, Cut, "there are %d entries, the kept head knew %d", len(entries), kept.Seq)
	}
	return nil
}

func hasSeq(entries []Entry, seq int64) bool {
	for i := range entries {
		if entries[i].Seq == seq {
			return true
		}
	}
	return false
}

// Row is an entry of the ledger as the record keeps it: a fact about an address.
type Row struct {
	Chain
	Entry
}

// Validate reports every fault of the row, save that its hash does not fit: that is for
// VerifyChain, which says it of a whole chain.
func (r *Row) Validate() error {
	var faults []error
	fault := func(bad bool, field, msg string) {
		if bad {
			faults = append(faults, &crm.FieldError{Field: field, Msg: msg})
		}
	}
	fault(r.Seq < 1, "seq", "is below 1")
	fault(r.Status != crm.Granted && r.Status != crm.Refused && r.Status != Withdrawn, "status", fmt.Sprintf("%q is not granted, refused or withdrawn", r.Status))
	fault(len(r.Source) > 255, "source", "has more than 255 bytes")
	fault(r.Channel == "", "channel", "must not be empty")
	fault(r.Holder.IsZero(), "holder", "must be set")
	fault(r.Hash.IsZero(), "hash", "must be set")
	fault(r.Origin.isZero(), "origin", "must be set")
	fault(r.Epoch < 0, "epoch", "is below 0")
	for _, t := range [...]struct{ name, text string }{{"brand", r.Brand}, {"recipient", r.Recipient}, {"purpose", r.Purpose}} {
		fault(len(t.text) > crm.MaxKeyLen, t.name, fmt.Sprintf("has more than %d bytes", crm.MaxKeyLen))
	}
	return errors.Join(faults...)
}
