package push_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/push"
)

// service takes what it is told to.
type service struct {
	mu  sync.Mutex
	got map[crm.EffectID]int
	err error
}

func (s *service) Push(_ context.Context, n push.Notification) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	s.got[n.ID]++
	return fmt.Sprint("projects/shop/messages/", len(s.got)), nil
}

func message(i int) messaging.Message {
	m := messagingtest.Message(i)
	m.To, m.Via, m.Parts = crm.Address{Channel: push.Name, Value: fmt.Sprint("token:", i)}, push.Name, map[string]string{push.Title: "VEFA"}
	return m
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		s := &service{got: map[crm.EffectID]int{}}
		sender, err := push.New(push.Config{Service: s})
		require.NoError(t, err)
		return messagingtest.Fixture{Sender: sender, Message: message, Arrived: func(id crm.EffectID) int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.got[id]
		}}
	})
}

// TestAnswers holds what each error means; a token that is gone is told as a bounce.
func TestAnswers(t *testing.T) {
	var told []messaging.Report
	var fail error
	feedback := func(_ context.Context, f messaging.Feedback) error {
		told = append(told, f.Reports...)
		return fail
	}
	s := &service{}
	sender, err := push.New(push.Config{Service: s, Feedback: feedback})
	require.NoError(t, err)
	send := func(err error) crm.Receipt {
		s.err = err
		out, sendErr := sender.Send(t.Context(), []messaging.Message{message(1)})
		require.NoError(t, sendErr)
		return out[0]
	}
	require.Equal(t, crm.Declined, send(push.ErrRefused).Status)
	require.Equal(t, crm.Uncertain, send(errors.New("reset")).Status)
	require.Equal(t, time.Minute, send(fmt.Errorf("503: %w", &push.Busy{After: time.Minute})).After)
	require.Equal(t, crm.Throttled, send(push.ErrBusy).Status)
	require.True(t, send(push.ErrUnreached).Unreached)
	require.Empty(t, told)
	require.Equal(t, crm.Declined, send(fmt.Errorf("410: %w", push.ErrUnregistered)).Status)
	require.Equal(t, []messaging.Report{{ID: message(1).ID, State: messaging.Rejected, Code: "unregistered", Reason: "the token is not registered", Bounce: true}}, told)
	require.NoError(t, told[0].Validate())
	fail = errors.New("the store")
	require.Equal(t, crm.Throttled, send(push.ErrUnregistered).Status)
	_, err = push.New(push.Config{})
	require.ErrorIs(t, err, push.ErrConfig)
	require.NoError(t, push.Channel().Validate())
	require.NotEmpty(t, push.Channel().Address("a b"))
}

// A notification goes to a service, here one that takes all.
func Example() {
	sender, err := push.New(push.Config{Service: &service{got: map[crm.EffectID]int{}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := sender.Send(context.Background(), []messaging.Message{{ID: "e1", To: crm.Address{Channel: push.Name, Value: "token"}, Text: "Merhaba"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out[0].Status, out[0].Provider)
	// Output:
	// accepted projects/shop/messages/1
}
