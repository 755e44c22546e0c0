package consent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

func FuzzReadCheckpoint(f *testing.F) {
	c := &consent.Checkpoint{At: may, Heads: []consent.ChainHead{{Chain: consent.Hash{1}, Seq: 1, Hash: consent.Hash{2}}, {Chain: consent.Hash{2}, Seq: 9, Hash: consent.Hash{3}}}}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:50])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := consent.ReadCheckpoint(bytes.NewReader(data))
		if err != nil {
			require.ErrorIs(t, err, crm.ErrInvalid)
			return
		}
		var out bytes.Buffer
		_, err = c.WriteTo(&out)
		require.NoError(t, err)
		require.Equal(t, data, out.Bytes())
		c.Head()
	})
}

func FuzzCheckProof(f *testing.F) {
	b := newBook(f)
	b.say(f, phone, agreed("vefa", "", crm.Granted, may))
	kept, err := b.Checkpoint(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	p, err := b.Prove(context.Background(), phone, kept)
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := consent.CheckProof(data)
		if err != nil || len(p.Chains) == 0 {
			return
		}
		for _, h := range p.Chains { // whoever has no opening can make no proof of his own address
			require.NoError(t, consent.VerifyChain(h.Chain, h.Entries, nil))
		}
	})
}
