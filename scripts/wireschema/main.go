// Command wireschema writes the JSON Schemas of what booths and the cloud say to each other, from the Go types that
// say it: one file for each message and one for the body of each kind of fact.
//
//	go run ./scripts/wireschema -out shared/wire/schema
//
// The folder then holds exactly the schemas of documents.go: a file of a message that is gone is removed, a file that
// would not change is not touched.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "shared/wire/schema", "folder to write the schemas to")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "wireschema: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := write(*out, documents()); err != nil {
		fmt.Fprintln(os.Stderr, "wireschema:", err)
		os.Exit(1)
	}
}

const suffix = ".schema.json"

// write makes the folder hold the schemas of docs and no other. All are generated before the first file is touched.
func write(folder string, docs []document) error {
	fresh := map[string][]byte{}
	for _, doc := range docs {
		types := known()
		if doc.written {
			types = writtenForms()
		}
		body, err := Generate(doc.value, doc.title, types, doc.written)
		if err != nil {
			return err
		}
		fresh[doc.name+suffix] = body
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder of schemas: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(folder, "*"+suffix))
	if err != nil {
		return fmt.Errorf("list the old schemas: %w", err)
	}
	for _, file := range old {
		if _, kept := fresh[filepath.Base(file)]; !kept {
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("remove a schema that is gone: %w", err)
			}
		}
	}
	for name, body := range fresh {
		file := filepath.Join(folder, name)
		was, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the old schema: %w", err)
		}
		if err == nil && bytes.Equal(was, body) {
			continue
		}
		if err := os.WriteFile(file, body, 0o644); err != nil {
			return fmt.Errorf("write a schema: %w", err)
		}
	}
	return nil
}
