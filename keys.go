package vefa

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/experiment"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/survey/invite"
)

// Keys are the secrets of an installation. Every key that the engine works with
// is derived from one of them for the tenant and one purpose, so that no token
// of one tenant or purpose is good for another. Secrets have at least 32 random
// bytes and do not print. SECURITY.md has the procedure of changing them.
type Keys struct {
	// Tenant names the retailer among all whose engines may ever be given the
	// same secrets. It must not change. Empty means the tenant of the store, if
	// that is a crm/sqlstore with one; otherwise it must be set.
	Tenant string
	// Sign are the keys of tracked links and of survey pages, at most seven. The
	// first signs; tokens of all are accepted. A token whose key is no longer
	// here has expired.
	Sign []Key
	// ID keys the ids of effects and with them the numbers of links. It must be
	// the same as long as there is a record, because the ids keep what was done
	// from being done again; a record that was begun with another ID is refused
	// with ErrKeys. It is none of Sign, which change.
	ID crm.Secret
	// Salt keys who is held out. Empty means one that is derived from ID. With
	// another Salt every hold-out is drawn anew, which spoils what is being
	// measured; a record that was begun with another one is refused with
	// ErrKeys unless Redraw is set.
	Salt crm.Secret
	// Redraw says that Salt was changed on purpose. The record keeps it: Redraw
	// can be taken out again after the first evening.
	Redraw bool
}

// Key is a signing key. Its id stands in every token that was made with it.
type Key struct {
	ID     uint8 // 0 to 6; free again when the tokens of a key have expired
	Secret crm.Secret
}

// ErrKeys is what an engine reports whose keys are not those that its record was
// begun with.
var ErrKeys = errors.New("vefa: the record was begun with other keys")

// tenant returns the name that every key is derived for.
func (c *Config) tenant() string {
	if s, ok := c.Store.(interface{ Tenant() string }); ok && c.Keys.Tenant == "" {
		return s.Tenant()
	}
	return c.Keys.Tenant
}

// salt returns what assignments are derived from.
func (k *Keys) salt() crm.Secret {
	if k.Salt.IsZero() {
		return k.ID
	}
	return k.Salt
}

func (c *Config) checkKeys(fault func(bad bool, format string, args ...any)) {
	k := &c.Keys
	fault(c.Store != nil && c.tenant() == "", "Keys.Tenant must be set: a name of the retailer that never changes, so that no other's tokens are good here")
	if s, ok := c.Store.(interface{ Tenant() string }); ok && s.Tenant() != "" {
		fault(k.Tenant != "" && k.Tenant != s.Tenant(), "Keys.Tenant is %q, that of the Store %q", k.Tenant, s.Tenant())
	}
	weak := func(s crm.Secret, field string, args ...any) {
		if err := s.Check(); err != nil {
			fault(true, field+": %w", append(args, err)...)
		}
	}
	fault(len(k.Sign) == 0, "Keys.Sign must have a key to sign with")
	seen := map[uint8]bool{}
	for i, s := range k.Sign {
		weak(s.Secret, "Keys.Sign[%d].Secret", i)
		fault(s.ID >= invite.MaxKeys, "Keys.Sign[%d].ID is %d, at most %d is possible", i, s.ID, invite.MaxKeys-1)
		fault(seen[s.ID], "Keys.Sign[%d].ID %d is there twice", i, s.ID)
		seen[s.ID] = true
		fault(!s.Secret.IsZero() && s.Secret.Equal(k.ID), "Keys.Sign[%d].Secret is that of Keys.ID, which must stay when this one goes", i)
	}
	weak(k.ID, "Keys.ID")
	if !k.Salt.IsZero() {
		weak(k.Salt, "Keys.Salt")
	}
}

// derived are the keys at work.
type derived struct {
	ids     *crm.EffectIDs
	assign  *experiment.Assigner
	links   *link.Codec
	surveys *invite.Codec
	kiosks  *invite.Codec // of Keys.ID: a device may be offline for longer than a key signs
	clock   []byte        // signs since when time limits of surveys count
	check   keyCheck
}

// keysFit reports whether keys can be derived at all: checkKeys says what is wrong.
func (c *Config) keysFit() bool {
	fit := c.Store != nil
	c.checkKeys(func(bad bool, _ string, _ ...any) { fit = fit && !bad })
	return fit
}

func (c *Config) derive() (d derived, err error) {
	tenant, k := c.tenant(), &c.Keys
	if d.ids, err = crm.NewEffectIDs(k.ID.Derive(tenant, "effect-id")); err != nil {
		return d, err
	}
	if d.assign, err = experiment.NewAssigner(k.salt().Derive(tenant, "assignment").Reveal()); err != nil {
		return d, err
	}
	var links []link.Key
	d.surveys = &invite.Codec{Domain: "survey"}
	for _, s := range k.Sign {
		links = append(links, link.Key{ID: s.ID, Secret: s.Secret.Derive(tenant, "link")})
		if err = d.surveys.Add(int(s.ID), s.Secret.Derive(tenant, "survey").Reveal()); err != nil {
			return d, err
		}
	}
	if err = d.surveys.Sign(int(k.Sign[0].ID)); err != nil {
		return d, err
	}
	if d.kiosks, err = invite.New("kiosk", k.ID.Derive(tenant, "kiosk").Reveal()); err != nil {
		return d, err
	}
	d.clock = k.ID.Derive(tenant, "survey-clock").Reveal()
	if d.links, err = link.NewCodec(links...); err != nil {
		return d, err
	}
	d.check = keyCheck{ID: checkValue(k.ID, tenant), Salt: checkValue(k.salt(), tenant)}
	return d, nil
}

// keyCheck is what the record knows of the keys that it was begun with: enough
// to tell that they are others, and nothing that leads back to them.
type keyCheck struct {
	ID   string `json:"id"`
	Salt string `json:"salt"`
}

// keyCheckKind is the kind of the document that holds the keyCheck.
const keyCheckKind = "key-check"

func checkValue(s crm.Secret, tenant string) string {
	return hex.EncodeToString(s.Derive(tenant, "check").Reveal()[:8])
}

// sameKeys reports ErrKeys if the record was begun with other keys. It returns
// what to write where the record knows none yet, or where they may change.
func (e *Engine) sameKeys(ctx context.Context, r crm.Reader) (*crm.Document, error) {
	if e.keysKnown.Load() {
		return nil, nil
	}
	docs, err := r.Documents(ctx, keyCheckKind, keyCheckKind)
	if err != nil {
		return nil, err
	}
	want, doc := e.keys.check, docs[0]
	if doc != nil {
		var have keyCheck
		if err := doc.Decode(&have); err != nil {
			return nil, err
		}
		switch {
		case have == want:
			e.keysKnown.Store(true)
			return nil, nil
		case have.ID != want.ID:
			return nil, fmt.Errorf("%w: Config.Keys.ID or Config.Keys.Tenant is not what it was; with it everything that was done would be done again. Put the old one back", ErrKeys)
		case !e.cfg.Keys.Redraw:
			return nil, fmt.Errorf("%w: Config.Keys.Salt is not what it was; with it every hold-out is drawn anew. Put the old one back, or set Config.Keys.Redraw", ErrKeys)
		}
	}
	next, err := crm.NewDocument(keyCheckKind, keyCheckKind, want)
	if err == nil && doc != nil {
		next.Rev = doc.Rev
	}
	return next, err
}

// checkKeys reports ErrKeys before anything is done.
func (e *Engine) checkKeys(ctx context.Context) error {
	if e.keysKnown.Load() {
		return nil
	}
	return e.cfg.Store.View(ctx, func(r crm.Reader) error {
		_, err := e.sameKeys(ctx, r)
		return err
	})
}

// noteKeys is checkKeys in a transaction that begins an evening or plans
// effects, and writes down which keys they were made with.
func (e *Engine) noteKeys(ctx context.Context, tx crm.Tx) error {
	doc, err := e.sameKeys(ctx, tx)
	if err != nil || doc == nil {
		return err
	}
	return tx.PutDocuments(ctx, doc)
}

// IDs returns what makes the ids of the installation's effects, for effects of
// the host's own.
func (e *Engine) IDs() *crm.EffectIDs { return e.keys.ids }
