package smpp

import (
	"bytes"
	"fmt"
)

// Tag names an optional parameter.
type Tag uint16

// The tags that this package reads or writes; any other survives as it is.
const (
	TagReceiptedMessageID Tag = 0x001E
	TagUserMessageRef     Tag = 0x0204
	TagSARRef             Tag = 0x020C // sar_msg_ref_num
	TagSARTotal           Tag = 0x020E // sar_total_segments
	TagSARSequence        Tag = 0x020F // sar_segment_seqnum
	TagInterfaceVersion   Tag = 0x0210 // sc_interface_version
	TagNetworkErrorCode   Tag = 0x0423
	TagMessagePayload     Tag = 0x0424
	TagMessageState       Tag = 0x0427
)

var tags = map[Tag]string{
	TagReceiptedMessageID: "receipted_message_id", TagUserMessageRef: "user_message_reference", TagSARRef: "sar_msg_ref_num",
	TagSARTotal: "sar_total_segments", TagSARSequence: "sar_segment_seqnum", TagInterfaceVersion: "sc_interface_version",
	TagNetworkErrorCode: "network_error_code", TagMessagePayload: "message_payload", TagMessageState: "message_state",
}

// String returns the name in the specification.
func (t Tag) String() string {
	if n, ok := tags[t]; ok {
		return n
	}
	return fmt.Sprintf("parameter %#04x", uint16(t))
}

// TLV is an optional parameter.
type TLV struct {
	Tag   Tag
	Value []byte // at most 65,535 octets
}

// TLVs are the optional parameters of a PDU in their order.
type TLVs []TLV

// Get returns the value of the first parameter of a tag.
func (t TLVs) Get(tag Tag) ([]byte, bool) {
	for _, p := range t {
		if p.Tag == tag {
			return p.Value, true
		}
	}
	return nil, false
}

// Uint returns the value of an integer parameter of 1 to 4 octets.
func (t TLVs) Uint(tag Tag) (uint32, bool) {
	v, ok := t.Get(tag)
	if !ok || len(v) == 0 || len(v) > 4 {
		return 0, false
	}
	var n uint32
	for _, b := range v {
		n = n<<8 | uint32(b)
	}
	return n, true
}

// Text returns the value of a text, up to its NUL if it has one.
func (t TLVs) Text(tag Tag) (string, bool) {
	v, ok := t.Get(tag)
	if i := bytes.IndexByte(v, 0); i >= 0 {
		v = v[:i]
	}
	return string(v), ok
}
