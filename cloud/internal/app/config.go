package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"lotkeeper/cloud/internal/payment/wechat"
	"lotkeeper/cloud/internal/platform/managed"
	"lotkeeper/shared/keys"
)

// Config of the server. Defaults gives a working one for a single machine.
type Config struct {
	DataDir  string         `yaml:"data_dir"`
	Database DatabaseConfig `yaml:"database"`
	HTTP     HTTPConfig     `yaml:"http"`
	Devices  DevicesConfig  `yaml:"devices"`
	Broker   BrokerConfig   `yaml:"broker"`
	Ops      OpsConfig      `yaml:"ops"`
	Log      LogConfig      `yaml:"log"`
	Pay      PayConfig      `yaml:"pay"`
}

// PayConfig says who gets the money that drivers pay by phone.
type PayConfig struct {
	WeChat wechat.Config `yaml:"wechat"` // without a merchant nobody can pay by phone
}

// DatabaseConfig says which Postgres.
type DatabaseConfig struct {
	URL            string `yaml:"url"`              // "": a managed Postgres in <data_dir>/postgres
	URLFile        string `yaml:"url_file"`         // a file that holds the URL: it has a password in it
	MaxConnections int    `yaml:"max_connections"`  // of this program
	MigrateAtStart bool   `yaml:"migrate_at_start"` // false: run "lotkeeper-cloud migrate" when deploying
}

// HTTPConfig is for people.
type HTTPConfig struct {
	Listen         string   `yaml:"listen"`
	PublicURL      string   `yaml:"public_url"`      // https://…, as browsers see it
	TrustedProxies []string `yaml:"trusted_proxies"` // whose X-Forwarded-For is believed
}

// DevicesConfig is the HTTPS listener for booths, with our own authority's certificates.
type DevicesConfig struct {
	Listen    string   `yaml:"listen"`
	Hosts     []string `yaml:"hosts"`      // names and addresses under which booths reach this machine
	PublicURL string   `yaml:"public_url"` // https://host:port, as booths reach it; "": the listener under the first host
}

// BrokerConfig says which MQTT broker.
type BrokerConfig struct {
	URL       string `yaml:"url"`        // "": the embedded one; else ssl://host:8883
	Listen    string `yaml:"listen"`     // of the embedded one
	PublicURL string `yaml:"public_url"` // ssl://host:port, as booths reach it; "": as the cloud does
}

// OpsConfig is the listener of /healthz, /readyz and /metrics.
type OpsConfig struct {
	Listen string `yaml:"listen"`
}

// LogConfig says what is logged and how.
type LogConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Defaults is the configuration of a first try on one machine.
func Defaults() Config {
	return Config{
		DataDir:  "/var/lib/lotkeeper-cloud",
		Database: DatabaseConfig{MaxConnections: 16, MigrateAtStart: true},
		HTTP:     HTTPConfig{Listen: "127.0.0.1:8080"},
		Devices:  DevicesConfig{Listen: ":8443", Hosts: []string{"localhost", "127.0.0.1"}},
		Broker:   BrokerConfig{Listen: ":8883"},
		Ops:      OpsConfig{Listen: "127.0.0.1:9090"},
		Log:      LogConfig{Level: "info", Format: "text"},
	}
}

// LoadFile reads a YAML file over the configuration. Every unknown key is named.
func (c *Config) LoadFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := c.Load(text); err != nil {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	return nil
}

// Load reads YAML over the configuration. With unknown keys it changes nothing and names all other faults as well.
func (c *Config) Load(text []byte) (err error) {
	defer func() { // the library dereferences nil on some malformed documents
		if p := recover(); p != nil {
			err = fmt.Errorf("not YAML: %v", p)
		}
	}()
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return fmt.Errorf("not YAML: %w", err)
	}
	next := *c
	if err := yaml.Unmarshal(text, &next); err != nil {
		return err
	}
	if unknown := keys.Unknown(tree, reflect.TypeFor[Config](), "yaml"); len(unknown) > 0 {
		return errors.Join(fmt.Errorf("unknown keys: %s", strings.Join(unknown, ", ")), next.Validate())
	}
	*c = next
	return nil
}

// Validate names everything that is wrong at once.
func (c *Config) Validate() error {
	var faults []error
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.DataDir == "" {
		wrong("data_dir: required")
	}
	if c.Database.URL != "" && c.Database.URLFile != "" {
		wrong("database: url and url_file exclude each other")
	}
	if n := c.Database.MaxConnections; n < 4 || n > 1000 {
		wrong("database.max_connections: %d is not within 4 and 1000", n)
	}
	for key, address := range map[string]string{
		"http.listen": c.HTTP.Listen, "devices.listen": c.Devices.Listen, "broker.listen": c.Broker.Listen, "ops.listen": c.Ops.Listen,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			wrong("%s: %q is not host:port", key, address)
		}
	}
	if u, err := url.Parse(c.HTTP.PublicURL); c.HTTP.PublicURL != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "") {
		wrong("http.public_url: %q is not https://host", c.HTTP.PublicURL)
	}
	if u, err := url.Parse(c.Broker.URL); c.Broker.URL != "" && (err != nil || u.Host == "" || (u.Scheme != "ssl" && u.Scheme != "tls" && u.Scheme != "mqtts")) {
		wrong("broker.url: %q is not ssl://host:port", c.Broker.URL)
	}
	if u, err := url.Parse(c.Devices.PublicURL); c.Devices.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "https") {
		wrong("devices.public_url: %q is not https://host:port", c.Devices.PublicURL)
	}
	if u, err := url.Parse(c.Broker.PublicURL); c.Broker.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "ssl") {
		wrong("broker.public_url: %q is not ssl://host:port", c.Broker.PublicURL)
	}
	if len(c.Devices.Hosts) == 0 {
		wrong("devices.hosts: at least one name or address is required")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		wrong("log.level: %q is not debug, info, warn or error", c.Log.Level)
	}
	if !slices.Contains([]string{"text", "json"}, c.Log.Format) {
		wrong("log.format: %q is not text or json", c.Log.Format)
	}
	for _, f := range c.Pay.WeChat.Faults() {
		wrong("pay.wechat.%s", f)
	}
	if c.Pay.WeChat.Set() && c.HTTP.PublicURL == "" {
		wrong("http.public_url: required with pay.wechat: the provider and drivers come back to it")
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

func (c *Config) databaseURL() (string, error) {
	if c.Database.URLFile == "" {
		return c.Database.URL, nil
	}
	text, err := os.ReadFile(c.Database.URLFile)
	if err != nil {
		return "", fmt.Errorf("database.url_file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// MakeDataDir makes the data folder if it is missing. Whatever makes it first must do so here: the keys in it are for
// nobody else, but the managed server's user has to pass through.
func (c *Config) MakeDataDir() error {
	if err := managed.MakeDir(c.DataDir); err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	return nil
}

func (c *Config) path(name string) string { return filepath.Join(c.DataDir, name) }
