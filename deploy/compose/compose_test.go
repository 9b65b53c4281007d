// Package compose tests the composition without a container engine: its files against each other, and its commands,
// environment and health checks by running them, with the real programs, on this machine.
package compose

import (
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composition is the part of the compose format that our file uses; decoding is strict, so a misspelt key fails.
type composition struct {
	Name     string             `yaml:"name"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type service struct {
	Image string `yaml:"image"`
	Build *struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	User        string            `yaml:"user"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Volumes     []string          `yaml:"volumes"` // name:path[:ro]
	Ports       []string          `yaml:"ports"`   // [address:]outer:inner
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck *struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		Retries     int      `yaml:"retries"`
		StartPeriod string   `yaml:"start_period"`
	} `yaml:"healthcheck"`
	StopGracePeriod string `yaml:"stop_grace_period"`
	Restart         string `yaml:"restart"`
}

var defaulted = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`)

func load(t *testing.T) composition {
	t.Helper()
	text := defaulted.ReplaceAllString(read(t, "docker-compose.yml"), "$1")
	var c composition
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEverythingNamedExists(t *testing.T) {
	c := load(t)
	for name, s := range c.Services {
		for other, on := range s.DependsOn {
			target, ok := c.Services[other]
			switch {
			case !ok:
				t.Errorf("%s depends on %s, which is no service", name, other)
			case on.Condition == "service_healthy" && target.Healthcheck == nil:
				t.Errorf("%s waits for the health of %s, which has no check", name, other)
			case on.Condition == "service_completed_successfully" && target.Restart != "":
				t.Errorf("%s waits for the end of %s, which is started again", name, other)
			}
		}
		for _, volume := range s.Volumes {
			if v, _, _ := strings.Cut(volume, ":"); !has(c.Volumes, v) {
				t.Errorf("%s mounts %s, which is no volume", name, v)
			}
		}
		for _, secret := range s.Secrets {
			if !has(c.Secrets, secret) {
				t.Errorf("%s has the secret %s, which is none", name, secret)
			}
		}
		for key, value := range s.Environment {
			if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(s.Secrets, secret) {
				t.Errorf("%s: %s names a secret the service is not given", name, key)
			}
		}
		if s.Build != nil {
			root := filepath.Clean(s.Build.Context)
			if _, err := os.Stat(filepath.Join(root, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func has[V any](m map[string]V, key string) bool { _, ok := m[key]; return ok }

// instruction is one of the Dockerfile, its lines joined.
type instruction struct{ verb, rest string }

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(read(t, "Dockerfile"), " ")
	var all []instruction
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		all = append(all, instruction{verb, rest})
	}
	return all
}

func TestTheImageIsMadeOfWhatThereIs(t *testing.T) {
	root := filepath.Join("..", "..")
	kept := []string{}
	for line := range strings.Lines(read(t, "Dockerfile.dockerignore")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			kept = append(kept, name)
		}
	}
	stages, built, installed := []string{}, "", ""
	for _, in := range dockerfile(t) {
		words := strings.Fields(in.rest)
		switch in.verb {
		case "FROM":
			if len(words) == 3 && words[1] == "AS" {
				stages = append(stages, words[2])
			}
		case "COPY":
			if from, ok := strings.CutPrefix(words[0], "--from="); ok {
				if !slices.Contains(stages, from) {
					t.Errorf("COPY %s: no such stage", in.rest)
				}
				if from == "build" {
					built, installed = words[1], words[2]
				}
				continue
			}
			for _, source := range words[:len(words)-1] {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("COPY %s: %v", in.rest, err)
				}
				if !slices.ContainsFunc(kept, func(k string) bool { return source == k || strings.HasPrefix(source, k+"/") }) {
					t.Errorf("COPY %s: Dockerfile.dockerignore keeps %s out", in.rest, source)
				}
			}
		case "RUN":
			for _, word := range words {
				if strings.HasPrefix(word, "./cloud/") {
					if _, err := os.Stat(filepath.Join(root, word, "main.go")); err != nil {
						t.Errorf("RUN %s: %v", in.rest, err)
					}
					if !strings.HasPrefix(built, "/out/") && built != "" {
						t.Errorf("%s is not where it was built", built)
					}
				}
			}
		}
	}
	if path.Base(built) != "lotkeeper-cloud" || installed != "/usr/local/bin/lotkeeper-cloud" {
		t.Errorf("the program is copied from %q to %q", built, installed)
	}
}

// The image's user, folders and ports are those the composition relies on.
func TestTheImageFitsTheComposition(t *testing.T) {
	c := load(t)
	var exposed []string
	var all strings.Builder
	for _, in := range dockerfile(t) {
		if in.verb == "EXPOSE" {
			exposed = strings.Fields(in.rest)
		}
		all.WriteString(in.verb + " " + in.rest + "\n")
	}
	for _, name := range []string{"cloud", "broker-files"} {
		for _, volume := range c.Services[name].Volumes {
			if folder := strings.Split(volume, ":")[1]; !regexp.MustCompile(`install -d [^&]*-o lotkeeper [^&]*` + folder).MatchString(all.String()) {
				t.Errorf("%s mounts %s, which the image does not make for its user", name, folder)
			}
		}
	}
	for _, port := range c.Services["cloud"].Ports {
		if inner := port[strings.LastIndex(port, ":")+1:]; !slices.Contains(exposed, inner) {
			t.Errorf("port %s is not among those the image exposes: %v", inner, exposed)
		}
	}
	if user := c.Services["mosquitto"].User; user == "" || !strings.Contains(all.String(), "--uid "+user+" ") {
		t.Errorf("mosquitto runs as %q, which is not the image's user: it could not read its key", user)
	}
}

// The database's address in the secret fits the database of the composition, and making secrets twice changes nothing.
func TestSecretsFit(t *testing.T) {
	read(t, "secrets.sh") // so that a kept result does not outlive it
	folder := filepath.Join(t.TempDir(), "secrets")
	makeSecrets := func() (password, url string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "./secrets.sh", folder).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return read(t, filepath.Join(folder, "database_password")), read(t, filepath.Join(folder, "database_url"))
	}
	password, text := makeSecrets()
	c := load(t)
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	in, _ := u.User.Password()
	postgres := c.Services["postgres"].Environment
	if len(password) < 32 || in != password || u.User.Username() != postgres["POSTGRES_USER"] || u.Path != "/"+postgres["POSTGRES_DB"] {
		t.Errorf("%s does not fit the password of %d characters and %v", u.Redacted(), len(password), postgres)
	}
	if !has(c.Services, u.Hostname()) {
		t.Errorf("%s is no service", u.Hostname())
	}
	for name, secret := range c.Secrets {
		if _, err := os.Stat(filepath.Join(folder, path.Base(secret.File))); err != nil {
			t.Errorf("secret %s: %v", name, err)
		}
	}
	if again, _ := makeSecrets(); again != password {
		t.Error("made twice, the password is another")
	}
}
