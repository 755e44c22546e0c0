package smpp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/smpp"
)

func receiptOf(text string, tlvs ...smpp.TLV) *smpp.Message {
	return &smpp.Message{ESMClass: 0x04, Text: []byte(text), TLVs: tlvs}
}

func TestReceiptTexts(t *testing.T) {
	done := time.Date(2025, 3, 4, 13, 5, 0, 0, time.UTC)
	submitted := time.Date(2025, 3, 4, 13, 1, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		text string
		want smpp.Receipt
	}{
		"the specification's": {"id:0123456789 sub:001 dlvrd:001 submit date:2503041301 done date:2503041305 stat:DELIVRD err:000 text:Merhaba bugun",
			smpp.Receipt{ID: "0123456789", State: smpp.Delivered, Word: "DELIVRD", Error: "000", Submitted: submitted, Done: done, Text: "Merhaba bugun"}},
		"capitals, underscores": {"ID:AB12 SUB:001 DLVRD:000 SUBMIT_DATE:2503041301 DONE_DATE:2503041305 STAT:UNDELIV ERR:027 TEXT:",
			smpp.Receipt{ID: "AB12", State: smpp.Undeliverable, Word: "UNDELIV", Error: "027", Submitted: submitted, Done: done}},
		"another order": {"stat:EXPIRED done date:250304130500 id:77 err:0x1F",
			smpp.Receipt{ID: "77", State: smpp.Expired, Word: "EXPIRED", Error: "0x1F", Done: done}},
		"spaces and commas": {"id: 77, stat: Delivered, done date: 20250304130500, err: 0",
			smpp.Receipt{ID: "77", State: smpp.Delivered, Word: "Delivered", Error: "0", Done: done}},
		"a year of four digits": {"id:77 done date:202503041305 stat:REJECTD", smpp.Receipt{ID: "77", State: smpp.Rejected, Word: "REJECTD", Done: done}},
		"with seconds, in 2020": {"id:77 done date:201205101500 stat:REJECTD", smpp.Receipt{ID: "77", State: smpp.Rejected, Word: "REJECTD", Done: time.Date(2020, 12, 5, 10, 15, 0, 0, time.UTC)}},
		"few fields":            {"id:77 stat:ACCEPTD", smpp.Receipt{ID: "77", State: smpp.Accepted, Word: "ACCEPTD"}},
		"a UUID":                {"id:550e8400-e29b-41d4-a716-446655440000 stat:UNKNOWN", smpp.Receipt{ID: "550e8400-e29b-41d4-a716-446655440000", State: smpp.Unknown, Word: "UNKNOWN"}},
		"an own word":           {"id:77 stat:SKIPPED err:9", smpp.Receipt{ID: "77", Word: "SKIPPED", Error: "9"}},
		"a text that lies":      {"id:77 stat:UNDELIV err:001 text:id:1 stat:DELIVRD err:000", smpp.Receipt{ID: "77", State: smpp.Undeliverable, Word: "UNDELIV", Error: "001"}},
		"the text first":        {"text:Merhaba id:77 stat:DELETED", smpp.Receipt{ID: "77", State: smpp.Deleted, Word: "DELETED", Text: "Merhaba"}},
		"a date that cannot be": {"id:77 stat:DELIVRD done date:2513451305", smpp.Receipt{ID: "77", State: smpp.Delivered, Word: "DELIVRD"}},
		"lines":                 {"id:77\r\nstat:ENROUTE\r\nerr:000\r\n", smpp.Receipt{ID: "77", State: smpp.Enroute, Word: "ENROUTE", Error: "000"}},
		"glued to another word": {"void:88 id:77 substat:X stat:DELIVRD", smpp.Receipt{ID: "77", State: smpp.Delivered, Word: "DELIVRD"}},
	} {
		m := receiptOf(c.text)
		require.True(t, smpp.IsReceipt(m))
		got, ok := smpp.ReceiptForm{}.Parse(m)
		require.True(t, ok, name)
		assert.Equal(t, c.want, got, name)
	}
	for _, text := range []string{"", "hello", "stat:DELIVRD", "id:", "id: stat:DELIVRD"} {
		_, ok := smpp.ReceiptForm{}.Parse(receiptOf(text))
		assert.False(t, ok, text)
	}
}

func TestReceiptParameters(t *testing.T) {
	id := smpp.TLV{Tag: smpp.TagReceiptedMessageID, Value: []byte("10\x00")}
	state := smpp.TLV{Tag: smpp.TagMessageState, Value: []byte{5}}
	network := smpp.TLV{Tag: smpp.TagNetworkErrorCode, Value: []byte{3, 0, 27}}
	r, ok := smpp.ReceiptForm{}.Parse(receiptOf("id:A stat:DELIVRD err:001", id, state, network))
	require.True(t, ok)
	assert.Equal(t, smpp.Receipt{ID: "10", State: smpp.Undeliverable, Word: "DELIVRD", Error: "001", Network: 3, NetworkCode: 27}, r, "parameters go before the text")

	m := &smpp.Message{TLVs: smpp.TLVs{id, state}}
	require.True(t, smpp.IsReceipt(m), "without the class")
	r, ok = smpp.ReceiptForm{}.Parse(m)
	require.True(t, ok)
	assert.Equal(t, smpp.Receipt{ID: "10", State: smpp.Undeliverable}, r)

	assert.False(t, smpp.IsReceipt(&smpp.Message{Text: []byte("id:1 stat:DELIVRD")}), "a subscriber may write that")
	middle := receiptOf("id:1 stat:ENROUTE")
	middle.ESMClass = 0x20
	r, ok = smpp.ReceiptForm{}.Parse(middle)
	require.True(t, ok)
	assert.True(t, r.Intermediate)
}

// TestReceiptIDs meets SMSCs whose responses and receipts write ids differently.
func TestReceiptIDs(t *testing.T) {
	form := smpp.ReceiptForm{Responses: smpp.IDDecimal, Receipts: smpp.IDHex}
	for decimal, hex := range map[string]string{"10": "A", "0305419896": "12345678", "4294967295": "ffffffff", "18446744073709551615": "0xFFFFFFFFFFFFFFFF"} {
		r, ok := form.Parse(receiptOf("id:" + hex + " stat:DELIVRD"))
		require.True(t, ok)
		assert.Equal(t, smpp.IDDecimal.Normal(decimal), r.ID)
	}
	back := smpp.ReceiptForm{Responses: smpp.IDHex, Receipts: smpp.IDDecimal}
	r, ok := back.Parse(receiptOf("id:0000000010 stat:DELIVRD"))
	require.True(t, ok)
	assert.Equal(t, smpp.IDHex.Normal("0A"), r.ID)
	assert.Equal(t, "not-a-number", smpp.IDHex.Normal("not-a-number"))
	assert.Equal(t, "0A", smpp.IDText.Normal("0A"))
	assert.NotEqual(t, smpp.IDDecimal.Normal("10"), smpp.IDDecimal.Normal("11"))

	istanbul := time.FixedZone("TRT", 3*3600)
	r, _ = smpp.ReceiptForm{Location: istanbul}.Parse(receiptOf("id:1 done date:2503041305"))
	assert.Equal(t, "2025-03-04T10:05:00Z", r.Done.UTC().Format(time.RFC3339))
}

func TestReceiptTextIsRead(t *testing.T) {
	at := time.Date(2025, 3, 4, 13, 5, 0, 0, time.UTC)
	for state := smpp.Enroute; state <= smpp.Rejected; state++ {
		in := smpp.Receipt{ID: "77", State: state, Error: "027", Submitted: at, Done: at, Text: "abc"}
		out, ok := smpp.ReceiptForm{}.Parse(receiptOf(string(in.AppendText(nil))))
		require.True(t, ok)
		in.Word = state.String()
		assert.Equal(t, in, out)
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add("id:0123456789 sub:001 dlvrd:001 submit date:2503041301 done date:2503041305 stat:DELIVRD err:000 text:Merhaba", uint8(4), []byte("10\x00"))
	f.Add("text:text:id:stat:err:", uint8(0x24), []byte{})
	f.Add(strings.Repeat("id:", 500), uint8(0x20), []byte{0})
	f.Fuzz(func(t *testing.T, text string, class uint8, value []byte) {
		m := &smpp.Message{ESMClass: class, Text: []byte(text)}
		if len(value) > 0 {
			m.TLVs = smpp.TLVs{{Tag: smpp.TagReceiptedMessageID, Value: value}, {Tag: smpp.TagMessageState, Value: value}, {Tag: smpp.TagNetworkErrorCode, Value: value}}
		}
		for _, form := range []smpp.ReceiptForm{{}, {Responses: smpp.IDDecimal, Receipts: smpp.IDHex}} {
			r, ok := form.Parse(m)
			if ok != (r.ID != "") {
				t.Fatalf("%+v, %v", r, ok)
			}
			if len(r.ID) > 1024+len(value) || len(r.Text) > 1024 {
				t.Fatal("longer than what came")
			}
			if strings.ContainsAny(r.Word+r.Error, " \r\n") {
				t.Fatalf("%+v", r)
			}
		}
	})
}
