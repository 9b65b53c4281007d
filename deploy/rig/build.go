package rig

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Where the programs' sources are, from the repository's folder.
var (
	sources = []string{"shared", "firmware-adapters", "edge", "cloud"}
	aside   = []string{"node_modules", "e2e"} // folders in them of which nothing gets into a program
)

// Build builds programs, as they are shipped, into dir. Root is the repository's folder, the packages are named from there.
//
// It also looks at every source. The go command keeps the result of a test with what the test looked at, and what a test
// has built and run is beyond its sight: without the look, a pass would outlive the program it was about. The go command
// sees what happens within a test; what TestMain does before m.Run is beyond its sight too.
func Build(ctx context.Context, root, dir string, packages ...string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			return fmt.Errorf("look at the sources: %w", err)
		}
	}
	for _, top := range sources {
		err := filepath.WalkDir(filepath.Join(root, top), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && slices.Contains(aside, d.Name()) {
				return filepath.SkipDir
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("look at the sources: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	to, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", to + string(filepath.Separator)}, packages...)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w:\n%s", err, out)
	}
	return nil
}
