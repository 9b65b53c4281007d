// Package scripts tests the shell scripts that the Makefile stands on, by running them.
package scripts

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// result of a command: its exit code, and standard output and error together.
type result struct {
	code int
	out  string
}

func run(t *testing.T, dir string, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%s did not start: %v", name, err)
	}
	return result{cmd.ProcessState.ExitCode(), string(out)}
}

func (r result) want(t *testing.T, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d:\n%s", r.code, code, r.out)
	}
	for _, part := range parts {
		if !strings.Contains(r.out, part) {
			t.Errorf("no %q in:\n%s", part, r.out)
		}
	}
}

// script returns the full path of a script. It also looks at the folder of it: the go command keeps the result of a test
// with what the test looked at, and what a script sources is beyond its sight.
func script(t *testing.T, name string) string {
	t.Helper()
	file, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadDir(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	return file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// repository makes a git repository with the given files committed.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	run(t, dir, nil, "git", "init", "--quiet").want(t, 0)
	run(t, dir, nil, "git", "add", "--all").want(t, 0)
	run(t, dir, nil, "git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "all").want(t, 0)
	return dir
}

func TestStepSaysHowItEndedAndPassesTheCodeOn(t *testing.T) {
	step := script(t, "setup/step.sh")
	run(t, "", nil, step, "count sheep", "echo", "baa").want(t, 0, "==> count sheep\n", "baa\n", "<== count sheep: done in 0 s")
	run(t, "", nil, step, "count wolves", "bash", "-c", "exit 7").want(t, 7, "<== count wolves: FAILED (exit code 7)")
}

func TestGenKeepsTheOldFileWhenTheGeneratorFails(t *testing.T) {
	gen, file := script(t, "gen.sh"), filepath.Join(t.TempDir(), "deep", "file")
	run(t, "", nil, gen, file, "echo", "one").want(t, 0, "wrote")
	run(t, "", nil, gen, file, "bash", "-c", "echo half; exit 3").want(t, 3)
	run(t, "", nil, gen, file, "true").want(t, 1, "printed nothing")
	if got := read(t, file); got != "one\n" {
		t.Errorf("file has %q, want the last good one", got)
	}
	if again := run(t, "", nil, gen, file, "echo", "one"); again.out != "" {
		t.Errorf("an unchanged file was written: %s", again.out)
	}
}

func TestDrift(t *testing.T) {
	drift := script(t, "drift.sh")
	generator := "gen:\n\t@mkdir -p api/schema\n\t@echo 2 > api/doc.yaml\n\t@echo 2 > api/schema/a.json\n\t@rm -f api/schema/gone.json\n"
	paths := []string{"api/doc.yaml", "api/schema"}
	upToDate := map[string]string{"Makefile": generator, "api/doc.yaml": "2\n", "api/schema/a.json": "2\n"}
	changed := func(name, text string) map[string]string {
		files := map[string]string{name: text}
		for k, v := range upToDate {
			if _, taken := files[k]; !taken {
				files[k] = v
			}
		}
		return files
	}
	run(t, repository(t, upToDate), nil, drift, paths...).want(t, 0, "2 generated files")
	run(t, repository(t, changed("api/doc.yaml", "1\n")), nil, drift, paths...).want(t, 1, "-1\n+2\n", "Commit what it wrote")
	run(t, repository(t, changed("api/schema/gone.json", "1\n")), nil, drift, paths...).want(t, 1, "gone.json")
	run(t, repository(t, changed("Makefile", "gen:\n\t@exit 5\n")), nil, drift, paths...).want(t, 2)

	notCommitted := repository(t, changed(".gitignore", "a.json\n"))
	run(t, notCommitted, nil, drift, paths...).want(t, 1, "not committed", "api/schema/a.json")
}

func TestGofmtLooksAtWhatIsInGitOrAboutToBe(t *testing.T) {
	gofmt := script(t, "gofmt.sh")
	dir := repository(t, map[string]string{
		"a.go": "package a\n", "testdata/b.go": "package   b\n", ".gitignore": "ignored.go\n", "gone.go": "package a\n",
	})
	write(t, filepath.Join(dir, "ignored.go"), "package   c\n")
	if err := os.Remove(filepath.Join(dir, "gone.go")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, nil, gofmt).want(t, 0)
	write(t, filepath.Join(dir, "new.go"), "package   d\n")
	run(t, dir, nil, gofmt).want(t, 1, "new.go")
}

func TestCheckRunsAllAndFailsWhenOneDoes(t *testing.T) {
	check := script(t, "check.sh")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Makefile"), "lint:\n\t@exit 1\ndrift:\n\t@echo drifting\ntest:\n\t@echo testing\n")
	run(t, dir, nil, check, "lint", "drift", "test").want(t, 1, "drifting", "testing", "lint     FAILED", "test     passed")
	run(t, dir, nil, check, "drift", "test").want(t, 0, "drift    passed")
}

func TestFuzzFindsWhatCanBeFound(t *testing.T) {
	fuzz := script(t, "fuzz.sh")
	target := func(body string) string {
		return "package f\n\nimport \"testing\"\n\nfunc FuzzIt(f *testing.F) {\n\tf.Add(1)\n\tf.Fuzz(func(t *testing.T, n int) {" + body + "})\n}\n"
	}
	files := map[string]string{
		"go.mod": "module m\n\ngo 1.26\n", "good/f_test.go": target(""), "bad/f_test.go": target("if n != 1 { t.Fatal(n) }"),
	}
	step := script(t, "setup/step.sh")
	files["scripts/setup/step.sh"] = read(t, step)
	dir := repository(t, files)
	if err := os.Chmod(filepath.Join(dir, "scripts/setup/step.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"FUZZ_FOR=200x", "GOFLAGS=-mod=mod"}
	run(t, dir, append(env, "ONLY=good"), fuzz).want(t, 0, "fuzz: 1 targets, nothing found")
	run(t, dir, append(env, "ONLY=."), fuzz).want(t, 1, "fuzz: failed: ./bad.FuzzIt")
	run(t, dir, append(env, "ONLY=nowhere"), fuzz).want(t, 1, "no fuzz test matches")
}

// A machine is played by a folder with just the commands it has.
func TestSetupSaysWhatItCannotDo(t *testing.T) {
	setup := script(t, "setup/setup.sh")
	machine := func(commands map[string]string) []string {
		bin := t.TempDir()
		for _, plain := range []string{"bash", "env", "dirname", "sort", "head", "tail", "printf", "grep", "mkdir", "sleep"} {
			real, err := exec.LookPath(plain)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(real, filepath.Join(bin, plain)); err != nil {
				t.Fatal(err)
			}
		}
		for name, body := range commands {
			write(t, filepath.Join(bin, name), "#!/bin/bash\n"+body+"\n")
			if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		// has_command also looks in the sbin folders, where none of the below lives.
		return []string{"PATH=" + bin, "LOTKEEPER_PG_BIN="}
	}
	tools := map[string]string{"go": "echo go1.26.8", "node": "echo v20.20.2", "npm": "echo 10.9.9"}
	with := func(extra map[string]string) map[string]string {
		all := map[string]string{}
		for _, set := range []map[string]string{tools, extra} {
			for k, v := range set {
				all[k] = v
			}
		}
		return all
	}
	run(t, t.TempDir(), machine(nil), setup, "test").want(t, 1, "go was not found", "https://go.dev/dl/")
	run(t, t.TempDir(), machine(with(map[string]string{"go": "echo go1.9.1"})), setup, "test").want(t, 1, "go is 1.9.1, at least 1.26 is needed")
	run(t, t.TempDir(), machine(with(map[string]string{"node": "echo v18.1.0"})), setup, "test").want(t, 1, "node is 18.1.0")
	run(t, t.TempDir(), machine(tools), setup, "everything").want(t, 2, "unknown scope")
	run(t, t.TempDir(), machine(with(map[string]string{"id": "echo 0"})), setup, "test").want(t, 1, "missing:", "socat", "no apt-get")
	run(t, t.TempDir(), machine(with(map[string]string{"id": "echo 1000", "apt-get": "exit 0"})), setup, "test").
		want(t, 1, "not root and no sudo", "apt-get install")
	failing := map[string]string{"id": "echo 0", "dpkg": "exit 0", "apt-get": "echo no such mirror; exit 100"}
	run(t, t.TempDir(), machine(with(failing)), setup, "test").want(t, 1, "no such mirror", "apt failed")
	// Another installer is at work: dpkg and each step of apt-get fail once for its lock.
	once := func(words string) string {
		return `m=$0.$1; [ -e "$m" ] && exit 0; : >"$m"; echo "` + words + `" >&2; exit 100`
	}
	busy := map[string]string{
		"id": "echo 0", "dpkg": once("dpkg: error: dpkg frontend lock was locked by another process with pid 7"),
		"apt-get": once("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"),
	}
	run(t, t.TempDir(), machine(with(busy)), setup, "test").want(t, 0, "setup: installed")
	working := map[string]string{"id": "echo 1000", "sudo": `exec "$@"`, "dpkg": "exit 0", "apt-get": "exit 0"}
	dir := t.TempDir()
	run(t, dir, machine(with(working)), setup, "test").want(t, 0, "setup: installed")
}

func TestHelpListsEveryTargetForPeople(t *testing.T) {
	help := run(t, "..", nil, "make")
	help.want(t, 0)
	phony := regexp.MustCompile(`(?m)^\.PHONY: (\S+)$`).FindAllStringSubmatch(read(t, "../Makefile"), -1)
	inside := []string{"setup-run", "ready", "go-modules", "doubles"}
	for _, match := range phony {
		if listed := strings.Contains(help.out, "make "+match[1]+" "); listed == slices.Contains(inside, match[1]) {
			t.Errorf("target %s: listed is %v:\n%s", match[1], listed, help.out)
		}
	}
	if len(phony) < 15 {
		t.Errorf("only %d targets found: this test reads the Makefile wrongly", len(phony))
	}
}
