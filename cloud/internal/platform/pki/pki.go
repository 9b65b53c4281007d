// Package pki is the installation's own certificate authority and its configuration-signing key.
//
// The authority's key is ECDSA P-256, which everything that takes part (OpenSSL in Mosquitto, paho, raft's TLS)
// accepts; a booth's own key is Ed25519, made on the booth, and also signs its facts, so only its public half
// ever comes here, in a signing request. A booth's certificate says:
//
//	CN        the booth's id, unique in the installation; it is also the MQTT client id and user name
//	URI SAN   lotkeeper:lot/<lot>/booth/<booth>
//	DNS SAN   the booth's id, so that booths of a lot can verify each other as servers
//
// What a request asks for in names is ignored. The configuration-signing key is Ed25519; booths get its public
// half at enrolment.
//
//	<dir>/ca.key, ca.crt, config.key     0600, 0644, 0600
package pki

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	authorityLife = 20 * 365 * 24 * time.Hour
	// A booth renews at two thirds; a lot that is away for months must not lose its own raft for it.
	boothLife  = 397 * 24 * time.Hour
	serverLife = 90 * 24 * time.Hour
	// backdate is room for clocks that are behind.
	backdate = 24 * time.Hour
)

// Authority signs certificates and configurations. It is safe for concurrent use.
type Authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	config ed25519.PrivateKey
}

// Open reads the keys in dir, or makes them if there are none. Half a set is an error, never a new set: a new
// authority would lock every booth out.
func Open(dir string, at time.Time) (*Authority, error) {
	paths := []string{filepath.Join(dir, "ca.key"), filepath.Join(dir, "ca.crt"), filepath.Join(dir, "config.key")}
	present := 0
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			present++
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("pki: %w", err)
		}
	}
	switch present {
	case 0:
		return create(dir, paths, at)
	case len(paths):
		return load(paths)
	}
	return nil, fmt.Errorf("pki: %s holds only part of ca.key, ca.crt and config.key: restore the rest from a backup", dir)
}

func create(dir string, paths []string, at time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pki: make the authority's key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Lotkeeper CA", Organization: []string{"Lotkeeper"}},
		NotBefore: at.Add(-backdate), NotAfter: at.Add(authorityLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("pki: sign the authority: %w", err)
	}
	_, config, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pki: make the configuration key: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	configPEM, err := encodeKey(config)
	if err != nil {
		return nil, err
	}
	for i, text := range [][]byte{keyPEM, encodeCert(der), configPEM} {
		mode := os.FileMode(0o600)
		if i == 1 {
			mode = 0o644
		}
		if err := writeFile(paths[i], text, mode); err != nil {
			return nil, err
		}
	}
	return load(paths)
}

// writeFile writes durably and never over an existing file.
func writeFile(path string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("pki: write %s: %w", path, err)
	}
	return nil
}

func load(paths []string) (*Authority, error) {
	a := &Authority{}
	key, err := readKey(paths[0])
	if err != nil {
		return nil, err
	}
	var ok bool
	if a.key, ok = key.(*ecdsa.PrivateKey); !ok {
		return nil, fmt.Errorf("pki: %s holds %T, want an ECDSA key", paths[0], key)
	}
	text, err := os.ReadFile(paths[1])
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	if a.cert, err = parseCert(text); err != nil {
		return nil, fmt.Errorf("pki: %s: %w", paths[1], err)
	}
	if !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, fmt.Errorf("pki: %s is not the key of %s", paths[0], paths[1])
	}
	if key, err = readKey(paths[2]); err != nil {
		return nil, err
	}
	if a.config, ok = key.(ed25519.PrivateKey); !ok {
		return nil, fmt.Errorf("pki: %s holds %T, want an Ed25519 key", paths[2], key)
	}
	return a, nil
}

// CertificatePEM is the authority's certificate, which booths pin.
func (a *Authority) CertificatePEM() []byte { return encodeCert(a.cert.Raw) }

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// ConfigKey signs configurations.
func (a *Authority) ConfigKey() ed25519.PrivateKey { return a.config }

// ConfigPublicKey verifies them.
func (a *Authority) ConfigPublicKey() ed25519.PublicKey {
	return a.config.Public().(ed25519.PublicKey) //nolint:forcetypeassert // Public of an Ed25519 key is one
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("pki: make a serial: %w", err)
	}
	return serial, nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("pki: encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func readKey(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("pki: %s holds no PEM private key", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("pki: %s: %w", path, err)
	}
	return key, nil
}

func parseCert(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no PEM certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
