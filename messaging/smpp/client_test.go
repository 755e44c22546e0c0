package smpp_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
)

func connect(t *testing.T, smsc *smpptest.SMSC, change func(*smpp.ClientConfig)) *smpp.Client {
	t.Helper()
	cfg := smpp.ClientConfig{Session: shop(), Dial: smsc.Dial, Random: func() float64 { return 0.5 }}
	if change != nil {
		change(&cfg)
	}
	c, err := smpp.NewClient(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = c.Close(ctx)
		smsc.Close()
	})
	return c
}

// TestReconnects after each end of the connection, with what was certainly not sent.
func TestReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{})
		c := connect(t, smsc, nil)
		for i := range 5 {
			_, err := c.Submit(t.Context(), text("x"))
			require.NoError(t, err)
			if i%2 == 0 {
				smsc.Disconnect()
			} else {
				smsc.Unbind()
			}
			synctest.Wait()
		}
		_, opened := c.Stats()
		assert.Equal(t, 5, opened)
		came, _ := smsc.Count()
		assert.Equal(t, 5, came)
		require.NoError(t, c.Close(t.Context()))
		_, err := c.Submit(t.Context(), text("x"))
		require.ErrorIs(t, err, smpp.ErrNotSent)
		require.ErrorIs(t, err, smpp.ErrClosed)
	})
}

// TestBackoff holds the times between attempts: doubled up to the bound, half of each
// at random.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		down := errors.New("down")
		smsc := smpptest.New(smpptest.Options{})
		c := connect(t, smsc, func(cfg *smpp.ClientConfig) {
			cfg.BackoffFrom, cfg.BackoffTo = time.Second, 10*time.Second
			dial := cfg.Dial
			cfg.Dial = func(ctx context.Context) (net.Conn, error) {
				if at = append(at, time.Since(begin)); len(at) < 7 {
					return nil, down
				}
				return dial(ctx)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Submit(ctx, text("x"))
		require.ErrorIs(t, err, smpp.ErrNotSent)
		require.ErrorIs(t, err, down, "the reason, not that time is over")
		_, err = c.Submit(t.Context(), text("x"))
		require.NoError(t, err)
		ms := time.Millisecond
		assert.Equal(t, []time.Duration{0, 750 * ms, 2250 * ms, 5250 * ms, 11250 * ms, 18750 * ms, 26250 * ms}, at)
		smsc.Disconnect()
		synctest.Wait()
		_, err = c.Submit(t.Context(), text("x"))
		require.NoError(t, err)
		assert.Equal(t, 750*ms, at[7]-at[6], "a session that was of use begins anew")
	})
}

// TestFaults sends through an SMSC that loses answers, cuts connections within them,
// throttles and refuses: each message is taken once or known not to be, or unknown, and
// what the client believes agrees with what the SMSC knows.
func TestFaults(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			smsc := smpptest.New(smpptest.Options{Answer: smpptest.Random(seed, smpptest.Faults{Throttled: 0.1, Failed: 0.05, Lost: 0.03, Cut: 0.03, Delay: time.Second})})
			c := connect(t, smsc, func(cfg *smpp.ClientConfig) { cfg.Session.ResponseTimeout = 8 * time.Second })
			const n = 200
			var taken, refused, unknown, notSent atomic.Int64
			for range n {
				err := c.Start(t.Context(), smpp.SubmitSM, text("x"), func(_ smpp.PDU, err error) {
					var status *smpp.StatusError
					switch {
					case err == nil:
						taken.Add(1)
					case errors.As(err, &status):
						refused.Add(1)
					case errors.Is(err, smpp.ErrUnknown):
						unknown.Add(1)
					case errors.Is(err, smpp.ErrNotSent):
						notSent.Add(1)
					default:
						t.Error(err)
					}
				})
				require.NoError(t, err)
			}
			time.Sleep(time.Minute)
			require.Equal(t, int64(n), taken.Load()+refused.Load()+unknown.Load()+notSent.Load(), "each is answered once")
			came, accepted := smsc.Count()
			assert.LessOrEqual(t, taken.Load(), int64(accepted))
			assert.LessOrEqual(t, int64(accepted), taken.Load()+unknown.Load(), "none that was taken counts as refused or not sent")
			assert.LessOrEqual(t, int64(came), n-notSent.Load(), "what was not sent did not come")
			assert.Positive(t, unknown.Load())
			now, _ := c.Stats()
			assert.Zero(t, now.Open)
		})
	}
}

// TestCloseWhileConnecting ends at once.
func TestCloseWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{})
		c := connect(t, smsc, func(cfg *smpp.ClientConfig) {
			cfg.Dial = func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		})
		begin := time.Now()
		var err error
		go func() { _, err = c.Submit(t.Context(), text("x")) }()
		synctest.Wait()
		require.NoError(t, c.Close(t.Context()))
		synctest.Wait()
		require.ErrorIs(t, err, smpp.ErrClosed)
		assert.Zero(t, time.Since(begin))
	})
}

// TestChanged tells of each change.
func TestChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		smsc := smpptest.New(smpptest.Options{})
		var said []error
		c := connect(t, smsc, func(cfg *smpp.ClientConfig) { cfg.Changed = func(err error) { said = append(said, err) } })
		_, err := c.Session(t.Context())
		require.NoError(t, err)
		smsc.Disconnect()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, said, 3)
		require.NoError(t, said[0])
		require.Error(t, said[1])
		require.NoError(t, said[2])
	})
}
