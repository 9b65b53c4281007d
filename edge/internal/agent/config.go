package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"lotkeeper/edge/internal/console"
	"lotkeeper/shared/keys"
)

// Config is what a booth's own file says: where its data lies and where it listens. All else (lanes, devices, tariffs)
// is the lot's signed configuration, from the cloud.
type Config struct {
	Data    string        `yaml:"data"` // folder of the identity, the journal and the pictures
	Listen  Listen        `yaml:"listen"`
	Console ConsoleConfig `yaml:"console"`
	Photos  PhotosConfig  `yaml:"photos"`
	Log     LogConfig     `yaml:"log"`
}

// Listen is where the booth listens, as host:port. Peer and Raft default to the booth's addresses in the lot's
// configuration.
type Listen struct {
	Console string `yaml:"console"`
	Peer    string `yaml:"peer"`
	Raft    string `yaml:"raft"`
}

// ConsoleConfig is the booth page's.
type ConsoleConfig struct {
	Operators []console.Operator `yaml:"operators"`
}

// PhotosConfig bounds the pictures on the booth's disk.
type PhotosConfig struct {
	MaxMB int64 `yaml:"max_mb"`
}

// LogConfig is the log's.
type LogConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// Default is the configuration of a booth whose file says nothing.
func Default() Config {
	return Config{
		Data: "/var/lib/lotkeeper-edge", Listen: Listen{Console: "127.0.0.1:8600"},
		Photos: PhotosConfig{MaxMB: 2048}, Log: LogConfig{Level: "info", Format: "text"},
	}
}

// maxConfig bounds a configuration file.
const maxConfig = 1 << 20

// ReadConfig reads a file over the default. Keys it does not know are errors.
func ReadConfig(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	if len(b) > maxConfig {
		return Config{}, fmt.Errorf("read configuration %s: larger than %d bytes", path, maxConfig)
	}
	c, err := ParseConfig(b)
	if err != nil {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads a configuration over the default.
func ParseConfig(b []byte) (c Config, err error) {
	// The YAML library dereferences nil on some malformed documents (testdata/fuzz holds one).
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not a YAML document that can be read: %v", p)
		}
	}()
	c = Default()
	if len(bytes.TrimSpace(b)) == 0 {
		return c, nil
	}
	err = yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(&c)
	if err != nil && !errors.Is(err, io.EOF) {
		return c, allFaults(b, err)
	}
	return c, nil
}

// allFaults says everything that is wrong with a configuration that the decoder refused: the decoder stops at the first
// key it does not know.
func allFaults(b []byte, first error) error {
	var tree map[string]any
	lenient := Default()
	if yaml.Unmarshal(b, &tree) == nil {
		if unknown := keys.Unknown(tree, reflect.TypeFor[Config](), "yaml"); len(unknown) > 0 && yaml.Unmarshal(b, &lenient) == nil {
			return errors.Join(fmt.Errorf("unknown keys: %s", strings.Join(unknown, ", ")), lenient.Validate())
		}
	}
	return errors.New(yaml.FormatError(first, false, true))
}

// Validate lists everything wrong with a configuration.
func (c *Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Data == "" || !filepath.IsAbs(c.Data) {
		fault("data: %q is not an absolute folder", c.Data)
	}
	for what, addr := range map[string]string{"console": c.Listen.Console, "peer": c.Listen.Peer, "raft": c.Listen.Raft} {
		if addr == "" && what != "console" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			fault("listen.%s: %q is not host:port", what, addr)
		}
	}
	if c.Photos.MaxMB < 16 {
		fault("photos.max_mb: %d is less than 16", c.Photos.MaxMB)
	}
	if err := new(slog.Level).UnmarshalText([]byte(c.Log.Level)); err != nil {
		fault("log.level: %q is not debug, info, warn or error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		fault("log.format: %q is not text or json", c.Log.Format)
	}
	if err := console.CheckOperators(c.Console.Operators); err != nil {
		fault("console.operators: %w", err)
	}
	return errors.Join(faults...)
}

// Logger makes the logger that the configuration asks for.
func (c *Config) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		level = slog.LevelInfo // Validate refuses it before
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
