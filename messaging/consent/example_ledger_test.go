package consent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging/consent"
)

func ExampleLedger() {
	ctx := context.Background()
	now := time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)
	store := memstore.New(consent.Kind())
	svc := crm.New(store, crm.Config{Kinds: []crm.Kind{consent.Kind()}, Now: func() time.Time { return now }})
	ledger, err := consent.New(svc, consent.Config{Key: crm.NewSecret([]byte("32 bytes from crypto/rand in earnest"))})
	if err != nil {
		panic(err)
	}
	address := crm.Address{Channel: crm.Phone, Value: "+90 532 123 45 67"}
	for _, said := range []consent.Said{
		{Status: crm.Granted, Source: "HS_WEB", Text: consent.HashText("I want to hear of offers."), Actor: "web", IP: "192.0.2.7"},
		{Status: crm.Refused, Source: "HS_MESAJ", Note: "reply 4711"},
	} {
		if _, err := ledger.Append(ctx, address, said); err != nil {
			panic(err)
		}
		now = now.AddDate(0, 1, 0)
	}

	// May we write? And might we, two weeks after the first of March?
	for _, at := range []time.Time{{}, time.Date(2025, 3, 17, 0, 0, 0, 0, time.UTC)} {
		state, err := ledger.State(ctx, address, at, at)
		if err != nil {
			panic(err)
		}
		fmt.Println(consent.Policy{}.Decide(state, crm.ConsentKey{}, consent.Commercial, now).Note)
	}

	proof, err := ledger.Prove(ctx, address, nil)
	if err != nil {
		panic(err)
	}
	data, err := json.Marshal(proof)
	if err != nil {
		panic(err)
	}
	checked, err := consent.CheckProof(data)
	fmt.Println(len(checked.Chains[0].Entries), "entries", err)
	// Output:
	// refused on 2025-04-03
	// granted on 2025-03-03
	// 2 entries <nil>
}
