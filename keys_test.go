package vefa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// installation is a retailer whose keys are changed.
type installation struct {
	t     *testing.T
	store crm.Store
	clock *crmtest.Clock
}

func newInstallation(t *testing.T) *installation {
	in := &installation{t: t, store: memstore.New(), clock: &crmtest.Clock{}}
	in.clock.Set(nighttest.Start)
	return in
}

func (in *installation) open(keys vefa.Keys) *nighttest.Retailer {
	return nighttest.New(in.t, in.store, in.clock, func(c *vefa.Config) {
		c.Keys = keys
		c.Campaigns[0].Holdout, c.Campaigns[0].Window, c.Campaigns[0].Unmeasured = 0.5, 7*24*time.Hour, ""
		c.TrainAt = -1
	})
}

// evening runs the evenings until people were asked how it was.
func (in *installation) evening(shop *nighttest.Retailer, days ...int) {
	for _, d := range days {
		in.clock.Set(nighttest.Start.AddDate(0, 0, d))
		_, err := shop.Engine.Night(in.t.Context(), vefa.Night{})
		require.NoError(in.t, err)
	}
}

func (in *installation) effects() (out []*crm.Effect) {
	require.NoError(in.t, in.store.View(in.t.Context(), func(r crm.Reader) error {
		for e, err := range crm.AllEffects(in.t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			out = append(out, e.Clone())
		}
		return nil
	}))
	return out
}

func anySent(effects []*crm.Effect, cause string) *crm.Effect {
	for _, e := range effects {
		if e.Cause == cause && e.State == crm.Done {
			return e
		}
	}
	return nil
}

// path is where a link leads on the engine's own handler.
func path(url string) string { return strings.TrimPrefix(url, "https://s.example") }

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

// Cases H3 and B19: signing keys rotate through the engine. Tokens of the old
// key work as long as it is there and have expired afterwards; new ones are of
// the new key; ids and hold-outs stay as they were.
func TestSigningKeysRotate(t *testing.T) {
	in := newInstallation(t)
	one, two := vefa.Key{ID: 1, Secret: crmtest.Secret("sign 1")}, vefa.Key{ID: 2, Secret: crmtest.Secret("sign 2")}
	keys := nighttest.Keys()
	keys.Sign = []vefa.Key{one}
	shop := in.open(keys)
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(40))
	require.NoError(t, err)
	in.evening(shop, 0, 1, 2)
	before := in.effects()
	invitation := anySent(before, "rule/survey")
	require.NotNil(t, invitation)
	arms := map[crm.EffectID]crm.EffectState{}
	for _, e := range before {
		arms[e.ID] = e.State
	}
	require.Contains(t, fmt.Sprint(arms), string(crm.HeldOut))
	oldLink, oldPage, err := shop.Engine.Links(invitation)
	require.NoError(t, err)

	keys.Sign = []vefa.Key{two, one}
	shop = in.open(keys)
	in.evening(shop, 2)
	newLink, newPage, err := shop.Engine.Links(invitation)
	require.NoError(t, err)
	require.NotEqual(t, oldLink, newLink)
	require.NotEqual(t, oldPage, newPage)
	for _, url := range []string{oldLink, newLink} {
		require.Equal(t, http.StatusFound, get(shop.Engine.Handler(), path(url)).Code)
		require.Equal(t, newPage, get(shop.Engine.Handler(), path(url)).Header().Get("Location"), "pages are of the new key")
	}
	for _, url := range []string{oldPage, newPage} {
		require.Equal(t, http.StatusOK, get(shop.Engine.Handler(), path(url)).Code)
	}
	// Another evening draws the same arms under the same ids.
	again := newInstallation(t)
	other := again.open(keys)
	_, err = other.Engine.Service().Import(t.Context(), nighttest.People(40))
	require.NoError(t, err)
	again.evening(other, 0, 1, 2)
	for _, e := range again.effects() {
		require.Equal(t, arms[e.ID], e.State)
	}
	require.Len(t, again.effects(), len(before))
	require.Len(t, in.effects(), len(before))

	keys.Sign = []vefa.Key{two}
	shop = in.open(keys)
	for _, url := range []string{oldLink, oldPage} {
		rec := get(shop.Engine.Handler(), path(url))
		require.Equal(t, http.StatusGone, rec.Code, "it has expired")
		require.NotContains(t, rec.Body.String(), "error")
	}
	require.Equal(t, http.StatusFound, get(shop.Engine.Handler(), path(newLink)).Code)
	require.Equal(t, http.StatusOK, get(shop.Engine.Handler(), path(newPage)).Code)
}

// Case H3: an id key or a tenant that is not the record's is refused before
// anything is planned; another salt needs a word of the host's.
func TestKeysOfAnotherRecord(t *testing.T) {
	in := newInstallation(t)
	shop := in.open(nighttest.Keys())
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(40))
	require.NoError(t, err)
	in.evening(shop, 0, 1)
	planned := len(in.effects())

	for field, change := range map[string]func(*vefa.Keys){
		"Keys.ID":     func(k *vefa.Keys) { k.ID = crmtest.Secret("id 2") },
		"Keys.Tenant": func(k *vefa.Keys) { k.Tenant = "tset" },
		"Keys.Salt":   func(k *vefa.Keys) { k.Salt = crmtest.Secret("salt 2") },
	} {
		keys := nighttest.Keys()
		change(&keys)
		shop := in.open(keys)
		in.clock.Set(nighttest.Start.AddDate(0, 0, 2))
		_, err := shop.Engine.Night(t.Context(), vefa.Night{})
		require.ErrorIs(t, err, vefa.ErrKeys, field)
		require.ErrorContains(t, err, field)
		_, err = in.open(keys).Engine.Deliver(t.Context())
		require.ErrorIs(t, err, vefa.ErrKeys, "what it sent would lead nowhere")
		require.Len(t, in.effects(), planned)
		if field != "Keys.Salt" {
			keys.Redraw = true
			_, err = in.open(keys).Engine.Night(t.Context(), vefa.Night{})
			require.ErrorIs(t, err, vefa.ErrKeys, "Redraw is about the salt")
		}
	}

	keys := nighttest.Keys()
	keys.Salt, keys.Redraw = crmtest.Secret("salt 2"), true
	in.evening(in.open(keys), 2)
	ids := map[crm.EffectID]bool{}
	for _, e := range in.effects() {
		ids[e.ID] = true
		require.Equal(t, e.ID, shop.Engine.IDs().ID(e.Cause, e.Subject, e.About, e.Occurrence), "ids do not depend on the salt")
	}
	keys.Redraw = false
	in.evening(in.open(keys), 3)
	require.ErrorIs(t, in.night(nighttest.Keys()), vefa.ErrKeys, "the old salt is another now")
}

func (in *installation) night(keys vefa.Keys) error {
	_, err := in.open(keys).Engine.Night(in.t.Context(), vefa.Night{})
	return err
}

// The salt alone decides who is held out.
func TestSaltDrawsHoldouts(t *testing.T) {
	arms := func(change func(*vefa.Keys)) (held []string) {
		in := newInstallation(t)
		keys := nighttest.Keys()
		change(&keys)
		shop := in.open(keys)
		_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(40))
		require.NoError(t, err)
		in.evening(shop, 0, 1, 2)
		for _, e := range in.effects() {
			if e.State == crm.HeldOut {
				held = append(held, e.Subject.String())
			}
		}
		require.NotEmpty(t, held)
		return held
	}
	salted := arms(func(k *vefa.Keys) { k.Salt = crmtest.Secret("salt") })
	require.ElementsMatch(t, salted, arms(func(k *vefa.Keys) { k.Salt, k.ID = crmtest.Secret("salt"), crmtest.Secret("other ids") }))
	require.NotElementsMatch(t, salted, arms(func(k *vefa.Keys) { k.Salt = crmtest.Secret("another salt") }))
	require.NotElementsMatch(t, salted, arms(func(*vefa.Keys) {}))
}

// Case H5: two tenants with one secret. No token of the one is good for the
// other, on no path, and neither can disown the other's addresses.
func TestTenantsWithOneSecret(t *testing.T) {
	type tenant struct {
		*installation
		shop       *nighttest.Retailer
		link, page string
		ids        map[crm.EffectID]bool
	}
	open := func(name string) *tenant {
		in := newInstallation(t)
		keys := nighttest.Keys()
		keys.Tenant = name
		x := &tenant{installation: in, shop: in.open(keys), ids: map[crm.EffectID]bool{}}
		_, err := x.shop.Engine.Service().Import(t.Context(), nighttest.People(20))
		require.NoError(t, err)
		in.evening(x.shop, 0, 1, 2)
		for _, e := range in.effects() {
			x.ids[e.ID] = true
		}
		x.link, x.page, err = x.shop.Engine.Links(anySent(in.effects(), "rule/survey"))
		require.NoError(t, err)
		return x
	}
	a, b := open("a"), open("b")
	for id := range a.ids {
		require.False(t, b.ids[id], "the same person and message have other ids elsewhere")
	}
	h := b.shop.Engine.Handler()
	require.Equal(t, http.StatusFound, get(a.shop.Engine.Handler(), path(a.link)).Code)
	require.Equal(t, http.StatusNotFound, get(h, path(a.link)).Code)
	require.Equal(t, http.StatusNotFound, get(h, path(a.page)).Code)
	server := httptest.NewServer(h)
	defer server.Close()
	for _, action := range []string{"", "/not-me"} {
		resp, err := server.Client().Post(server.URL+path(a.page)+action, "application/x-www-form-urlencoded", strings.NewReader("q.nps=1"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusNotFound, resp.StatusCode)
	}
	require.NoError(t, b.store.View(t.Context(), func(r crm.Reader) error {
		for p, err := range crm.Profiles(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			require.Empty(t, p.Disowned)
		}
		return nil
	}))
}

// Case H5: a token of one purpose is refused for every other.
func TestTokensOfAnotherPurpose(t *testing.T) {
	in := newInstallation(t)
	shop := in.open(nighttest.Keys())
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(20))
	require.NoError(t, err)
	in.evening(shop, 0, 1)
	tracked, page, err := shop.Engine.Links(anySent(in.effects(), "rule/survey"))
	require.NoError(t, err)
	token := func(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
	h := shop.Engine.Handler()
	require.Equal(t, http.StatusFound, get(h, "/l/"+token(tracked)).Code)
	require.Equal(t, http.StatusOK, get(h, "/s/"+token(page)).Code)
	require.Equal(t, http.StatusNotFound, get(h, "/l/"+token(page)).Code)
	require.Equal(t, http.StatusNotFound, get(h, "/s/"+token(tracked)).Code)

	// A codec of links that was given the very secret of the host, not one that
	// is derived from it, makes tokens that are good for nothing here.
	raw, err := link.NewCodec(link.Key{ID: 1, Secret: nighttest.Keys().Sign[0].Secret})
	require.NoError(t, err)
	for _, purpose := range []string{link.PurposeClick, link.PurposeSurvey, link.PurposePreference, link.PurposeUnsubscribe} {
		forged, err := raw.Mint(purpose, 1)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, get(h, "/l/"+forged).Code)
	}
}

// Case H4: what a survey URL and a link hold is not to be computed from the
// customer and the order, and nothing of the record's keys is either.
func TestNumbersAreKeyed(t *testing.T) {
	numbers := func(change func(*vefa.Keys)) (keys, pages map[string]bool) {
		in := newInstallation(t)
		k := nighttest.Keys()
		change(&k)
		shop := in.open(k)
		_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(20))
		require.NoError(t, err)
		in.evening(shop, 0, 1, 2)
		keys, pages = map[string]bool{}, map[string]bool{}
		for _, e := range in.effects() {
			if e.Kind != crm.EffectMessage || e.State != crm.Done {
				continue
			}
			var d vefa.MessageData
			require.NoError(t, json.Unmarshal(e.Data, &d))
			keys[fmt.Sprint(d.Link)] = true
			require.NotContains(t, string(e.ID), fmt.Sprintf("%x", d.Link))
			_, page, err := shop.Engine.Links(e)
			require.NoError(t, err)
			pages[page] = true
		}
		require.NotEmpty(t, keys)
		return keys, pages
	}
	one, _ := numbers(func(*vefa.Keys) {})
	two, _ := numbers(func(k *vefa.Keys) { k.ID = crmtest.Secret("id 2") })
	for n := range one {
		require.False(t, two[n], "link %s does not depend on the key", n)
	}
}

// Case H8: "not me" of a page ends with the message, however the page was come
// by; a reply is heard for ever.
func TestNotMeEndsWithTheMessage(t *testing.T) {
	in := newInstallation(t)
	shop := nighttest.New(t, in.store, in.clock, func(c *vefa.Config) { c.NotMeWithin = 10 * 24 * time.Hour })
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(20))
	require.NoError(t, err)
	in.evening(shop, 0, 1)
	invitation := anySent(in.effects(), "rule/survey")
	_, page, err := shop.Engine.Links(invitation)
	require.NoError(t, err)
	server := httptest.NewServer(shop.Engine.Handler())
	defer server.Close()

	disowned := func() bool {
		p, err := vefa.About(invitation)
		require.NoError(t, err)
		var found []*crm.Profile
		require.NoError(t, in.store.View(t.Context(), func(r crm.Reader) (err error) {
			found, err = r.Profiles(t.Context(), p)
			return err
		}))
		return len(found[0].Disowned) > 0
	}
	in.clock.Set(invitation.SentAt.Add(10 * 24 * time.Hour))
	resp, err := server.Client().Post(server.URL+path(page)+"/not-me", "application/x-www-form-urlencoded", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusGone, resp.StatusCode)
	require.False(t, disowned())

	in.clock.Set(invitation.SentAt.Add(10*24*time.Hour - time.Second))
	out, err := webtest.NotMe(t.Context(), server.Client(), server.URL+path(page))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, out.Status)
	require.True(t, disowned())
}

// Case H3: every fault of the keys is reported with the name of its field.
func TestBadKeysAreRefused(t *testing.T) {
	weak := crm.NewSecret(make([]byte, 32))
	many := nighttest.Keys()
	for field, change := range map[string]func(*vefa.Keys){
		"Config.Keys.Tenant must be set":              func(k *vefa.Keys) { k.Tenant = "" },
		"Config.Keys.Sign must have":                  func(k *vefa.Keys) { k.Sign = nil },
		"Config.Keys.Sign[1].Secret: weak secret":     func(k *vefa.Keys) { k.Sign = append(k.Sign, vefa.Key{ID: 2, Secret: weak}) },
		"Config.Keys.Sign[0].Secret: weak secret":     func(k *vefa.Keys) { k.Sign = []vefa.Key{{ID: 2}} },
		"Config.Keys.Sign[1].ID 1 is there twice":     func(k *vefa.Keys) { k.Sign = append(k.Sign, vefa.Key{ID: 1, Secret: crmtest.Secret("x")}) },
		"Config.Keys.Sign[1].ID is 7, at most 6":      func(k *vefa.Keys) { k.Sign = append(k.Sign, vefa.Key{ID: 7, Secret: crmtest.Secret("x")}) },
		"Config.Keys.Sign[0].Secret is that of":       func(k *vefa.Keys) { k.ID = k.Sign[0].Secret },
		"Config.Keys.ID: weak secret: there is none":  func(k *vefa.Keys) { k.ID = crm.Secret{} },
		"Config.Keys.ID: weak secret: it repeats":     func(k *vefa.Keys) { k.ID = weak },
		"Config.Keys.Salt: weak secret: it has 5 byt": func(k *vefa.Keys) { k.Salt = crm.NewSecret([]byte("short")) },
	} {
		keys := nighttest.Keys()
		change(&keys)
		_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: keys})
		require.ErrorContains(t, err, field)
		if strings.Contains(field, "weak") {
			require.ErrorIs(t, err, crm.ErrWeakSecret)
		}
	}
	many.Tenant = "b"
	_, err := vefa.New(vefa.Config{Store: tenantStore{memstore.New(), "a"}, Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: many})
	require.ErrorContains(t, err, `Config.Keys.Tenant is "b", that of the Store "a"`)
	many.Tenant = ""
	_, err = vefa.New(vefa.Config{Store: tenantStore{memstore.New(), "a"}, Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: many})
	require.NoError(t, err, "the store's name is the tenant's")
}

type tenantStore struct {
	crm.Store
	tenant string
}

func (s tenantStore) Tenant() string { return s.tenant }

// Case H10: a configuration or an engine that is printed or logged shows none
// of its secrets.
func TestConfigDoesNotPrintSecrets(t *testing.T) {
	secret := crmtest.Secret("sign 1").Reveal()
	cfg := vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys()}
	cfg.Keys.Salt, cfg.Keys.ID = crm.NewSecret(secret), crm.NewSecret(append([]byte("id"), secret...))
	eng, err := vefa.New(cfg)
	require.NoError(t, err)
	var decimal []string
	for _, b := range secret[:6] {
		decimal = append(decimal, fmt.Sprint(b))
	}
	for _, v := range []any{cfg, &cfg, cfg.Keys, &cfg.Keys, cfg.Keys.Sign, eng, eng.IDs(), link.Key{ID: 1, Secret: crm.NewSecret(secret)}} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).InfoContext(context.Background(), "text", slog.Any("cfg", v))
		slog.New(slog.NewJSONHandler(&out, nil)).InfoContext(context.Background(), "json", slog.Any("cfg", v))
		if data, err := json.Marshal(v); err == nil {
			out.Write(data)
		}
		require.Contains(t, fmt.Sprint(secret), strings.Join(decimal, " "), "the test sees what is exposed")
		for _, shown := range []string{string(secret), strings.Join(decimal, " "), strings.Join(decimal, ","), strings.Join(decimal, ", "),
			fmt.Sprintf("%x", secret[:6]), strings.Trim(fmt.Sprintf("%#v", secret[:6]), "[]byte{}")} {
			require.NotContains(t, out.String(), shown, "%T", v)
		}
	}
}
