package storetest

import (
	"reflect"
	"testing"

	"github.com/vefacrm/vefa/crm"
)

// TestEveryField holds that the records which are to have every field set do:
// whoever adds a field to a noun hears of it here.
func TestEveryField(t *testing.T) {
	filled(t, "profile", reflect.ValueOf(*everyProfile()), "Customer", "Rev")
	filled(t, "link", reflect.ValueOf(*everyLink(key(1), crm.LinkManual, customer(1))), "Seq")
	filled(t, "effect", reflect.ValueOf(*everyEffect()), "Rev", "Profile")
	filled(t, "address", reflect.ValueOf(*everyAddressState()))
}

func filled(t *testing.T, path string, v reflect.Value, but ...string) {
	if v.Kind() != reflect.Struct || v.Type().PkgPath() == "time" || v.Type().Name() == "Subject" {
		if v.IsZero() {
			t.Errorf("%s is not set", path)
		}
		return
	}
fields:
	for i := range v.NumField() {
		for _, b := range but {
			if v.Type().Field(i).Name == b {
				continue fields
			}
		}
		filled(t, path+"."+v.Type().Field(i).Name, v.Field(i))
	}
}
