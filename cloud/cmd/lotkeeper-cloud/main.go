// Command lotkeeper-cloud is the cloud of Lotkeeper: server, migrations, users, tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // business days need zones, also where the machine has none

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments. It returns the exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() { // kong ends the program for --help and --version this way
		if v := recover(); v != nil {
			exit, ok := v.(exitCode)
			if !ok {
				panic(v)
			}
			code = int(exit)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("lotkeeper-cloud"), kong.Description(about), kong.UsageOnError(), kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.Vars{"version": versionText()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "config", Title: "Configuration (a flag beats the environment, which beats the file):"}}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "lotkeeper-cloud:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "lotkeeper-cloud: %v\nTry: lotkeeper-cloud --help\n", err)
		return 2
	}
	env := &environment{ctx: ctx, stdout: stdout, stderr: stderr, common: &c.common}
	if err := command.Run(env); err != nil {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return 0 // asked to stop while starting
		}
		if !errors.Is(err, errSilent) {
			fmt.Fprintln(stderr, "lotkeeper-cloud:", err)
		}
		return 1
	}
	return 0
}

type exitCode int

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

const about = `The cloud of Lotkeeper: it takes in what the booths saw and billed, takes payments, and serves the web pages.

First try, on one machine, with its own Postgres and its own broker:

  lotkeeper-cloud user add admin --operator "My company" --role admin --data-dir ./data
  lotkeeper-cloud serve --data-dir ./data

then open http://127.0.0.1:8080/ and sign in. In production give it a Postgres (--database-url-file), a public URL
and, for more than one replica, a broker of its own (--broker-url; see broker-config).`
