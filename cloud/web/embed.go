// Package web carries the built front end inside the program and serves it.
//
// The folder dist holds one small committed page, so that the package compiles where nothing was built; `make web`
// puts the real pages beside it. Every kind of person has a folder with an index.html and its own client-side routes;
// what lies in assets is named by its content and may be kept for ever.
package web

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var built embed.FS

// Handler serves the pages: /admin/, /seat/, /pay and the files they load. "/" leads to /admin/.
func Handler() (http.Handler, error) {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, fmt.Errorf("front end: %w", err)
	}
	return Pages(files), nil
}

// Pages serves a built front end. A path below a page that names no file gets that page, whose router shows it; where
// nothing was built, everything gets the index.html at the root.
func Pages(files fs.FS) http.Handler {
	content := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		page, _, _ := strings.Cut(name, "/")
		switch {
		case name == "" && exists(files, "admin/index.html"):
			http.Redirect(w, r, "/admin/", http.StatusFound)
		case name != "" && !strings.HasSuffix(name, "index.html") && exists(files, name):
			if page == "assets" {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			content.ServeHTTP(w, r)
		case page == "assets":
			http.NotFound(w, r) // a file of an older build: a page in its place would fail as a script
		case page != "" && exists(files, page+"/index.html"):
			serve(w, r, files, page+"/index.html", http.StatusOK)
		case exists(files, "admin/index.html"):
			http.NotFound(w, r)
		default:
			serve(w, r, files, "index.html", http.StatusOK)
		}
	})
}

// exists says whether name is a file (not a folder, which http.FileServerFS would list).
func exists(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.Mode().IsRegular()
}

func serve(w http.ResponseWriter, r *http.Request, files fs.FS, name string, status int) {
	body, err := fs.ReadFile(files, name)
	if err != nil {
		http.Error(w, "page is missing from this build", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client is gone: nothing to do about it
}
