package managed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// binaries is a folder with initdb and postgres of one major version.
type binaries struct {
	dir     string
	version string
	major   int
}

// findBinaries takes the newest installed version, or, for a data folder that exists, the one that made it.
func findBinaries(ctx context.Context, wanted, data string) (binaries, error) {
	made, err := dataMajor(data)
	if err != nil {
		return binaries{}, err
	}
	var found []binaries
	for _, dir := range candidates(wanted) {
		if b, ok := inspect(ctx, dir); ok {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return binaries{}, errors.New("no PostgreSQL found (looked for initdb and postgres in LOTKEEPER_PG_BIN, PATH and " +
			"/usr/lib/postgresql/*/bin): install it (apt install postgresql), or give a database URL")
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return b.major - a.major })
	if made == 0 {
		return found[0], nil
	}
	for _, b := range found {
		if b.major == made {
			return b, nil
		}
	}
	return binaries{}, fmt.Errorf("the data was made by PostgreSQL %d, but only %s (in %s) is installed: install PostgreSQL %d again, "+
		"or dump the data with it and load the dump into a new folder; data is never converted in place",
		made, found[0].version, found[0].dir, made)
}

func candidates(wanted string) []string {
	if wanted != "" {
		return []string{wanted}
	}
	if env := os.Getenv("LOTKEEPER_PG_BIN"); env != "" {
		return []string{env}
	}
	dirs := filepath.SplitList(os.Getenv("PATH"))
	packaged, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		panic(fmt.Sprintf("managed: bad pattern: %v", err)) // a constant
	}
	return append(dirs, packaged...)
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

func inspect(ctx context.Context, dir string) (binaries, bool) {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode()&0o111 == 0 {
			return binaries{}, false
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, false
	}
	m := versionText.FindSubmatch(out)
	if m == nil {
		return binaries{}, false
	}
	major, err := strconv.Atoi(string(m[2]))
	if err != nil {
		return binaries{}, false
	}
	return binaries{dir: dir, version: string(m[1]), major: major}, true
}

// dataMajor is the major version that made the data folder, 0 if there is none yet.
func dataMajor(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(trimmed(text))
	if err != nil {
		return 0, fmt.Errorf("%s holds %q, not a major version", filepath.Join(data, "PG_VERSION"), trimmed(text))
	}
	return major, nil
}

// initialize makes a new data folder beside its place and renames it, so that an initdb cut short is never
// taken for data.
func (s *Server) initialize(ctx context.Context, bin binaries, who owner) error {
	if _, err := os.Stat(s.data); err == nil {
		if made, err := dataMajor(s.data); err != nil || made != 0 {
			return err
		}
		return fmt.Errorf("%s exists but is no Postgres data folder", s.data)
	}
	fresh := s.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := who.own(fresh); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.dir, "initdb"), "-D", fresh, "-U", role, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
	if s.cfg.Settings["fsync"] == "off" {
		cmd.Args = append(cmd.Args, "--no-sync")
	}
	cmd.Dir = fresh
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + bin.dir + ":" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential(), Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.ReplaceAll(trimmed(out), "\n", " | "))
	}
	return os.Rename(fresh, s.data)
}
