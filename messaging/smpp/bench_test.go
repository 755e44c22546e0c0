package smpp_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vefacrm/vefa/messaging/smpp"
)

// echo is the cheapest SMSC there can be: it answers every request with OK, and writes
// when it has read all there is.
func echo(tb testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go echoing(conn)
		}
	}()
	return l.Addr().String()
}

func echoing(conn net.Conn) {
	defer conn.Close()
	in := make([]byte, 256<<10)
	var out []byte
	a, b := 0, 0
	for id := 0; ; {
		for b-a >= 16 {
			n := int(binary.BigEndian.Uint32(in[a:]))
			if b-a < n {
				break
			}
			h := in[a : a+16]
			a += n
			c := smpp.Command(binary.BigEndian.Uint32(h[4:]))
			if c.IsResponse() {
				continue
			}
			size := 16
			switch c {
			case smpp.SubmitSM:
				size += 9
			case smpp.BindTransceiver:
				size += 2
			}
			out = binary.BigEndian.AppendUint32(out, uint32(size))
			out = binary.BigEndian.AppendUint32(out, uint32(c.Response()))
			out = binary.BigEndian.AppendUint32(out, 0)
			out = append(out, h[12:16]...)
			switch c {
			case smpp.SubmitSM:
				id++
				for shift := 28; shift >= 0; shift -= 4 {
					out = append(out, "0123456789abcdef"[id>>shift&15])
				}
				out = append(out, 0)
			case smpp.BindTransceiver:
				out = append(out, 'e', 0)
			}
		}
		if len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		copy(in, in[a:b])
		a, b = 0, b-a
		n, err := conn.Read(in[b:])
		if err != nil {
			return
		}
		b += n
	}
}

// benchMessage is what is sent in benchmarks: a message of 60 characters.
func benchMessage() *smpp.Message {
	return &smpp.Message{Source: smpp.Address{TON: 5, Addr: "VEFA"}, Destination: smpp.Address{TON: 1, NPI: 1, Addr: "905320000000"},
		RegisteredDelivery: 1, Text: []byte("Merhaba, bugun magazamizda yuzde yirmi indirim var. B001 xx")}
}

// raw is the ceiling: one loop that writes a window of PDUs at once, of which only the
// number is made anew, and reads as many answers. It returns submits a second.
func raw(tb testing.TB, addr string, window, n int) float64 {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	one, err := smpp.PDU{Command: smpp.SubmitSM, Sequence: 1, Body: benchMessage()}.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	var out []byte
	for range window {
		out = append(out, one...)
	}
	in := make([]byte, window*25)
	begin := time.Now()
	for sent := 0; sent < n; sent += window {
		for i := range window {
			binary.BigEndian.PutUint32(out[i*len(one)+12:], uint32(sent+i+1))
		}
		if _, err := conn.Write(out); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(conn, in); err != nil {
			tb.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}

func open(tb testing.TB, addr string, window int) *smpp.Session {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := smpp.Open(tb.Context(), conn, smpp.Config{Bind: smpp.Bind{SystemID: "bench"}, Window: window})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// submitAll sends n messages from one goroutine, as many at a time as the window has.
func submitAll(tb testing.TB, s *smpp.Session, n int) float64 {
	m := benchMessage()
	failed, answered := 0, 0 // of the goroutine that reads
	all := make(chan struct{})
	done := func(_ smpp.PDU, err error) {
		if err != nil {
			failed++
		}
		if answered++; answered == n {
			close(all)
		}
	}
	begin := time.Now()
	for range n {
		if err := s.Start(tb.Context(), smpp.SubmitSM, m, done); err != nil {
			tb.Fatal(err)
		}
	}
	<-all
	took := time.Since(begin)
	if failed > 0 {
		tb.Fatalf("%d of %d failed", failed, n)
	}
	return float64(n) / took.Seconds()
}

// BenchmarkSubmit sends over loopback with Start, and reports submits a second and
// their share of what a loop of its own on a socket reaches in the same run.
func BenchmarkSubmit(b *testing.B) {
	for _, window := range []int{1, 10, 50, 200} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			addr := echo(b)
			s := open(b, addr, window)
			b.ReportAllocs()
			var ours, ceiling float64
			const slice = 50_000 // in turns, so that both meet the same neighbours
			for left := b.N; left > 0; left -= slice {
				n := min(left, slice)
				b.StopTimer()
				ceiling = max(ceiling, raw(b, addr, window, max(n, slice)))
				b.StartTimer()
				ours = max(ours, submitAll(b, s, n))
			}
			st := s.Stats()
			b.ReportMetric(ours, "submits/s")
			b.ReportMetric(100*ours/ceiling, "%ceiling")
			b.ReportMetric(float64(st.Sent)/float64(st.Writes), "submits/write")
			s.Close()
			<-s.Done()
		})
	}
}

// BenchmarkSubmitBlocking sends with Submit from as many goroutines as the window has.
func BenchmarkSubmitBlocking(b *testing.B) {
	for _, window := range []int{1, 10, 50, 200} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			addr := echo(b)
			s := open(b, addr, window)
			m := benchMessage()
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			var left atomic.Int64
			left.Store(int64(b.N))
			for range window {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := s.Submit(b.Context(), m); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
			s.Close()
			<-s.Done()
		})
	}
}

// BenchmarkAppend writes a submit_sm.
func BenchmarkAppend(b *testing.B) {
	m := benchMessage()
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = (smpp.PDU{Command: smpp.SubmitSM, Sequence: 1, Body: m}).Append(out[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode reads a submit_sm_resp.
func BenchmarkDecode(b *testing.B) {
	data, err := smpp.PDU{Command: smpp.SubmitSM.Response(), Sequence: 1, Body: &smpp.MessageID{ID: "0a1b2c3d"}}.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := smpp.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
