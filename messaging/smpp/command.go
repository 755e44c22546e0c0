package smpp

import "fmt"

// Command is a command_id: what a PDU is.
type Command uint32

// The commands of SMPP 3.4. The response to a request is its Response.
const (
	BindReceiver      Command = 0x001
	BindTransmitter   Command = 0x002
	QuerySM           Command = 0x003
	SubmitSM          Command = 0x004
	DeliverSM         Command = 0x005
	Unbind            Command = 0x006
	ReplaceSM         Command = 0x007
	CancelSM          Command = 0x008
	BindTransceiver   Command = 0x009
	Outbind           Command = 0x00B
	EnquireLink       Command = 0x015
	SubmitMulti       Command = 0x021
	AlertNotification Command = 0x102
	DataSM            Command = 0x103
	GenericNack       Command = 0x80000000
)

// response is the bit that responses have.
const response Command = 0x80000000

// Response returns the command of the answer to a request.
func (c Command) Response() Command { return c | response }

// Request returns the command that a response answers, 0 for GenericNack.
func (c Command) Request() Command { return c &^ response }

// IsResponse reports whether c answers something; GenericNack does.
func (c Command) IsResponse() bool { return c&response != 0 }

// bind reports the three requests that open a session.
func (c Command) bind() bool {
	return c == BindReceiver || c == BindTransmitter || c == BindTransceiver
}

var commands = map[Command]string{
	BindReceiver: "bind_receiver", BindTransmitter: "bind_transmitter", QuerySM: "query_sm", SubmitSM: "submit_sm",
	DeliverSM: "deliver_sm", Unbind: "unbind", ReplaceSM: "replace_sm", CancelSM: "cancel_sm",
	BindTransceiver: "bind_transceiver", Outbind: "outbind", EnquireLink: "enquire_link", SubmitMulti: "submit_multi",
	AlertNotification: "alert_notification", DataSM: "data_sm",
}

// String returns the name in the specification, such as submit_sm_resp.
func (c Command) String() string {
	if c == GenericNack {
		return "generic_nack"
	}
	name, ok := commands[c.Request()]
	switch {
	case !ok:
		return fmt.Sprintf("command %#08x", uint32(c))
	case c.IsResponse():
		return name + "_resp"
	}
	return name
}
