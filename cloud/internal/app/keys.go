package app

import (
	"crypto/ed25519"
	"crypto/x509"
	"fmt"

	"lotkeeper/cloud/internal/ingest"
	"lotkeeper/cloud/internal/platform/object"
)

// keyring is what features sign and trust with.
type keyring struct {
	config  ed25519.PrivateKey
	cloud   ingest.Identity
	roots   *x509.CertPool
	objects object.Store
}

// keys reads the authority. Where only the document is wanted there is none: the keys are empty and sign nothing.
func (a *App) keys() (keyring, error) {
	if a.CA == nil {
		return keyring{
			config: make(ed25519.PrivateKey, ed25519.PrivateKeySize), roots: x509.NewCertPool(), objects: (*object.Dir)(nil),
			cloud: ingest.Identity{Key: make(ed25519.PrivateKey, ed25519.PrivateKeySize), Cert: []byte{0}},
		}, nil
	}
	key, cert, err := a.CA.Author(a.Now())
	if err != nil {
		return keyring{}, fmt.Errorf("certificate for the cloud's facts: %w", err)
	}
	return keyring{config: a.CA.ConfigKey(), cloud: ingest.Identity{Key: key, Cert: cert}, roots: a.CA.Pool(), objects: a.Objects}, nil
}
