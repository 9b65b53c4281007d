package web

import (
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaName names a type in the document: its package and its name, so that two features may each have a
// listOutput: account.userBody is AccountUser. A struct without a name takes the operation's: list-users gives
// ListUsersReply and, for what is within, ListUsersReplyItem and so on.
func (a *API) schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" && t.Kind() == reflect.Struct {
		switch {
		case strings.HasSuffix(hint, "OutputBody"), strings.HasSuffix(hint, "Response"):
			return a.naming + "Reply"
		case strings.HasSuffix(hint, "InputBody"), strings.HasSuffix(hint, "Request"):
			return a.naming + "Request"
		}
		for _, part := range []string{"OutputBody", "InputBody"} {
			if _, rest, ok := strings.Cut(hint, part); ok {
				return a.naming + rest
			}
		}
		return a.naming + upper(hint)
	}
	name := upper(huma.DefaultSchemaNamer(t, hint))
	pkg, ours := strings.CutPrefix(t.PkgPath(), "lotkeeper/")
	if !ours || pkg == "cloud/internal/platform/web" {
		return name
	}
	if trimmed := strings.TrimSuffix(name, "Body"); trimmed != "" {
		name = trimmed
	}
	if owner := upper(path.Base(pkg)); !strings.HasPrefix(name, owner) {
		return owner + name
	}
	return name
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// camel turns list-users into ListUsers.
func camel(id string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(id, "-") {
		b.WriteString(upper(part))
	}
	return b.String()
}
