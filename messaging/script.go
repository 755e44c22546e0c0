package messaging

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// Script is what a campaign says, by channel, parsed and checked. It is immutable and
// safe for concurrent use.
type Script struct {
	fields   []Field
	versions []version
	variants map[string]*Script // by name; nil where it is one
}

// version is a content and its texts.
type version struct {
	channel Channel
	content Content
	names   []string // of its slots, sorted
	texts   []*Template
}

// contents returns what the campaign says, in the order of preference.
func (c *Campaign) contents() []Content {
	if len(c.Contents) > 0 {
		return c.Contents
	}
	return []Content{{Channel: cmp.Or(c.Channel, crm.Phone), Text: c.Text, Route: c.Route, MaxUnits: c.MaxSegments, Price: c.Cost}}
}

// Script parses what the campaign says. The channels are those that the caller describes
// himself, besides SMS. The error reports every fault, each an ErrCampaign or an
// ErrTemplate: slots that a channel does not have or that are missing, fields that are not
// declared or not used, texts that can get longer than Content.MaxUnits. Faults of a variant
// name it.
func (c *Campaign) Script(channels ...Channel) (*Script, error) {
	faults := []error{checkFields(c.Fields)}
	if len(c.Contents) > 0 && (c.Channel != "" || c.Text != "" || c.MaxSegments != 0 || c.Route.Name != "") {
		faults = append(faults, fmt.Errorf("%w: contents and the short form of one content (channel, text, route, max_segments) are both given", ErrCampaign))
	}
	used := make([]bool, len(c.Fields))
	s, whole, err := c.script(used, channels)
	faults = append(faults, err)
	for i, way := range c.ways()[1:] {
		v, all, err := way.script(used, channels)
		if err != nil {
			faults = append(faults, fmt.Errorf("variant %q: %w", c.Variants[i].Name, err))
		}
		if whole = whole && all; s.variants == nil {
			s.variants = map[string]*Script{}
		}
		s.variants[c.Variants[i].Name] = v
	}
	for i, f := range c.Fields {
		if !used[i] && whole {
			faults = append(faults, &TemplateError{0, fmt.Sprintf("field %q is declared but not used", f.Name)})
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// script parses one way of saying a campaign, and marks the fields that it shows. It is whole
// if every text could be read.
func (c *Campaign) script(used []bool, channels []Channel) (s *Script, whole bool, err error) {
	s, whole = &Script{fields: slices.Clone(c.Fields)}, true
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s", ErrCampaign, fmt.Sprintf(format, args...)))
	}
	for i, content := range c.contents() {
		where := "" // nothing, for the short form
		if len(c.Contents) > 0 {
			where = fmt.Sprintf("contents[%d]: ", i)
		}
		if !fieldName(string(content.Channel)) {
			fault("%schannel %q is not of letters, digits, -, _ and . only", where, content.Channel)
			continue
		}
		if slices.ContainsFunc(s.versions, func(v version) bool { return v.channel.Name == content.Channel }) {
			fault("%schannel %q is there twice", where, content.Channel)
			continue
		}
		v := version{channel: channelOf(content.Channel, channels), content: content}
		v.content.Parts = maps.Clone(content.Parts)
		v.content.From = cmp.Or(content.From, c.From)
		names, texts := content.texts()
		for _, slot := range v.channel.slots() {
			if !slot.Optional && blank(texts[slot.Name]) {
				fault("%s%s is empty", where, slot.Name)
				whole = false
			}
		}
		for _, name := range names {
			slot, ok := v.channel.slot(name)
			if !ok {
				fault("%schannel %q has no %q%s", where, content.Channel, name, undescribed(v.channel))
				continue
			}
			if blank(texts[name]) {
				continue
			}
			t, err := parseTemplate(texts[name], c.Locale, slot, c.Fields, used)
			if err != nil {
				faults, whole = append(faults, within(where+name, err)), false
				continue
			}
			v.names, v.texts = append(v.names, name), append(v.texts, t)
		}
		s.versions = append(s.versions, v)
		if content.MaxUnits < 0 {
			fault("%smax_units is negative", where)
		}
		if whole && content.MaxUnits > 0 {
			if _, err := s.worst(&s.versions[len(s.versions)-1]); err != nil {
				faults = append(faults, fmt.Errorf("%w: %sin the worst case %w", ErrCampaign, where, err))
			}
		}
	}
	return s, whole, errors.Join(faults...)
}

// undescribed says what is missing if a channel has but one text.
func undescribed(ch Channel) string {
	if len(ch.Slots) > 0 || ch.Open {
		return ""
	}
	return ", because nobody describes it: give its Channel, such as email.Channel()"
}

// within says where an error of a template is, if that is not plain.
func within(where string, err error) error {
	if where == textSlot {
		return err
	}
	return fmt.Errorf("%s: %w", where, err)
}

// Shows reports whether any text of the campaign shows a field, declared or not.
func (c *Campaign) Shows(field string) bool {
	for _, way := range c.ways() {
		for _, content := range way.contents() {
			_, texts := content.texts()
			for _, text := range texts {
				if strings.Contains(strings.ReplaceAll(text, "{{", ""), "{"+field+"}") {
					return true
				}
			}
		}
	}
	return false
}

// Channels returns the channels of a script, in the order of preference.
func (s *Script) Channels() []crm.Channel {
	out := make([]crm.Channel, len(s.versions))
	for i := range s.versions {
		out[i] = s.versions[i].channel.Name
	}
	return out
}

// Channel returns the description of a channel of the script.
func (s *Script) Channel(name crm.Channel) (Channel, bool) {
	v := s.version(name)
	if v == nil {
		return Channel{}, false
	}
	return v.channel, true
}

func (s *Script) version(name crm.Channel) *version {
	for i := range s.versions {
		if s.versions[i].channel.Name == name {
			return &s.versions[i]
		}
	}
	return nil
}

// Render returns the message that values make on a channel: its Via, From, Text and Parts.
// It is an ErrTemplate if a value is missing without a fallback, has the wrong type or is
// too long and may not be cut, an ErrSize if a text gets longer than its slot allows, and
// an ErrCampaign if the script has no such channel. Values that no text shows are ignored.
func (s *Script) Render(ch crm.Channel, values Values) (Message, error) {
	v := s.version(ch)
	if v == nil {
		return Message{}, fmt.Errorf("%w: it says nothing on channel %q", ErrCampaign, ch)
	}
	return v.render(func(t *Template) (string, error) { return t.Render(values) })
}

func (v *version) render(render func(*Template) (string, error)) (Message, error) {
	m := Message{Via: v.channel.Name, From: v.content.From}
	for i, name := range v.names {
		text, err := render(v.texts[i])
		if err != nil {
			return m, within(name, err)
		}
		if slot, _ := v.channel.slot(name); slot.Max > 0 && len(text) > slot.Max {
			return m, fmt.Errorf("%w: %s has %d bytes, at most %d are allowed", ErrSize, name, len(text), slot.Max)
		}
		if name == textSlot {
			m.Text = text
			continue
		}
		if m.Parts == nil {
			m.Parts = make(map[string]string, len(v.names))
		}
		m.Parts[name] = text
	}
	return m, nil
}

// Measure returns what a message of the script takes up, or why it cannot be sent.
func (s *Script) Measure(m *Message) (Size, error) {
	v := s.version(cmp.Or(m.Via, m.To.Channel))
	if v == nil {
		return Size{}, fmt.Errorf("%w: it says nothing on channel %q", ErrCampaign, cmp.Or(m.Via, m.To.Channel))
	}
	return v.channel.measure(&v.content, m)
}

// Price returns what a message of a size costs on a channel, and whether that is known.
func (s *Script) Price(ch crm.Channel, size Size) (crm.Money, bool) {
	v := s.version(ch)
	if v == nil || v.content.Price == (crm.Money{}) {
		return crm.Money{}, false
	}
	p := v.content.Price
	p.Amount *= int64(size.Units)
	return p, true
}

// Worst returns the largest message that a channel's texts can give: each field at its
// maximum, texts once in plain and once in Turkish letters. A single value in another
// script still costs more: Measure each rendered message to be sure.
func (s *Script) Worst(ch crm.Channel) (Size, error) {
	v := s.version(ch)
	if v == nil {
		return Size{}, fmt.Errorf("%w: it says nothing on channel %q", ErrCampaign, ch)
	}
	return s.worst(v)
}

func (s *Script) worst(v *version) (Size, error) {
	var worst Size
	for _, letter := range []string{"x", "ş"} {
		m, err := v.render(func(t *Template) (string, error) {
			return t.render(func(f Field) (string, error) { return longest(f, letter), nil })
		})
		if err != nil {
			return worst, err
		}
		size, err := v.channel.measure(&v.content, &m)
		if err != nil {
			return size, err
		}
		if size.Units > worst.Units {
			worst = size
		}
	}
	return worst, nil
}

// longest is the longest value of a field.
func longest(f Field, letter string) string {
	fill := "8"
	switch f.Type {
	case "", TextField:
		fill = letter
	case LinkField:
		fill = "x"
	}
	if utf8.RuneCountInString(f.Fallback) > f.max() {
		return f.Fallback
	}
	return strings.Repeat(fill, f.max())
}

// Missing returns the names of the fields that a channel's texts show, that have neither
// a value nor a fallback, or whose value cannot be shown, in the order of Campaign.Fields:
// a message to that recipient would fail.
func (s *Script) Missing(ch crm.Channel, values Values) []string {
	v := s.version(ch)
	if v == nil {
		return nil
	}
	var out []string
	for i, f := range s.fields {
		for _, t := range v.texts {
			if !t.shows(i) {
				continue
			}
			if _, err := t.value(f, values[f.Name]); err != nil {
				out = append(out, f.Name)
				break
			}
		}
	}
	return out
}
