// Command lotkeeper-edge is the agent of one booth, with the technician's tools beside it.
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
	"time"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

const description = `The agent of one parking booth: it reads plates, decides, bills and moves the barriers of its lanes, with or without the cloud.

A new booth needs two steps:

  lotkeeper-edge enroll --cloud https://parking.example --code ABCD-EFGH   (once; the code comes from the cloud's lot page)
  lotkeeper-edge run

Everything about lanes, devices and tariffs is told by the cloud and kept on disk. The booth's own file
(--config, YAML) says only where its data lies, where it listens, and who may sign in at the booth page:

  data: /var/lib/lotkeeper-edge
  listen:
    console: 0.0.0.0:8600     # the booth page; peer and raft default to the lot's configuration
  console:
    operators:
      - name: zhang
        hash: $argon2id$…     # printed by: lotkeeper-edge operator
  photos:
    max_mb: 2048
  log:
    level: info               # debug, info, warn, error
    format: text              # text, json

Flags win over LOTKEEPER_EDGE_… variables, and these over the file.`

type cli struct {
	Run      runCommand      `cmd:"" help:"Run the booth until it is told to stop (Ctrl-C, SIGTERM)."`
	Enroll   enrollCommand   `cmd:"" help:"Make this machine a booth of a lot, with a one-time code."`
	Replace  replaceCommand  `cmd:"" help:"Let this machine take the place of a booth's dead box, with a one-time code for that booth."`
	Recover  recoverCommand  `cmd:"" help:"Found the booths' group anew here, when too many of its voters are lost for good. A person's act: it is recorded."`
	Check    checkCommand    `cmd:"" help:"Check the journal on the disk from end to end. The agent must be stopped."`
	Digest   digestCommand   `cmd:"" help:"Print what this booth holds, recomputed from its disk, as one line of JSON."`
	Tariff   tariffCommand   `cmd:"" help:"Check that this program prices stays as it should."`
	Operator operatorCommand `cmd:"" help:"Hash a booth operator's code, read from standard input, for the configuration file."`
	Version  versionCommand  `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// world is what commands use of their surroundings.
type world struct {
	ctx     context.Context //nolint:containedctx // the life of the process, handed to the one command that runs
	in      io.Reader
	out     io.Writer
	err     io.Writer
	env     []string
	version string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(world{ctx, os.Stdin, os.Stdout, os.Stderr, os.Environ(), release()}, os.Args[1:])
	stop()
	os.Exit(code)
}

// release is the version with the commit it was built from.
func release() string {
	if version != "dev" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return version
}

// built is when the commit was made that the program was built from; zero when that is not known. It is past for sure.
func built() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return at
			}
		}
	}
	return time.Time{}
}

// run does what the arguments say and returns the exit code: 0, 1 for a failure, 2 for wrong usage.
func run(w world, args []string) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("lotkeeper-edge"), kong.Description(description), kong.Vars{"version": w.version},
		kong.Writers(w.out, w.err), kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Bind(w), kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(w.err, "lotkeeper-edge:", err)
		return 1
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help and --version have been answered
		return exit
	}
	if err != nil {
		fmt.Fprintf(w.err, "lotkeeper-edge: %v\nTry: lotkeeper-edge --help\n", err)
		return 2
	}
	if err := strangers(w.env); err != nil {
		fmt.Fprintln(w.err, "lotkeeper-edge:", err)
		return 2
	}
	if err := parsed.Run(w); err != nil {
		var usage usageError
		fmt.Fprintln(w.err, "lotkeeper-edge:", err)
		if errors.As(err, &usage) {
			return 2
		}
		return 1
	}
	return 0
}

// usageError is a fault in what the person wrote.
type usageError struct{ error }
