// Package webhook tells a provider's delivery reports and inbound messages from
// what others post to the same address.
//
// A provider signs each request with HMAC-SHA256 under a secret that it shares
// with the host. A Verifier checks the signature over the body, and over the
// time and the id where the provider signs those too, in a time that does not
// depend on what was sent. GitHub, Slack, Stripe and Standard are the forms that
// most providers use; a Form describes any other.
//
//	v, err := webhook.New(webhook.Config{Form: webhook.Standard(), Secrets: []crm.Secret{secret}})
//	mux.Handle("POST /inbound", v.Handler(func(ctx context.Context, d webhook.Delivery) error {
//		… // parse d.Body, then Engine.Reply under the provider's id of the message
//	}))
//
// Within the tolerance a request can be sent again by anyone who saw it, and a form
// without a time can be sent again for ever: do what a delivery says under an
// id of the provider's, as crm facts and Engine.Reply are, so that a repeat
// changes nothing.
//
// A Sender goes the other way: it tells members of staff at endpoints of the
// configuration, signed as Standard says.
package webhook
