package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/invite"
	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// shop is a Store with one invitation.
type shop struct {
	def    *survey.Definition
	answer *survey.Response
}

func (s *shop) Invitation(_ context.Context, id uint64) (web.Invitation, error) {
	if id != 1 {
		return web.Invitation{}, web.ErrNotFound
	}
	inv := web.Invitation{Definition: s.def, Language: "tr", Place: "Kadıköy"}
	if s.answer != nil {
		inv.State, inv.Key = web.Answered, s.answer.Key
	}
	return inv, nil
}

func (s *shop) Submit(_ context.Context, _ uint64, r survey.Response, _ time.Time) (bool, error) {
	if s.answer != nil {
		return false, nil
	}
	s.answer = &r
	return true, nil
}

// A host mounts the handler; a customer opens the link and answers.
func Example() {
	codec, err := invite.New("survey", []byte("32 bytes from crypto/rand in earnest"))
	if err != nil {
		fmt.Println(err)
		return
	}
	store := &shop{def: survey.Satisfaction()}
	pages, err := web.New(web.Config{Store: store, Tokens: codec.Parse})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/s/", pages)
	srv := httptest.NewServer(mux)
	defer srv.Close()

	token, _ := codec.Mint(1)
	visit, err := webtest.Answer(context.Background(), srv.Client(), srv.URL+"/s/"+token, map[string]any{
		"satisfaction": 5, "comment": "Elinize sağlık",
	})
	fmt.Println(visit.Status, visit.Thanked(), err)
	fmt.Println(store.answer.Answers["satisfaction"], store.answer.Answers["comment"])

	again, err := webtest.Answer(context.Background(), srv.Client(), srv.URL+"/s/"+token, nil)
	fmt.Println(again.Status, again.Pages, err)
	// Output:
	// 200 true <nil>
	// 5 Elinize sağlık
	// 200 0 <nil>
}
