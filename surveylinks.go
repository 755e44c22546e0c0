package vefa

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey/web"
)

// SurveyLink is a link to a survey that everybody may open, such as that of a poster or a kiosk: it
// is Config.BaseURL, "/q/" and Code. Each who opens it has a page of his own, which is
// answered once; the visitor is not known, and the answer hangs on no customer. A bad one opens a
// ticket of the link itself, a profile of the source "survey-link" and the Code.
type SurveyLink struct {
	// Code is up to 40 letters of ASCII, digits, - and _; of all surveys no two have the same.
	Code string
	// Place is the id of where it hangs; empty: nowhere in particular.
	Place string
	// Channel is "poster" or "kiosk", for crm.Answer.Channel. Defaults to "poster".
	Channel string
	// Limit is how many answers it takes, 1 for a link that serves once; 0: as many as come.
	Limit int64
	// Until is when it ends; zero: never.
	Until time.Time
}

const (
	linkSource  = "survey-link"
	linkChannel = crm.Channel("survey-link") // of the addresses that answers by links hang on
	linkAnswer  = "link/"                    // how the ids of such answers begin
)

// isOpenLink tells the visitor of a SurveyLink from a message: numbers of messages have fewer
// bits.
func isOpenLink(n uint64) bool { return web.PosterOf(n) != 0 }

// isLinkAnswer tells the forms of answers by links, by the record that they are about.
func isLinkAnswer(record string) bool {
	return record == crm.OfRecord(crm.FactKey{Kind: crm.KindAnswer, Source: answerSource, ID: linkAnswer + record[strings.LastIndexByte(record, '/')+1:]}).Record
}

// number is what the ids of its visitors begin with: never 0, and the same wherever it stands
// in a configuration.
func (l *SurveyLink) number() uint32 {
	sum := sha256.Sum256([]byte(l.Code))
	return 1 + binary.BigEndian.Uint32(sum[:4])%web.MaxPoster
}

func (l *SurveyLink) counter() crm.CounterKey { return crm.CounterKey{Kind: counterLink, ID: l.Code} }

// subject is what the tickets of a link hang on.
func (l *SurveyLink) subject() crm.Subject {
	return crm.OfProfile(crm.ProfileKey{Source: linkSource, ID: l.Code})
}

// known makes the profile of a link, once.
func (l *SurveyLink) known(ctx context.Context, svc *crm.Service, at time.Time) error {
	_, err := svc.Profile(ctx, l.subject().Profile)
	if !errors.Is(err, crm.ErrNotFound) {
		return err
	}
	return svc.PutProfile(ctx, &crm.Profile{ProfileKey: l.subject().Profile, At: at})
}

// visitor is the address that the answer of a visitor hangs on.
func (l *SurveyLink) visitor(n uint64) crm.Address {
	return crm.Address{Channel: linkChannel, Value: l.Code + "/" + strconv.FormatUint(n, 16)}
}

// openLink is a SurveyLink and its survey.
type openLink struct {
	survey *Survey
	link   *SurveyLink
}

// askedByLink returns what a visitor of a link was asked, or nil.
func (e *Engine) askedByLink(n uint64) *asked {
	l, ok := e.openLinks[web.PosterOf(n)]
	if !ok {
		return nil
	}
	return &asked{survey: l.survey, link: l.link, who: crm.OfAddress(l.link.visitor(n)), place: l.link.Place, ends: l.link.Until,
		key: crm.FactKey{Kind: crm.KindAnswer, Source: answerSource, ID: linkAnswer + strconv.FormatUint(n, 16)}}
}

// findLink is web.Posters.Find.
func (e *Engine) findLink(code string) (uint32, error) {
	l := SurveyLink{Code: code}
	if found, ok := e.openLinks[l.number()]; ok && found.link.Code == code {
		return l.number(), nil
	}
	return 0, web.ErrNotFound
}

// collectLinks reports every fault of the links of surveys.
func (e *Engine) collectLinks() error {
	e.openLinks = map[uint32]openLink{}
	var faults []error
	for i := range e.cfg.Surveys {
		s := &e.cfg.Surveys[i]
		for j := range s.Links {
			l := &s.Links[j]
			fault := func(format string, args ...any) {
				faults = append(faults, &LimitError{s.Name, "Links", l.Code, fmt.Sprintf(format, args...)})
			}
			known := func(r rune) bool {
				return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
			}
			if l.Code == "" || len(l.Code) > 40 || strings.ContainsFunc(l.Code, func(r rune) bool { return !known(r) }) {
				fault("its code is not 1 to 40 letters of ASCII, digits, - and _")
				continue
			}
			if other, taken := e.openLinks[l.number()]; taken {
				fault("its code, or the number made of it, is that of %q of survey %q: choose another", other.link.Code, other.survey.Name)
				continue
			}
			if l.Channel != "poster" && l.Channel != "kiosk" {
				fault("its channel is %q, not poster or kiosk", l.Channel)
			}
			if l.Limit < 0 || l.Limit > crm.MaxAmount {
				fault("%d answers", l.Limit)
			}
			if e.cfg.Normalise != nil { // of the host: it is asked about all that facts hang on
				a := l.visitor(uint64(l.number()) << 44)
				if b, err := e.cfg.Normalise(a); err != nil || a != b {
					fault("Config.Normalise does not leave addresses of the channel %s alone", linkChannel)
				}
			}
			e.openLinks[l.number()] = openLink{s, l}
		}
	}
	return errors.Join(faults...)
}
