package vefa

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/survey/invite"
)

// Case H5: links and survey pages have derived keys of their own, and no key of
// another purpose, tenant or secret makes a token of either.
func TestEachPurposeHasItsKey(t *testing.T) {
	sign, id := crmtest.Secret("sign"), crmtest.Secret("id")
	c := &Config{Keys: Keys{Tenant: "one", Sign: []Key{{ID: 2, Secret: sign}}, ID: id}}
	d, err := c.derive()
	require.NoError(t, err)

	candidates := map[string]crm.Secret{"sign, as it is": sign, "id, as it is": id}
	for _, purpose := range []string{"link", "survey", "effect-id", "assignment", "check"} {
		candidates[purpose] = sign.Derive("one", purpose)
		candidates["id, "+purpose] = id.Derive("one", purpose)
		candidates["another tenant, "+purpose] = sign.Derive("two", purpose)
	}
	var links, surveys []string
	for name, key := range candidates {
		codec, err := link.NewCodec(link.Key{ID: 2, Secret: key})
		require.NoError(t, err)
		token, err := codec.Mint(link.PurposeClick, 7)
		require.NoError(t, err)
		if _, err := d.links.Parse(link.PurposeClick, token); err == nil {
			links = append(links, name)
		}
		pages := &invite.Codec{Domain: "survey"}
		require.NoError(t, pages.Add(2, key.Reveal()))
		require.NoError(t, pages.Sign(2))
		token, err = pages.Mint(7)
		require.NoError(t, err)
		if _, err := d.surveys.Parse(token); err == nil {
			surveys = append(surveys, name)
		}
	}
	require.Equal(t, []string{"link"}, links)
	require.Equal(t, []string{"survey"}, surveys)
}
