package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
)

func TestCopiesLeaveTheOriginalAlone(t *testing.T) {
	base := fault.New(fault.Invalid, "lot.bad", "参数错误", "bad input")
	got := base.With("body.name", "太长", "too long").With("body.zone", "缺少", "missing").Wrap(io.ErrUnexpectedEOF).After(time.Second)
	if len(base.Details) != 0 || base.RetryAfter != 0 || errors.Unwrap(base) != nil {
		t.Fatalf("the shared error changed: %+v", base)
	}
	if !errors.Is(got, base) || !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Errorf("errors.Is lost the code or the cause of %v", got)
	}
	for _, want := range []string{"lot.bad", "body.name: too long", "body.zone: missing", "unexpected EOF"} {
		if !strings.Contains(got.Error(), want) {
			t.Errorf("Error() = %q, want it to have %q", got.Error(), want)
		}
	}
}

func TestFromFindsTheErrorWithinWrapping(t *testing.T) {
	base := fault.New(fault.Conflict, "pay.paid", "已支付", "already paid")
	outer := fmt.Errorf("settle bill 7: %w", base)
	for _, tc := range []struct {
		err  error
		kind fault.Kind
		code string
	}{
		{base, fault.Conflict, "pay.paid"},
		{outer, fault.Conflict, "pay.paid"},
		{io.EOF, fault.Internal, "internal"},
	} {
		if got := fault.From(tc.err); got.Kind != tc.kind || got.Code != tc.code {
			t.Errorf("From(%v) = %s %s, want %s %s", tc.err, got.Kind, got.Code, tc.kind, tc.code)
		}
	}
	if !strings.Contains(fault.From(outer).Error(), "settle bill 7") {
		t.Error("From lost the words around the error")
	}
	if fault.From(nil) != nil || fault.KindOf(nil) != "" {
		t.Error("nil is not an error")
	}
}
