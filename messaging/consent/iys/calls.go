package iys

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Receipt is the registry's answer to a consent that it entered.
type Receipt struct {
	Transaction string
	Created     time.Time
}

// Add enters one consent. A refusal is a *RefusedError, a limit a *ThrottledError; with
// ErrUncertain it may have been entered, ask Status. It does not check Rules first.
func (c *Client) Add(ctx context.Context, x Consent) (Receipt, error) {
	c.mu.Lock()
	wait, ok := c.adds.take(c.cfg.Now())
	c.mu.Unlock()
	if !ok {
		return Receipt{}, &ThrottledError{wait, "single entries in a minute"}
	}
	var got struct {
		Transaction string `json:"transactionId"`
		Created     string `json:"creationDate"`
	}
	if err := c.call(ctx, http.MethodPost, "consents", x, &got); err != nil {
		return Receipt{}, err
	}
	at, err := parseStamp("creationDate", got.Created)
	return Receipt{crm.Clip(got.Transaction, 200), at}, err
}

// MaxBatch is how many consents AddMany takes at once.
const MaxBatch = 5000

// AddMany hands over consents, which the registry enters later; the id is for Outcomes. Of
// consents about one Key give only one at a time: the order is the registry's.
func (c *Client) AddMany(ctx context.Context, list []Consent) (request string, err error) {
	if len(list) == 0 || len(list) > MaxBatch {
		return "", &crm.Error{Op: "add", Entity: "iys", Kind: crm.ErrInvalid, Err: &crm.FieldError{Field: "list", Msg: fmt.Sprintf("has %d consents, 1 to %d are possible", len(list), MaxBatch)}}
	}
	var got struct {
		Request string `json:"requestId"`
	}
	if err := c.call(ctx, http.MethodPost, "consents/request", list, &got); err != nil {
		return "", err
	}
	if got.Request == "" || len(got.Request) > 200 {
		return "", fmt.Errorf("%w: no requestId", errors.Join(ErrAnswer, ErrUncertain))
	}
	return got.Request, nil
}

// Outcome is what became of one consent of AddMany.
type Outcome struct {
	Index   int  // in the list that was handed over, from 0
	Waiting bool // not yet entered: ask again
	Refusal *Refusal
	Receipt Receipt
}

// Outcomes asks what became of the consents of AddMany, as far as is known.
func (c *Client) Outcomes(ctx context.Context, request string) ([]Outcome, error) {
	var got []struct {
		Index       int    `json:"index"`
		Status      string `json:"status"`
		Transaction string `json:"transactionId"`
		Created     string `json:"creationDate"`
		Error       *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := c.call(ctx, http.MethodGet, "consents/request/"+url.PathEscape(request), nil, &got); err != nil {
		return nil, err
	}
	out := make([]Outcome, 0, len(got))
	for _, x := range got {
		o := Outcome{Index: x.Index - 1} // the registry counts from 1
		if o.Index < 0 || o.Index >= MaxBatch {
			return nil, fmt.Errorf("%w: index %d", ErrAnswer, x.Index)
		}
		switch x.Status {
		case "success":
			at, err := parseStamp("creationDate", x.Created)
			if err != nil {
				return nil, err
			}
			o.Receipt = Receipt{crm.Clip(x.Transaction, 200), at}
		case "failure":
			o.Refusal = new(Refusal)
			if x.Error != nil {
				o.Refusal = &Refusal{Code: crm.Clip(x.Error.Code, 20), Note: crm.Clip(x.Error.Message, 200)}
			}
		case "enqueue":
			o.Waiting = true
		default:
			return nil, fmt.Errorf("%w: status of a request", ErrAnswer)
		}
		out = append(out, o)
	}
	return out, nil
}

// Status returns what the registry has about a key, nil if nothing.
func (c *Client) Status(ctx context.Context, k Key) (*Consent, error) {
	in := struct {
		Recipient string    `json:"recipient"`
		As        Recipient `json:"recipientType"`
		Channel   Channel   `json:"type"`
	}{k.Recipient, k.As, k.Channel}
	var got Consent
	err := c.call(ctx, http.MethodPost, "consents/status", in, &got)
	var refused *RefusedError
	switch {
	case errors.As(err, &refused), err == nil && got.Status == "":
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &got, nil
}

// Change is a consent that was entered or changed at the registry.
type Change struct {
	Consent
	Transaction string
	Created     time.Time // when it was entered there
}

// UnmarshalJSON reads a change as the registry writes it. What lacks an id, a date or a
// status is ErrAnswer.
func (c *Change) UnmarshalJSON(data []byte) error {
	var w struct {
		Transaction string `json:"transactionId"`
		Created     string `json:"creationDate"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	var out Change
	if err := out.Consent.UnmarshalJSON(data); err != nil {
		return err
	}
	at, err := parseStamp("creationDate", w.Created)
	out.Transaction, out.Created = w.Transaction, at
	if err == nil {
		err = out.check()
	}
	*c = out
	return err
}

func (c *Change) check() error {
	switch {
	case c.Transaction == "" || len(c.Transaction) > 200:
		return fmt.Errorf("%w: a change without transactionId", ErrAnswer)
	case c.Created.IsZero():
		return fmt.Errorf("%w: a change without creationDate", ErrAnswer)
	case c.Status != Granted && c.Status != Refused:
		return fmt.Errorf("%w: a change that is neither ONAY nor RET", ErrAnswer)
	}
	return nil
}

// By says whose changes are asked for.
type By string

// Whose changes there are.
const (
	BySender  By = "HS"  // those that the sender entered
	ByHolders By = "IYS" // those that people made at the registry
)

// Page is a part of the changes.
type Page struct {
	Changes []Change // in the order in which they were entered
	After   string   // for the page that follows; the same as given where there is nothing new
}

// Changes returns the changes after a cursor ("": the oldest that the registry still lists).
// It lists those of the last seven days without the last hour.
func (c *Client) Changes(ctx context.Context, after string, by By) (Page, error) {
	q := url.Values{"source": {string(by)}}
	if after != "" {
		q.Set("after", after)
	}
	var got struct {
		After string   `json:"after"`
		List  []Change `json:"list"`
	}
	if err := c.call(ctx, http.MethodGet, "consents/changes?"+q.Encode(), nil, &got); err != nil {
		return Page{}, err
	}
	if len(got.After) > 1000 {
		return Page{}, fmt.Errorf("%w: a cursor of %d bytes", ErrAnswer, len(got.After))
	}
	if got.After == "" {
		got.After = after
	}
	return Page{got.List, got.After}, nil
}

// DailyFile returns all changes of a day, of the seven days before today.
func (c *Client) DailyFile(ctx context.Context, day time.Time) ([]Change, error) {
	var data []byte
	if err := c.call(ctx, http.MethodGet, "changes/"+day.In(zone).Format(time.DateOnly)+"/file", nil, &data); err != nil {
		return nil, err
	}
	return ReadDailyFile(bytes.NewReader(data))
}

// fileColumns are the columns of a daily file that are read.
var fileColumns = [...]string{"creationDate", "transactionId", "recipient", "recipientType", "type", "status", "consentDate", "source"}

// ReadDailyFile reads a daily file: CSV with a line of names, separated by commas or
// semicolons, in any order of the columns. An error is ErrAnswer and names the line.
func ReadDailyFile(r io.Reader) ([]Change, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	in := csv.NewReader(bytes.NewReader(data))
	if first, _, _ := strings.Cut(string(data[:min(len(data), 1000)]), "\n"); strings.Contains(first, ";") {
		in.Comma = ';'
	}
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: daily file: line 1: %w", ErrAnswer, err)
	}
	var at [len(fileColumns)]int
	for i, name := range fileColumns {
		at[i] = -1
		for n, h := range head {
			if strings.TrimSpace(h) == name {
				at[i] = n
			}
		}
		if at[i] < 0 {
			return nil, fmt.Errorf("%w: daily file: line 1: there is no column %s", ErrAnswer, name)
		}
	}
	var out []Change
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: daily file: %w", ErrAnswer, err)
		}
		line, _ := in.FieldPos(0)
		col := func(i int) string { return strings.Clone(strings.TrimSpace(row[at[i]])) }
		c := Change{Transaction: col(1), Consent: Consent{Recipient: col(2), As: Recipient(col(3)), Channel: Channel(col(4)), Status: Status(col(5)), Source: Source(col(7))}}
		var bad [2]error
		c.Created, bad[0] = parseStamp("creationDate", col(0))
		c.Date, bad[1] = parseStamp("consentDate", col(6))
		if err := errors.Join(bad[0], bad[1]); err != nil {
			return nil, fmt.Errorf("daily file: line %d: %w", line, err)
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("daily file: line %d: %w", line, err)
		}
		out = append(out, c)
	}
}
