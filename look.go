package vefa

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
)

// look is one opening, or sending, of a page of a survey.
type look struct {
	n   uint64
	inv web.Invitation
	err error
}

// Invitation implements web.Store. Those who ask at one moment are answered by one view.
func (v *invitations) Invitation(ctx context.Context, n uint64) (web.Invitation, error) {
	e := (*Engine)(v)
	l := &look{n: n}
	if err := e.looks.do(ctx, l, e.lookAll); err != nil {
		return web.Invitation{}, err
	}
	return l.inv, l.err
}

// lookAll reads what the pages need to know.
func (e *Engine) lookAll(ctx context.Context, batch []*look) error {
	return e.cfg.Store.View(ctx, func(r crm.Reader) error {
		ns := make([]uint64, len(batch))
		for i, l := range batch {
			ns[i] = l.n
		}
		found, err := e.askedBy(ctx, r, ns...)
		if err != nil {
			return err
		}
		places, profiles, used := map[string]string{}, map[crm.ProfileKey]*crm.Profile{}, map[crm.CounterKey]int64{}
		for _, q := range found {
			if q == nil {
				continue
			}
			if q.place != "" {
				places[q.place] = ""
			}
			if !q.who.Profile.IsZero() {
				profiles[q.who.Profile] = nil
			}
			keys, _ := e.closing(q)
			for _, k := range keys {
				used[k] = 0
			}
		}
		if err := readPlaces(ctx, r, places); err != nil {
			return err
		}
		if err := readProfiles(ctx, r, profiles); err != nil {
			return err
		}
		if err := readUsed(ctx, r, used); err != nil {
			return err
		}
		for i, q := range found {
			l := batch[i]
			if q == nil {
				l.inv, l.err = web.Invitation{}, fmt.Errorf("%w: %w", web.ErrNotFound, unknownLink())
				continue
			}
			s := q.survey
			l.inv, l.err = web.Invitation{Definition: s.Definition, Language: s.Invitation.Locale, Place: places[q.place],
				ExpiresAt: q.ends, NotMeUntil: q.notMeUntil(e), Key: q.form.Key, State: q.state(), FollowUp: e.followsUp(q) && q.form.Said == ""}, nil
			if lang := spoken(profiles[q.who.Profile], s.Definition); lang != "" {
				l.inv.Language = lang
			}
			keys, limits := e.closing(q)
			for j, k := range keys {
				if l.inv.State == web.Open && used[k] >= limits[j] {
					l.inv.State = web.Full
				}
			}
		}
		return nil
	})
}

// readPlaces fills in the names of places as their customers know them.
func readPlaces(ctx context.Context, r crm.Reader, names map[string]string) error {
	if len(names) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(names))
	docs, err := r.Documents(ctx, "place", ids...)
	if err != nil {
		return err
	}
	for i, d := range docs {
		if d == nil {
			continue
		}
		var p crm.Place
		if err := d.Decode(&p); err != nil {
			return err
		}
		names[ids[i]] = p.Name
	}
	return nil
}

func readProfiles(ctx context.Context, r crm.Reader, profiles map[crm.ProfileKey]*crm.Profile) error {
	if len(profiles) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(profiles), crm.ProfileKey.Compare)
	found, err := r.Profiles(ctx, keys...)
	for i, p := range found {
		profiles[keys[i]] = p
	}
	return err
}

func readUsed(ctx context.Context, r crm.Reader, used map[crm.CounterKey]int64) error {
	if len(used) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(used), crm.CounterKey.Compare)
	found, err := r.Counters(ctx, keys...)
	for i, c := range found {
		if c != nil {
			used[keys[i]] = c.Used
		}
	}
	return err
}

// spoken returns the Locale of a profile if the definition has it, else "". The texts of a translated definition that
// names no language of its own are English, as SurveyJS has it.
func spoken(p *crm.Profile, def *survey.Definition) string {
	if p == nil || def == nil {
		return ""
	}
	base, _, _ := strings.Cut(strings.ReplaceAll(p.Locale, "_", "-"), "-")
	head := def.Head()
	own := head.Language
	if own == "" && len(head.Languages) > 0 {
		own = "en"
	}
	if base != "" && (strings.EqualFold(base, own) || slices.ContainsFunc(head.Languages, func(l string) bool {
		return strings.EqualFold(l, base) || strings.EqualFold(l, p.Locale)
	})) {
		return p.Locale
	}
	return ""
}
