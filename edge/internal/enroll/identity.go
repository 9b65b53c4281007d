package enroll

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"lotkeeper/shared/wire"
)

// Identity is who a booth is and whom it talks to. It is read-only after it is made.
type Identity struct {
	Lot, Booth string
	Key        ed25519.PrivateKey // signs facts; also the TLS key
	Cert       []byte             // DER
	ConfigKey  ed25519.PublicKey  // the cloud's key for configurations
	Broker     string             // ssl://host:port
	DeviceURL  string             // https://host:port/…
	Config     wire.Signed        // the configuration at enrolment
	// Replacement says that this box took the place of another one of the booth.
	Replacement bool

	ca    []byte // PEM
	cert  tls.Certificate
	roots *x509.CertPool
}

// Trust says who belongs to the lot.
func (id *Identity) Trust() Trust { return Trust{id.Lot, id.roots} }

// details is identity.json: what is neither key nor certificate.
type details struct {
	Lot       string      `json:"lot"`
	Booth     string      `json:"booth"`
	ConfigKey []byte      `json:"config_key"`
	Broker    string      `json:"broker"`
	DeviceURL string      `json:"device_url"`
	Config    wire.Signed `json:"config"`
	Replaces  bool        `json:"replaces,omitempty"` // another box of the booth
}

// The files of an identity, in the folder "identity" of the data folder.
const (
	folder   = "identity"
	keyFile  = "key.pem"
	certFile = "cert.pem"
	caFile   = "ca.pem"
	infoFile = "identity.json"
)

// New puts an identity together from a booth's key and what the cloud answered, and checks that all of it belongs
// together.
func New(key ed25519.PrivateKey, r Response) (*Identity, error) {
	id := &Identity{
		Lot: r.Lot, Booth: r.Booth, Key: key, ConfigKey: r.ConfigKey, Broker: r.Broker, DeviceURL: r.DeviceURL,
		Config: r.Config, Replacement: r.Replaces, ca: []byte(r.CA), roots: x509.NewCertPool(),
	}
	if len(key) != ed25519.PrivateKeySize || len(r.ConfigKey) != ed25519.PublicKeySize {
		return nil, errors.New("identity: a key has the wrong size")
	}
	if !wire.ValidName(r.Lot) || !wire.ValidName(r.Booth) || r.Booth == Cloud {
		return nil, fmt.Errorf("identity: lot %.60q, booth %.60q are not valid ids", r.Lot, r.Booth)
	}
	if !id.roots.AppendCertsFromPEM(id.ca) {
		return nil, errors.New("identity: the authority's certificate cannot be read")
	}
	block, _ := pem.Decode([]byte(r.Certificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("identity: the certificate cannot be read")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("identity: certificate: %w", err)
	}
	name, err := id.Trust().Name(leaf)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if name != r.Booth {
		return nil, fmt.Errorf("identity: certificate names booth %s, not %s", name, r.Booth)
	}
	if pub, ok := leaf.PublicKey.(ed25519.PublicKey); !ok || !pub.Equal(key.Public()) {
		return nil, errors.New("identity: certificate carries another key")
	}
	if err := checkURLs(r.Broker, r.DeviceURL); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if len(r.Config.Document) > 0 {
		c, err := wire.OpenConfig(r.Config, r.ConfigKey)
		if err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		if c.Lot != r.Lot {
			return nil, fmt.Errorf("identity: configuration is of lot %s", c.Lot)
		}
	}
	id.Cert = leaf.Raw
	id.cert = tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	return id, nil
}

func checkURLs(broker, device string) error {
	for _, c := range []struct{ what, text, scheme string }{{"broker", broker, "ssl"}, {"device_url", device, "https"}} {
		u, err := url.Parse(c.text)
		if err != nil || u.Scheme != c.scheme || u.Host == "" {
			return fmt.Errorf("%s %.80q is not of the form %s://host:port", c.what, c.text, c.scheme)
		}
	}
	return nil
}

// Save writes the identity into the data folder: all of it, or nothing. An identity that is there is replaced.
func (id *Identity) Save(data string) error {
	key, err := x509.MarshalPKCS8PrivateKey(id.Key)
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	info, err := json.MarshalIndent(details{id.Lot, id.Booth, id.ConfigKey, id.Broker, id.DeviceURL, id.Config, id.Replacement}, "", "  ")
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	dir, err := os.MkdirTemp(data, folder+".new-*")
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	defer os.RemoveAll(dir) // gone already when all went well
	for name, body := range map[string][]byte{
		keyFile:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		certFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Cert}),
		caFile:   id.ca, infoFile: info,
	} {
		if err := writeSynced(filepath.Join(dir, name), body); err != nil {
			return fmt.Errorf("save identity: %w", err)
		}
	}
	return swap(data, dir)
}

// swap puts the new folder in the old one's place. A crash between the two renames leaves the old one beside, where
// Load finds it.
func swap(data, dir string) error {
	to, old := filepath.Join(data, folder), filepath.Join(data, folder+".old")
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	if _, err := os.Stat(to); err == nil {
		if err := os.RemoveAll(old); err != nil {
			return fmt.Errorf("save identity: %w", err)
		}
		if err := os.Rename(to, old); err != nil {
			return fmt.Errorf("save identity: %w", err)
		}
	}
	if err := os.Rename(dir, to); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	if err := syncDir(data); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	return os.RemoveAll(old)
}

func writeSynced(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads the identity in a data folder. The error is os.ErrNotExist when the booth was never enrolled.
func Load(data string) (*Identity, error) {
	dir := filepath.Join(data, folder)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(dir + ".old"); err == nil {
			dir += ".old"
		}
	}
	files := map[string][]byte{}
	for _, name := range []string{keyFile, certFile, caFile, infoFile} {
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("load identity: %w", err)
		}
		files[name] = body
	}
	key, err := parseKey(files[keyFile])
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	var d details
	dec := json.NewDecoder(bytes.NewReader(files[infoFile]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("load identity: %s: %w", infoFile, err)
	}
	return New(key, Response{
		Lot: d.Lot, Booth: d.Booth, Certificate: string(files[certFile]), CA: string(files[caFile]),
		ConfigKey: d.ConfigKey, Broker: d.Broker, DeviceURL: d.DeviceURL, Config: d.Config, Replaces: d.Replaces,
	})
}

func parseKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s cannot be read", keyFile)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an Ed25519 key", keyFile)
	}
	return key, nil
}
