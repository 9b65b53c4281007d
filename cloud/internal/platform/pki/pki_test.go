package pki_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/pki"
)

func request(t testing.TB, key any, cn string) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func ed(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeysAreKeptAndHalfASetIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	at := time.Now()
	a, err := pki.Open(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := pki.Open(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	if string(a.CertificatePEM()) != string(b.CertificatePEM()) || !a.ConfigPublicKey().Equal(b.ConfigPublicKey()) {
		t.Error("a second Open made other keys")
	}
	for _, name := range []string{"ca.key", "config.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", name, info.Mode().Perm(), err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.Open(dir, at); err == nil || !strings.Contains(err.Error(), "only part") {
		t.Errorf("half a set: %v", err)
	}
}

func TestBoothCertificate(t *testing.T) {
	at := time.Now()
	a, err := pki.Open(t.TempDir()+"/pki", at)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.IssueBooth(request(t, ed(t), "cloud"), "lot-1", "booth-1", at) // what it asks to be called is ignored
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: at}); err != nil {
			t.Errorf("verify for usage %v: %v", usage, err)
		}
	}
	who, err := pki.Identify(cert)
	if err != nil || who != (pki.Identity{Lot: "lot-1", Booth: "booth-1"}) {
		t.Errorf("Identify = %+v, %v", who, err)
	}
	if got := cert.URIs[0].String(); got != "lotkeeper:lot/lot-1/booth/booth-1" {
		t.Errorf("URI = %s", got)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	at := time.Now()
	a, err := pki.Open(t.TempDir()+"/pki", at)
	if err != nil {
		t.Fatal(err)
	}
	good := request(t, ed(t), "x")
	block, _ := pem.Decode(good)
	block.Bytes[len(block.Bytes)-1] ^= 1
	weak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		csr        []byte
		lot, booth string
	}{
		"empty":             {nil, "l", "b"},
		"not PEM":           {[]byte("hello"), "l", "b"},
		"altered":           {pem.EncodeToMemory(block), "l", "b"},
		"two requests":      {append(append([]byte{}, good...), good...), "l", "b"},
		"ECDSA key":         {request(t, weak, "x"), "l", "b"},
		"booth named cloud": {good, "l", "cloud"},
		"slash in booth":    {good, "l", "b/c"},
		"wildcard lot":      {good, "+", "b"},
	} {
		if _, err := a.IssueBooth(tc.csr, idLot(tc.lot), idBooth(tc.booth), at); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want an invalid fault", name, err)
		}
	}
}

func FuzzIssueBooth(f *testing.F) {
	at := time.Unix(1_800_000_000, 0)
	a, err := pki.Open(f.TempDir()+"/pki", at)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(request(f, ed(f), "b"))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, csr []byte) {
		out, err := a.IssueBooth(csr, "l", "b", at)
		if err == nil && !strings.Contains(string(out), "BEGIN CERTIFICATE") {
			t.Errorf("granted %q", out)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v, want an invalid fault", csr, err)
		}
	})
}

func idLot(s string) id.Lot     { return id.Lot(s) }
func idBooth(s string) id.Booth { return id.Booth(s) }
