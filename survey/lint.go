package survey

// lint looks for what can be read and does not do what was meant.
func (p *parser) lint() {}
