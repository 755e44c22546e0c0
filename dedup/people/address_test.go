package people_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/people"
)

// Cases B14, C7, C8: a number with an extension never becomes one that does not
// exist, and digits of other scripts are read.
func TestPhoneAddress(t *testing.T) {
	for _, c := range []struct{ raw, region, want string }{
		{"0532 123 45 67", "TR", "+905321234567"}, {"905300000000", "TR", "+905300000000"}, {"+44 20 7946 0958", "TR", "+442079460958"},
		{"020 7946 0958", "GB", "+442079460958"}, {"(415) 555-2671", "US", "+14155552671"},
		{"0212 555 12 34 / 123", "TR", "+902125551234"}, {"0212 555 12 34 dahili 12", "TR", "+902125551234"}, {"0212 555 12 34 x12", "TR", "+902125551234"},
		{"0212 555 12 34, 5", "TR", "+902125551234"}, {"0212 555 12 34 - 5", "TR", ""}, {"0212 555 12 34 / 0532 123 45 67", "TR", ""},
		{"٠٥٣٢١٢٣٤٥٦٧", "TR", "+905321234567"}, {"０５３２１２３４５６７", "TR", "+905321234567"},
		{"155", "TR", ""}, {"", "TR", ""}, {"shop", "TR", ""}, {"0532 *** ** 67", "TR", ""}, {"5555555555", "TR", ""},
	} {
		got, ok := people.PhoneAddress(c.raw, c.region)
		require.Equal(t, c.want, got, c.raw)
		require.Equal(t, c.want != "", ok, c.raw)
	}
}
