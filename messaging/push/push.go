// Package push sends notifications to apps and browsers through whatever carries them, such
// as Firebase Cloud Messaging or Apple's service, behind the interface Service.
//
//	sender, err := push.New(push.Config{Service: fcm, Feedback: take})
//	outbox := messaging.Outbox{Sender: messaging.ByChannel{push.Name: sender}, …}
//
// An address is the token of an installation of the app. Tokens end when the app is taken
// off: Config.Feedback is then told that the address does not exist (messaging.Report.Bounce),
// so that nothing is sent to it any more.
package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// Name is the channel of notifications and of its addresses, tokens.
const Name crm.Channel = "push"

// The slots beside the text.
const (
	Title = "title" // one line
	Link  = "link"  // what is opened: an https address or one of the app's
)

// MaxSize is the largest notification in bytes, of title, text and link: services take 4 KiB
// with what they add.
const MaxSize = 3500

// Channel returns the channel of notifications.
func Channel() messaging.Channel {
	return messaging.Channel{Name: Name,
		Slots: []messaging.Slot{{Name: "text", Max: 2000}, {Name: Title, Form: messaging.LineForm, Max: 200}, {Name: Link, Form: messaging.LineForm, Optional: true, Max: 1000}},
		Address: func(token string) string {
			if len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
				return "not a token"
			}
			return ""
		},
		Measure: func(_ *messaging.Content, m *messaging.Message) (messaging.Size, error) {
			n := size(m)
			s := messaging.Size{Units: 1, Unit: "message", Note: fmt.Sprintf("%d bytes", n)}
			if n > MaxSize {
				return s, fmt.Errorf("%w: %d bytes, at most %d are allowed", messaging.ErrSize, n, MaxSize)
			}
			return s, nil
		}}
}

func size(m *messaging.Message) int { return len(m.Text) + len(m.Parts[Title]) + len(m.Parts[Link]) }

// Notification is what a Service carries.
type Notification struct {
	ID                crm.EffectID // a collapse key, where the service has one: the same again replaces it
	Token             string
	Title, Text, Link string
}

// The errors of a Service, for errors.Is. Any other error leaves the notification in doubt.
var (
	// ErrUnregistered: there is no such token any more: UNREGISTERED of FCM, 410 Unregistered
	// or BadDeviceToken of APNs, 404 and 410 of web push.
	ErrUnregistered = errors.New("push: the token is not registered")
	// ErrRefused: the notification will never be taken.
	ErrRefused = errors.New("push: refused")
	// ErrBusy: too many, or the service is not there for now; nothing was taken. A Busy says
	// for how long.
	ErrBusy = errors.New("push: busy")
	// ErrUnreached: the service was not reached or refuses the host's credentials.
	ErrUnreached = errors.New("push: not reached")
)

// Busy is an ErrBusy with the time that the service asks to wait.
type Busy struct{ After time.Duration }

// Error implements error.
func (b *Busy) Error() string { return "push: busy for " + b.After.String() }

// Is makes a Busy an ErrBusy.
func (b *Busy) Is(target error) bool { return target == ErrBusy }

// Service carries notifications. Push returns the service's id of one that it took. It is
// called from several goroutines at once.
type Service interface {
	Push(ctx context.Context, n Notification) (id string, err error)
}

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("push: configuration")

// Config configures a Sender. Service must be set.
type Config struct {
	Service Service
	// Feedback is told of tokens that are not registered any more, such as
	// vefa.Engine.Feedback; nil means that no function is. Its error makes Send try the message
	// again later.
	Feedback func(context.Context, messaging.Feedback) error
	// Batch is how many notifications Send takes at a time; 0 means 100.
	Batch int
	// Timeout bounds each; 0 means 30 seconds.
	Timeout time.Duration
}

// Sender is a messaging.Sender and BatchLimiter. It is safe for concurrent use.
type Sender struct{ cfg Config }

// New checks the configuration. The error is an ErrConfig.
func New(cfg Config) (*Sender, error) {
	if cfg.Service == nil {
		return nil, fmt.Errorf("%w: Service must be set", ErrConfig)
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 100
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Sender{cfg}, nil
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		out[i] = s.one(ctx, m)
		out[i].ID = m.ID
	}
	return out, nil
}

func (s *Sender) one(ctx context.Context, m messaging.Message) crm.Receipt {
	if why := fault(m); why != "" {
		return crm.Receipt{Status: crm.Declined, Reason: why}
	}
	if ctx.Err() != nil {
		return crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: "the time is over"}
	}
	id, err := s.push(ctx, Notification{m.ID, m.To.Value, m.Parts[Title], m.Text, m.Parts[Link]})
	var busy *Busy
	switch {
	case err == nil:
		return crm.Receipt{Status: crm.Accepted, Provider: strings.Join(strings.Fields(crm.Clip(id, 200)), "_")}
	case errors.Is(err, ErrUnregistered):
		if s.cfg.Feedback != nil && s.tell(ctx, m.ID) != nil {
			return crm.Receipt{Status: crm.Throttled, Reason: "that the token is not registered could not be kept"}
		}
		return crm.Receipt{Status: crm.Declined, Reason: "bounce: the token is not registered"}
	case errors.Is(err, ErrRefused):
		return crm.Receipt{Status: crm.Declined, Reason: "refused"}
	case errors.Is(err, ErrBusy):
		r := crm.Receipt{Status: crm.Throttled, Reason: "busy"}
		if errors.As(err, &busy) {
			r.After = min(max(busy.After, 0), 24*time.Hour)
		}
		return r
	case errors.Is(err, ErrUnreached):
		return crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: "not reached"}
	}
	return crm.Receipt{Status: crm.Uncertain, Reason: "the answer is lost"}
}

func (s *Sender) push(ctx context.Context, n Notification) (id string, err error) {
	defer crm.Recover("push", &err)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.cfg.Service.Push(ctx, n)
}

func (s *Sender) tell(ctx context.Context, id crm.EffectID) (err error) {
	defer crm.Recover("feedback", &err)
	return s.cfg.Feedback(ctx, messaging.Feedback{Reports: []messaging.Report{{ID: id, State: messaging.Rejected, Code: "unregistered", Reason: "the token is not registered", Bounce: true}}})
}

// fault says why a message cannot be pushed.
func fault(m messaging.Message) string {
	switch {
	case cmp.Or(m.Via, m.To.Channel) != Name || m.To.Channel != Name:
		return "the channel is not served"
	case m.To.Value == "" || Channel().Address(m.To.Value) != "":
		return "not a token"
	case gateway.Text(m.Text) != "":
		return gateway.Text(m.Text)
	case !utf8.ValidString(m.Parts[Title]+m.Parts[Link]) || strings.ContainsAny(m.Parts[Title]+m.Parts[Link], "\r\n\x00"):
		return "the title or the link is not one line"
	case size(&m) > MaxSize:
		return "the notification is too large"
	}
	return ""
}
