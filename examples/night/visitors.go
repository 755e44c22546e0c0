package main

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

// visitors are the people and machines that messages reach. They make real
// requests to the engine's handler on loopback.
type visitors struct {
	world  *world.World
	eng    *vefa.Engine
	clock  *clock
	client *http.Client
	todo   []visit // by time
	done   map[world.ActKind]int
	told   map[crm.EffectID]bool
}

// visit is one act with the message that it answers.
type visit struct {
	world.Act
	effect *crm.Effect
}

// hear plans what follows from messages that left: acts after the given time.
func (v *visitors) hear(effects []*crm.Effect, after time.Time) error {
	for _, f := range effects {
		if f.State != crm.Done || v.told[f.ID] { // throttled, refused or not answered yet
			continue
		}
		v.told[f.ID] = true
		m := world.Sent{Effect: f.ID, To: f.To, Campaign: f.Cause, About: f.About, At: f.SentAt, Profile: f.Subject.Profile, Kind: kindOf(f)}
		if m.Profile.IsZero() {
			who, err := vefa.About(f)
			if err != nil {
				return err
			}
			m.Profile = who
		}
		for _, a := range v.world.Reactions(m) {
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

func kindOf(f *crm.Effect) string {
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

// act does everything that is due by a time.
func (v *visitors) act(ctx context.Context, until time.Time) error {
	n := 0
	for n < len(v.todo) && !v.todo[n].At.After(until) {
		a := v.todo[n]
		v.clock.set(a.At)
		if err := v.one(ctx, a); err != nil {
			return fmt.Errorf("%s at %s: %w", a.Kind, a.At.Format(time.RFC3339), err)
		}
		v.done[a.Kind]++
		n++
	}
	v.todo = v.todo[n:]
	return nil
}

func (v *visitors) one(ctx context.Context, a visit) error {
	tracked, page, err := v.eng.Links(a.effect)
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
		out, err := webtest.Answer(ctx, v.client, page, answers)
		if err != nil {
			return err
		}
		if out.Status >= 500 {
			return fmt.Errorf("the survey page answered %d", out.Status)
		}
	case world.NotMe:
		if page != "" {
			_, err := webtest.NotMe(ctx, v.client, page)
			if errors.Is(err, webtest.ErrNoForm) {
				return nil // it was heard before this process was killed
			}
			return err
		}
		_, err := v.eng.Reply(ctx, a.effect.To, a.RequestID, "Yanlış numara", a.At)
		return err
	case world.Reply:
		_, err := v.eng.Reply(ctx, a.effect.To, a.RequestID, a.Text, a.At)
		return err
	case world.Buy:
		_, err := v.eng.Service().Import(ctx, *a.Batch)
		return err
	}
	return nil
}

func (v *visitors) request(ctx context.Context, a visit, url string) error {
	req, err := http.NewRequestWithContext(ctx, a.Method, url, nil)
	if err != nil {
		return err
	}
	for k, values := range a.Header {
		req.Header[k] = values
	}
	req.Header.Set("X-Request-Id", a.RequestID)
	resp, err := v.client.Do(req)
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
