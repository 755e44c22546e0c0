package retailer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/night/world"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// Visitors are the people and machines that messages reach. They make real
// requests to the engine's handler on loopback.
type Visitors struct {
	World  *world.World
	Engine *vefa.Engine
	Clock  *Clock
	Client *http.Client
	// Done counts what they did.
	Done map[world.ActKind]int

	todo []visit // by time
	told map[crm.EffectID]bool
}

// visit is one act with the message that it answers.
type visit struct {
	world.Act
	effect *crm.Effect
}

// Hear plans what follows from messages that left: acts after the given time.
func (v *Visitors) Hear(effects []*crm.Effect, after time.Time) error {
	for _, f := range effects {
		if f.State != crm.Done || v.told[f.ID] { // throttled, refused or not answered yet
			continue
		}
		if v.told == nil {
			v.told = map[crm.EffectID]bool{}
		}
		v.told[f.ID] = true
		m := world.Sent{Effect: f.ID, To: f.To, Campaign: f.Cause, About: f.About, At: f.SentAt, Profile: f.Subject.Profile, Kind: KindOf(f)}
		if m.Profile.IsZero() {
			who, err := vefa.About(f)
			if err != nil {
				return err
			}
			m.Profile = who
		}
		for _, a := range v.World.Reactions(m) {
			if !a.At.After(f.SentAt) {
				a.At = f.SentAt.Add(time.Second)
			}
			if a.At.After(after) {
				v.todo = append(v.todo, visit{a, f})
			}
		}
	}
	slices.SortStableFunc(v.todo, func(a, b visit) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.effect.ID, b.effect.ID), cmp.Compare(a.RequestID, b.RequestID))
	})
	return nil
}

// KindOf returns what package world calls the message of an effect; "" for one that cannot be read.
func KindOf(f *crm.Effect) string {
	name, err := vefa.MessageName(f)
	switch {
	case err != nil:
		return ""
	case name == "message/battery-reminder":
		return "reminder"
	case len(name) > 7 && name[:7] == "survey/":
		return "survey"
	case len(name) > 9 && name[:9] == "campaign/":
		return "campaign"
	}
	return "other"
}

// Act does everything that is due by a time.
func (v *Visitors) Act(ctx context.Context, until time.Time) error {
	n := 0
	for n < len(v.todo) && !v.todo[n].At.After(until) {
		a := v.todo[n]
		v.Clock.Set(a.At)
		if err := v.one(ctx, a); err != nil {
			return fmt.Errorf("%s at %s: %w", a.Kind, a.At.Format(time.RFC3339), err)
		}
		if v.Done == nil {
			v.Done = map[world.ActKind]int{}
		}
		v.Done[a.Kind]++
		n++
	}
	v.todo = v.todo[n:]
	return nil
}

func (v *Visitors) one(ctx context.Context, a visit) error {
	tracked, page, err := v.Engine.Links(a.effect)
	if err != nil {
		return err
	}
	switch a.Kind {
	case world.Click, world.Scan:
		return v.request(ctx, a, tracked)
	case world.Answer:
		answers := map[string]any{"nps": a.Answers["score"]}
		if c, ok := a.Answers["comment"]; ok {
			answers["comment"] = c
		}
		out, err := webtest.Answer(ctx, v.Client, page, answers)
		if err != nil {
			return err
		}
		if out.Status >= 500 {
			return fmt.Errorf("the survey page answered %d", out.Status)
		}
	case world.NotMe:
		if page != "" {
			_, err := webtest.NotMe(ctx, v.Client, page)
			if errors.Is(err, webtest.ErrNoForm) {
				return nil // it was heard before this process was killed
			}
			return err
		}
		_, err := v.Engine.Reply(ctx, a.effect.To, a.RequestID, "Yanlış numara", a.At)
		return err
	case world.Reply:
		_, err := v.Engine.Reply(ctx, a.effect.To, a.RequestID, a.Text, a.At)
		return err
	case world.Buy:
		_, err := v.Engine.Service().Import(ctx, *a.Batch)
		return err
	}
	return nil
}

func (v *Visitors) request(ctx context.Context, a visit, url string) error {
	req, err := http.NewRequestWithContext(ctx, a.Method, url, nil)
	if err != nil {
		return err
	}
	for k, values := range a.Header {
		req.Header[k] = values
	}
	req.Header.Set("X-Request-Id", a.RequestID)
	resp, err := v.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 500 {
		return fmt.Errorf("the redirect answered %d", resp.StatusCode)
	}
	return nil
}
