package smppsender_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/smpp/smpptest"
	"github.com/vefacrm/vefa/messaging/smppsender"
	"github.com/vefacrm/vefa/messaging/sms"
)

// fixture is a sender and its SMSC.
func fixture(t *testing.T, opt smpptest.Options, change func(*smppsender.Config)) (*smppsender.Sender, *smpptest.SMSC) {
	t.Helper()
	smsc := smpptest.New(opt)
	cfg := smppsender.Config{Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}}, Dial: smsc.Dial}}
	if change != nil {
		change(&cfg)
	}
	s, err := smppsender.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = s.Close(ctx)
		smsc.Close()
	})
	return s, smsc
}

func TestSenderConforms(t *testing.T) {
	for name, change := range map[string]func(*smppsender.Config){
		"one session":            nil,
		"three sessions, packed": func(c *smppsender.Config) { c.Sessions, c.Packed, c.Profile = 3, true, sms.Domestic() },
		"parameters":             func(c *smppsender.Config) { c.Long = smppsender.SAR },
		"payload":                func(c *smppsender.Config) { c.Long = smppsender.Payload },
	} {
		t.Run(name, func(t *testing.T) {
			messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
				s, smsc := fixture(t, smpptest.Options{}, change)
				of := map[string]crm.EffectID{}
				for i := range 1000 {
					m := messagingtest.Message(i)
					of[strings.TrimPrefix(m.To.Value, "+")] = m.ID
				}
				return messagingtest.Fixture{Sender: s, Arrived: func(id crm.EffectID) int {
					n := 0
					for _, m := range smsc.Messages() {
						if m.Status == smpp.OK && of[m.Message.Destination.Addr] == id {
							n++
						}
					}
					return n
				}}
			})
		})
	}
}

// TestApart sends over transmitters and is told over a receiver.
func TestApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []messaging.Report
		s, smsc := fixture(t, always(smpptest.Answer{ReceiptDelay: time.Second}), func(c *smppsender.Config) {
			c.Apart, c.Sessions = true, 2
			c.Feedback = func(_ context.Context, f messaging.Feedback) error {
				reports = append(reports, f.Reports...)
				return nil
			}
		})
		got := sendOne(t, s, "Merhaba")
		assert.Equal(t, crm.Accepted, got.Status)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, reports, 1)
		assert.Equal(t, got.Provider, reports[0].Provider)
		assert.Equal(t, 3, smsc.Binds())
	})
}

func message(i int, text string) messaging.Message {
	m := messagingtest.Message(i)
	m.Text = text
	return m
}

func sendOne(t *testing.T, s *smppsender.Sender, text string) crm.Receipt {
	t.Helper()
	got, err := s.Send(t.Context(), []messaging.Message{message(1, text)})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

// always answers every message alike.
func always(a smpptest.Answer) smpptest.Options {
	return smpptest.Options{Answer: func(int, *smpp.Message) smpptest.Answer { return a }}
}

// TestStatuses holds what each status becomes.
func TestStatuses(t *testing.T) {
	for status, want := range map[smpp.Status]crm.Receipt{
		smpp.OK:                 {Status: crm.Accepted, Provider: "1"},
		smpp.Throttled:          {Status: crm.Throttled, Reason: "SMPP 0x58"},
		smpp.QueueFull:          {Status: crm.Throttled, Reason: "SMPP 0x14"},
		smpp.TemporaryAppError:  {Status: crm.Throttled, Reason: "SMPP 0x64"},
		smpp.SystemError:        {Status: crm.Throttled, Reason: "SMPP 0x08"},
		smpp.InvalidDestination: {Status: crm.Declined, Reason: "SMPP 0x0b"},
		smpp.InvalidSource:      {Status: crm.Declined, Reason: "SMPP 0x0a"},
		smpp.PermanentAppError:  {Status: crm.Declined, Reason: "SMPP 0x65"},
		smpp.InvalidBindStatus:  {Status: crm.Throttled, Unreached: true, Reason: "SMPP 0x04"},
		0x400:                   {Status: crm.Declined, Reason: "SMPP 0x400"},
		0x401:                   {Status: crm.Throttled, Reason: "SMPP 0x401"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := fixture(t, always(smpptest.Answer{Status: status}), func(c *smppsender.Config) {
				c.Class = func(s smpp.Status) smpp.Class {
					if s == 0x401 { // this provider's "balance is low"
						return smpp.Retry
					}
					return s.Class()
				}
			})
			got := sendOne(t, s, "Merhaba")
			want.ID = got.ID
			assert.Equal(t, want, got)
		})
	}
}

// TestUncertain: an answer that is lost, a connection that ends within it, a context that
// ends meanwhile.
func TestUncertain(t *testing.T) {
	for name, a := range map[string]smpptest.Answer{"lost": {Lose: true}, "cut": {Cut: true}, "slow": {Delay: time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			s, smsc := fixture(t, always(a), nil)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if name == "lost" {
				ctx = t.Context() // the session gives up by itself
			}
			got, err := s.Send(ctx, []messaging.Message{message(1, "Merhaba")})
			require.NoError(t, err)
			assert.Equal(t, crm.Uncertain, got[0].Status, name)
			_, taken := smsc.Count()
			assert.Equal(t, 1, taken, "sent once")
		})
	}
}

// TestFieldTooLong: what a host's Source makes may not fit.
func TestFieldTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, smsc := fixture(t, smpptest.Options{}, func(c *smppsender.Config) {
			c.Source = func(string) (smpp.Address, error) { return smpp.Address{Addr: strings.Repeat("1", 21)}, nil }
		})
		got := sendOne(t, s, "Merhaba")
		assert.Equal(t, crm.Declined, got.Status)
		assert.Equal(t, "a field does not fit into a PDU", got.Reason)
		came, _ := smsc.Count()
		assert.Zero(t, came)
	})
}

func TestNobodyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fixture(t, smpptest.Options{}, func(c *smppsender.Config) {
			c.Client.Dial = func(context.Context) (net.Conn, error) { return nil, errors.New("refused") }
		})
		begin := time.Now()
		got := sendOne(t, s, "Merhaba")
		assert.Equal(t, crm.Throttled, got.Status)
		assert.True(t, got.Unreached)
		assert.Equal(t, time.Minute, time.Since(begin))
	})
}

const long = "Değerli müşterimiz, bugün mağazamızda tüm ürünlerde yüzde yirmi indirim var. Kampanya hafta sonuna kadar sürecek; ayrıntılar için bize uğrayın ya da arayın. Sağlıklı günler."

// TestPartRefusedForNow: what is at the provider already is not sent again, what is not
// is, until the message is whole.
func TestPartRefusedForNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, smsc := fixture(t, smpptest.Options{Answer: func(n int, _ *smpp.Message) smpptest.Answer {
			if n == 1 || n == 3 {
				return smpptest.Answer{Status: smpp.Throttled}
			}
			return smpptest.Answer{}
		}}, nil)
		got := sendOne(t, s, long)
		assert.Equal(t, crm.Accepted, got.Status)
		assert.Equal(t, "1 3 2", got.Provider, "the ids of the parts in their order")
		seen := map[int]int{}
		for _, m := range smsc.Messages() {
			if m.Status == smpp.OK {
				p, err := smpp.PartOf(m.Message)
				require.NoError(t, err)
				seen[p.Number]++
			}
		}
		assert.Equal(t, map[int]int{1: 1, 2: 1, 3: 1}, seen)
	})
}

// TestPartRefused: a message that is at the provider in part is uncertain, neither
// failed nor to be sent again.
func TestPartRefused(t *testing.T) {
	for _, status := range []smpp.Status{smpp.InvalidDestination, smpp.Throttled} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := fixture(t, smpptest.Options{Answer: func(n int, _ *smpp.Message) smpptest.Answer {
				if n > 0 {
					return smpptest.Answer{Status: status}
				}
				return smpptest.Answer{}
			}}, nil)
			got := sendOne(t, s, long)
			assert.Equal(t, crm.Uncertain, got.Status)
			assert.Equal(t, fmt.Sprintf("1 of 3 parts taken SMPP %#02x", uint32(status)), got.Reason)
		})
	}
}

// TestForms sends the same text in every form and reads it back as a handset would.
func TestForms(t *testing.T) {
	latin := strings.Repeat("Bu bir deneme mesajidir. [euro: €] ", 12)
	for name, change := range map[string]func(*smppsender.Config){
		"UDH8":        func(*smppsender.Config) {},
		"UDH16":       func(c *smppsender.Config) { c.Long = smppsender.UDH16 },
		"SAR":         func(c *smppsender.Config) { c.Long = smppsender.SAR },
		"payload":     func(c *smppsender.Config) { c.Long = smppsender.Payload },
		"packed":      func(c *smppsender.Config) { c.Packed = true },
		"packed, SAR": func(c *smppsender.Config) { c.Packed, c.Long = true, smppsender.SAR },
		"single shift": func(c *smppsender.Config) {
			c.Profile.Encodings = []sms.Encoding{sms.GSM7, sms.TurkishSingle, sms.UCS2}
		},
		"locking, packed": func(c *smppsender.Config) { c.Profile, c.Packed = sms.Domestic(), true },
		"locking, SAR":    func(c *smppsender.Config) { c.Profile, c.Long = sms.Domestic(), smppsender.SAR },
		"locking, payload": func(c *smppsender.Config) {
			c.Profile, c.Long = sms.Domestic(), smppsender.Payload
		},
	} {
		for _, text := range []string{"Merhaba", "1234567", latin, long, strings.Repeat("😀ş", 60)} {
			synctest.Test(t, func(t *testing.T) {
				var got []messaging.Inbound
				s, smsc := fixture(t, smpptest.Options{}, func(c *smppsender.Config) {
					c.NoReceipts = true
					c.Feedback = func(_ context.Context, f messaging.Feedback) error { got = append(got, f.Inbound...); return nil }
					change(c)
				})
				require.Equal(t, crm.Accepted, sendOne(t, s, text).Status, name)
				for _, m := range smsc.Messages() { // what was sent comes back as a reply
					assert.LessOrEqual(t, len(m.Message.Text), 160)
					back := *m.Message
					back.Source, back.Destination = back.Destination, back.Source
					smsc.Deliver(&back)
				}
				synctest.Wait()
				require.Len(t, got, 1, name)
				assert.Equal(t, text, got[0].Text, name)
				require.NoError(t, got[0].Validate())
				assert.Equal(t, crm.Address{Channel: crm.Phone, Value: "+905320000001"}, got[0].From)
				assert.Equal(t, crm.Address{Channel: crm.Phone, Value: "VEFA"}, got[0].To)
			})
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	dial := func(context.Context) (net.Conn, error) { return nil, errors.New("no") }
	for name, change := range map[string]func(*smppsender.Config){
		"a handler": func(c *smppsender.Config) {
			c.Client.Session.Handler = func(context.Context, smpp.PDU) smpp.Status { return 0 }
		},
		"a receiver":      func(c *smppsender.Config) { c.Client.Session.Mode = smpp.BindReceiver },
		"many sessions":   func(c *smppsender.Config) { c.Sessions = 17 },
		"no such form":    func(c *smppsender.Config) { c.Long = 9 },
		"a negative time": func(c *smppsender.Config) { c.Timeout = -1 },
		"a service type":  func(c *smppsender.Config) { c.ServiceType = "too long" },
	} {
		cfg := smppsender.Config{Client: smpp.ClientConfig{Session: smpp.Config{Bind: smpp.Bind{SystemID: "shop"}}, Dial: dial}}
		change(&cfg)
		_, err := smppsender.New(cfg)
		require.ErrorIs(t, err, smppsender.ErrConfig, name)
	}
	_, err := smppsender.New(smppsender.Config{})
	require.ErrorIs(t, err, smpp.ErrConfig)
	_, err = smppsender.New(smppsender.Config{Sessions: -1, Long: 9, Timeout: -1, PartWait: -1, Batch: -1, ServiceType: "too long"})
	for _, want := range []string{"Sessions", "Long", "Timeout", "PartWait", "Batch", "service_type", "SystemID", "Dial"} {
		require.ErrorContains(t, err, want, "every fault is reported")
	}
}

// TestFaultyProvider sends batches through an SMSC that loses, cuts and throttles, twice
// over what may come again: nothing is taken twice, and what counts as taken was.
func TestFaultyProvider(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			s, smsc := fixture(t, smpptest.Options{Answer: smpptest.Random(seed, smpptest.Faults{Throttled: 0.1, Failed: 0.03, Lost: 0.03, Cut: 0.02, Delay: time.Second})},
				func(c *smppsender.Config) { c.Sessions, c.Client.Session.ResponseTimeout = 2, 8*time.Second })
			var left []messaging.Message
			for i := range 100 {
				text := "Merhaba"
				if i%5 == 0 {
					text = strings.Repeat("uzun ", 50)
				}
				left = append(left, message(i, text))
			}
			status := map[string]crm.Status{}
			for round := 0; len(left) > 0; round++ {
				require.Less(t, round, 50)
				got, err := s.Send(t.Context(), left)
				require.NoError(t, err)
				var again []messaging.Message
				for i, r := range got {
					status[left[i].To.Value[1:]] = r.Status
					if r.Status == crm.Throttled {
						again = append(again, left[i])
					}
				}
				left = again
			}
			taken := map[string]map[int]int{}
			of := map[string]int{}
			for _, m := range smsc.Messages() {
				p, err := smpp.PartOf(m.Message)
				require.NoError(t, err)
				to := m.Message.Destination.Addr
				of[to] = p.Of
				if m.Status == smpp.OK {
					if taken[to] == nil {
						taken[to] = map[int]int{}
					}
					taken[to][p.Number]++
				}
			}
			uncertain := 0
			for to, st := range status {
				for n, times := range taken[to] {
					assert.Equal(t, 1, times, "part %d", n)
				}
				switch st {
				case crm.Accepted:
					assert.Len(t, taken[to], of[to])
				case crm.Declined:
					assert.Empty(t, taken[to])
				default:
					uncertain++
				}
			}
			assert.Positive(t, uncertain)
		})
	}
}
