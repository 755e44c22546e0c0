// Package link makes and serves tracked links: short signed tokens, a redirect
// that answers without the database, a log of clicks, and verdicts about who
// clicked.
//
// A token is 14 characters of base62: a key id, a 39-bit id behind a keyed
// permutation (so that nobody reads volume or order from it) and a 40-bit
// HMAC-SHA256 tag that is bound to a purpose. Whoever guesses is refused without
// a look into the store. Forty bits are what an SMS has room for: a guess finds
// one of ten million live links with a chance of 2^-55, so limit the rate of
// requests that are answered 404; see SECURITY.md. A token names a link, it never
// authenticates anybody: whatever changes state needs a POST by the person. Mint makes the token of an
// id that the caller keeps with the message; Handler looks the destination of
// an id up through the caller's Resolver, never in the URL.
//
//	codec, err := link.NewCodec(link.Key{ID: 1, Secret: secret})
//	token, err := codec.Mint(link.PurposeClick, 42)
//	mux.Handle("GET /{token}", handler) // NewHandler(Config{Codec: codec, …})
//
// Clicks go to a bounded Log that writes them in groups. Of one link it keeps 60
// an hour, unless LogConfig.PerLink says otherwise, and counts the others; what
// waits for a store that is down takes at most LogConfig.Size clicks of 1 KB,
// and what is refused beyond is counted and told. Addresses of clients are kept
// as hashes under a key of the day, which is to be forgotten with it. A request
// with a body is answered without waiting for that. The host bounds the rest: the
// time-outs of its http.Server and the rate of requests of one client.
//
// Classify gives the verdict about a stored click, with reasons and a version,
// and can be run again over history; Contexts computes from many clicks what it
// needs to know about each, and Networks tells addresses of scanners and carriers.
// Verdicts are bounded guesses: a scanner that behaves like a browser on another
// network at a human hour cannot be told from a person. README.md has the confusion
// matrix of simulated traffic, which package linktest makes.
package link
