// Package enroll is how a booth comes to its identity and whom it believes.
//
// A booth makes an Ed25519 key, shows the cloud a one-time code with a request for a certificate, and keeps what comes
// back: its certificate, the lot's certificate authority (pinned from then on), the key that signs configurations, and
// where the broker and the device listener are. The same key signs the booth's facts.
//
// Who somebody is stands in the certificate: CN is the booth's id and a URI names lot and booth. Names of hosts play no
// part between booths, so addresses may change. Nor does expiry: an outage must not split a lot, so a booth that the
// configuration still lists is believed until it is taken off the list.
package enroll

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"

	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// Cloud is how the cloud is named where a booth's id could stand.
const Cloud = "cloud"

// Trust says who belongs to a lot: whom the lot's certificate authority names. It implements exchange.Keys.
type Trust struct {
	Lot   string
	Roots *x509.CertPool
}

// BoothURI is the URI in the certificate of a booth.
func BoothURI(lot, booth string) *url.URL {
	return &url.URL{Scheme: "lotkeeper", Opaque: "lot/" + lot + "/booth/" + booth}
}

// CloudURI is the URI in the certificate of the cloud.
func CloudURI() *url.URL { return &url.URL{Scheme: "lotkeeper", Opaque: Cloud} }

// Name returns whom a certificate names: a booth's id, or [Cloud]. It is an error when the authority did not issue it,
// or it is of another lot.
func (t Trust) Name(cert *x509.Certificate) (string, error) {
	_, err := cert.Verify(x509.VerifyOptions{
		Roots: t.Roots, CurrentTime: cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return "", fmt.Errorf("certificate of %.60q: %w", cert.Subject.CommonName, err)
	}
	name := cert.Subject.CommonName
	want := BoothURI(t.Lot, name)
	if name == Cloud {
		want = CloudURI()
	} else if !wire.ValidName(name) {
		return "", fmt.Errorf("certificate names %.60q, which is no booth's id", name)
	}
	if len(cert.URIs) != 1 || cert.URIs[0].String() != want.String() {
		return "", fmt.Errorf("certificate of %s is not of lot %s", name, t.Lot)
	}
	return name, nil
}

// Admit judges the first fact of a log: its certificate must name this lot and the booth that the fact claims, and
// carry the key that the fact gives.
func (t Trust) Admit(f fact.Fact, opened fact.Opened) (ed25519.PublicKey, error) {
	if f.Lot != t.Lot {
		return nil, fmt.Errorf("it is of lot %s", f.Lot)
	}
	cert, err := x509.ParseCertificate(opened.Cert)
	if err != nil {
		return nil, fmt.Errorf("its certificate: %w", err)
	}
	name, err := t.Name(cert)
	if err != nil {
		return nil, err
	}
	if name != opened.Booth {
		return nil, fmt.Errorf("it says booth %.60q, its certificate says %s", opened.Booth, name)
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok || !bytes.Equal(key, opened.Key) {
		return nil, errors.New("its certificate carries another key")
	}
	return key, nil
}
