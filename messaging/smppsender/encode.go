package smppsender

import (
	"errors"
	"hash/fnv"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/sms"
)

var (
	errChannel = errors.New("the channel is not served")
	errEmpty   = errors.New("the text is empty")
	errNumber  = errors.New("the recipient is no international number")
	errSender  = errors.New("the sender is no address")
)

// parts returns the requests that a message takes. Errors name neither address nor
// text.
func (s *Sender) parts(m messaging.Message) ([]*smpp.Message, error) {
	if m.To.Channel != crm.Phone {
		return nil, errChannel
	}
	if m.Text == "" {
		return nil, errEmpty
	}
	to, err := smpp.ParseAddress(m.To.Value)
	if err != nil || to.TON != smpp.TONInternational {
		return nil, errNumber
	}
	from, err := s.cfg.Source(m.From)
	if err != nil {
		return nil, errSender
	}
	plan, err := s.cfg.Profile.Plan(m.Text)
	if err != nil {
		return nil, withoutText(err)
	}
	// The same reference each time that the message is sent, so that a handset knows it.
	h := fnv.New32a()
	_, _ = h.Write([]byte(m.ID)) // never fails
	ref := uint16(h.Sum32() ^ h.Sum32()>>16)
	segments, err := sms.Encode(plan.Text, plan.Encoding, sms.Reference{Number: ref, Wide: s.cfg.Long == UDH16})
	if err != nil {
		return nil, withoutText(err)
	}
	base := smpp.Message{ServiceType: s.cfg.ServiceType, Source: from, Destination: to, Validity: s.cfg.Validity, DataCoding: s.cfg.Coding7}
	if plan.Encoding == sms.UCS2 {
		base.DataCoding = s.cfg.Coding16
	}
	if !s.cfg.NoReceipts {
		base.RegisteredDelivery = 1
	}
	if len(segments) > 1 && s.cfg.Long == Payload {
		whole := sms.Segment{Encoding: plan.Encoding, Header: national(segments[0].Header)}
		for _, g := range segments {
			whole.Body = append(whole.Body, g.Body...)
		}
		out := base
		out.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: s.octets(whole, &out)}}
		return []*smpp.Message{&out}, nil
	}
	out := make([]*smpp.Message, len(segments))
	for i, g := range segments {
		p := base
		if len(segments) > 1 && s.cfg.Long == SAR {
			g.Header = national(g.Header)
			p.TLVs = smpp.TLVs{{Tag: smpp.TagSARRef, Value: []byte{byte(ref >> 8), byte(ref)}},
				{Tag: smpp.TagSARTotal, Value: []byte{byte(len(segments))}}, {Tag: smpp.TagSARSequence, Value: []byte{byte(i + 1)}}}
		}
		p.Text = s.octets(g, &p)
		out[i] = &p
	}
	return out, nil
}

// withoutText returns an error of package sms without the character that it names.
func withoutText(err error) error {
	for _, known := range []error{sms.ErrText, sms.ErrTooLong, sms.ErrEncoding} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New("the route has no encoding for the text")
}

// national returns the header with its national tables alone, nil if it has none.
func national(header []byte) []byte {
	out := []byte{0}
	for rest := header[min(1, len(header)):]; len(rest) >= 2 && len(rest) >= 2+int(rest[1]); rest = rest[2+int(rest[1]):] {
		if rest[0] == 0x24 || rest[0] == 0x25 {
			out = append(out, rest[:2+int(rest[1])]...)
		}
	}
	if len(out) == 1 {
		return nil
	}
	out[0] = byte(len(out) - 1)
	return out
}

// octets returns a segment as SMPP takes it and says in m whether a header is in front.
func (s *Sender) octets(g sms.Segment, m *smpp.Message) []byte {
	if len(g.Header) > 0 {
		m.ESMClass |= smpp.UDHI
	}
	if !s.cfg.Packed || g.Encoding == sms.UCS2 {
		return append(append([]byte(nil), g.Header...), g.Body...)
	}
	out, length := g.UserData()
	if length%8 == 7 { // the seven bits that are left would be read as an @ (3GPP TS 23.038 section 6.1.2.3.1)
		const carriageReturn = 0x0D
		out[len(out)-1] |= carriageReturn << 1
	}
	return out
}
