package webtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Outcome is where a visit ended.
type Outcome struct {
	Status int    // of the last response
	URL    string // of the last page, after redirects
	Page   []byte // the last page
	Pages  int    // pages with questions that were answered
	// Unasked are the paths of the answers that no page asked for, sorted: of questions that did not
	// show, and of misspelt ones.
	Unasked []string
}

// Thanked tells whether the visit ended on the thank-you page.
func (o Outcome) Thanked() bool {
	return o.Status == http.StatusOK && strings.Contains(o.URL, "/thanks")
}

// maxPages bounds the pages of one visit, and maxPage the bytes of a page.
const (
	maxPages = 50
	maxPage  = 1 << 20
)

// Person sets on a request what the browser of a phone sends when its owner
// follows a link, so that a click verdict (see messaging/link) takes it for a
// person's. What the request has already stays.
func Person(r *http.Request) {
	for name, value := range map[string]string{
		"User-Agent":      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
		"Accept":          "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"Accept-Language": "tr-TR,tr;q=0.9",
		"Sec-Fetch-Dest":  "document",
		"Sec-Fetch-Mode":  "navigate",
		"Sec-Fetch-Site":  "none",
	} {
		if r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
}

// Answer opens a survey link, tracked or not, as a person's browser does, and
// answers page after page until there is nothing more to answer. A response that is no page of questions (answered,
// expired, unknown) ends the visit without an error; see Outcome.Status. Answers are as Fill has them; those
// that no page asked for are in Outcome.Unasked, also where there is an error.
func Answer(ctx context.Context, c *http.Client, link string, answers map[string]any) (o Outcome, err error) {
	answers = byPath(answers)
	left := maps.Clone(answers)
	defer func() { o.Unasked = slices.Sorted(maps.Keys(left)) }()
	o, err = request(ctx, c, http.MethodGet, link, nil)
	for err == nil {
		form, ok := question(o.Page)
		if !ok {
			return o, nil
		}
		if o.Pages >= maxPages || o.Status == http.StatusUnprocessableEntity {
			return o, fmt.Errorf("webtest: page %d of %s asks again", o.Pages, o.URL)
		}
		var values url.Values
		if values, err = form.fill(answers); err != nil {
			return o, err
		}
		for _, path := range form.asks() {
			delete(left, path)
		}
		pages := o.Pages + 1
		o, err = Send(ctx, c, o.URL, form, values, nil)
		o.Pages = pages
	}
	return o, err
}

// File is a file that a browser sends with a form.
type File struct {
	Field, Name, Type string
	Content           []byte
}

// Send sends a form to an address as a browser does: in parts where it takes files.
func Send(ctx context.Context, c *http.Client, to string, f Form, values url.Values, files []File) (Outcome, error) {
	if !f.Multipart {
		return request(ctx, c, http.MethodPost, to, values)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, v := range values[name] {
			if err := w.WriteField(name, v); err != nil {
				return Outcome{}, err
			}
		}
	}
	for _, file := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", multipart.FileContentDisposition(file.Field, file.Name))
		h.Set("Content-Type", file.Type)
		part, err := w.CreatePart(h)
		if err != nil {
			return Outcome{}, err
		}
		if _, err := part.Write(file.Content); err != nil {
			return Outcome{}, err
		}
	}
	if err := w.Close(); err != nil {
		return Outcome{}, err
	}
	return send(ctx, c, http.MethodPost, to, w.FormDataContentType(), &body)
}

// NotMe opens a survey link and presses "this message was not for me".
func NotMe(ctx context.Context, c *http.Client, link string) (Outcome, error) {
	o, err := request(ctx, c, http.MethodGet, link, nil)
	if err != nil {
		return o, err
	}
	for _, f := range Forms(o.Page) {
		if !strings.HasSuffix(f.Action, "/not-me") {
			continue
		}
		base, err := url.Parse(o.URL)
		if err != nil {
			return o, err
		}
		to, err := base.Parse(f.Action)
		if err != nil {
			return o, err
		}
		return request(ctx, c, http.MethodPost, to.String(), url.Values{})
	}
	return o, ErrNoForm
}

// question finds the form of a page that asks something; a page has others, such as that of
// "not me".
func question(page []byte) (Form, bool) {
	for _, f := range Forms(page) {
		if len(f.asks()) > 0 {
			return f, true
		}
	}
	return Form{}, false
}

// request does what a browser does on a link or a button, with the headers that a phone sends.
func request(ctx context.Context, c *http.Client, method, to string, form url.Values) (Outcome, error) {
	if form == nil {
		return send(ctx, c, method, to, "", nil)
	}
	return send(ctx, c, method, to, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func send(ctx context.Context, c *http.Client, method, to, contentType string, body io.Reader) (Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return Outcome{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	Person(req)
	resp, err := c.Do(req)
	if err != nil {
		return Outcome{}, err
	}
	defer resp.Body.Close()
	var page bytes.Buffer
	if _, err := io.Copy(&page, io.LimitReader(resp.Body, maxPage)); err != nil {
		return Outcome{}, err
	}
	// A page that says where it stands otherwise is that page.
	at := resp.Request.URL
	if place, err := at.Parse(resp.Header.Get("Content-Location")); err == nil {
		at = place
	}
	return Outcome{Status: resp.StatusCode, URL: at.String(), Page: page.Bytes()}, nil
}
