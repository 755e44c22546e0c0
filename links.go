package vefa

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/link"
)

// The indexes of effects that the engine keeps beside those of crm: by the number of a
// message's link, and by a hash of a thing and of who got it.
const (
	refLink crm.RefKind = "link"
	refSent crm.RefKind = "sent"
)

// linkBits is how many bits a link's number has; see messaging/link.
const linkBits = 39

// linkNumber is the number of an effect's link: of its id, and of an attempt
// where an earlier one was taken.
func linkNumber(id crm.EffectID, attempt byte) uint64 {
	sum := sha256.Sum256(append([]byte(id), attempt))
	return binary.BigEndian.Uint64(sum[:8]) >> (64 - linkBits)
}

func linkKey(n uint64) string { return strconv.FormatUint(n, 16) }

// number gives message effects the numbers of their links, all different from
// those in the record, and returns the index entries to put for those that
// turn out to be new.
func number(ctx context.Context, tx crm.Tx, effects []*crm.Effect) (map[crm.EffectID]crm.Ref, error) {
	refs := map[crm.EffectID]crm.Ref{}
	taken := map[uint64]crm.EffectID{}
	open := make([]*crm.Effect, 0, len(effects))
	for _, e := range effects {
		if e.Kind == crm.EffectMessage && e.State == crm.Planned {
			open = append(open, e)
		}
	}
	for attempt := byte(0); len(open) > 0; attempt++ {
		if attempt == 16 {
			return nil, errors.New("vefa: no free number for a link")
		}
		keys := make([]string, len(open))
		for i, e := range open {
			keys[i] = linkKey(linkNumber(e.ID, attempt))
		}
		found, err := tx.Refs(ctx, refLink, 1, keys...)
		if err != nil {
			return nil, err
		}
		var again []*crm.Effect
		for i, e := range open {
			n := linkNumber(e.ID, attempt)
			if other, ok := taken[n]; (ok && other != e.ID) || (len(found[i]) > 0 && found[i][0].Target != string(e.ID)) {
				again = append(again, e)
				continue
			}
			taken[n] = e.ID
			var d MessageData
			if err := json.Unmarshal(e.Data, &d); err != nil {
				return nil, fmt.Errorf("vefa: effect %s: %w", e.ID, err)
			}
			d.Link = n
			if e.Data, err = json.Marshal(d); err != nil {
				return nil, fmt.Errorf("vefa: effect %s: %w", e.ID, err)
			}
			refs[e.ID] = crm.Ref{Kind: refLink, Key: keys[i], Subject: e.Subject, Target: string(e.ID)}
		}
		open = again
	}
	return refs, nil
}

// effectOfLink finds the effect that a link or a survey token belongs to.
func effectOfLink(ctx context.Context, r crm.Reader, n uint64) (*crm.Effect, MessageData, error) {
	var d MessageData
	refs, err := r.Refs(ctx, refLink, 1, linkKey(n))
	if err != nil {
		return nil, d, err
	}
	if len(refs[0]) == 0 {
		return nil, d, &crm.Error{Op: "find", Entity: "link", Kind: crm.ErrNotFound}
	}
	effects, err := r.Effects(ctx, crm.EffectID(refs[0][0].Target))
	if err != nil {
		return nil, d, err
	}
	if effects[0] == nil {
		return nil, d, &crm.Error{Op: "find", Entity: "effect", ID: refs[0][0].Target, Kind: crm.ErrNotFound}
	}
	if err := json.Unmarshal(effects[0].Data, &d); err != nil {
		return nil, d, fmt.Errorf("vefa: effect %s: %w", effects[0].ID, err)
	}
	return effects[0], d, nil
}

// destination answers where a tracked link leads: to the campaign's page or to
// the recipient's survey.
func (e *Engine) destination(ctx context.Context, n uint64) (string, error) {
	var out string
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		_, d, err := effectOfLink(ctx, r, n)
		if err != nil {
			return err
		}
		if d.Survey != "" {
			token, err := e.keys.surveys.Mint(n)
			if err != nil {
				return err
			}
			out = e.cfg.BaseURL + "/s/" + token
			return nil
		}
		c, err := e.campaignOf(ctx, r, d.Name)
		if err != nil {
			return err
		}
		if c == nil || c.URL == "" {
			return &crm.Error{Op: "find", Entity: "message", ID: d.Name, Kind: crm.ErrNotFound}
		}
		out = c.URL
		return nil
	})
	if errors.Is(err, crm.ErrNotFound) {
		err = fmt.Errorf("%w: %w", link.ErrNotFound, err)
	}
	return out, err
}

// onward lets a link to a survey carry the answer that the page shows chosen, "?a=9", and its language,
// "?lang=en", to that page, which reads them. Other destinations get nothing that a visitor can change.
func (e *Engine) onward(destination string, query url.Values) string {
	if !strings.HasPrefix(destination, e.cfg.BaseURL+"/s/") {
		return destination
	}
	out := url.Values{}
	for _, name := range []string{"a", "lang"} {
		if v := query.Get(name); v != "" && len(v) <= 35 && !strings.ContainsFunc(v, func(r rune) bool {
			return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			out.Set(name, v)
		}
	}
	if len(out) == 0 {
		return destination
	}
	return destination + "?" + out.Encode()
}

// trackedURL returns the link that goes into a message.
func (e *Engine) trackedURL(n uint64) (string, error) {
	token, err := e.keys.links.Mint(link.PurposeClick, n)
	if err != nil {
		return "", err
	}
	return e.cfg.BaseURL + "/l/" + token, nil
}
