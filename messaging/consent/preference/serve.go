package preference

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/plainpage"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/link"
)

// maxBody bounds a form, in bytes.
const maxBody = 16 << 10

// visit is one request with a token that is good.
type visit struct {
	w     http.ResponseWriter
	r     *http.Request
	id    string // of the document
	is    about
	ask   bool // a double opt-in
	token string
	up    string // way from the requested page to the directory of the token
	t     *texts
	lang  string
}

// ServeHTTP answers the pages of the package documentation.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainpage.Headers(w, p.policy)
	token, action, deeper := strings.Cut(strings.TrimPrefix(r.URL.Path, p.cfg.Path), "/")
	v := &visit{w: w, r: r, token: token}
	if deeper {
		v.up = "../"
	}
	v.t, v.lang = textsFor(language(r))
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	var err error
	n := uint64(0)
	if n, err = p.cfg.Tokens.Parse(link.PurposePreference, token); err != nil {
		n, err = p.cfg.Tokens.Parse(purposeAsk, token)
		v.ask = err == nil
	}
	v.id = strconv.FormatUint(n, 10)
	switch {
	case action != "" && action != "done":
		p.refuse(v, http.StatusNotFound, v.t.NotFound, v.t.NotFoundBody)
	case !get && (r.Method != http.MethodPost || action != ""):
		w.Header().Set("Allow", "GET, HEAD, POST")
		p.refuse(v, http.StatusMethodNotAllowed, v.t.Refused, v.t.RefusedBody)
	case err != nil: // a forged one learns no more than that
		p.refuse(v, http.StatusNotFound, v.t.NotFound, v.t.NotFoundBody)
	case get:
		plainpage.LeaveBody(w, r)
		p.show(v, action)
	case p.cfg.CrossOrigin.Check(r) != nil:
		p.refuse(v, http.StatusForbidden, v.t.Refused, v.t.RefusedBody)
	default:
		p.post(v)
	}
}

// find reads what the token is about; false says that it was answered.
func (p *Pages) find(v *visit) bool {
	kind := pageKind
	if v.ask {
		kind = askKind
	}
	err := p.cfg.Service.Store().View(v.r.Context(), func(r crm.Reader) error {
		docs, err := r.Documents(v.r.Context(), kind, v.id)
		if err != nil {
			return err
		}
		if docs[0] == nil {
			return &crm.Error{Op: "find", Entity: "preference", Kind: crm.ErrNotFound}
		}
		return docs[0].Decode(&v.is)
	})
	switch {
	case errors.Is(err, crm.ErrNotFound):
		p.refuse(v, http.StatusNotFound, v.t.NotFound, v.t.NotFoundBody)
	case err != nil:
		p.unavailable(v, "find", err)
	case v.ask && !p.cfg.Now().Before(v.is.Expires):
		p.refuse(v, http.StatusGone, v.t.Expired, v.t.ExpiredBody)
	default:
		return true
	}
	return false
}

// show answers a GET. It changes nothing.
func (p *Pages) show(v *visit, action string) {
	if !p.find(v) {
		return
	}
	switch {
	case action == "done" && v.ask:
		p.write(v, http.StatusOK, page{Title: v.t.Confirmed, Body: v.t.ConfirmedBody})
	case action == "done":
		p.write(v, http.StatusOK, page{Title: v.t.Done, Body: v.t.DoneBody, Back: v.up + v.token + langQuery(v.r)})
	case v.ask:
		c := p.choice(v.is.Choice, v.is.Address)
		if c == nil { // it is offered no more
			p.refuse(v, http.StatusGone, v.t.Expired, v.t.ExpiredBody)
			return
		}
		p.write(v, http.StatusOK, page{Title: v.t.Confirm, Body: c.Label[v.lang], Confirm: true})
	default:
		state, err := p.cfg.Service.Address(v.r.Context(), v.is.Address)
		if err != nil {
			p.unavailable(v, "read", err)
			return
		}
		out := page{Title: v.t.Title, Body: v.t.Intro, Leave: true}
		for _, c := range p.offered(v.is.Address) {
			out.Choices = append(out.Choices, box{Name: c.Name, Label: c.Label[v.lang], On: p.wanted(state, c)})
		}
		p.write(v, http.StatusOK, out)
	}
}

// offered returns the choices of an address.
func (p *Pages) offered(a crm.Address) (out []Choice) {
	for _, c := range p.cfg.Choices {
		if c.Channel == a.Channel {
			out = append(out, c)
		}
	}
	return out
}

// wanted reports whether a choice stands as granted now.
func (p *Pages) wanted(s *crm.AddressState, c Choice) bool {
	state := &crm.AddressState{Consents: s.Consents} // a suppression is not a choice
	return consent.Policy{}.Decide(state, c.Key, consent.Commercial, p.cfg.Now()).Ground == "granted"
}

// post takes a form.
func (p *Pages) post(v *visit) {
	if !p.read(v) || !p.find(v) {
		return
	}
	f, ctx := v.r.PostForm, v.r.Context()
	oneClick := f.Get("List-Unsubscribe") == "One-Click"
	var err error
	switch {
	case v.ask && f.Get("do") == "confirm":
		err = p.confirm(ctx, v)
	case !v.ask && (oneClick || f.Get("do") == "leave"):
		err = p.leave(ctx, v, oneClick)
	case !v.ask && f.Get("do") == "save":
		err = p.save(ctx, v)
	default:
		p.refuse(v, http.StatusBadRequest, v.t.Refused, v.t.RefusedBody)
		return
	}
	switch {
	case errors.Is(err, errGone):
		p.refuse(v, http.StatusGone, v.t.Expired, v.t.ExpiredBody)
	case err != nil:
		p.unavailable(v, "write", err)
	case oneClick:
		p.write(v, http.StatusOK, page{Title: v.t.Done, Body: v.t.DoneBody})
	default:
		v.w.Header().Set("Location", v.up+v.token+"/done"+langQuery(v.r))
		v.w.WriteHeader(http.StatusSeeOther)
	}
}

var errGone = errors.New("preference: it is offered no more")

// read parses the form within bounds of size and time; mail programs may send it in parts.
func (p *Pages) read(v *visit) bool {
	conn := http.NewResponseController(v.w)
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxBody)
	// A deadline of the connection goes by the machine's clock, not by Config.Now.
	_ = conn.SetReadDeadline(time.Now().Add(p.cfg.BodyTimeout))
	var err error
	if strings.HasPrefix(strings.ToLower(v.r.Header.Get("Content-Type")), "multipart/form-data") {
		err = v.r.ParseMultipartForm(maxBody)
	} else {
		err = v.r.ParseForm()
	}
	if err != nil {
		p.refuse(v, http.StatusBadRequest, v.t.Refused, v.t.RefusedBody)
		return false
	}
	_ = conn.SetReadDeadline(time.Time{})
	return true
}

// said is what somebody says on a page.
func (p *Pages) said(v *visit, c Choice, status crm.ConsentStatus, note string) consent.Said {
	s := consent.Said{ConsentKey: c.Key, Status: status, Source: "HS_WEB", Actor: "holder", IP: crm.Clip(p.cfg.ClientIP(v.r), 64), Note: note}
	if status == crm.Granted {
		s.Text = consent.HashText(c.Label[v.lang])
	}
	return s
}

// change reads what stands about the address under its lock and records what decide returns,
// so that a form that is sent twice says it once.
func (p *Pages) change(ctx context.Context, v *visit, decide func(*crm.AddressState) []consent.Said) error {
	return p.cfg.Service.Update(ctx, func(tx crm.Tx) error {
		states, err := tx.LockAddresses(ctx, v.is.Address)
		if err != nil {
			return err
		}
		said := decide(states[0])
		if len(said) == 0 {
			return nil
		}
		_, err = p.cfg.Ledger.In(tx).Append(ctx, v.is.Address, said...)
		return err
	})
}

// leave refuses everything that the page offers, and all other marketing of its brands.
func (p *Pages) leave(ctx context.Context, v *visit, oneClick bool) error {
	note := "page: leave"
	if oneClick {
		note = "RFC 8058 one-click"
	}
	return p.change(ctx, v, func(s *crm.AddressState) (out []consent.Said) {
		seen := map[crm.ConsentKey]bool{}
		refuse := func(k crm.ConsentKey) {
			if is, ok := s.Consent(k); !seen[k] && (!ok || is.Status != crm.Refused) {
				out = append(out, p.said(v, Choice{Key: k}, crm.Refused, note))
			}
			seen[k] = true
		}
		for _, c := range p.offered(v.is.Address) {
			// Also what was granted after an earlier refusal of everything, offered here or not.
			for _, is := range s.Consents {
				if is.Status == crm.Granted && is.Brand == c.Key.Brand && (is.Recipient == consent.Merchant) == (c.Key.Recipient == consent.Merchant) {
					refuse(is.ConsentKey)
				}
			}
			k := c.Key
			k.Purpose = ""
			refuse(k)
		}
		return out
	})
}

// save records what the person changed on the page: what was shown and left alone stays as
// it is, whatever others said meanwhile.
func (p *Pages) save(ctx context.Context, v *visit) error {
	f := v.r.PostForm
	return p.change(ctx, v, func(s *crm.AddressState) (out []consent.Said) {
		for _, c := range p.offered(v.is.Address) {
			shown, is := f.Get("was-"+c.Name), f.Get("on-"+c.Name) == "1"
			if shown != "0" && shown != "1" || (shown == "1") == is || p.wanted(s, c) == is {
				continue
			}
			status := crm.Refused
			if is {
				status = crm.Granted
			}
			out = append(out, p.said(v, c, status, "page: save"))
		}
		return out
	})
}

// confirm grants what was asked for, once.
func (p *Pages) confirm(ctx context.Context, v *visit) error {
	c := p.choice(v.is.Choice, v.is.Address)
	if c == nil {
		return errGone
	}
	s := p.said(v, *c, crm.Granted, "double opt-in "+v.id+", asked for at "+v.is.Asked.UTC().Format(time.RFC3339)+" from "+v.is.IP+" by "+v.is.Actor)
	s.Text, s.ID = v.is.Text, "opt-in/"+v.id+"/"+strconv.FormatInt(v.is.Asked.UnixMicro(), 10)
	_, err := p.cfg.Ledger.Append(ctx, v.is.Address, s)
	if errors.Is(err, crm.ErrExists) { // confirmed from elsewhere: the first click counts
		return nil
	}
	return err
}

// write writes a page only when it is complete.
func (p *Pages) write(v *visit, status int, out page) {
	out.Brand, out.Lang, out.T = p.cfg.Brand, v.lang, v.t
	var buf bytes.Buffer
	if err := p.tmpl.Execute(&buf, &out); err != nil {
		p.cfg.Logger.ErrorContext(v.r.Context(), "preference page", "op", "render", "err", err)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(buf.Bytes()) // nothing can be done for a client that left
	}
}

func (p *Pages) refuse(v *visit, status int, title, body string) {
	plainpage.LeaveBody(v.w, v.r)
	p.write(v, status, page{Title: title, Body: body})
}

// unavailable reports an error of the record.
func (p *Pages) unavailable(v *visit, op string, err error) {
	if !errors.Is(err, context.Canceled) {
		p.cfg.Logger.ErrorContext(v.r.Context(), "preference page", "op", op, "err", err)
	}
	v.w.Header().Set("Retry-After", "60")
	p.refuse(v, http.StatusServiceUnavailable, v.t.Unavailable, v.t.UnavailableBody)
}

// language is what the link asks for, else the first of the browser's that the page has.
func language(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); l == "tr" || l == "en" {
		return l
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch base, _, _ := strings.Cut(strings.ToLower(tag), "-"); base {
		case "tr", "en":
			return base
		}
	}
	return "en"
}

// langQuery keeps the language that was chosen over a redirect.
func langQuery(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); l == "tr" || l == "en" {
		return "?lang=" + l
	}
	return ""
}
