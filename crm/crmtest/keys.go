package crmtest

import (
	"crypto/sha256"

	"github.com/vefacrm/vefa/crm"
)

// Secret returns the secret of a name, for tests: the SHA-256 of the name,
// which is as well known as this line. Never keep a record under it.
func Secret(name string) crm.Secret {
	sum := sha256.Sum256([]byte("vefa/crmtest/" + name))
	return crm.NewSecret(sum[:])
}

// IDs returns the ids of effects under Secret("ids").
func IDs() *crm.EffectIDs {
	x, err := crm.NewEffectIDs(Secret("ids"))
	if err != nil {
		panic(err) // not reached: a SHA-256 passes Secret.Check
	}
	return x
}

// EffectID returns the id of an effect under IDs.
func EffectID(cause string, subject crm.Subject, about crm.FactKey, occurrence string) crm.EffectID {
	return IDs().ID(cause, subject, about, occurrence)
}
