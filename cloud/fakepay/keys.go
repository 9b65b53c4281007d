package fakepay

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func newKey() (*rsa.PrivateKey, error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("fakepay: make a key: %w", err)
	}
	return k, nil
}

// random returns n digits.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = '0' + b[i]%10
	}
	return string(b)
}

// Files are what a merchant is given, as files in a folder: the names that the cloud's configuration points to.
const (
	MerchantKeyFile = "merchant_key.pem" // the merchant's private key
	PlatformPubFile = "platform_pub.pem" // the platform's public key
	APIv3File       = "api_v3_key"       // 32 characters
	MerchantFile    = "merchant.json"    // names of the merchant and its keys
	platformKeyFile = "platform_key.pem"
)

type names struct {
	MchID      string `json:"mchid"`
	AppID      string `json:"app_id"`
	Serial     string `json:"serial"` // of the merchant's certificate
	PlatformID string `json:"public_key_id"`
}

// LoadKeys reads the keys in a folder, making them when the folder has none.
func LoadKeys(dir string) (Keys, error) {
	if _, err := os.Stat(filepath.Join(dir, MerchantFile)); errors.Is(err, fs.ErrNotExist) {
		if err := makeKeys(dir); err != nil {
			return Keys{}, err
		}
	}
	var n names
	b, err := os.ReadFile(filepath.Join(dir, MerchantFile))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("fakepay: read merchant: %w", err)
	}
	merchant, err := readKey(filepath.Join(dir, MerchantKeyFile))
	if err != nil {
		return Keys{}, err
	}
	platform, err := readKey(filepath.Join(dir, platformKeyFile))
	if err != nil {
		return Keys{}, err
	}
	apiv3, err := os.ReadFile(filepath.Join(dir, APIv3File))
	if err != nil {
		return Keys{}, fmt.Errorf("fakepay: read API key: %w", err)
	}
	return Keys{
		MchID: n.MchID, AppID: n.AppID, MerchantPub: &merchant.PublicKey, Platform: platform,
		PlatformID: n.PlatformID, APIv3: string(apiv3),
	}, nil
}

func makeKeys(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("fakepay: make folder: %w", err)
	}
	merchant, err := newKey()
	if err != nil {
		return err
	}
	platform, err := newKey()
	if err != nil {
		return err
	}
	pub, err := x509.MarshalPKIXPublicKey(&platform.PublicKey)
	if err != nil {
		return fmt.Errorf("fakepay: encode public key: %w", err)
	}
	n, err := json.MarshalIndent(names{
		MchID: "19" + random(8), AppID: "wx" + rand.Text()[:16], Serial: rand.Text(), PlatformID: "PUB_KEY_ID_01" + random(24),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("fakepay: encode merchant: %w", err)
	}
	files := []struct {
		name string
		data []byte
	}{
		{MerchantKeyFile, privatePEM(merchant)},
		{platformKeyFile, privatePEM(platform)},
		{PlatformPubFile, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub})},
		{APIv3File, []byte((rand.Text() + rand.Text())[:32])},
		{MerchantFile, n}, // last: its presence says that the others are whole
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			return fmt.Errorf("fakepay: write %s: %w", f.name, err)
		}
	}
	return nil
}

func privatePEM(k *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		panic("fakepay: an RSA key does not encode: " + err.Error())
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func readKey(file string) (*rsa.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("fakepay: read key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("fakepay: %s holds no PEM block", file)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("fakepay: %s: %w", file, err)
	}
	key, ok := k.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("fakepay: %s holds no RSA key", file)
	}
	return key, nil
}

// sign sets the headers by which WeChat Pay vouches for a body.
func (g *Gateway) sign(h http.Header, body []byte, key *rsa.PrivateKey, at time.Time) {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), rand.Text()
	sum := sha256.Sum256([]byte(stamp + "\n" + nonce + "\n" + string(body) + "\n"))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic("fakepay: sign: " + err.Error()) // the key is ours and large enough
	}
	h.Set("Wechatpay-Timestamp", stamp)
	h.Set("Wechatpay-Nonce", nonce)
	h.Set("Wechatpay-Serial", g.keys.PlatformID)
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(sig))
	h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
}

// seal encrypts a notification's resource.
func (g *Gateway) seal(plain []byte, associated string) (ciphertext, nonce string) {
	block, err := aes.NewCipher([]byte(g.keys.APIv3))
	if err != nil {
		panic("fakepay: cipher: " + err.Error()) // 32 bytes were checked
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic("fakepay: cipher: " + err.Error())
	}
	n := []byte(rand.Text()[:12])
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, n, plain, []byte(associated))), string(n)
}
