package email

// Remote makes a sender treat its server as one that is not on this machine.
func (s *Sender) Remote() { s.loopback = false }
