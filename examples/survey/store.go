package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/qr"
	"github.com/vefacrm/vefa/survey/web"
)

const (
	posterPath = "/q/"
	posterCode = "FORM" // there is one survey
)

// open makes the tables.
func open(ctx context.Context, file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, at TEXT NOT NULL, response TEXT NOT NULL);
		CREATE TABLE IF NOT EXISTS drafts (id INTEGER PRIMARY KEY, at TEXT NOT NULL, revision TEXT NOT NULL, draft TEXT NOT NULL)`)
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return db, nil
}

// store keeps the answers to one survey.
type store struct {
	db    *sql.DB
	def   *survey.Definition
	place string
}

var (
	_ web.Store      = (*store)(nil)
	_ web.DraftStore = (*store)(nil)
)

// Invitation implements web.Store: each token that was signed is an invitation.
func (s *store) Invitation(ctx context.Context, id uint64) (web.Invitation, error) {
	inv := web.Invitation{Definition: s.def, Place: s.place}
	var response string
	err := s.db.QueryRowContext(ctx, "SELECT response FROM answers WHERE id = ?", int64(id)).Scan(&response)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return inv, nil
	case err != nil:
		return inv, err
	}
	var r survey.Response
	inv.State = web.Answered
	if err := json.Unmarshal([]byte(response), &r); err != nil {
		return inv, err
	}
	inv.Key = r.Key
	return inv, nil
}

// Submit implements web.Store: the first answer wins, by the primary key.
func (s *store) Submit(ctx context.Context, id uint64, r survey.Response, at time.Time) (first bool, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	err = s.within(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO answers (id, at, response) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", int64(id), at.UTC().Format(time.RFC3339), string(data))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		first = n == 1
		_, err = tx.ExecContext(ctx, "DELETE FROM drafts WHERE id = ?", int64(id))
		return err
	})
	return first && err == nil, err
}

// Draft implements web.DraftStore.
func (s *store) Draft(ctx context.Context, id uint64) (d web.Draft, ok bool, err error) {
	var data string
	err = s.db.QueryRowContext(ctx, "SELECT draft FROM drafts WHERE id = ?", int64(id)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(data), &d)
	}
	return d, err == nil, err
}

// SaveDraft implements web.DraftStore.
func (s *store) SaveDraft(ctx context.Context, id uint64, d web.Draft, was string, at time.Time) (saved bool, err error) {
	data, err := json.Marshal(d)
	if err != nil {
		return false, err
	}
	err = s.within(ctx, func(tx *sql.Tx) error {
		saved = false
		var now string
		err := tx.QueryRowContext(ctx, "SELECT revision FROM drafts WHERE id = ?", int64(id)).Scan(&now)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var answered int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM answers WHERE id = ?", int64(id)).Scan(&answered); err != nil || answered > 0 || now != was {
			return err
		}
		saved = true
		_, err = tx.ExecContext(ctx, "INSERT INTO drafts (id, at, revision, draft) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at, revision = excluded.revision, draft = excluded.draft",
			int64(id), at.UTC().Format(time.RFC3339), d.Revision, string(data))
		return err
	})
	return saved && err == nil, err
}

// within runs fn in a transaction.
func (s *store) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// key reads the secret of the links, and makes it when there is none.
func key(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return nil, err
		}
		data = []byte(hex.EncodeToString(secret))
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(string(data))
}

// pages makes what serves the form, the link of the code and the code itself.
func pages(s *store, keyFile string) (func(*qr.Code) http.Handler, error) {
	secret, err := key(keyFile)
	if err != nil {
		return nil, err
	}
	codec, err := invite.New("poster", secret)
	if err != nil {
		return nil, err
	}
	form, err := web.New(web.Config{Store: s, Tokens: codec.Parse})
	if err != nil {
		return nil, err
	}
	find := func(code string) (uint32, error) {
		if code != posterCode {
			return 0, web.ErrNotFound
		}
		return 0, nil
	}
	return func(code *qr.Code) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/s/", form)
		mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // browsers ask unasked
		mux.Handle(posterPath, &web.Posters{Path: posterPath, Find: find, Mint: codec.Mint})
		mux.HandleFunc("GET "+posterPath+posterCode+".svg", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/svg+xml")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'none'")
			_, _ = w.Write(code.SVG(qr.Look{}))
		})
		return mux
	}, nil
}
