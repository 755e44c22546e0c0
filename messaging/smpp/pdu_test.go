package smpp_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
)

// samples has a PDU of every kind.
func samples() map[string]smpp.PDU {
	from, to := smpp.Address{TON: 5, Addr: "VEFA"}, smpp.Address{TON: 1, NPI: 1, Addr: "905320000000"}
	tlvs := smpp.TLVs{{Tag: smpp.TagMessageState, Value: []byte{2}}, {Tag: 0x1400, Value: []byte("vendor")}, {Tag: 0x1401, Value: []byte{}}}
	return map[string]smpp.PDU{
		"bind":         {Command: smpp.BindTransceiver, Sequence: 1, Body: &smpp.Bind{SystemID: "shop", Password: "secret", SystemType: "VMA", Version: smpp.Version}},
		"bind resp":    {Command: smpp.BindTransceiver.Response(), Sequence: 1, Body: &smpp.BindResult{SystemID: "smsc", TLVs: smpp.TLVs{{Tag: smpp.TagInterfaceVersion, Value: []byte{0x34}}}}},
		"bind refused": {Command: smpp.BindTransmitter.Response(), Status: smpp.InvalidPassword, Sequence: 1},
		"submit":       {Command: smpp.SubmitSM, Sequence: 2, Body: &smpp.Message{Source: from, Destination: to, RegisteredDelivery: 1, Text: []byte("merhaba"), TLVs: tlvs}},
		"submit full": {Command: smpp.SubmitSM, Sequence: 0x7FFFFFFF, Body: &smpp.Message{ServiceType: "CMT", Source: from, Destination: to, ESMClass: 0x40, ProtocolID: 1, Priority: 2,
			Schedule: "250101120000000+", Validity: "000001000000000R", RegisteredDelivery: 3, ReplaceIfPresent: 1, DataCoding: 8, DefaultMessage: 9, Text: bytes.Repeat([]byte{0xFF}, 254)}},
		"submit resp":      {Command: smpp.SubmitSM.Response(), Sequence: 2, Body: &smpp.MessageID{ID: "0a1b"}},
		"submit throttled": {Command: smpp.SubmitSM.Response(), Status: smpp.Throttled, Sequence: 2},
		"deliver":          {Command: smpp.DeliverSM, Sequence: 3, Body: &smpp.Message{Source: to, Destination: from, ESMClass: 4, Text: []byte("id:1 stat:DELIVRD")}},
		"data":             {Command: smpp.DataSM, Sequence: 3, Body: &smpp.Data{Source: to, Destination: from, DataCoding: 8, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("payload")}}}},
		"query":            {Command: smpp.QuerySM, Sequence: 4, Body: &smpp.Query{ID: "0a1b", Source: from}},
		"query resp":       {Command: smpp.QuerySM.Response(), Sequence: 4, Body: &smpp.QueryResult{ID: "0a1b", FinalDate: "250101120000000+", State: smpp.Delivered, ErrorCode: 7}},
		"cancel":           {Command: smpp.CancelSM, Sequence: 5, Body: &smpp.Cancel{ID: "0a1b", Source: from, Destination: to}},
		"alert":            {Command: smpp.AlertNotification, Sequence: 6, Body: &smpp.Alert{Source: to, ESME: from}},
		"enquire":          {Command: smpp.EnquireLink, Sequence: 7},
		"unbind":           {Command: smpp.Unbind, Sequence: 8},
		"nack":             {Command: smpp.GenericNack, Status: smpp.InvalidCommand, Sequence: 9},
		"unknown":          {Command: 0x00010200, Sequence: 10, Body: raw16("what a vendor sends")},
		"submit multi":     {Command: smpp.SubmitMulti, Sequence: 11, Body: raw16("\x00\x05\x00VEFA\x00")},
	}
}

func raw16(s string) *smpp.Raw {
	r := smpp.Raw(s)
	return &r
}

func TestRoundTrip(t *testing.T) {
	for name, p := range samples() {
		data, err := p.Append(nil)
		require.NoError(t, err, name)
		got, err := smpp.Decode(data)
		require.NoError(t, err, name)
		assert.Equal(t, p, got, name)
		again, err := got.Append([]byte("before"))
		require.NoError(t, err, name)
		assert.Equal(t, "before"+string(data), string(again), name)
	}
}

// TestOctets states a submit_sm octet by octet, from the tables of section 4.4.1.
func TestOctets(t *testing.T) {
	data, err := samples()["submit"].Append(nil)
	require.NoError(t, err)
	want := "0000004b" + "00000004" + "00000000" + "00000002" + "00" + "0500" + hex.EncodeToString([]byte("VEFA")) + "00" +
		"0101" + hex.EncodeToString([]byte("905320000000")) + "00" + "000000" + "00" + "00" + "01000000" +
		"07" + hex.EncodeToString([]byte("merhaba")) + "0427000102" + "14000006" + hex.EncodeToString([]byte("vendor")) + "14010000"
	assert.Equal(t, want, hex.EncodeToString(data))
}

func TestFieldsThatCannotBeWritten(t *testing.T) {
	for name, c := range map[string]struct {
		pdu   smpp.PDU
		field string
		err   error
	}{
		"long sender":    {smpp.PDU{Command: smpp.SubmitSM, Body: &smpp.Message{Source: smpp.Address{Addr: strings.Repeat("1", 21)}}}, "source_addr", smpp.ErrLong},
		"long recipient": {smpp.PDU{Command: smpp.DeliverSM, Body: &smpp.Message{Destination: smpp.Address{Addr: strings.Repeat("1", 21)}}}, "destination_addr", smpp.ErrLong},
		"long text":      {smpp.PDU{Command: smpp.SubmitSM, Body: &smpp.Message{Text: make([]byte, 255)}}, "short_message", smpp.ErrLong},
		"NUL in a name":  {smpp.PDU{Command: smpp.BindReceiver, Body: &smpp.Bind{SystemID: "a\x00b"}}, "system_id", smpp.ErrText},
		"long payload":   {smpp.PDU{Command: smpp.SubmitSM, Body: &smpp.Message{TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 65536)}}}}, "message_payload", smpp.ErrLong},
		"no body":        {smpp.PDU{Command: smpp.SubmitSM}, "body", smpp.ErrBody},
		"another body":   {smpp.PDU{Command: smpp.SubmitSM, Body: &smpp.Bind{}}, "body", smpp.ErrBody},
		"a message body": {smpp.PDU{Command: smpp.QuerySM, Body: &smpp.Message{}}, "body", smpp.ErrBody},
		"long id":        {smpp.PDU{Command: smpp.CancelSM, Body: &smpp.Cancel{ID: strings.Repeat("1", 65)}}, "message_id", smpp.ErrLong},
		"data":           {smpp.PDU{Command: smpp.DataSM, Body: &smpp.Data{Source: smpp.Address{Addr: strings.Repeat("1", 65)}}}, "source_addr", smpp.ErrLong},
	} {
		out, err := c.pdu.Append([]byte("kept"))
		var f *smpp.FieldError
		require.ErrorAs(t, err, &f, name)
		require.ErrorIs(t, err, c.err, name)
		assert.Equal(t, c.field, f.Field, name)
		assert.Equal(t, c.pdu.Command, f.Command, name)
		assert.Equal(t, "kept", string(out), name)
	}
}

// TestCutShort cuts every kind of PDU at every place, with a length that says so: it
// is an error that names the field, or a shorter PDU that is one.
func TestCutShort(t *testing.T) {
	failed := 0
	for name, p := range samples() {
		whole, err := p.Append(nil)
		require.NoError(t, err)
		for n := 16; n < len(whole); n++ {
			data := bytes.Clone(whole[:n])
			data[2], data[3] = byte(n>>8), byte(n)
			got, err := smpp.Decode(data)
			assert.Equal(t, p.Sequence, got.Sequence, "so that it can be refused")
			if err == nil {
				again, err := got.Append(nil)
				require.NoError(t, err)
				if !bytes.Equal(data, again) { // only a text whose NUL was cut off
					assert.Equal(t, append(data[4:], 0), again[4:], name)
				}
				continue
			}
			failed++
			var f *smpp.FieldError
			require.ErrorAs(t, err, &f, "%s at %d", name, n)
			require.ErrorIs(t, err, smpp.ErrShort)
			assert.Equal(t, p.Command, f.Command)
		}
	}
	assert.Greater(t, failed, 300)
}

// TestDeviations reads what SMSCs send that the specification does not have.
func TestDeviations(t *testing.T) {
	noNUL, err := hex.DecodeString("00000014" + "80000004" + "00000000" + "00000001" + "31323334")
	require.NoError(t, err)
	p, err := smpp.Decode(noNUL)
	require.NoError(t, err)
	assert.Equal(t, "1234", smpp.ID(p), "a message id without its NUL")

	extra, err := hex.DecodeString("00000012" + "80000015" + "00000000" + "00000001" + "abcd")
	require.NoError(t, err)
	p, err = smpp.Decode(extra)
	require.NoError(t, err)
	again, err := p.Append(nil)
	require.NoError(t, err)
	assert.Equal(t, extra, again, "a body where none should be")

	_, err = smpp.Decode(extra[:17])
	require.ErrorIs(t, err, smpp.ErrLength)
	_, err = smpp.Decode(extra[:15])
	require.ErrorIs(t, err, smpp.ErrShort)
}

func TestStream(t *testing.T) {
	var data []byte
	var want []smpp.PDU
	for _, name := range []string{"bind resp", "submit full", "enquire", "unknown", "data"} {
		p := samples()[name]
		want = append(want, p)
		var err error
		data, err = p.Append(data)
		require.NoError(t, err)
	}
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(data), "octet by octet": iotest.OneByteReader(bytes.NewReader(data)), "with the end": iotest.DataErrReader(bytes.NewReader(data))} {
		s := smpp.NewStream(r, 0)
		for _, w := range want {
			got, err := s.Next()
			require.NoError(t, err, name)
			assert.Equal(t, w, got, name)
		}
		_, err := s.Next()
		require.Equal(t, io.EOF, err, name)
	}
	s := smpp.NewStream(bytes.NewReader(data[:len(data)-1]), 0)
	for range len(want) - 1 {
		_, err := s.Next()
		require.NoError(t, err)
	}
	_, err := s.Next()
	require.Equal(t, io.ErrUnexpectedEOF, err)

	_, err = smpp.NewStream(bytes.NewReader([]byte{0, 0, 0, 15}), 0).Next()
	require.ErrorIs(t, err, smpp.ErrLength)
	_, err = smpp.NewStream(bytes.NewReader([]byte{0x7F, 0xFF, 0xFF, 0xFF}), 0).Next()
	require.ErrorIs(t, err, smpp.ErrLong)
	_, err = smpp.NewStream(bytes.NewReader(data), 20).Next()
	require.ErrorIs(t, err, smpp.ErrLong)
}

// TestStreamGoesOn reads on behind a PDU whose body is malformed.
func TestStreamGoesOn(t *testing.T) {
	bad, err := hex.DecodeString("00000011" + "00000004" + "00000000" + "00000005" + "41")
	require.NoError(t, err)
	data, err := samples()["enquire"].Append(bad)
	require.NoError(t, err)
	s := smpp.NewStream(bytes.NewReader(data), 0)
	p, err := s.Next()
	require.ErrorIs(t, err, smpp.ErrShort)
	assert.Equal(t, uint32(5), p.Sequence)
	p, err = s.Next()
	require.NoError(t, err)
	assert.Equal(t, smpp.EnquireLink, p.Command)
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]smpp.Address{
		"+905320000000": {TON: 1, NPI: 1, Addr: "905320000000"}, "00905320000000": {TON: 1, NPI: 1, Addr: "905320000000"},
		"905320000000": {TON: 1, NPI: 1, Addr: "905320000000"}, "+90 (532) 000-00 00": {TON: 1, NPI: 1, Addr: "905320000000"},
		"08501234567": {TON: 2, NPI: 1, Addr: "08501234567"}, "4609": {TON: 3, NPI: 0, Addr: "4609"}, "123": {TON: 3, NPI: 0, Addr: "123"},
		"VEFA": {TON: 5, NPI: 0, Addr: "VEFA"}, "A-Shop 1": {TON: 5, NPI: 0, Addr: "A-Shop 1"}, "12345678901": {TON: 1, NPI: 1, Addr: "12345678901"},
	} {
		got, err := smpp.ParseAddress(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "TwelveLetter", "Şişli", "a\nb", "+90532000000012345", "+0532", "+VEFA", "+"} {
		_, err := smpp.ParseAddress(in)
		require.ErrorIs(t, err, smpp.ErrAddress, in)
		if len(in) > 1 {
			assert.NotContains(t, err.Error(), in)
		}
	}
}

func TestNames(t *testing.T) {
	assert.Equal(t, "submit_sm_resp", smpp.SubmitSM.Response().String())
	assert.Equal(t, "generic_nack", smpp.GenericNack.String())
	assert.Equal(t, "command 0x00010200", smpp.Command(0x10200).String())
	assert.Equal(t, "smpp: submit_sm_resp: 0x58 ESME_RTHROTTLED", (&smpp.StatusError{Command: smpp.SubmitSM.Response(), Status: smpp.Throttled}).Error())
	for status, want := range map[smpp.Status]smpp.Class{smpp.OK: smpp.Success, 0x14: smpp.Retry, 0x58: smpp.Retry, 0x64: smpp.Retry, 0x08: smpp.Retry,
		0x0A: smpp.Permanent, 0x0B: smpp.Permanent, 0x01: smpp.Permanent, 0x61: smpp.Permanent, 0x62: smpp.Permanent, 0x65: smpp.Permanent,
		0x0D: smpp.SessionFault, 0x0E: smpp.SessionFault, 0x0F: smpp.SessionFault, 0x04: smpp.SessionFault, 0x05: smpp.SessionFault,
		0x400: smpp.Vendor, 0xFF: smpp.Vendor, 0x80: smpp.Vendor} {
		assert.Equal(t, want, status.Class(), status)
	}
}

// FuzzPDU: nothing panics, and what is read once is written and read the same ever after.
func FuzzPDU(f *testing.F) {
	for _, p := range samples() {
		data, err := p.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := smpp.Decode(data)
		if err != nil {
			var field *smpp.FieldError
			if !errors.As(err, &field) {
				t.Fatalf("%v is no *FieldError", err)
			}
			return
		}
		once, err := p.Append(nil)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if len(once) != len(data) && len(once) != len(data)+1 {
			t.Fatalf("%d octets became %d", len(data), len(once))
		}
		again, err := smpp.Decode(once)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := again.Append(nil)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x, then %x (%v)", once, twice, err)
		}
		if len(once) == len(data) && !bytes.Equal(once, data) {
			t.Fatalf("%x became %x", data, once)
		}
	})
}

// FuzzStream reads whatever comes, in pieces: it ends, takes no more memory than the
// largest PDU, and returns what Decode does.
func FuzzStream(f *testing.F) {
	var all []byte
	for _, name := range []string{"bind", "submit full", "unknown", "enquire"} {
		var err error
		if all, err = samples()[name].Append(all); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(all, uint8(7))
	f.Add([]byte{0, 0, 0, 0}, uint8(1))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		const limit = 1 << 16
		s := smpp.NewStream(pieces{bytes.NewReader(data), int(piece)%64 + 1}, limit)
		rest := data
		for {
			p, err := s.Next()
			var field *smpp.FieldError
			if err != nil && !errors.As(err, &field) {
				break
			}
			n := int(rest[0])<<24 | int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
			want, wantErr := smpp.Decode(rest[:n])
			if p.Command != want.Command || p.Sequence != want.Sequence || (err == nil) != (wantErr == nil) {
				t.Fatalf("%v %v, not %v %v", p, err, want, wantErr)
			}
			rest = rest[n:]
		}
	})
}

// pieces reads a few octets at a time.
type pieces struct {
	r io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.n)]) }
