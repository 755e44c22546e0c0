// Package web serves a survey as plain pages: no script, no cookie, nothing
// loaded from elsewhere, a strict content security policy, readable by screen
// readers and on old phones.
//
//	GET  /s/{token}          the questions; never changes anything
//	POST /s/{token}          an answer: checked, stored once, 303 to the thank-you page
//	GET  /s/{token}/thanks   thank you
//	POST /s/{token}/not-me   "this message was not for me": heard until it expires, no data asked
//	GET  /s/{token}/heard    we have heard it
//	POST /s/{token}/mistake  it was pressed by mistake: taken back, where the store can
//	POST /s/{token}/follow-up  what is written after the answer, for a person to read: taken once
//	GET  /s/{token}/taken    we have it
//
// A link is opened by scanners and previews before a person sees it, so only a
// POST counts. A forged token gets the same page as an unknown one, without a
// look at the store; a token whose key is no longer in use is answered like an
// expired invitation. A second answer to the same invitation is thanked for
// politely and not stored; the same page sent twice is the same answer.
//
// Every type of question that a survey.Session runs is asked: a table row by row, so that it can
// be read on a narrow screen, a ranking by a place for each choice, panels and rows with buttons
// that add and remove them, files and signatures as uploads. A page is left only when it is in
// order; what was wrong stands at its question and above the page. Questions that show because of
// an answer on the same page are asked before the next page.
//
// What was answered travels in the form. Each request goes through the survey from its beginning
// with it, so that a required question is always asked. What could not be read is
// kept as it was typed, also when somebody goes back. Nothing is stored until the survey is
// finished, but for drafts where the store is a DraftStore: then the link goes on where its
// respondent stopped. Where the store fails at the end, the page shows again with what was entered.
//
// Time limits of a definition are kept by the server's clock when a page is sent: a page shows how many
// minutes are left, one that comes later is taken as it is and the survey goes on to the next page,
// or ends with what is there. What is missing on it is asked for all the same. Since when they
// count is signed into the form; who opens the link anew begins anew, as long as no draft
// is kept. A survey whose time is over ends at the next page that is sent, not before.
//
// NewPreview shows a definition to its editors.
//
// The host supplies a Store of two methods and mounts the handler:
//
//	h, err := web.New(web.Config{Store: store, Tokens: codec.Parse})
//	mux.Handle("/s/", h)
//
// Texts of the page are in Turkish, English and Arabic; texts of the questions come in
// whatever languages the definition has. Forms of one link and openings of one
// poster are limited by the minute (Config.PerMinute, Posters.PerMinute), each process by itself;
// pages that are only looked at are not. The host should limit those and compress responses, as for
// its other pages.
//
// NewKiosk serves devices that ask everybody who stands before them, such as a tablet at a till.
// Their pages work for weeks without the server: all questions stand on one page, a script of less
// than 1 KB shows what follows from an answer and goes back to the start without a touch of the
// screen, and a service worker keeps answers in IndexedDB until the server has said that it has
// them. Each answer has a UUID, by which the store absorbs what comes twice. Its limits:
//
//   - Only what a page can ask and a browser can check by itself: see KioskFindings.
//   - The device needs https (or a loopback address) and a browser with service workers. Its
//     first visit needs the server; so does a visit after the browser's data were cleared,
//     which loses what was not delivered. The page asks for persistent storage; browsers grant it
//     to installed pages.
//   - While a page of the kiosk is open, delivery is tried every 30 seconds; a closed browser
//     delivers nothing.
//   - Answers that the server refuses are given to the store with the reason and shown by the device
//     at queue, a page for who looks after it. A device that is withdrawn keeps what it has.
//   - An answer is anonymous. What a host makes of KioskAnswer.Code is its own decision.
//
// A body is read only after the token, and only for Config.BodyTimeout; a
// request that is refused by its head is answered at once and its connection
// ended. What comes before a handler runs is the server's: give http.Server a
// ReadHeaderTimeout, ReadTimeout, WriteTimeout and IdleTimeout, because its zero
// value waits for ever.
package web
