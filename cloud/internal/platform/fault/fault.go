// Package fault is the one error type that crosses a boundary of the cloud.
//
// An Error has a Kind, which callers act on and which maps to a status once (package web); a Code, which
// programs compare and which never changes once released; and a sentence for people in Chinese and in English.
// Causes are wrapped for the log and never shown. Refused cars, free exits and debts are values, not errors.
//
//	var ErrNoLot = fault.New(fault.NotFound, "lot.not_found", "没有这个停车场", "there is no such lot")
//	return ErrNoLot.Wrap(err)
package fault

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kind is what a caller may do about an error.
type Kind string

// The kinds. There are few on purpose: act on the kind, tell apart by the code.
const (
	Invalid         Kind = "invalid"         // the request is wrong; sending it again is useless
	NotFound        Kind = "not_found"       // there is no such thing, or not for this caller
	Conflict        Kind = "conflict"        // the thing is not in a state that allows this
	Denied          Kind = "denied"          // signed in, but not allowed
	Unauthenticated Kind = "unauthenticated" // not signed in, or no longer
	Exhausted       Kind = "exhausted"       // a limit is reached; try later
	Unavailable     Kind = "unavailable"     // something we need is away; try again
	Internal        Kind = "internal"        // our own defect
)

// Detail points at one wrong part of a request.
type Detail struct {
	Where string // path of the field, as body.plate
	ZH    string
	EN    string
}

// Error is a value; With, Wrap and After return changed copies, so a package-level Error is safe to share.
type Error struct {
	Kind       Kind
	Code       string        // area.reason in lower case, as "payment.amount_mismatch"
	ZH, EN     string        // for people
	Details    []Detail      // every fault of the request at once
	RetryAfter time.Duration // 0: unknown
	cause      error
}

// New makes an error. All four are required; a missing one is a programming error and panics at start.
func New(kind Kind, code, zh, en string) *Error {
	if kind == "" || code == "" || zh == "" || en == "" {
		panic(fmt.Sprintf("fault: kind %q, code %q, zh %q and en %q are all required", kind, code, zh, en))
	}
	return &Error{Kind: kind, Code: code, ZH: zh, EN: en}
}

// Error gives the code, the English sentence, the details and the cause, for logs.
func (e *Error) Error() string {
	s := e.Code + ": " + e.EN
	for _, d := range e.Details {
		s += fmt.Sprintf("; %s: %s", d.Where, d.EN)
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is compare codes, so that a wrapped or detailed copy is still the error it came from.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Wrap returns a copy that carries the cause.
func (e *Error) Wrap(cause error) *Error {
	c := e.copy()
	c.cause = cause
	return c
}

// With returns a copy with one more detail.
func (e *Error) With(where, zh, en string) *Error {
	c := e.copy()
	c.Details = append(c.Details, Detail{Where: where, ZH: zh, EN: en})
	return c
}

// After returns a copy that tells the caller when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := e.copy()
	c.RetryAfter = d
	return c
}

func (e *Error) copy() *Error {
	c := *e
	c.Details = slices.Clone(e.Details)
	return &c
}

// From finds the Error in err's chain. Anything else becomes an internal error that wraps it; nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // the Error itself, with nothing around it, needs no wrapping
		return e
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Wrap(err) // keep what was wrapped around it for the log
	}
	return New(Internal, "internal", "服务器内部错误", "internal error").Wrap(err)
}

// KindOf is From(err).Kind, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	return From(err).Kind
}
