package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"lotkeeper/cloud/internal/account"
	"lotkeeper/cloud/internal/app"
	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
)

type versionCmd struct{}

func (versionCmd) Run(e *environment) error {
	_, err := fmt.Fprintln(e.stdout, versionText())
	return err
}

type serveCmd struct{}

func (serveCmd) Run(e *environment) error {
	cfg, log, err := e.load()
	if err != nil {
		return err
	}
	return app.Serve(e.ctx, cfg, versionText(), log, nil)
}

type openapiCmd struct {
	JSON bool `help:"As JSON instead of YAML."`
}

func (c openapiCmd) Run(e *environment) error {
	make := app.DocumentYAML
	if c.JSON {
		make = app.Document
	}
	text, err := make()
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(text)
	return err
}

type migrateCmd struct {
	Status bool `help:"Only show which migrations have run."`
}

func (c migrateCmd) Run(e *environment) (err error) {
	cfg, log, err := e.load()
	if err != nil {
		return err
	}
	store, err := app.OpenStore(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if !c.Status {
		if _, err := store.DB.Migrate(e.ctx); err != nil {
			return err
		}
	}
	all, err := store.DB.Migrations(e.ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		state := "waiting"
		if m.Applied {
			state = "done"
		}
		fmt.Fprintf(e.stdout, "%-8s %s\n", state, filepath.Base(m.File))
	}
	return nil
}

type userCmd struct {
	Add  userAddCmd  `cmd:"" help:"Add a user; prints a password unless one is given on standard input."`
	List userListCmd `cmd:"" help:"List the users of all operators."`
}

type userAddCmd struct {
	Name          string `arg:"" help:"Sign-in name."`
	Operator      string `required:"" help:"The operator (tenant); made if there is none of this name."`
	Role          string `enum:"admin,seat" default:"seat" help:"admin (everything) or seat (lanes and sessions)."`
	FullName      string `help:"Name to show."`
	PasswordStdin bool   `help:"Read the password from the first line of standard input."`
}

func (c userAddCmd) Run(e *environment) error {
	return withAccounts(e, func(accounts *account.Service) error {
		password, shown, err := c.password()
		if err != nil {
			return err
		}
		sc, by := scope.System("command line"), account.By{Actor: scope.SystemActor("command line")}
		op, err := accounts.EnsureOperator(e.ctx, sc, by, c.Operator)
		if err != nil {
			return err
		}
		u, err := accounts.Create(e.ctx, sc, by, op.ID, account.Draft{
			Name: c.Name, FullName: c.FullName, Role: account.Role(c.Role), AllLots: true, Password: password,
		}, shown)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "user %s (%s) of %s (%s), role %s\n", u.Name, u.ID, op.Name, op.ID, u.Role)
		if shown {
			fmt.Fprintf(e.stdout, "password %s   (shown once; change it after signing in)\n", password)
		}
		return nil
	})
}

func (c userAddCmd) password() (password string, shown bool, err error) {
	if !c.PasswordStdin {
		return strings.ToLower(rand.Text()[:20]), true, nil
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", false, fmt.Errorf("no password on standard input: %w", err)
	}
	return line, false, nil
}

type userListCmd struct{}

func (userListCmd) Run(e *environment) error {
	return withAccounts(e, func(accounts *account.Service) error {
		users, err := accounts.Users(e.ctx, scope.System("command line"))
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tROLE\tOPERATOR\tDISABLED\tID")
		for _, u := range users {
			fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%s\n", u.Name, u.Role, u.Operator.Name, u.DisabledAt != nil, u.ID)
		}
		return w.Flush()
	})
}

// withAccounts opens the database, beside a running server if there is one, and brings it up to date.
func withAccounts(e *environment, do func(*account.Service) error) (err error) {
	cfg, log, err := e.load()
	if err != nil {
		return err
	}
	store, err := app.OpenStore(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if _, err := store.DB.Migrate(e.ctx); err != nil {
		return err
	}
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	return do(account.New(store.DB, audit.New(store.DB, now), now))
}

type brokerConfigCmd struct {
	Out   string   `required:"" type:"path" help:"Folder to write to, as /etc/mosquitto/lotkeeper; the files name it."`
	Hosts []string `required:"" help:"Names and addresses under which booths and cloud reach the broker."`
	Port  int      `default:"8883" help:"Port to listen on."`
	Days  int      `default:"397" help:"How long the broker's certificate lasts."`
}

func (c brokerConfigCmd) Run(e *environment) error {
	cfg, _, err := e.load()
	if err != nil {
		return err
	}
	if err := cfg.MakeDataDir(); err != nil {
		return err
	}
	ca, err := pki.Open(filepath.Join(cfg.DataDir, "pki"), time.Now())
	if err != nil {
		return err
	}
	cert, err := ca.IssueServer(c.Hosts, time.Duration(c.Days)*24*time.Hour, time.Now())
	if err != nil {
		return err
	}
	chain, key, err := pki.EncodePair(cert)
	if err != nil {
		return err
	}
	files := broker.MosquittoFiles(c.Out, c.Port)
	files["ca.crt"], files["server.crt"], files["server.key"] = string(ca.CertificatePEM()), string(chain), string(key)
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.Out, name), []byte(text), 0o640); err != nil {
			return err
		}
	}
	address := net.JoinHostPort(c.Hosts[0], fmt.Sprint(c.Port))
	fmt.Fprintf(e.stdout, "wrote %s: let Mosquitto's user read it, start mosquitto -c %s, and serve with --broker-url ssl://%s\n",
		c.Out, filepath.Join(c.Out, "mosquitto.conf"), address)
	return nil
}
