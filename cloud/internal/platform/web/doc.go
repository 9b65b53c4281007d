// Package web is the HTTP server of the cloud: Gin for routing, huma for typed operations and their OpenAPI 3.1
// document.
//
// What it promises:
//   - an operation or raw route states who may call it (a Permission, SignedIn, or Public with the reason), or
//     registering it panics, at start and in every test;
//   - errors leave as application/problem+json with a stable code and a sentence in Chinese and in English; the
//     cause of an internal error goes to the log only;
//   - unsafe methods from a foreign origin are refused; bodies are bounded; no forwarded header is trusted unless
//     its proxy was named;
//   - handlers get the request's context, never Gin's: Who, From and IdempotencyKey read what the middlewares put
//     there, and api.go files pass it on as arguments.
//
// Raw routes (websockets, webhooks, downloads) go through API.Raw, so that the list of all routes is known and
// compared with the document in a test.
package web
