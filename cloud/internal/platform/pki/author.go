package pki

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"time"
)

// Author returns what the cloud signs its own facts with: the configuration key, whose signatures of facts and of
// configurations cannot pass for each other, and a certificate (DER) that names the cloud as its holder. The
// certificate opens no connection.
func (a *Authority) Author(at time.Time) (ed25519.PrivateKey, []byte, error) {
	der, err := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: CloudName}, URIs: []*url.URL{{Scheme: "lotkeeper", Opaque: CloudName}},
		NotAfter: at.Add(authorityLife / 2), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, a.ConfigPublicKey(), at)
	return a.config, der, err
}
