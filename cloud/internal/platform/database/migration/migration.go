// Package migration holds the schema as numbered SQL files in goose's format.
//
// A file is never edited once it is released; the next change is the next file. Numbers: 00001–00009 platform
// and accounts, 00010–00019 lots, ingest and sessions, 00020–00029 payments, later ones as they come, one after
// the other. Data migrations assert before and after, in the same file. Append-only tables call
// lotkeeper_append_only('table'). Times are timestamptz, money is bigint minor units, ids are text.
package migration

import "embed"

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS
