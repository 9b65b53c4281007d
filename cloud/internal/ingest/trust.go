package ingest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"lotkeeper/shared/fact"
)

// Trust tells whose certificate it is.
type Trust interface {
	// Holder checks that we issued the certificate (DER) and says to whom: a lot and booth, or the cloud, whose lot is "".
	// An expired certificate is still ours: what its holder wrote while it was valid stays true.
	Holder(der []byte) (lot, booth string, key ed25519.PublicKey, err error)
}

// Cloud is the booth id in the cloud's own opening facts.
const Cloud = "cloud"

// admission judges the opening of an author's log in one lot; it remembers the booth.
type admission struct {
	lot   string
	trust Trust
	booth string
}

// Admit checks that the opening carries a certificate of ours, for this lot and the booth it names, with the key that
// signs the log.
func (a *admission) Admit(f fact.Fact, opened fact.Opened) (ed25519.PublicKey, error) {
	lot, booth, key, err := a.trust.Holder(opened.Cert)
	switch {
	case err != nil:
		return nil, err
	case !key.Equal(opened.Key):
		return nil, errors.New("the certificate is of another key")
	case booth != opened.Booth:
		return nil, fmt.Errorf("the certificate is of booth %s, the log of booth %.40q", booth, opened.Booth)
	case lot != a.lot && booth != Cloud:
		return nil, fmt.Errorf("the certificate is of lot %s", lot)
	}
	a.booth = booth
	return key, nil
}

// CA is the trust in one certificate authority.
type CA struct {
	Roots *x509.CertPool
	// Withdrawn reports whether a certificate was withdrawn before its holder opened a log with it; nil: none ever is.
	Withdrawn func(der []byte) (bool, error)
}

// Holder implements [Trust].
func (c CA) Holder(der []byte) (lot, booth string, key ed25519.PublicKey, err error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", "", nil, fmt.Errorf("read certificate: %w", err)
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots: c.Roots, CurrentTime: cert.NotBefore.Add(time.Second), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return "", "", nil, fmt.Errorf("check certificate: %w", err)
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return "", "", nil, errors.New("the certificate's key is not Ed25519")
	}
	if c.Withdrawn != nil {
		gone, err := c.Withdrawn(der)
		if err != nil {
			return "", "", nil, err
		}
		if gone {
			return "", "", nil, errors.New("the certificate was withdrawn")
		}
	}
	for _, u := range cert.URIs {
		if u.String() == "lotkeeper:cloud" {
			return "", Cloud, key, nil
		}
		if rest, ok := strings.CutPrefix(u.String(), "lotkeeper:lot/"); ok {
			if lot, booth, ok = strings.Cut(rest, "/booth/"); ok {
				return lot, booth, key, nil
			}
		}
	}
	return "", "", nil, errors.New("the certificate names no booth")
}

// newName mints 16 letters and digits, as authors and boots are called.
func newName() string {
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("ingest: no randomness: %v", err)) // crypto/rand never returns an error since Go 1.24
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}
