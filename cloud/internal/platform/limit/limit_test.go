package limit_test

import (
	"fmt"
	"testing"
	"time"

	"lotkeeper/cloud/internal/platform/limit"
)

func TestBurstThenOneEach(t *testing.T) {
	now := time.Unix(1000, 0)
	l := limit.New(time.Minute, 3, 100, func() time.Time { return now })
	for i := range 3 {
		if ok, _ := l.Allow("a"); !ok {
			t.Fatalf("try %d refused", i)
		}
	}
	ok, wait := l.Allow("a")
	if ok || wait != time.Minute {
		t.Errorf("fourth try = %v, wait %v, want refused for a minute", ok, wait)
	}
	if ok, _ := l.Allow("b"); !ok {
		t.Error("another key pays for the first")
	}
	now = now.Add(time.Minute)
	if ok, _ := l.Allow("a"); !ok {
		t.Error("refused a minute later: a refused try must not cost a token")
	}
	if ok, _ := l.Allow("a"); ok {
		t.Error("two tries granted in one minute")
	}
}

func TestManyKeysAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	l := limit.New(time.Minute, 1, 10, func() time.Time { return now })
	granted := 0
	for i := range 1000 {
		if ok, _ := l.Allow(fmt.Sprint(i)); ok {
			granted++
		}
	}
	if granted > 11 {
		t.Errorf("%d of 1000 addresses got a try at once, want at most 11", granted)
	}
	now = now.Add(time.Hour)
	if ok, _ := l.Allow("new"); !ok {
		t.Error("an hour later the old keys still take the room")
	}
}
