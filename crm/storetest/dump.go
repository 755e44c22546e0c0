package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// same compares two records by their contents: empty and absent lists, maps
// and JSON are the same, spaces in JSON do not count, times must be UTC.
func same(t require.TestingT, want, got any, why ...any) {
	if h, ok := t.(*testing.T); ok {
		h.Helper()
	}
	require.Equal(t, dump(want), dump(got), why...)
}

// dump writes a value as lines "path = value", without what is empty.
func dump(v any) string {
	var b strings.Builder
	dumpValue(&b, "", reflect.ValueOf(v))
	return b.String()
}

func dumpValue(b *strings.Builder, path string, v reflect.Value) {
	if !v.IsValid() {
		return
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if !x.IsZero() {
			zone := ""
			if x.Location() != time.UTC {
				zone = " (not UTC)"
			}
			fmt.Fprintf(b, "%s = %s%s\n", path, x.UTC().Format(time.RFC3339Nano), zone)
		}
		return
	case json.RawMessage:
		if len(x) > 0 {
			fmt.Fprintf(b, "%s = %s\n", path, compactJSON(x))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Interface {
			path += "(" + v.Elem().Type().String() + ")"
		}
		dumpValue(b, path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			dumpValue(b, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			at := fmt.Sprintf("%s[%d]", path, i)
			fmt.Fprintf(b, "%s\n", at)
			dumpValue(b, at, v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			fmt.Fprintf(b, "%s[%q]\n", path, fmt.Sprint(k))
			dumpValue(b, fmt.Sprintf("%s[%q]", path, fmt.Sprint(k)), v.MapIndex(k))
		}
	default:
		if !v.IsZero() {
			fmt.Fprintf(b, "%s = %#v\n", path, v.Interface())
		}
	}
}

func compactJSON(x []byte) string {
	dec := json.NewDecoder(bytes.NewReader(x))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Sprintf("%q", x)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", x)
	}
	return string(out)
}
