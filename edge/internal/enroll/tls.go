package enroll

import (
	"crypto/tls"
	"errors"
	"fmt"
)

// Client is the TLS configuration towards the cloud's broker and device listener: the host's name is checked against
// the pinned authority, and the booth shows its certificate.
func (id *Identity) Client() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: id.roots, Certificates: []tls.Certificate{id.cert}}
}

// Dial is the TLS configuration towards another booth of the lot. The other end must be that booth.
func (id *Identity) Dial(booth string) *tls.Config {
	c := id.lan()
	c.VerifyConnection = func(s tls.ConnectionState) error {
		name, err := id.peer(s)
		if err == nil && name != booth {
			err = fmt.Errorf("it is booth %s, not %s", name, booth)
		}
		return err
	}
	return c
}

// Serve is the TLS configuration for booths that connect. The other end must be a booth of the lot that allowed lets
// in; nil lets in every booth of the lot.
func (id *Identity) Serve(allowed func(booth string) bool) *tls.Config {
	c := id.lan()
	c.ClientAuth = tls.RequireAnyClientCert // chain and name are judged below
	c.VerifyConnection = func(s tls.ConnectionState) error {
		name, err := id.peer(s)
		if err == nil && allowed != nil && !allowed(name) {
			err = fmt.Errorf("booth %s is not of this lot any more", name)
		}
		return err
	}
	return c
}

// lan leaves the judgement to VerifyConnection, which both ends always have: booths are known by their certificates'
// names, not by hosts. VerifyConnection runs on resumed sessions too.
func (id *Identity) lan() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{id.cert},
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection checks chain and identity
	}
}

// peer returns the booth at the other end of a connection.
func (id *Identity) peer(s tls.ConnectionState) (string, error) {
	if len(s.PeerCertificates) == 0 {
		return "", errors.New("the other end shows no certificate")
	}
	name, err := id.Trust().Name(s.PeerCertificates[0])
	if err == nil && name == Cloud {
		err = errors.New("the cloud is no booth")
	}
	return name, err
}

// PeerOf returns the booth at the other end of a connection made with [Identity.Dial] or [Identity.Serve].
func PeerOf(s *tls.ConnectionState) string {
	if s == nil || len(s.PeerCertificates) == 0 {
		return ""
	}
	return s.PeerCertificates[0].Subject.CommonName
}
