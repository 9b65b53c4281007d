package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAFolderIsOfOneDemonstrationAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".cache", "demo")
	free, err := hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold(dir); err == nil || !strings.Contains(err.Error(), "another demonstration runs in "+dir) {
		t.Errorf("the second got %v, want to be told of the first", err)
	}
	other, err := hold(dir + "-2")
	if err != nil {
		t.Errorf("a folder beside it: %v", err)
	} else {
		other()
	}
	free()
	again, err := hold(dir)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	again()
}
