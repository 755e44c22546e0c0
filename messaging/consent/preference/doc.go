// Package preference serves the page on which people say what may be sent to them, and
// confirms what they asked for: plain pages in Turkish and English, without script, cookie,
// log-in or anything loaded from elsewhere.
//
//	GET  /p/{token}        what may be sent; never changes anything, for people and for scanners
//	POST /p/{token}        leave (one click), save, confirm; 303 to the page that says so
//	POST /p/{token}        List-Unsubscribe=One-Click, as RFC 8058 has mail programs send it: 200
//	GET  /p/{token}/done   it is done
//
// A token is signed (package link), holds no address, and is of one purpose: that of a page of
// preferences lives as long as its key; that of a double opt-in ends. Nothing is granted
// before the button on its page is pressed; what is said here is an entry of the ledger, with
// the hash of the text that stood beside the box, and where the request came from.
//
//	pages, err := preference.New(preference.Config{Ledger: ledger, Service: svc, Tokens: codec, Choices: choices})
//	mux.Handle("/p/", pages)
//	token, err := pages.Token(ctx, address)          // for the foot of a message
//	header := preference.ListUnsubscribe("https://shop.example/p/" + token)
//	token, err = pages.Ask(ctx, address, preference.Request{Choice: "news"}) // double opt-in
//
// The host should limit the rate of requests, as for its other pages.
package preference
