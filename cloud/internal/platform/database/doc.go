// Package database is the cloud's one database: Postgres, reached through GORM.
//
// What it promises:
//   - every connection runs in UTC with a statement time-out and an idle-in-transaction time-out;
//   - times written and read are UTC microseconds, which is what Postgres keeps;
//   - WithTx is the only way to write. It retries serialization failures and deadlocks, so fn may run several
//     times and must not touch anything but the transaction; what must happen once goes to Tx.AfterCommit;
//   - no SQL log shows a parameter, because plates and phone numbers are parameters;
//   - the schema comes from numbered SQL files in migration/ and from nothing else.
//
// # How a feature folder looks
//
//	cloud/internal/<noun>/
//	  <noun>.go   the rules: types, a Service with now func() time.Time, faults. Imports neither gorm nor gin nor huma.
//	              It may hold a *database.DB to open transactions and passes *database.Tx on to stores.
//	  store.go    the rows: gorm models (unexported), queries. Every method takes a scope.Scope, and a *database.Tx when it
//	              writes. tx.Gorm() is called here only.
//	  api.go      the operations: web.Register(api, web.Operation{Permission: …}, handler). No rules here.
//
// Package account is the example. Rules of the store file, each bought with a measured loss: no Save, no struct
// conditions (a zero field is no condition), state changes as UPDATE … WHERE id AND state with RowsAffected == 1,
// read-modify-write only under clause.Locking, CreateInBatches(1000) for many rows, no hooks, no soft delete for
// money and audit.
package database
