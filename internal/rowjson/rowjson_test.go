package rowjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type word string

type key struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

type line struct {
	key
	SKU string `json:"sku"`
}

type Address struct {
	Channel word   `json:"channel"`
	Value   string `json:"value"`
}

type contact struct {
	Address
	Verified bool `json:"verified,omitempty"`
}

// row has what rows have.
type row struct {
	Address
	Name     string            `json:"name,omitempty"`
	Kind     word              `json:"kind,omitempty"`
	Count    int64             `json:"count,omitempty"`
	Small    int8              `json:"small,omitempty"`
	Weight   float64           `json:"weight,omitempty"`
	Half     float32           `json:"half,omitempty"`
	Gift     bool              `json:"gift,omitempty"`
	At       time.Time         `json:"at,omitzero"`
	Owner    key               `json:"owner,omitzero"`
	Contacts []contact         `json:"contacts,omitempty"`
	Tags     []word            `json:"tags,omitempty"`
	Texts    map[string]string `json:"texts,omitempty"`
	Words    map[word]word     `json:"words,omitempty"`
	Values   map[string]any    `json:"values,omitempty"`
	Raw      json.RawMessage   `json:"raw,omitempty"`
	Bytes    []byte            `json:"bytes,omitempty"`
	Maybe    *int              `json:"maybe,omitempty"`
	Number   json.Number       `json:"number,omitempty"`
	Quoted   int               `json:"quoted,string,omitempty"`
	Unsigned uint              `json:"unsigned,omitempty"`
	Named    int               // by its own name
	Hidden   string            `json:"-"`
}

var plain = `{"channel":"sms","value":"+905320000001","name":"Şule Ünal","kind":"person","count":-12,"small":7,"weight":-1.5e-3,"half":0.1,` +
	`"gift":true,"at":"2025-01-02T03:04:05.000006Z","owner":{"source":"erp","id":"1"},` +
	`"contacts":[{"channel":"e-mail","value":"a@example.com","verified":true},{"channel":"","value":""}],"tags":["a","b"],"texts":{"a":"1","b":"2"},"words":{"a":"b"},"Named":0}`

// TestRead reads what is plain and leaves the rest, each time as encoding/json would have it.
func TestRead(t *testing.T) {
	for text, read := range map[string]bool{
		plain: true, `{}`: true, `{"tags":[]}`: true, `{"texts":{}}`: true, `{"contacts":[{}]}`: true, `{"values":{}}`: false,
		`{"count":0}`: true, `{"count":-0}`: true, `{"count":999999999999999999}`: true, `{"count":9223372036854775807}`: false,
		`{"count":01}`: false, `{"count":1.0}`: false, `{"count":1e2}`: false, `{"count":-}`: false, `{"count":"1"}`: false, `{"small":128}`: false,
		`{"weight":0}`: true, `{"weight":01}`: false, `{"weight":1.}`: false, `{"weight":.5}`: false, `{"weight":1e}`: false, `{"weight":+1}`: false,
		`{"weight":1E+2}`: true, `{"weight":1e999}`: false, `{"half":1e39}`: false, `{"weight":NaN}`: false, `{"weight":0x1p-2}`: false,
		`{"name":"a\"b"}`: false, `{"name":"\u0041"}`: false, "{\"name\":\"a\nb\"}": false, "{\"name\":\"a\xff\"}": false, `{"name":"a}`: false, `{"name":null}`: false,
		`{"NAME":"a"}`: false, `{"other":"a"}`: false, `{"name":"a","name":"b"}`: false, `{"name":"a",}`: false, `{"name":"a"`: false, `{"name"}`: false,
		`{ "name":"a"}`: false, `{"name":"a"} `: false, `{"name":"a"}{}`: false, ``: false, `null`: false, `[]`: false, `"a"`: false, `{"tags":["a",]}`: false,
		`{"tags":["a" "b"]}`: false, `{"tags":[`: false, `{"tags":null}`: false, `{"tags":{}}`: false, `{"texts":{"a":1}}`: false, `{"texts":{"a"}}`: false,
		`{"texts":{"a":"1","a":"2"}}`: true, `{"texts":{"a":"1"`: false, `{"gift":false}`: true, `{"gift":tru}`: false, `{"gift":1}`: false, `{"gift":"true"}`: false,
		`{"at":"2025-01-02"}`: false, `{"at":"2025-01-02T03:04:05+03:00"}`: true, `{"at":1}`: false, `{"at":null}`: false,
		`{"raw":{}}`: false, `{"bytes":"YQ=="}`: false, `{"maybe":1}`: false, `{"number":1}`: false, `{"number":"1"}`: false, `{"quoted":"1"}`: false, `{"unsigned":1}`: false,
		`{"Named":3}`: true, `{"named":3}`: false, `{"Hidden":"a"}`: false, `{"owner":{}}`: true, `{"owner":[]}`: false, `{"Address":{}}`: false,
	} {
		require.Equal(t, read, agrees(t, []byte(text), new(row)), text)
	}
	require.True(t, agrees(t, []byte(`[{"channel":"sms"},{}]`), new([]Address)))
	require.False(t, agrees(t, []byte(`{"source":"a","sku":"b"}`), &line{}), "an embedded struct that others cannot see")
	require.False(t, agrees(t, []byte(`{"id":"b"}`), &struct {
		key
		ID string `json:"id"`
	}{}), "which of two is meant")
	type tree struct {
		Of []tree `json:"of"`
	}
	require.False(t, agrees(t, []byte(`{"of":[{}]}`), &tree{}), "what holds itself")
}

// TestNotMadeForIt leaves what is there already to encoding/json, which joins it with what comes.
func TestNotMadeForIt(t *testing.T) {
	require.False(t, Read([]byte(`{"tags":["a"]}`), &row{Tags: make([]word, 0, 4)}))
	require.False(t, Read([]byte(`{"texts":{"a":"b"}}`), &row{Texts: map[string]string{}}))
	require.False(t, Read([]byte(`{}`), row{}))
	require.False(t, Read([]byte(`{}`), (*row)(nil)))
	require.False(t, Read([]byte(`{}`), nil))
}

// agrees reports whether data was read, and fails where that made of it what encoding/json does
// not.
func agrees(t interface {
	require.TestingT
	Helper()
}, data []byte, v any) bool {
	t.Helper()
	kept := string(data)
	read := Read(data, v)
	require.Equal(t, kept, string(data))
	if read {
		want := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		require.NoError(t, json.Unmarshal(data, want), string(data))
		require.Equal(t, want, v, string(data))
	}
	return read
}

// TestWritten reads what encoding/json writes, all of it where no text needs an escape.
func TestWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-ZçğıöşüÇĞİÖŞÜ0-9 .,:{}\[\]]{0,12}`)
		words := rapid.Custom(func(t *rapid.T) word { return word(text.Draw(t, "word")) })
		r := row{Name: text.Draw(t, "name"), Kind: words.Draw(t, "kind"), Count: rapid.Int64Range(-1e18+1, 1e18-1).Draw(t, "count"),
			Small: rapid.Int8().Draw(t, "small"), Weight: rapid.Float64().Draw(t, "weight"), Half: rapid.Float32().Draw(t, "half"), Gift: rapid.Bool().Draw(t, "gift"),
			At:    time.UnixMicro(rapid.Int64Range(-1e15, 1e15).Draw(t, "at")).UTC(),
			Owner: key{text.Draw(t, "source"), text.Draw(t, "id")}, Tags: rapid.SliceOf(words).Draw(t, "tags"),
			Texts: rapid.MapOf(text, text).Draw(t, "texts"), Words: rapid.MapOf(words, words).Draw(t, "words"), Address: Address{Value: text.Draw(t, "value")}}
		for range rapid.IntRange(0, 3).Draw(t, "contacts") {
			r.Contacts = append(r.Contacts, contact{Address{words.Draw(t, "channel"), text.Draw(t, "value")}, rapid.Bool().Draw(t, "verified")})
		}
		data, err := json.Marshal(r)
		require.NoError(t, err)
		require.True(t, agrees(t, data, &row{}), string(data))
	})
}

// FuzzRead never reads what encoding/json reads otherwise.
func FuzzRead(f *testing.F) {
	f.Add([]byte(plain))
	for _, s := range []string{`{"name":"a\n"}`, `{"texts":{"a":"b","a":"c"}}`, `{"weight":1e-7}`, `{"at":"0000-01-01T00:00:00Z"}`, strings.Repeat(`{"owner":`, 3)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		agrees(t, data, &row{})
		agrees(t, data, new([]Address))
	})
}

func BenchmarkRead(b *testing.B) {
	data := []byte(plain)
	b.Run("rowjson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !Read(data, new(row)) {
				b.Fatal("not read")
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(data, new(row)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
