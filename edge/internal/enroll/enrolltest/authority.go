// Package enrolltest is a certificate authority in memory, for tests of what booths do with their identities.
package enrolltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll"
	"lotkeeper/shared/receipt"
	"lotkeeper/shared/right"
	"lotkeeper/shared/wire"
)

// Authority issues certificates and signs configurations, as the cloud does.
type Authority struct {
	t      testing.TB
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	config ed25519.PrivateKey
}

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a := &Authority{t: t, key: key}
	a.must(err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	a.must(err)
	a.cert, err = x509.ParseCertificate(der)
	a.must(err)
	_, a.config, err = ed25519.GenerateKey(rand.Reader)
	a.must(err)
	return a
}

func (a *Authority) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("test authority: %v", err)
	}
}

// CA is the authority's certificate as PEM.
func (a *Authority) CA() string { return certPEM(a.cert.Raw) }

// Pool trusts the authority.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// Trust is who belongs to a lot.
func (a *Authority) Trust(lot string) enroll.Trust { return enroll.Trust{Lot: lot, Roots: a.Pool()} }

// ConfigKey is the public key of configurations.
func (a *Authority) ConfigKey() ed25519.PublicKey { return a.config.Public().(ed25519.PublicKey) }

// Receipt signs a receipt as the cloud does.
func (a *Authority) Receipt(r receipt.Receipt) string {
	a.t.Helper()
	s, err := receipt.Sign(r, a.config)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// Sign signs a configuration.
func (a *Authority) Sign(c wire.Config) wire.Signed {
	a.t.Helper()
	s, err := wire.SignConfig(c, a.config)
	a.must(err)
	return s
}

// SignRights signs the head of a set of rights.
func (a *Authority) SignRights(h right.Head) wire.Signed {
	a.t.Helper()
	s, err := wire.SignRights(h, a.config)
	a.must(err)
	return s
}

// Issue makes a certificate with these names for a key. Its life may lie in the past.
func (a *Authority) Issue(pub crypto.PublicKey, cn string, uri *url.URL, from, to time.Time) []byte {
	a.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	a.must(err)
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: cn}, NotBefore: from, NotAfter: to,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if uri != nil {
		tmpl.URIs = []*url.URL{uri}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, pub, a.key)
	a.must(err)
	return der
}

// Answer is what the cloud answers to a booth that shows its public key.
func (a *Authority) Answer(lot, booth string, pub ed25519.PublicKey, config wire.Signed) enroll.Response {
	a.t.Helper()
	now := time.Now()
	der := a.Issue(pub, booth, enroll.BoothURI(lot, booth), now.Add(-24*time.Hour), now.Add(24*time.Hour))
	return enroll.Response{
		Lot: lot, Booth: booth, Certificate: certPEM(der), CA: a.CA(), ConfigKey: a.ConfigKey(),
		Broker: "ssl://127.0.0.1:8883", DeviceURL: "https://127.0.0.1:8444", Config: config,
	}
}

// Booth enrols a booth. edit, which may be nil, changes the cloud's answer first.
func (a *Authority) Booth(lot, booth string, edit func(*enroll.Response)) *enroll.Identity {
	a.t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	a.must(err)
	r := a.Answer(lot, booth, pub, wire.Signed{})
	if edit != nil {
		edit(&r)
	}
	id, err := enroll.New(key, r)
	a.must(err)
	return id
}

// Cloud makes the key and certificate that the cloud signs its facts with.
func (a *Authority) Cloud() (ed25519.PrivateKey, []byte) {
	a.t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	a.must(err)
	now := time.Now()
	return key, a.Issue(pub, enroll.Cloud, enroll.CloudURI(), now.Add(-24*time.Hour), now.Add(24*time.Hour))
}

// Server is the TLS configuration of a server on loopback that requires certificates of this authority.
func (a *Authority) Server() *tls.Config {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.must(err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	a.must(err)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool(),
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
}

func certPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
