package consent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Proof is all that the ledger has of one address, for those who ask for it: a court, an
// auditor, the holder. It needs nothing else to be checked. It is personal data.
type Proof struct {
	Version int         `json:"version"` // 1
	Made    time.Time   `json:"made"`
	Address crm.Address `json:"address"`
	// Opening shows that Chain.Holder stands for the address, and for no other.
	Opening Hash      `json:"opening"`
	Chains  []History `json:"chains"`
	// Included shows that chains were in a checkpoint that somebody else may have kept.
	Included []Inclusion `json:"included,omitempty"`
}

// maxProof bounds what CheckProof reads, in bytes.
const maxProof = 16 << 20

// Prove returns the proof of an address, as of now; with a checkpoint also that its chains
// were part of that. Encode it with encoding/json.
func (l *Ledger) Prove(ctx context.Context, a crm.Address, kept *Checkpoint) (*Proof, error) {
	a, err := l.svc.Normal(a)
	if err != nil {
		return nil, err
	}
	h, err := l.Histories(ctx, a)
	if err != nil {
		return nil, err
	}
	p := &Proof{Version: 1, Made: l.svc.Now(), Address: a, Opening: l.opening(a), Chains: h}
	if kept != nil {
		for _, c := range h {
			if in, ok := kept.Include(c.Chain.ID()); ok {
				p.Included = append(p.Included, in)
			}
		}
	}
	return p, nil
}

// CheckProof reads a Proof in JSON and checks it: that each chain belongs to the address,
// is whole, and is in the checkpoints that the proof names. It returns the proof and the
// joined *BreakErrors; what is no proof is crm.ErrInvalid. That nothing was cut off behind
// the last entry can be seen only from a checkpoint whose head somebody else kept: compare
// Proof.Included with it.
func CheckProof(data []byte) (*Proof, error) {
	if len(data) > maxProof {
		return nil, invalid("read", fmt.Errorf("proof: it has %d bytes, at most %d are read", len(data), maxProof))
	}
	p := new(Proof)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, invalid("read", fmt.Errorf("proof: %w", err))
	}
	if p.Version != 1 {
		return nil, invalid("read", fmt.Errorf("proof: version %d is not known", p.Version))
	}
	want := holder(p.Opening, p.Address)
	var faults []error
	heads := map[Hash]*ChainHead{}
	for i := range p.Included {
		in := &p.Included[i]
		if !in.Check() {
			faults = append(faults, &BreakError{in.Of.Chain, in.Of.Seq, Misplaced, "it is not in the checkpoint"})
		}
		heads[in.Of.Chain] = &in.Of
	}
	for _, h := range p.Chains {
		id := h.Chain.ID()
		if h.Chain.Holder != want || h.Chain.Channel != p.Address.Channel {
			faults = append(faults, &BreakError{id, 1, Misplaced, "it is about another address"})
		}
		if err := VerifyChain(h.Chain, h.Entries, heads[id]); err != nil {
			faults = append(faults, err)
		}
		for n := range h.Entries {
			if h.Entries[n].Evidence == nil {
				faults = append(faults, &BreakError{id, int64(n) + 1, Changed, "its evidence is gone"})
				break
			}
		}
		delete(heads, id)
	}
	for id, h := range heads {
		faults = append(faults, &BreakError{id, h.Seq, Cut, "the checkpoint has a chain that the proof does not"})
	}
	return p, errors.Join(faults...)
}
