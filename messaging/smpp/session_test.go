package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
)

// The tests below run within synctest: its clock is not the machine's, and it fails a
// test that leaves a goroutine behind.

func shop() smpp.Config { return smpp.Config{Bind: smpp.Bind{SystemID: "shop", Password: "secret"}} }

// bound opens a session to an SMSC in memory. Both end with the test.
func bound(t *testing.T, smsc *smpptest.SMSC, cfg smpp.Config) *smpp.Session {
	t.Helper()
	conn, err := smsc.Dial(t.Context())
	require.NoError(t, err)
	s, err := smpp.Open(t.Context(), conn, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		<-s.Done()
		smsc.Close()
	})
	return s
}

func text(s string) *smpp.Message {
	return &smpp.Message{Source: smpp.Address{TON: 5, Addr: "VEFA"}, Destination: smpp.Address{TON: 1, NPI: 1, Addr: "905320000000"}, Text: []byte(s)}
}

// script is an SMSC that a test plays by hand over a pipe.
type script struct {
	t      *testing.T
	conn   net.Conn
	stream *smpp.Stream
}

// scripted binds to such an SMSC.
func scripted(t *testing.T, cfg smpp.Config) (*smpp.Session, script) {
	t.Helper()
	client, server := net.Pipe()
	x := script{t, server, smpp.NewStream(server, 0)}
	go func() {
		p, err := x.stream.Next()
		if assert.NoError(t, err) {
			x.send(smpp.PDU{Command: p.Command.Response(), Sequence: p.Sequence, Body: &smpp.BindResult{SystemID: "script"}})
		}
	}()
	s, err := smpp.Open(t.Context(), client, cfg)
	require.NoError(t, err)
	assert.Equal(t, "script", s.Server())
	t.Cleanup(func() {
		s.Close()
		server.Close()
		<-s.Done()
	})
	return s, x
}

func (x script) send(p smpp.PDU) {
	data, err := p.Append(nil)
	if assert.NoError(x.t, err) {
		_, err = x.conn.Write(data)
		assert.NoError(x.t, err)
	}
}

func (x script) next() smpp.PDU {
	x.t.Helper()
	p, err := x.stream.Next()
	require.NoError(x.t, err)
	return p
}

func TestSubmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{SystemID: "shop", Password: "secret"})
		s := bound(t, smsc, shop())
		assert.Equal(t, "smpptest", s.Server())
		for i := range 3 {
			id, err := s.Submit(t.Context(), text(fmt.Sprint(i)))
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint(i+1), id)
		}
		got := smsc.Messages()
		require.Len(t, got, 3)
		assert.Equal(t, "2", string(got[2].Message.Text))
		require.NoError(t, s.Unbind(t.Context()))
		<-s.Done()
		require.ErrorIs(t, s.Err(), smpp.ErrClosed)
		_, err := s.Submit(t.Context(), text("late"))
		require.ErrorIs(t, err, smpp.ErrNotSent)
		require.ErrorIs(t, err, smpp.ErrClosed)
	})
}

func TestBindRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{Password: "another"})
		defer smsc.Close()
		conn, err := smsc.Dial(t.Context())
		require.NoError(t, err)
		_, err = smpp.Open(t.Context(), conn, shop())
		var status *smpp.StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, smpp.InvalidPassword, status.Status)
		assert.Equal(t, smpp.SessionFault, status.Status.Class())

		client, server := net.Pipe() // that never answers
		defer server.Close()
		go func() { _, _ = smpp.NewStream(server, 0).Next() }()
		begin := time.Now()
		_, err = smpp.Open(t.Context(), client, shop())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 30*time.Second, time.Since(begin))
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*smpp.Config){
		"no system id":      func(c *smpp.Config) { c.Bind.SystemID = "" },
		"a long system id":  func(c *smpp.Config) { c.Bind.SystemID = "sixteen octets.." },
		"no bind":           func(c *smpp.Config) { c.Mode = smpp.SubmitSM },
		"a negative window": func(c *smpp.Config) { c.Window = -1 },
		"a huge window":     func(c *smpp.Config) { c.Window = 10_001 },
		"a negative time":   func(c *smpp.Config) { c.ResponseTimeout = -1 },
		"a tiny time":       func(c *smpp.Config) { c.ResponseTimeout = time.Millisecond },
	} {
		cfg := shop()
		change(&cfg)
		client, _ := net.Pipe()
		_, err := smpp.Open(t.Context(), client, cfg)
		require.ErrorIs(t, err, smpp.ErrConfig, name)
		_, err = client.Write([]byte{0})
		require.Error(t, err, "the connection is the session's, and closed")
		_, err = smpp.NewClient(smpp.ClientConfig{Session: cfg, Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("no") }})
		require.ErrorIs(t, err, smpp.ErrConfig, name)
	}
	_, err := smpp.NewClient(smpp.ClientConfig{Session: shop()})
	require.ErrorIs(t, err, smpp.ErrConfig)
	_, err = smpp.NewClient(smpp.ClientConfig{Session: smpp.Config{Mode: smpp.SubmitSM, Window: -1, HoldFrom: -1, HoldTo: -1, ResponseTimeout: 1}, BackoffTo: -1})
	for _, want := range []string{"Mode", "SystemID", "Window", "HoldFrom", "HoldTo", "ResponseTimeout", "Dial", "BackoffTo"} {
		require.ErrorContains(t, err, want, "every fault is reported")
	}
}

// TestWindow holds that never more requests are out than the window has, that who waits
// goes in turn, and that a context ends the waiting.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.Window = 3
		s, x := scripted(t, cfg)
		var order []string
		var mu sync.Mutex
		start := func(name string) {
			go func() {
				if _, err := s.Do(t.Context(), smpp.SubmitSM, text(name)); err != nil {
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		for i := range 5 {
			start(fmt.Sprint(i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Submit(ctx, text("gives up"))
		require.ErrorIs(t, err, smpp.ErrNotSent)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		start("5")
		assert.Equal(t, 3, s.Stats().Open)
		for i := range 6 {
			p := x.next()
			assert.Equal(t, fmt.Sprint(i), string(p.Body.(*smpp.Message).Text), "first come, first served")
			if i < 2 {
				continue // the window must fill first
			}
			x.send(smpp.PDU{Command: smpp.SubmitSM.Response(), Sequence: p.Sequence, Body: &smpp.MessageID{ID: "x"}})
			synctest.Wait()
			assert.LessOrEqual(t, s.Stats().Open, 3)
		}
		assert.Equal(t, []string{"2", "3", "4", "5"}, order)
		assert.Equal(t, 2, s.Stats().Open)
	})
}

// TestAnswerLost holds what becomes of requests when the connection ends: those that
// were written are unknown, those that were not are not sent.
func TestAnswerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.Window = 4
		s, x := scripted(t, cfg)
		got := make([]error, 6)
		begin := func(i int) {
			go func() { _, got[i] = s.Submit(t.Context(), text(fmt.Sprint(i))) }()
			synctest.Wait()
		}
		begin(0)
		x.next() // 0 was written
		begin(1) // is being written: nobody reads
		begin(2) // waits for the writer
		begin(3)
		begin(4) // waits for the window
		begin(5)
		x.conn.Close()
		synctest.Wait()
		for i, err := range got {
			if i < 2 {
				require.ErrorIs(t, err, smpp.ErrUnknown, "%d", i)
				require.NotErrorIs(t, err, smpp.ErrNotSent, "%d", i)
			} else {
				require.ErrorIs(t, err, smpp.ErrNotSent, "%d", i)
				require.NotErrorIs(t, err, smpp.ErrUnknown, "%d", i)
			}
		}
	})
}

func TestResponseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.ResponseTimeout, cfg.EnquireEvery, cfg.Window = 8*time.Second, -1, 1
		s, x := scripted(t, cfg)
		begin := time.Now()
		go func() {
			first, second := x.next(), x.next()
			time.Sleep(2 * time.Second) // of the bubble
			x.send(smpp.PDU{Command: smpp.SubmitSM.Response(), Sequence: first.Sequence, Body: &smpp.MessageID{ID: "first"}})
			time.Sleep(2 * time.Second)
			x.send(smpp.PDU{Command: smpp.SubmitSM.Response(), Sequence: second.Sequence, Body: &smpp.MessageID{ID: "second"}})
		}()
		_, err := s.Submit(t.Context(), text("first"))
		require.ErrorIs(t, err, smpp.ErrUnknown)
		assert.GreaterOrEqual(t, time.Since(begin), 8*time.Second)
		assert.LessOrEqual(t, time.Since(begin), 9*time.Second)
		id, err := s.Submit(t.Context(), text("second"))
		require.NoError(t, err)
		assert.Equal(t, "second", id, "and not the late answer")
		st := s.Stats()
		assert.Equal(t, uint64(1), st.TimedOut)
		assert.Equal(t, uint64(1), st.Late)
		assert.Zero(t, st.Open, "no slot is kept")
	})
}

// TestContextEndsWhileSent: the caller goes, the slot stays until the answer.
func TestContextEndsWhileSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, x := scripted(t, shop())
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			p := x.next()
			cancel()
			time.Sleep(time.Millisecond) // of the bubble
			assert.Equal(t, 1, s.Stats().Open)
			x.send(smpp.PDU{Command: smpp.SubmitSM.Response(), Sequence: p.Sequence, Body: &smpp.MessageID{}})
		}()
		_, err := s.Submit(ctx, text("x"))
		require.ErrorIs(t, err, smpp.ErrUnknown)
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(time.Second)
		assert.Zero(t, s.Stats().Open)
		_, err = s.Submit(ctx, text("y"))
		require.ErrorIs(t, err, smpp.ErrNotSent)
	})
}

func TestAnswersThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		answer smpp.PDU
		status smpp.Status // 0: unknown
	}{
		"another command": {smpp.PDU{Command: smpp.QuerySM.Response(), Status: smpp.QueryFailed}, 0},
		"a nack":          {smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCommand}, smpp.InvalidCommand},
		"a refusal":       {smpp.PDU{Command: smpp.SubmitSM.Response(), Status: 0x400}, 0x400},
		"a malformed one": {smpp.PDU{Command: smpp.SubmitSM.Response(), Body: raw16("1\x00\x04")}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, x := scripted(t, shop())
			go func() {
				p := x.next()
				c.answer.Sequence = p.Sequence
				x.send(c.answer)
			}()
			_, err := s.Submit(t.Context(), text("x"))
			var status *smpp.StatusError
			if c.status == 0 {
				require.ErrorIs(t, err, smpp.ErrUnknown, name)
				return
			}
			require.ErrorAs(t, err, &status, name)
			assert.Equal(t, c.status, status.Status)
		})
	}
}

// TestEnquire holds that a silent connection is asked, a busy one is not, and one that
// does not answer ends.
func TestEnquire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.EnquireEvery, cfg.ResponseTimeout = 10*time.Second, 8*time.Second
		s, x := scripted(t, cfg)
		begin := time.Now()
		x.send(smpp.PDU{Command: smpp.EnquireLink, Sequence: 77}) // busy
		p := x.next()
		assert.Equal(t, smpp.PDU{Command: smpp.EnquireLink.Response(), Sequence: 77}, p)
		p = x.next()
		assert.Equal(t, smpp.EnquireLink, p.Command)
		assert.Equal(t, 20*time.Second, time.Since(begin), "not at 10")
		x.send(smpp.PDU{Command: smpp.EnquireLink.Response(), Sequence: p.Sequence})
		p = x.next()
		assert.Equal(t, 40*time.Second, time.Since(begin))
		assert.Equal(t, smpp.EnquireLink, p.Command)
		<-s.Done()
		require.ErrorIs(t, s.Err(), smpp.ErrDead)
		assert.LessOrEqual(t, time.Since(begin), 49*time.Second)
	})
}

// TestPeerTakesNothing ends a session whose other side does not read.
func TestPeerTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.ResponseTimeout = 8 * time.Second
		s, _ := scripted(t, cfg)
		_, err := s.Submit(t.Context(), text("x"))
		require.ErrorIs(t, err, smpp.ErrUnknown)
		<-s.Done()
		require.ErrorIs(t, s.Err(), smpp.ErrDead)
	})
}

// TestPeerFloods ends a session whose other side asks and never takes the answers,
// instead of keeping them all.
func TestPeerFloods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.Window, cfg.MaxPDU = 1, 1000
		s, x := scripted(t, cfg)
		one, err := smpp.PDU{Command: smpp.EnquireLink, Sequence: 1}.Append(nil)
		require.NoError(t, err)
		var many []byte
		for range 1000 {
			many = append(many, one...)
		}
		for err == nil {
			_, err = x.conn.Write(many)
		}
		<-s.Done()
		require.ErrorIs(t, s.Err(), smpp.ErrDead)
		assert.Less(t, s.Stats().Received, uint64(2<<20/16+1000), "what is being written and what waits")
	})
}

func TestInbound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		tries := 0
		cfg := shop()
		cfg.Handler = func(_ context.Context, p smpp.PDU) smpp.Status {
			tries++
			if tries == 1 {
				return smpp.TemporaryAppError
			}
			got = append(got, string(p.Body.(*smpp.Message).Text))
			return smpp.OK
		}
		smsc := smpptest.New(smpptest.Options{})
		smsc.Deliver(text("STOP")) // waits for somebody who receives
		s := bound(t, smsc, cfg)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"STOP"}, got, "what was refused for now comes again")
		assert.Equal(t, []smpp.Status{smpp.TemporaryAppError, smpp.OK}, smsc.Acks())
		require.NoError(t, s.Unbind(t.Context()))
	})
}

// TestInboxIsBounded answers what has no place with QueueFull, and answers of submits
// are not held up by a slow handler.
func TestInboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		cfg := shop()
		cfg.Inbox = 2
		cfg.Handler = func(context.Context, smpp.PDU) smpp.Status { <-free; return smpp.OK }
		smsc := smpptest.New(smpptest.Options{Redeliver: time.Minute})
		s := bound(t, smsc, cfg)
		for i := range 5 {
			smsc.Deliver(text(fmt.Sprint(i)))
			synctest.Wait()
		}
		_, err := s.Submit(t.Context(), text("x"))
		require.NoError(t, err)
		assert.Equal(t, []smpp.Status{smpp.QueueFull, smpp.QueueFull}, smsc.Acks())
		close(free)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []smpp.Status{smpp.QueueFull, smpp.QueueFull, 0, 0, 0, 0, 0}, smsc.Acks())
		assert.Equal(t, uint64(2), s.Stats().Refused)
	})
}

func TestRequestsThatAreNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, x := scripted(t, shop())
		for _, c := range []struct {
			send smpp.PDU
			want smpp.PDU
		}{
			{smpp.PDU{Command: smpp.DeliverSM, Sequence: 5, Body: text("no handler")}, smpp.PDU{Command: smpp.DeliverSM.Response(), Status: smpp.InvalidCommand, Sequence: 5, Body: &smpp.MessageID{}}},
			{smpp.PDU{Command: smpp.SubmitSM, Sequence: 6, Body: text("wrong way")}, smpp.PDU{Command: smpp.SubmitSM.Response(), Status: smpp.InvalidBindStatus, Sequence: 6}},
			{smpp.PDU{Command: 0x10200, Sequence: 7}, smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCommand, Sequence: 7}},
			{smpp.PDU{Command: smpp.DeliverSM, Sequence: 8, Body: raw16("bad")}, smpp.PDU{Command: smpp.GenericNack, Status: smpp.InvalidCommandLength, Sequence: 8}},
			{smpp.PDU{Command: smpp.Unbind, Sequence: 9}, smpp.PDU{Command: smpp.Unbind.Response(), Sequence: 9}},
		} {
			x.send(c.send)
			assert.Equal(t, c.want, x.next())
		}
		<-s.Done()
		require.ErrorIs(t, s.Err(), smpp.ErrUnbound)
	})
}

func TestHandlerPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.Handler = func(context.Context, smpp.PDU) smpp.Status { panic("of the host") }
		s, x := scripted(t, cfg)
		x.send(smpp.PDU{Command: smpp.DeliverSM, Sequence: 5, Body: text("x")})
		assert.Equal(t, smpp.TemporaryAppError, x.next().Status, "it comes again")
		<-s.Done()
		require.ErrorContains(t, s.Err(), "of the host")
	})
}

// TestUnbindWaits for the answers that are out.
func TestUnbindWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{Answer: func(int, *smpp.Message) smpptest.Answer { return smpptest.Answer{Delay: 5 * time.Second} }})
		s := bound(t, smsc, shop())
		var err error
		go func() { _, err = s.Submit(t.Context(), text("x")) }()
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, s.Unbind(t.Context()))
		assert.Equal(t, 5*time.Second, time.Since(begin))
		synctest.Wait()
		require.NoError(t, err)

		smsc2 := smpptest.New(smpptest.Options{Answer: func(int, *smpp.Message) smpptest.Answer { return smpptest.Answer{Lose: true} }})
		s = bound(t, smsc2, shop())
		go func() { _, err = s.Submit(t.Context(), text("x")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Unbind(ctx), context.DeadlineExceeded)
		synctest.Wait()
		require.ErrorIs(t, err, smpp.ErrUnknown)
	})
}

// TestWritesTogether: what is queued while a write goes on is written in one.
func TestWritesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := shop()
		cfg.Window = 50
		s, x := scripted(t, cfg)
		for range 50 {
			require.NoError(t, s.Start(t.Context(), smpp.SubmitSM, text("x"), func(smpp.PDU, error) {}))
			synctest.Wait() // the first is being written: nobody reads yet
		}
		for i := range 50 {
			assert.Equal(t, uint32(i+2), x.next().Sequence, "in order")
		}
		st := s.Stats()
		assert.Equal(t, uint64(50), st.Sent)
		assert.Equal(t, uint64(2), st.Writes)
	})
}
