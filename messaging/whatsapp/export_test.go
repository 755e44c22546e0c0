package whatsapp

import "github.com/vefacrm/vefa/messaging"

// Decode is what Webhook does with a body whose signature fits.
func (s *Sender) Decode(body []byte) (messaging.Feedback, error) { return s.feedback(body) }
