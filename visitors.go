package vefa

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// The document that keeps the keys of visitors' addresses: one for today and
// one for yesterday, for processes whose clocks differ. Deleting a key is what
// makes the hashes of its day mean nothing any more.
const (
	visitorKind = "visitor-keys"
	visitorID   = "days"
)

// visitorKeys are keys by the date of their day, UTC.
type visitorKeys map[string][]byte

// expire deletes the keys of days that are over, and reports whether there were
// any.
func (k visitorKeys) expire(today time.Time) bool {
	oldest := today.UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	n := len(k)
	for day := range k {
		if day < oldest {
			delete(k, day)
		}
	}
	return len(k) < n
}

// visitorKey returns the key of a day, which all processes on a store share. The
// first that needs it makes it, at random, and deletes those of days before
// yesterday.
func (e *Engine) visitorKey(ctx context.Context, day time.Time) ([]byte, error) {
	name := day.UTC().Format(time.DateOnly)
	var key []byte
	err := e.changeVisitorKeys(ctx, func(keys visitorKeys) (bool, error) {
		if key = keys[name]; key != nil {
			return false, nil
		}
		keys.expire(day)
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return false, err
		}
		keys[name] = key
		return true, nil
	})
	if err != nil {
		e.cfg.Logger.Warn("vefa: clicks are recorded without their network", "err", err)
		return nil, fmt.Errorf("vefa: key of visitors: %w", err)
	}
	return key, nil
}

// forgetVisitors deletes the keys of days that are over, where no click does.
func (e *Engine) forgetVisitors(ctx context.Context) error {
	return e.changeVisitorKeys(ctx, func(keys visitorKeys) (bool, error) { return keys.expire(e.svc.Now()), nil })
}

// changeVisitorKeys lets change look at the keys and writes them if it says so.
// Where another process was first, it looks again. It becomes a writer only
// where there is something to write.
func (e *Engine) changeVisitorKeys(ctx context.Context, change func(visitorKeys) (write bool, err error)) error {
	read := func(r crm.Reader) (keys visitorKeys, rev int64, err error) {
		docs, err := r.Documents(ctx, visitorKind, visitorID)
		if err != nil || docs[0] == nil {
			return visitorKeys{}, 0, err
		}
		err = docs[0].Decode(&keys)
		return keys, docs[0].Rev, err
	}
	var write bool
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		keys, _, err := read(r)
		if err == nil {
			write, err = change(keys)
		}
		return err
	})
	if err != nil || !write {
		return err
	}
	return e.svc.Update(ctx, func(tx crm.Tx) error {
		keys, rev, err := read(tx)
		if err != nil {
			return err
		}
		if write, err := change(keys); err != nil || !write {
			return err
		}
		doc, err := crm.NewDocument(visitorKind, visitorID, keys)
		if err != nil {
			return err
		}
		doc.Rev = rev
		return tx.PutDocuments(ctx, doc)
	})
}
