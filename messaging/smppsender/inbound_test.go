package smppsender_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
	"github.com/vefacrm/vefa/messaging/smppsender"
)

// TestReports of parts: before the answer, twice, out of order, in hexadecimal.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var reports []messaging.Report
		s, _ := fixture(t, smpptest.Options{HexReceipts: true, TextOnly: true, Answer: func(n int, _ *smpp.Message) smpptest.Answer {
			switch {
			case n < 8:
				return smpptest.Answer{Silent: true} // so that ids have two digits
			case n == 8:
				return smpptest.Answer{Early: true, Delay: time.Second}
			case n == 9:
				return smpptest.Answer{Twice: true, State: smpp.Undeliverable, Error: "027", ReceiptDelay: time.Minute}
			}
			return smpptest.Answer{ReceiptDelay: time.Second, State: smpp.Accepted}
		}}, func(c *smppsender.Config) {
			c.Form = smpp.ReceiptForm{Responses: smpp.IDDecimal, Receipts: smpp.IDHex}
			c.Bounce = func(r smpp.Receipt) bool { return r.Error == "027" }
			c.Feedback = func(_ context.Context, f messaging.Feedback) error {
				mu.Lock()
				defer mu.Unlock()
				reports = append(reports, f.Reports...)
				return nil
			}
		})
		for range 8 {
			sendOne(t, s, "x")
		}
		got := sendOne(t, s, long)
		require.Equal(t, crm.Accepted, got.Status)
		assert.Equal(t, "9 10 11", got.Provider)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		at := time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
		failed := messaging.Report{Provider: "10", State: messaging.Undelivered, Code: "027", Reason: "UNDELIV", Bounce: true, At: at}
		assert.Equal(t, []messaging.Report{
			{Provider: "9", State: messaging.Delivered, Code: "000", At: at},
			{Provider: "11", State: messaging.Enroute, Code: "000", Reason: "ACCEPTD", At: at}, failed, failed}, reports)
		for _, r := range reports {
			require.NoError(t, r.Validate())
		}
	})
}

// TestHostCannotTake: a report or message that the host could not take comes again,
// with the parts that were acknowledged before; what the host finds invalid does not.
func TestHostCannotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		failures, invalid := 3, false
		s, smsc := fixture(t, smpptest.Options{}, func(c *smppsender.Config) {
			c.PartWait = time.Minute
			c.Feedback = func(_ context.Context, f messaging.Feedback) error {
				if failures--; failures >= 0 {
					return errors.New("the database is down")
				}
				for _, in := range f.Inbound {
					got = append(got, in.Text)
				}
				if invalid {
					return fmt.Errorf("feedback: %w", messaging.ErrReport)
				}
				return nil
			}
		})
		part := func(n byte, text string) *smpp.Message {
			return &smpp.Message{Source: smpp.Address{TON: 1, NPI: 1, Addr: "905320000001"}, ESMClass: smpp.UDHI, Text: append([]byte{5, 0, 3, 9, 3, n}, text...)}
		}
		smsc.Deliver(part(2, "b"))
		smsc.Deliver(part(3, "c"))
		smsc.Deliver(part(1, "a"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"abc"}, got)
		smsc.Deliver(part(1, "alone"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"abc", "alone"}, got, "what is not whole in time is given as it is")
		invalid = true
		smsc.Deliver(&smpp.Message{Text: []byte("from nobody")})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"abc", "alone", "from nobody"}, got)
		smsc.Deliver(part(2, "at the end"))
		synctest.Wait()
		require.NoError(t, s.Close(t.Context()))
		assert.Equal(t, []string{"abc", "alone", "from nobody", "at the end"}, got)
	})
}

// TestInboundIDs: the same that comes again has the same id, the same word an hour later
// another.
func TestInboundIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		_, smsc := fixture(t, smpptest.Options{}, func(c *smppsender.Config) {
			c.Feedback = func(_ context.Context, f messaging.Feedback) error {
				ids = append(ids, f.Inbound[0].ID)
				if len(ids) == 1 {
					return errors.New("the database is down")
				}
				return nil
			}
		})
		say := func(from, text string) {
			smsc.Deliver(&smpp.Message{Source: smpp.Address{Addr: from}, Text: []byte(text)})
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		say("1", "RET")
		say("2", "RET")
		say("1", "EVET")
		time.Sleep(time.Hour)
		say("1", "RET")
		require.Len(t, ids, 5)
		assert.Equal(t, ids[0], ids[1])
		distinct := map[string]bool{}
		for _, id := range ids {
			distinct[id] = true
		}
		assert.Len(t, distinct, 4)
	})
}

func TestInboundAlphabets(t *testing.T) {
	for name, c := range map[string]struct {
		coding byte
		raw    string
		want   string
	}{
		"default":         {0, "\x00 \x1b\x65", "@ €"},
		"ASCII":           {1, "STOP @", "STOP @"},
		"Latin-1":         {3, "\xe7\xfc", "çü"},
		"UCS-2":           {8, "\x01\x30\xd8\x3d\xde\x00", "İ😀"},
		"odd UCS-2":       {8, "\x01\x30\x01", ""},
		"binary":          {4, "abc", ""},
		"class, GSM-7":    {0xF1, "abc", "abc"},
		"class, binary":   {0xF5, "abc", ""},
		"group, UCS-2":    {0x18, "\x01\x30", "İ"},
		"no septets":      {0, "\xff", ""},
		"reserved coding": {0x80, "abc", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []messaging.Inbound
			_, smsc := fixture(t, smpptest.Options{}, func(cfg *smppsender.Config) {
				cfg.Feedback = func(_ context.Context, f messaging.Feedback) error { got = append(got, f.Inbound...); return nil }
			})
			smsc.Deliver(&smpp.Message{Source: smpp.Address{Addr: "4609"}, DataCoding: c.coding, Text: []byte(c.raw)})
			synctest.Wait()
			require.Len(t, got, 1, name)
			assert.Equal(t, "4609", got[0].From.Value)
			assert.Equal(t, c.want, got[0].Text, name)
		})
	}
}
