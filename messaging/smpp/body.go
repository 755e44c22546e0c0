package smpp

// Body is what follows the header of a PDU: *Bind, *BindResult, *Message, *Data,
// *MessageID, *Query, *QueryResult, *Cancel, *Alert or *Raw.
type Body interface {
	// fields reads or writes the body's fields.
	fields(*fields)
}

// Version is the interface_version that says SMPP 3.4.
const Version = 0x34

// Bind is the body of the three requests that open a session.
type Bind struct {
	SystemID     string // at most 15 octets
	Password     string // at most 8 octets by the specification; up to 64 are taken
	SystemType   string // at most 12 octets
	Version      byte   // interface_version
	TON, NPI     byte   // of AddressRange
	AddressRange string // at most 40 octets
}

func (b *Bind) fields(f *fields) {
	f.text("system_id", &b.SystemID, maxSystemID)
	f.text("password", &b.Password, maxPassword)
	f.text("system_type", &b.SystemType, maxSystemType)
	f.octet("interface_version", &b.Version)
	f.octet("addr_ton", &b.TON)
	f.octet("addr_npi", &b.NPI)
	f.text("address_range", &b.AddressRange, maxAddressRange)
}

// BindResult is the body of the answers to them.
type BindResult struct {
	SystemID string // the SMSC's
	TLVs     TLVs
}

func (b *BindResult) fields(f *fields) {
	f.last("system_id", &b.SystemID, maxSystemID)
	f.tlvs(&b.TLVs)
}

// Message is the body of submit_sm and of deliver_sm, which have the same fields.
type Message struct {
	ServiceType         string // at most 5 octets
	Source, Destination Address
	ESMClass            byte // UDHI 0x40; in deliver_sm what kind of receipt it is, 0x3C
	ProtocolID          byte
	Priority            byte
	Schedule            string // absolute or relative time, 16 octets, or empty
	Validity            string // the same
	RegisteredDelivery  byte   // 1: a receipt is wanted, 2: only of a failure
	ReplaceIfPresent    byte
	DataCoding          byte
	DefaultMessage      byte   // sm_default_msg_id
	Text                []byte // short_message, at most 254 octets, with the user data header if ESMClass says so
	TLVs                TLVs
}

func (m *Message) fields(f *fields) {
	if !f.read {
		m.write(f)
		return
	}
	f.text("service_type", &m.ServiceType, maxServiceType)
	f.address("source", &m.Source, maxAddress)
	f.address("destination", &m.Destination, maxAddress)
	f.octet("esm_class", &m.ESMClass)
	f.octet("protocol_id", &m.ProtocolID)
	f.octet("priority_flag", &m.Priority)
	f.text("schedule_delivery_time", &m.Schedule, maxTime)
	f.text("validity_period", &m.Validity, maxTime)
	f.octet("registered_delivery", &m.RegisteredDelivery)
	f.octet("replace_if_present_flag", &m.ReplaceIfPresent)
	f.octet("data_coding", &m.DataCoding)
	f.octet("sm_default_msg_id", &m.DefaultMessage)
	f.short(&m.Text)
	f.tlvs(&m.TLVs)
}

// write is the other half of fields, with its octets written together: it is what costs
// most of a submit_sm.
func (m *Message) write(f *fields) {
	f.text("service_type", &m.ServiceType, maxServiceType)
	f.out = append(f.out, m.Source.TON, m.Source.NPI)
	f.text("source_addr", &m.Source.Addr, maxAddress)
	f.out = append(f.out, m.Destination.TON, m.Destination.NPI)
	f.text("destination_addr", &m.Destination.Addr, maxAddress)
	f.out = append(f.out, m.ESMClass, m.ProtocolID, m.Priority)
	f.text("schedule_delivery_time", &m.Schedule, maxTime)
	f.text("validity_period", &m.Validity, maxTime)
	f.out = append(f.out, m.RegisteredDelivery, m.ReplaceIfPresent, m.DataCoding, m.DefaultMessage)
	f.short(&m.Text)
	if len(m.TLVs) > 0 {
		f.tlvs(&m.TLVs)
	}
}

// UserData returns the octets of the message: message_payload if it is there and
// short_message otherwise.
func (m *Message) UserData() []byte {
	if v, ok := m.TLVs.Get(TagMessagePayload); ok && len(m.Text) == 0 {
		return v
	}
	return m.Text
}

// Data is the body of data_sm, whose text is in TagMessagePayload.
type Data struct {
	ServiceType         string
	Source, Destination Address // at most 64 octets each
	ESMClass            byte
	RegisteredDelivery  byte
	DataCoding          byte
	TLVs                TLVs
}

func (d *Data) fields(f *fields) {
	f.text("service_type", &d.ServiceType, maxServiceType)
	f.address("source", &d.Source, maxDataAddress)
	f.address("destination", &d.Destination, maxDataAddress)
	f.octet("esm_class", &d.ESMClass)
	f.octet("registered_delivery", &d.RegisteredDelivery)
	f.octet("data_coding", &d.DataCoding)
	f.tlvs(&d.TLVs)
}

// Message returns the same as the body of a deliver_sm.
func (d *Data) Message() *Message {
	return &Message{ServiceType: d.ServiceType, Source: d.Source, Destination: d.Destination, ESMClass: d.ESMClass,
		RegisteredDelivery: d.RegisteredDelivery, DataCoding: d.DataCoding, TLVs: d.TLVs}
}

// MessageID is the body of submit_sm_resp, deliver_sm_resp and data_sm_resp. An answer
// with a status other than OK may come without it.
type MessageID struct {
	ID   string // at most 64 octets
	TLVs TLVs
}

func (m *MessageID) fields(f *fields) {
	f.last("message_id", &m.ID, maxMessageID)
	f.tlvs(&m.TLVs)
}

// Query is the body of query_sm.
type Query struct {
	ID     string
	Source Address
}

func (q *Query) fields(f *fields) {
	f.text("message_id", &q.ID, maxMessageID)
	f.address("source", &q.Source, maxAddress)
}

// QueryResult is the body of query_sm_resp.
type QueryResult struct {
	ID        string
	FinalDate string // of the final state; empty before
	State     State
	ErrorCode byte // of the network
}

func (q *QueryResult) fields(f *fields) {
	f.text("message_id", &q.ID, maxMessageID)
	f.text("final_date", &q.FinalDate, maxTime)
	f.octet("message_state", (*byte)(&q.State))
	f.octet("error_code", &q.ErrorCode)
}

// Cancel is the body of cancel_sm.
type Cancel struct {
	ServiceType         string
	ID                  string
	Source, Destination Address
}

func (c *Cancel) fields(f *fields) {
	f.text("service_type", &c.ServiceType, maxServiceType)
	f.text("message_id", &c.ID, maxMessageID)
	f.address("source", &c.Source, maxAddress)
	f.address("destination", &c.Destination, maxAddress)
}

// Alert is the body of alert_notification: a subscriber can be reached again.
type Alert struct {
	Source, ESME Address // at most 64 octets each
	TLVs         TLVs
}

func (a *Alert) fields(f *fields) {
	f.address("source", &a.Source, maxDataAddress)
	f.address("esme", &a.ESME, maxDataAddress)
	f.tlvs(&a.TLVs)
}

// Raw is the body of a PDU that this package does not know, and of one whose body is
// not to be there.
type Raw []byte

func (r *Raw) fields(f *fields) {
	if f.read {
		*r, f.in = append(Raw(nil), f.in...), nil
		return
	}
	f.out = append(f.out, *r...)
}

// newBody returns an empty body of the type that the command has, nil if it has none.
func newBody(c Command) Body {
	switch c {
	case BindReceiver, BindTransmitter, BindTransceiver:
		return new(Bind)
	case BindReceiver | response, BindTransmitter | response, BindTransceiver | response:
		return new(BindResult)
	case SubmitSM, DeliverSM:
		return new(Message)
	case SubmitSM | response, DeliverSM | response, DataSM | response:
		return new(MessageID)
	case DataSM:
		return new(Data)
	case QuerySM:
		return new(Query)
	case QuerySM | response:
		return new(QueryResult)
	case CancelSM:
		return new(Cancel)
	case AlertNotification:
		return new(Alert)
	case Unbind, Unbind | response, EnquireLink, EnquireLink | response, GenericNack, CancelSM | response:
		return nil
	}
	return new(Raw)
}
