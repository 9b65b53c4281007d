package rig

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"time"

	"lotkeeper/shared/wire"
)

// Another lot of the rig's operator, with one booth that is enrolled and never runs.
const (
	OtherLot   = "hillside"
	OtherBooth = "booth-h"
)

// EnrolOther makes the other lot and its booth.
func (r *Rig) EnrolOther(ctx context.Context) error {
	a, err := r.SignIn(ctx, Admin)
	if err != nil {
		return err
	}
	spec := r.spec()
	spec["id"], spec["name"] = OtherLot, text("山边停车场", "Hillside")
	spec["booths"] = []object{{"id": OtherBooth, "name": text("岗亭", "Booth"), "raft": "127.0.0.1:1", "peer": "127.0.0.1:2", "voter": true}}
	spec["lanes"] = []object{}
	if err := a.Call(ctx, http.MethodPost, "/api/v1/lots", spec, nil); err != nil {
		return err
	}
	return r.enrolOne(ctx, a, OtherLot, OtherBooth)
}

// Addresses of what listens, for those who connect with something else than the programs.
type Addresses struct {
	HTTP, Devices, Broker string            // of the cloud, host:port
	Camera                string            // of the entry, host:port
	Console, Peer, Raft   map[string]string // by booth
}

// Addresses says what listens where.
func (r *Rig) Addresses() Addresses {
	a := Addresses{
		HTTP: r.addr["http"], Devices: r.addr["devices"], Broker: r.addr["broker"], Camera: r.addr["cam-entry"],
		Console: map[string]string{}, Peer: map[string]string{}, Raft: map[string]string{},
	}
	for _, b := range []string{EntryBooth, ExitBooth} {
		a.Console[b], a.Peer[b], a.Raft[b] = r.addr[b], r.addr[b+"-peer"], r.addr[b+"-raft"]
	}
	return a
}

// CertificateOf returns what a booth of the rig shows.
func (r *Rig) CertificateOf(booth string) (tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(r.path(booth, "identity", "cert.pem"), r.path(booth, "identity", "key.pem"))
	if err != nil {
		return c, fmt.Errorf("certificate of %s: %w", booth, err)
	}
	return c, nil
}

// RaftName is the protocol that a connection to a booth's raft asks for: the booths' group and the booth's member of it.
func (r *Rig) RaftName(booth string) (string, error) {
	b, err := os.ReadFile(r.path(booth, "raft", "member.json"))
	if err != nil {
		return "", fmt.Errorf("raft's name of %s: %w", booth, err)
	}
	var m struct{ ID, Group string }
	if err := json.Unmarshal(b, &m); err != nil {
		return "", fmt.Errorf("raft's name of %s: %w", booth, err)
	}
	return "lotkeeper-raft/" + m.Group + "/" + m.ID, nil
}

// Roots holds the rig's authority.
func (r *Rig) Roots() (*x509.CertPool, error) {
	b, err := os.ReadFile(r.path("cloud", "pki", "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("the rig's authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errors.New("the rig's authority has no certificate")
	}
	return pool, nil
}

// CloudCertificate signs a certificate as the cloud's, with the authority's key from its folder: for listening in on the
// broker, and for saying again what the cloud said.
func (r *Rig) CloudCertificate() (tls.Certificate, error) {
	ca, err := tls.LoadX509KeyPair(r.path("cloud", "pki", "ca.crt"), r.path("cloud", "pki", "ca.key"))
	if err != nil {
		return ca, fmt.Errorf("the rig's authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ca, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "cloud"}, URIs: []*url.URL{{Scheme: "lotkeeper", Opaque: "cloud"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.Leaf, &key.PublicKey, ca.PrivateKey)
	if err != nil {
		return ca, fmt.Errorf("sign: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Stranger makes a certificate that says it is a booth's, of an authority that nobody here knows.
func Stranger(lot, booth string) (tls.Certificate, error) {
	if !wire.ValidName(lot) || !wire.ValidName(booth) {
		return tls.Certificate{}, fmt.Errorf("%q, %q are no names", lot, booth)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: booth}, DNSNames: []string{booth},
		URIs:      []*url.URL{{Scheme: "lotkeeper", Opaque: "lot/" + lot + "/booth/" + booth}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, public, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
