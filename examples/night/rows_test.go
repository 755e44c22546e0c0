package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/examples/internal/record"
)

// rows lists the logical state of a store, a line per record, sorted. It holds
// what crm.Digest hashes and more: when messages left and where to, and every
// reason. When two digests differ, the lines say in what.
func rows(t testing.TB, db string) []string {
	t.Helper()
	ctx := deadline(t)
	store, _, shut, err := record.Open(ctx, db)
	require.NoError(t, err)
	defer shut()
	var out []string
	add := func(kind string, v any) error {
		data, err := json.Marshal(v)
		out = append(out, kind+" "+string(data))
		return err
	}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		out = out[:0]
		for _, part := range []func(context.Context, crm.Reader, func(string, any) error) error{peopleRows, factRows, addressRows, effectRows} {
			if err := part(ctx, r, add); err != nil {
				return err
			}
		}
		return nil
	}))
	slices.Sort(out)
	return out
}

func peopleRows(ctx context.Context, r crm.Reader, add func(string, any) error) error {
	first := map[crm.CustomerID]*crm.Profile{}
	var all []*crm.Profile
	for p, err := range crm.Profiles(ctx, r, crm.AllParts()) {
		if err != nil {
			return err
		}
		all = append(all, p)
		if was := first[p.Customer]; was == nil || crm.CompareSeniority(p, was) < 0 {
			first[p.Customer] = p
		}
	}
	for _, p := range all {
		if err := add("profile "+p.ProfileKey.String(), p); err != nil {
			return err
		}
		if err := add("link "+p.ProfileKey.String(), first[p.Customer].ProfileKey); err != nil {
			return err
		}
	}
	return nil
}

func factRows(ctx context.Context, r crm.Reader, add func(string, any) error) error {
	kinds := []crm.FactKind{crm.KindOrder, crm.KindVisit, crm.KindTicket, crm.KindAnswer, crm.KindInteraction, crm.KindNote, crm.KindClick,
		crm.KindTag, crm.KindConsent, crm.KindSuppression}
	for _, kind := range kinds {
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), kind) {
			if err != nil {
				return err
			}
			data := any(f.Data)
			switch d := f.Data.(type) { // versions of addresses count attempts, too
			case *crm.Click:
				data = string(d.Effect) + " " + string(d.Verdict)
			case *crm.Consent:
				c := *d
				c.Guard = 0
				data = &c
			case *crm.Suppression:
				c := *d
				c.Guard = 0
				data = &c
			}
			if err := add(fmt.Sprintf("%s %s at %s", kind, f.Ref(), f.At.Format("2006-01-02T15:04:05.000000Z")), data); err != nil {
				return err
			}
		}
	}
	return nil
}

func addressRows(ctx context.Context, r crm.Reader, add func(string, any) error) error {
	for a, err := range crm.AddressStates(ctx, r, crm.AllParts()) {
		if err != nil {
			return err
		}
		if len(a.Consents)+len(a.Suppressed)+len(a.Holds) == 0 {
			continue
		}
		c := *a
		c.Version = 0
		if err := add("address "+a.Address.String(), c); err != nil {
			return err
		}
	}
	return nil
}

func effectRows(ctx context.Context, r crm.Reader, add func(string, any) error) error {
	for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
		if err != nil {
			return err
		}
		type effect struct {
			Kind, Cause, About, Occurrence, Due, State, To, SentAt string
			Reasons                                                []crm.Reason
		}
		const zulu = "2006-01-02T15:04:05.000000Z"
		if err := add("effect "+string(f.ID), effect{string(f.Kind), f.Cause, f.About.String(), f.Occurrence, f.Due.UTC().Format(zulu), string(f.State),
			f.To.String(), f.SentAt.UTC().Format(zulu), f.Reasons}); err != nil {
			return err
		}
	}
	return nil
}

// difference says what two lists of rows do not share: at most the first few.
func difference(want, got []string) string {
	const most = 12
	var b strings.Builder
	n, i, j := 0, 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			i, j = i+1, j+1
			continue
		case j == len(got) || i < len(want) && want[i] < got[j]:
			if n++; n <= most {
				fmt.Fprintf(&b, "\n- %s", want[i])
			}
			i++
		default:
			if n++; n <= most {
				fmt.Fprintf(&b, "\n+ %s", got[j])
			}
			j++
		}
	}
	if n > most {
		fmt.Fprintf(&b, "\n… and %d more", n-most)
	}
	return b.String()
}
