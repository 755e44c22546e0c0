package memstore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
)

// TestContentAgainstJSON holds that a fact's own form gives back exactly what
// JSON does, whatever is in it: the record, and so its hash, must not depend on
// the store.
func TestContentAgainstJSON(t *testing.T) {
	words := &words{ids: map[string]uint32{}}
	texts := rapid.OneOf(rapid.SampledFrom([]string{"", "TRY", "kadıköy", "a\xffb", "\ufffd", "<&>\u2028"}), rapid.String())
	times := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		at := time.Unix(rapid.Int64Range(-1<<35, 1<<35).Draw(t, "s"), rapid.SampledFrom([]int64{0, 1000, 999999000, 1}).Draw(t, "ns"))
		return at.In(rapid.SampledFrom([]*time.Location{time.UTC, time.UTC, time.FixedZone("", 3*3600)}).Draw(t, "zone"))
	})
	money := rapid.Custom(func(t *rapid.T) crm.Money {
		return crm.Money{Amount: rapid.Int64().Draw(t, "amount"), Currency: texts.Draw(t, "currency")}
	})
	keys := rapid.Custom(func(t *rapid.T) crm.ProfileKey {
		return crm.ProfileKey{Source: texts.Draw(t, "source"), ID: texts.Draw(t, "id")}
	})
	factKeys := rapid.Custom(func(t *rapid.T) crm.FactKey {
		return crm.FactKey{Kind: crm.FactKind(texts.Draw(t, "kind")), Source: texts.Draw(t, "source"), ID: texts.Draw(t, "id")}
	})
	lines := rapid.Custom(func(t *rapid.T) crm.OrderLine {
		return crm.OrderLine{
			SKU: texts.Draw(t, "sku"), Category: texts.Draw(t, "category"), Brand: texts.Draw(t, "brand"), Quantity: rapid.Int64().Draw(t, "qty"),
			Amount: money.Draw(t, "amount"), Serial: texts.Draw(t, "serial"), Recipient: keys.Draw(t, "recipient"),
		}
	})
	flag := rapid.Bool()
	datas := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) crm.FactData {
			return &crm.Order{
				Number: texts.Draw(t, "number"), Status: crm.OrderStatus(texts.Draw(t, "status")), Channel: texts.Draw(t, "channel"),
				Total: money.Draw(t, "total"), Lines: rapid.SliceOfN(lines, 0, 3).Draw(t, "lines"),
				Payer: keys.Draw(t, "payer"), Recipient: keys.Draw(t, "recipient"), Owner: keys.Draw(t, "owner"), Gift: flag.Draw(t, "gift"),
				FulfilledAt: texts.Draw(t, "fulfilled"), DeliverTo: texts.Draw(t, "to"), ReturnedAt: texts.Draw(t, "returned"),
				Delivered: times.Draw(t, "delivered"), Returns: factKeys.Draw(t, "returns"), Employee: texts.Draw(t, "employee"),
			}
		}),
		rapid.Custom(func(t *rapid.T) crm.FactData {
			return &crm.Visit{
				Number: texts.Draw(t, "number"), Service: texts.Draw(t, "service"), Serial: texts.Draw(t, "serial"), SKU: texts.Draw(t, "sku"),
				Brand: texts.Draw(t, "brand"), Status: texts.Draw(t, "status"), Done: times.Draw(t, "done"), Price: money.Draw(t, "price"),
			}
		}),
		rapid.Custom(func(t *rapid.T) crm.FactData {
			return &crm.TagChange{Tag: texts.Draw(t, "tag"), Off: flag.Draw(t, "off"), By: texts.Draw(t, "by"), Why: texts.Draw(t, "why"), Expires: times.Draw(t, "expires")}
		}),
		rapid.Custom(func(t *rapid.T) crm.FactData {
			return &crm.Click{
				Effect: crm.EffectID(texts.Draw(t, "effect")), Campaign: texts.Draw(t, "campaign"), Method: texts.Draw(t, "method"), Agent: texts.Draw(t, "agent"),
				Verdict: crm.Verdict(texts.Draw(t, "verdict")), Classifier: texts.Draw(t, "classifier"), Reasons: rapid.SliceOfN(texts, 0, 3).Draw(t, "reasons"),
				Signals: texts.Draw(t, "signals"), Count: rapid.Int64().Draw(t, "count"),
				Earlier: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) crm.ClickVerdict {
					return crm.ClickVerdict{Verdict: crm.Verdict(texts.Draw(t, "was")), Classifier: texts.Draw(t, "by"), Reasons: rapid.SliceOfN(texts, 0, 2).Draw(t, "why")}
				}), 0, 3).Draw(t, "earlier"),
			}
		}),
		rapid.Custom(func(t *rapid.T) crm.FactData {
			a := &crm.Answer{
				Survey: texts.Draw(t, "survey"), Effect: crm.EffectID(texts.Draw(t, "effect")), About: factKeys.Draw(t, "about"), Metric: texts.Draw(t, "metric"),
				Score: rapid.Int().Draw(t, "score"), Bad: flag.Draw(t, "bad"), Outside: flag.Draw(t, "outside"), Comment: texts.Draw(t, "comment"),
			}
			if flag.Draw(t, "values") {
				a.Values = map[string]any{"a": texts.Draw(t, "value"), "b": 1}
			}
			return a
		}),
		rapid.Custom(func(t *rapid.T) crm.FactData {
			return &crm.Consent{
				ConsentKey: crm.ConsentKey{Brand: texts.Draw(t, "brand"), Recipient: texts.Draw(t, "recipient"), Purpose: texts.Draw(t, "purpose")},
				Status:     crm.ConsentStatus(texts.Draw(t, "status")), Via: texts.Draw(t, "via"), Proof: texts.Draw(t, "proof"),
				Actor: texts.Draw(t, "actor"), Guard: rapid.Int64().Draw(t, "guard"),
			}
		}),
		rapid.Custom(func(t *rapid.T) crm.FactData {
			return &crm.Interaction{Channel: texts.Draw(t, "channel"), Direction: texts.Draw(t, "direction"), Topic: texts.Draw(t, "topic"), Text: texts.Draw(t, "text"), Employee: texts.Draw(t, "employee")}
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		f := &crm.Fact{Key: crm.FactKey{ID: texts.Draw(t, "id")}, At: times.Draw(t, "at"), Place: texts.Draw(t, "place"), Data: datas.Draw(t, "data")}
		f.Key.Kind = crm.BuiltIn().OfData(f.Data).Name
		asJSON, err := crm.EncodeFactData(f.Data)
		require.NoError(t, err)
		want, err := crm.BuiltIn().Decode(f.Key.Kind, asJSON)
		require.NoError(t, err)

		e := encoder{words: words}
		require.NoError(t, encodeContent(&e, f))
		p := factPage{r: &reader{st: &state{words: words.list}, kinds: crm.BuiltIn()}}
		key := appendFactKey(append([]byte{0, 0, 'p'}, 's', 0, 'i', 0), f.Key)
		head := encoder{}
		head.int(1)
		head.time(time.Time{})
		got, err := p.r.factOf(key, string(append(head.b, e.b...)))
		require.NoError(t, err)
		a, err := json.Marshal(want)
		require.NoError(t, err)
		b, err := json.Marshal(got.Data)
		require.NoError(t, err)
		require.Equal(t, string(a), string(b))
		require.Equal(t, want, got.Data)

		for _, other := range []string{string(append(head.b, e.b...)) + "x", string(append(head.b, e.b[:len(e.b)-1]...))} {
			_, err := p.r.factOf(key, other)
			require.ErrorIs(t, err, crm.ErrInvalid, "a byte that is left over or missing is noticed")
		}

		hash, err := hashOf(got, string(e.b))
		require.NoError(t, err)
		require.Equal(t, crm.FactHash(f, asJSON), hash, "the hash is that of what was delivered")
	})
}

// TestRecordsEnd holds that of no record bytes are left over: what is written twice,
// or is not read, is noticed.
func TestRecordsEnd(t *testing.T) {
	words := &words{ids: map[string]uint32{}}
	for name, record := range map[string]struct {
		write func(*encoder)
		read  func(*decoder)
	}{
		"profile": {func(e *encoder) {
			e.profile(&crm.Profile{Name: crm.Name{Given: "Ayşe"}, Attributes: map[string]string{"a": "b"}})
		}, func(d *decoder) { d.profile(new(crm.Profile)) }},
		"address": {func(e *encoder) { e.addressState(&crm.AddressState{Version: 3, Suppressed: []string{"x"}}) }, func(d *decoder) { d.addressState(new(crm.AddressState)) }},
		"effect":  {func(e *encoder) { e.effect(&crm.Effect{Cause: "rule/x", Data: []byte("{}")}) }, func(d *decoder) { d.effect(new(crm.Effect)) }},
		"link":    {func(e *encoder) { e.link(&crm.Link{Actor: "x", Op: "o", OpLen: 1}) }, func(d *decoder) { d.link(new(crm.Link)) }},
	} {
		e := encoder{words: words}
		record.write(&e)
		for _, c := range []struct {
			s    string
			fine bool
		}{{string(e.b), true}, {string(e.b) + "x", false}, {string(e.b[:len(e.b)-1]), false}} {
			d := decoder{s: c.s, words: words.list}
			record.read(&d)
			require.Equal(t, c.fine, d.end(name) == nil, "%s of %d bytes", name, len(c.s))
		}
	}
}

func TestTimesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(-62135596800_000000, 253402300799_999999).Draw(t, "us")).UTC()
		if rapid.Bool().Draw(t, "second") {
			at = at.Truncate(time.Second)
		}
		var e encoder
		e.time(at)
		d := decoder{s: string(e.b)}
		require.Equal(t, at, d.time())
		require.Empty(t, d.s)
	})
}

func TestCustomerIDsComeBack(t *testing.T) {
	for _, id := range []crm.CustomerID{"", "k-1", "01959bd3-0000-7000-8000-00000000abcd", "01959BD3-0000-7000-8000-00000000ABCD", "01959bd3x0000-7000-8000-00000000abcd", "01959bd3-0000-7000-8000-00000000abc"} {
		got, rest := cutCustomer(string(append(appendCustomer(nil, id), "rest"...)))
		require.Equal(t, id, got)
		require.Equal(t, "rest", rest)
	}
}

// FuzzDecode holds that no bytes make a decoder fail: it reads what there is.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	e := encoder{words: &words{ids: map[string]uint32{}}}
	e.profile(&crm.Profile{Name: crm.Name{Given: "Ayşe"}, Attributes: map[string]string{"a": "b"}})
	f.Add(e.b)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(d *decoder){
			func(d *decoder) { d.profile(new(crm.Profile)) },
			func(d *decoder) { d.addressState(new(crm.AddressState)) },
			func(d *decoder) { d.link(new(crm.Link)) },
			func(d *decoder) { d.effect(new(crm.Effect)) },
			func(d *decoder) { d.place() },
		} {
			read(&decoder{s: string(b), words: []string{"x"}})
		}
	})
}
