package smpp_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
)

// TestThrottling holds that the window follows what the SMSC takes: with an SMSC that
// takes 5 at a time, a window of 64 ends near 5, few are refused, and it recovers.
func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		narrow := true
		smsc := smpptest.New(smpptest.Options{Answer: func(int, *smpp.Message) smpptest.Answer { return smpptest.Answer{Delay: 100 * time.Millisecond} }, Window: 5})
		cfg := shop()
		cfg.Window = 64
		s := bound(t, smsc, cfg)
		var refused, ok atomic.Int64
		send := func(n int) {
			for range n {
				require.NoError(t, s.Start(t.Context(), smpp.SubmitSM, text("x"), func(_ smpp.PDU, err error) {
					var status *smpp.StatusError
					switch {
					case err == nil:
						ok.Add(1)
					case errors.As(err, &status) && status.Status == smpp.Throttled && narrow:
						refused.Add(1)
					default:
						t.Error(err)
					}
				}))
			}
		}
		send(100)
		first := refused.Load()
		begin := time.Now()
		send(1000)
		time.Sleep(time.Second)
		assert.LessOrEqual(t, s.Stats().Limit, 8)
		assert.Less(t, refused.Load()-first, int64(250), "of 1,000")
		rate := float64(1000-(refused.Load()-first)) / time.Since(begin).Seconds()
		assert.Greater(t, rate, 25.0, "the SMSC takes 50 a second")
		assert.Equal(t, int64(1100), ok.Load()+refused.Load())
	})
}

// TestHoldsBack: an SMSC that refuses everything is left in peace, and taken up again.
func TestHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Bool
		closed.Store(true)
		smsc := smpptest.New(smpptest.Options{Answer: func(int, *smpp.Message) smpptest.Answer {
			if closed.Load() {
				return smpptest.Answer{Status: smpp.QueueFull}
			}
			return smpptest.Answer{}
		}})
		s := bound(t, smsc, shop())
		stop, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for stop.Err() == nil {
			_, _ = s.Submit(stop, text("x"))
		}
		came, _ := smsc.Count()
		assert.Less(t, came, 30, "in a minute")
		assert.Greater(t, came, 10)
		assert.Equal(t, 1, s.Stats().Limit)
		closed.Store(false)
		for range 100 {
			_, err := s.Submit(t.Context(), text("x"))
			require.NoError(t, err)
		}
		assert.Equal(t, 10, s.Stats().Limit, "the whole window again")
		closed.Store(true)
		before, _ := smsc.Count()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for soon.Err() == nil {
			_, _ = s.Submit(soon, text("x"))
		}
		came, _ = smsc.Count()
		assert.Equal(t, 8, came-before, "3 until the window is 1, then at once and after 50, 150, 350, 750 ms")
	})
}
