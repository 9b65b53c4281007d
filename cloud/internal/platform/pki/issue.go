package pki

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/shared/wire"
)

// ErrRequest is returned for a signing request that cannot be granted.
var ErrRequest = fault.New(fault.Invalid, "pki.bad_request", "证书请求无效", "the certificate request is not valid")

// CloudName is the CN of the cloud's own client certificate.
const CloudName = "cloud"

// Identity is who a client certificate belongs to: the cloud, or a booth of a lot.
type Identity struct {
	Cloud bool
	Lot   id.Lot
	Booth id.Booth
}

// IssueBooth signs a booth's PEM request. Only its public key is used, which must be Ed25519; the names come
// from the arguments.
func (a *Authority) IssueBooth(requestPEM []byte, lot id.Lot, booth id.Booth, at time.Time) (certPEM []byte, err error) {
	if !wire.ValidName(string(lot)) || !wire.ValidName(string(booth)) || string(booth) == CloudName {
		return nil, ErrRequest.With("booth", "车场或岗亭编号无效", "the lot's or the booth's id is not valid")
	}
	block, rest := pem.Decode(requestPEM)
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, ErrRequest.With("csr", "不是 PEM 证书请求", "not one PEM certificate request")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, ErrRequest.Wrap(err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, ErrRequest.With("csr", "签名不符", "the signature does not fit").Wrap(err)
	}
	public, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, ErrRequest.With("csr", "密钥须为 Ed25519", "the key must be Ed25519")
	}
	uri := boothURI(lot, booth)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: string(booth)}, URIs: []*url.URL{uri}, DNSNames: []string{string(booth)},
		NotAfter: at.Add(boothLife), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := a.sign(template, public, at)
	if err != nil {
		return nil, err
	}
	return encodeCert(der), nil
}

func boothURI(lot id.Lot, booth id.Booth) *url.URL {
	return &url.URL{Scheme: "lotkeeper", Opaque: "lot/" + string(lot) + "/booth/" + string(booth)}
}

// Identify reads a client certificate that TLS has verified against this authority.
func Identify(cert *x509.Certificate) (Identity, error) {
	if len(cert.URIs) != 1 || cert.URIs[0].Scheme != "lotkeeper" {
		return Identity{}, fmt.Errorf("pki: certificate %q names nobody of ours", cert.Subject.CommonName)
	}
	if cert.URIs[0].Opaque == CloudName && cert.Subject.CommonName == CloudName {
		return Identity{Cloud: true}, nil
	}
	parts := strings.Split(cert.URIs[0].Opaque, "/")
	if len(parts) != 4 || parts[0] != "lot" || parts[2] != "booth" || !wire.ValidName(parts[1]) || !wire.ValidName(parts[3]) ||
		parts[3] != cert.Subject.CommonName {
		return Identity{}, fmt.Errorf("pki: certificate %q has the name %q", cert.Subject.CommonName, cert.URIs[0])
	}
	return Identity{Lot: id.Lot(parts[1]), Booth: id.Booth(parts[3])}, nil
}

// IssueCloud makes a client certificate for the cloud's own connection to the broker.
func (a *Authority) IssueCloud(at time.Time) (tls.Certificate, error) {
	return a.own(&x509.Certificate{
		Subject: pkix.Name{CommonName: CloudName}, URIs: []*url.URL{{Scheme: "lotkeeper", Opaque: CloudName}},
		NotAfter: at.Add(boothLife), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, at)
}

// IssueServer makes a server certificate for host names and IP addresses.
func (a *Authority) IssueServer(hosts []string, life time.Duration, at time.Time) (tls.Certificate, error) {
	if len(hosts) == 0 {
		return tls.Certificate{}, errors.New("pki: a server certificate needs a host")
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: hosts[0]}, NotAfter: at.Add(life), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	return a.own(template, at)
}

// own makes a key and signs it.
func (a *Authority) own(template *x509.Certificate, at time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pki: make a key: %w", err)
	}
	der, err := a.sign(template, &key.PublicKey, at)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pki: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func (a *Authority) sign(template *x509.Certificate, public any, at time.Time) ([]byte, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = at.Add(-backdate)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("pki: sign %q: %w", template.Subject.CommonName, err)
	}
	return der, nil
}

// ServerTLS is for listeners that booths connect to: the server certificate is made anew before it ends, and a
// client certificate of this authority is required when requireClient is set (and verified if given otherwise).
func (a *Authority) ServerTLS(hosts []string, requireClient bool, now func() time.Time) *tls.Config {
	var mu sync.Mutex
	var current *tls.Certificate
	auth := tls.VerifyClientCertIfGiven
	if requireClient {
		auth = tls.RequireAndVerifyClientCert
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: auth, ClientCAs: a.Pool(), Time: now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			mu.Lock()
			defer mu.Unlock()
			if at := now(); current == nil || at.After(current.Leaf.NotAfter.Add(-serverLife/3)) {
				cert, err := a.IssueServer(hosts, serverLife, at)
				if err != nil {
					return nil, err
				}
				current = &cert
			}
			return current, nil
		},
	}
}

// ClientTLS is for the cloud's connection to the broker.
func (a *Authority) ClientTLS(now func() time.Time) (*tls.Config, error) {
	cert, err := a.IssueCloud(now())
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool(), Certificates: []tls.Certificate{cert}, Time: now}, nil
}

// EncodePair gives the chain and the key as PEM, for programs that read files.
func EncodePair(c tls.Certificate) (chain, key []byte, err error) {
	for _, der := range c.Certificate {
		chain = append(chain, encodeCert(der)...)
	}
	key, err = encodeKey(c.PrivateKey)
	return chain, key, err
}
