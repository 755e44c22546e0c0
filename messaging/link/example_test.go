package link_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/link"
)

func ExampleHandler() {
	codec, _ := link.NewCodec(link.Key{ID: 1, Secret: crm.NewSecret([]byte("a secret of at least 32 bytes, kept safe"))})
	log, _ := link.NewLog(link.LogConfig{Sink: func(_ context.Context, clicks []link.Click) error {
		for _, c := range clicks {
			verdict, reasons := link.Classify(c, link.Context{})
			fmt.Println("click on", c.ID, verdict, reasons)
		}
		return nil
	}})
	handler, err := link.NewHandler(link.Config{Codec: codec, Log: log, Allow: link.Destinations{Hosts: []string{"shop.example.com"}},
		Resolver: func(context.Context, uint64) (string, error) { return "https://shop.example.com/spring", nil }})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, _ := codec.Mint(link.PurposeClick, 42)
	r := httptest.NewRequest("GET", "/"+token, nil)
	r.Header.Set("User-Agent", "WhatsApp/2.24")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	_ = log.Flush(context.Background())
	// Output:
	// 302 https://shop.example.com/spring
	// click on 42 machine [agent no-language]
}

func ExampleCodec() {
	c, err := link.NewCodec(link.Key{ID: 1, Secret: crm.NewSecret([]byte("a secret of at least 32 bytes, kept safe"))})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := c.Mint(link.PurposeClick, 42)
	fmt.Println(len(token), err)
	id, err := c.Parse(link.PurposeClick, token)
	fmt.Println(id, err)
	_, err = c.Parse(link.PurposeUnsubscribe, token)
	fmt.Println(err)
	// Output:
	// 14 <nil>
	// 42 <nil>
	// forged token
}
