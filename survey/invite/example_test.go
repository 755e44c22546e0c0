package invite_test

import (
	"errors"
	"fmt"

	"github.com/vefacrm/vefa/survey/invite"
)

func Example() {
	secret := []byte("32 bytes from crypto/rand in earnest")
	codec, err := invite.New("survey", secret)
	if err != nil {
		panic(err)
	}
	token, _ := codec.Mint(12345)
	fmt.Println("https://example.com/s/"+token, len(token))

	id, err := codec.Parse(token)
	fmt.Println(id, err)

	_, err = codec.Parse("A" + token[1:])
	fmt.Println(errors.Is(err, invite.ErrForged) || errors.Is(err, invite.ErrUnknownKey))
	// Output:
	// https://example.com/s/70n0Ddg6iOysmwGPonIuh7 22
	// 12345 <nil>
	// true
}
