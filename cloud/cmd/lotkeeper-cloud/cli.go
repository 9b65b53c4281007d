package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"lotkeeper/cloud/internal/app"
	"lotkeeper/cloud/internal/platform/telemetry"
)

type cli struct {
	Version kong.VersionFlag `help:"Print the version and end."`
	common  `embed:""`

	Serve        serveCmd        `cmd:"" help:"Run the server until it is told to stop (SIGTERM or Ctrl-C)."`
	Migrate      migrateCmd      `cmd:"" help:"Bring the database to this program's schema, or show where it stands."`
	User         userCmd         `cmd:"" help:"Add and list people who may sign in."`
	Digest       digestCmd       `cmd:"" help:"Print what a lot's stored facts come to: cursors, digests, sums."`
	Rebuild      rebuildCmd      `cmd:"" help:"Make sessions and passages again from the stored facts."`
	Tariff       tariffCmd       `cmd:"" help:"Tools for tariffs as files: quote, check, explain, lint."`
	Openapi      openapiCmd      `cmd:"" help:"Print the API document; needs no database."`
	BrokerConfig brokerConfigCmd `cmd:"" help:"Write the files for a Mosquitto that replaces the embedded broker."`
	VersionCmd   versionCmd      `cmd:"" name:"version" help:"Print the version."`
}

// common are the settings that every command may need. Empty ones leave the file's or the default.
type common struct {
	Config          string   `short:"c" type:"existingfile" env:"LOTKEEPER_CONFIG" group:"config" help:"YAML file; unknown keys are refused."`
	DataDir         string   `env:"LOTKEEPER_DATA_DIR" group:"config" help:"Folder for the managed Postgres, keys and photos [/var/lib/lotkeeper-cloud]."`
	DatabaseURL     string   `env:"LOTKEEPER_DATABASE_URL" group:"config" help:"postgres://…; none: a managed Postgres in the data folder."`
	DatabaseURLFile string   `env:"LOTKEEPER_DATABASE_URL_FILE" group:"config" help:"File that holds the database URL."`
	HTTPListen      string   `name:"http-listen" env:"LOTKEEPER_HTTP_LISTEN" group:"config" help:"Where people and programs reach us [127.0.0.1:8080]."`
	PublicURL       string   `env:"LOTKEEPER_PUBLIC_URL" group:"config" help:"https://… as browsers see it."`
	TrustedProxies  []string `env:"LOTKEEPER_TRUSTED_PROXIES" group:"config" help:"Proxies whose X-Forwarded-For is believed."`
	DevicesListen   string   `env:"LOTKEEPER_DEVICES_LISTEN" group:"config" help:"HTTPS for booths [:8443]."`
	DevicesHosts    []string `env:"LOTKEEPER_DEVICES_HOSTS" group:"config" help:"Names and addresses under which booths reach us [localhost,127.0.0.1]."`
	BrokerURL       string   `env:"LOTKEEPER_BROKER_URL" group:"config" help:"ssl://…; none: the embedded broker."`
	BrokerListen    string   `env:"LOTKEEPER_BROKER_LISTEN" group:"config" help:"Where the embedded broker listens [:8883]."`
	OpsListen       string   `env:"LOTKEEPER_OPS_LISTEN" group:"config" help:"/healthz, /readyz, /metrics [127.0.0.1:9090]."`
	LogLevel        string   `env:"LOTKEEPER_LOG_LEVEL" group:"config" help:"debug, info, warn or error [info]."`
	LogFormat       string   `env:"LOTKEEPER_LOG_FORMAT" group:"config" help:"text or json [text]."`
}

// environment is what commands get.
type environment struct {
	ctx            context.Context //nolint:containedctx // handed from main to one command, and ends with it
	stdout, stderr io.Writer
	common         *common
}

// load makes the configuration: defaults, file, environment and flags, in that order.
func (e *environment) load() (app.Config, *slog.Logger, error) {
	cfg := app.Defaults()
	c := e.common
	if c.Config != "" {
		if err := cfg.LoadFile(c.Config); err != nil {
			return cfg, nil, err
		}
	}
	for _, o := range []struct {
		given string
		to    *string
	}{
		{c.DataDir, &cfg.DataDir}, {c.DatabaseURL, &cfg.Database.URL}, {c.DatabaseURLFile, &cfg.Database.URLFile},
		{c.HTTPListen, &cfg.HTTP.Listen}, {c.PublicURL, &cfg.HTTP.PublicURL}, {c.DevicesListen, &cfg.Devices.Listen},
		{c.BrokerURL, &cfg.Broker.URL}, {c.BrokerListen, &cfg.Broker.Listen}, {c.OpsListen, &cfg.Ops.Listen},
		{c.LogLevel, &cfg.Log.Level}, {c.LogFormat, &cfg.Log.Format},
	} {
		if o.given != "" {
			*o.to = o.given
		}
	}
	if len(c.TrustedProxies) > 0 {
		cfg.HTTP.TrustedProxies = c.TrustedProxies
	}
	if len(c.DevicesHosts) > 0 {
		cfg.Devices.Hosts = c.DevicesHosts
	}
	if err := cfg.Validate(); err != nil {
		return cfg, nil, fmt.Errorf("configuration:\n%w", err)
	}
	log, err := telemetry.NewLogger(e.stderr, cfg.Log.Format, cfg.Log.Level)
	return cfg, log, err
}
