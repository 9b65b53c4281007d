package web

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

// documents adds the OpenAPI document and a page that shows it without scripts and without the internet.
func (a *API) documents() {
	public := Access{Public: "the API document holds no data"}
	document := sync.OnceValues(func() ([]byte, error) { return Document(a.OpenAPI()) })
	a.Raw(Route{Access: public, Method: http.MethodGet, Path: "/api/openapi.json", Summary: "The OpenAPI 3.1 document as JSON"},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := document()
			send(w, r, "application/json", body, err)
		}))
	asYAML := sync.OnceValues(func() ([]byte, error) { return a.OpenAPI().YAML() })
	a.Raw(Route{Access: public, Method: http.MethodGet, Path: "/api/openapi.yaml", Summary: "The OpenAPI 3.1 document as YAML"},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := asYAML()
			send(w, r, "application/yaml", body, err)
		}))
	page := sync.OnceValues(func() ([]byte, error) { return renderDocs(a.OpenAPI(), a.Routes()) })
	a.Raw(Route{Access: public, Method: http.MethodGet, Path: "/api/docs", Summary: "The document as a page"},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := page()
			send(w, r, "text/html; charset=utf-8", body, err)
		}))
}

func send(w http.ResponseWriter, r *http.Request, contentType string, body []byte, err error) {
	if err != nil {
		WriteProblem(w, r, fmt.Errorf("render the API document: %w", err))
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body) // the client is gone: nothing to do about it
}

// Document is the OpenAPI document as indented JSON, the same bytes for the same operations: it is committed, and
// a fresh one must equal it.
func Document(doc *huma.OpenAPI) ([]byte, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("web: encode the document: %w", err)
	}
	var tree any // maps marshal with sorted keys
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("web: sort the document: %w", err)
	}
	out, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("web: indent the document: %w", err)
	}
	return append(out, '\n'), nil
}

type docPage struct {
	Title, Version string
	Tags           []docTag
	Raw            []Route
}

type docTag struct {
	Name       string
	Operations []docOperation
}

type docOperation struct {
	ID, Method, Path, Summary, SummaryZH, Access string
	Params, Body, Reply                          []docField
}

type docField struct {
	Name, Type, Doc string
	Required        bool
	Depth           int
}

func renderDocs(doc *huma.OpenAPI, raw []Route) ([]byte, error) {
	tmpl, err := template.New("docs").Funcs(template.FuncMap{
		"lower": strings.ToLower, "access": accessText, "indent": func(n int) int { return n * 18 },
	}).Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("web: docs page: %w", err)
	}
	page := docPage{Title: doc.Info.Title, Version: doc.Info.Version, Raw: raw}
	byTag := map[string][]docOperation{}
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], describe(doc, path, op))
		}
	}
	for name, ops := range byTag {
		slices.SortFunc(ops, func(x, y docOperation) int {
			return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Method, y.Method))
		})
		page.Tags = append(page.Tags, docTag{Name: name, Operations: ops})
	}
	slices.SortFunc(page.Tags, func(x, y docTag) int { return cmp.Compare(x.Name, y.Name) })
	var b strings.Builder
	if err := tmpl.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("web: docs page: %w", err)
	}
	return []byte(b.String()), nil
}

func describe(doc *huma.OpenAPI, path string, op *huma.Operation) docOperation {
	d := docOperation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, SummaryZH: op.Description}
	switch {
	case op.Extensions["x-permission"] != nil:
		d.Access = fmt.Sprint(op.Extensions["x-permission"])
	case op.Extensions["x-public"] != nil:
		d.Access = "public"
	case op.Extensions["x-booth"] != nil:
		d.Access = "booth"
	default:
		d.Access = "signed in"
	}
	for _, p := range op.Parameters {
		d.Params = append(d.Params, docField{Name: p.Name + " (" + p.In + ")", Type: typeName(p.Schema), Doc: cmp.Or(p.Description, schemaDoc(p.Schema)), Required: p.Required})
	}
	if op.RequestBody != nil {
		if m := op.RequestBody.Content["application/json"]; m != nil {
			d.Body = fields(doc, m.Schema, 0)
		}
	}
	for status, r := range op.Responses {
		if strings.HasPrefix(status, "2") && r.Content["application/json"] != nil {
			d.Reply = fields(doc, r.Content["application/json"].Schema, 0)
		}
	}
	return d
}

// fields flattens a schema, four levels deep at most: schemas may refer to themselves.
func fields(doc *huma.OpenAPI, s *huma.Schema, depth int) []docField {
	if s == nil || depth > 3 {
		return nil
	}
	if s.Ref != "" {
		return fields(doc, doc.Components.Schemas.SchemaFromRef(s.Ref), depth)
	}
	if s.Items != nil {
		return fields(doc, s.Items, depth)
	}
	var out []docField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		out = append(out, docField{Name: name, Type: typeName(p), Doc: schemaDoc(p), Required: slices.Contains(s.Required, name), Depth: depth})
		out = append(out, fields(doc, p, depth+1)...)
	}
	return out
}

func schemaDoc(s *huma.Schema) string {
	if s == nil {
		return ""
	}
	text := s.Description
	if len(s.Enum) > 0 {
		text = strings.TrimSpace(text + fmt.Sprintf(" one of %v", s.Enum))
	}
	return text
}

func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Items != nil:
		return typeName(s.Items) + "[]"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

func accessText(a Access) string {
	switch {
	case a.Permission != "":
		return string(a.Permission)
	case a.SignedIn:
		return "signed in"
	case a.Booth:
		return "booth"
	}
	return "public"
}
