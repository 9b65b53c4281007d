package agree_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lotkeeper/edge/internal/enroll/enrolltest"
	"lotkeeper/edge/internal/lot/agree"
	"lotkeeper/edge/internal/lot/lottest"
	"lotkeeper/shared/fact"
)

// A booth of the lot that means another group, or another member, is turned away; so is a former box of a booth.
func TestOnlyTheGroupsMembersTalk(t *testing.T) {
	ca := enrolltest.New(t)
	nodes := group(t, ca, 2, 0)
	a, b := nodes[0], nodes[1]
	lottest.Until(t, 20*time.Second, "booth-b listens", func() bool { return len(a.member.Status().Others) == 1 })
	f, ok := a.Lot.Founded()
	if !ok || f.Member != a.member.ID() || f.By != "" {
		t.Fatalf("the founding says %+v, %v", f, ok)
	}
	proto := func(group, member string) []string { return []string{"lotkeeper-raft/" + group + "/" + member} }
	for _, c := range []struct {
		name   string
		protos []string
		in     bool
	}{
		{"as it should be", proto(f.Group, a.member.ID()), true},
		{"another group", proto("other", a.member.ID()), false},
		{"another member", proto(f.Group, "booth-a.other"), false},
		{"a member by its booth", proto(f.Group, "booth-a"), false},
		{"another protocol", []string{"h2"}, false},
		{"nothing", nil, false},
	} {
		if err := knock(b, a.addr, c.protos); (err == nil) != c.in {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Another box takes booth-b's place and says so.
	box := lottest.New(t, ca, "riverside", "booth-b")
	if _, err := box.Lot.Append(context.Background(), func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: time.Now(), Source: "booth", Kind: fact.KindReplaced, Body: fact.Replaced{Booth: "booth-b"}}}
	}); err != nil {
		t.Fatal(err)
	}
	push(t, b, a)
	push(t, &node{Booth: box}, a)
	if err := knock(b, a.addr, proto(f.Group, a.member.ID())); err == nil {
		t.Error("a former box is let in")
	}
	if err := knock(&node{Booth: box}, a.addr, proto(f.Group, a.member.ID())); err != nil {
		t.Errorf("the new box is turned away: %v", err)
	}
}

// knock opens a connection as a box and reports whether it is kept open.
func knock(from *node, addr string, protos []string) error {
	conf := from.Identity.Dial("booth-a")
	conf.NextProtos = protos
	c, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return nil // it waits for what we say
	}
	return fmt.Errorf("it hung up: %w", err)
}

// A box whose raft files are gone or damaged is another member when it comes back, and founds nothing.
func TestABoxThatLostRaftsFilesIsAnotherMember(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"gone":      os.RemoveAll,
		"log gone":  func(dir string) error { return os.Remove(filepath.Join(dir, "raft.db")) },
		"cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, "raft.db"), 8192) },
		"not whose": func(dir string) error { return os.WriteFile(filepath.Join(dir, "member.json"), []byte("{}"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			nodes, _ := three(t)
			a := nodes[0]
			was := a.member.ID()
			a.stop(t)
			if err := harm(filepath.Join(a.Dir, "raft")); err != nil {
				t.Fatal(err)
			}
			if _, err := agree.Identify(filepath.Join(a.Dir, "raft"), "booth-a"); err == nil {
				t.Error("it still says who it is")
			}
			a.start(t)
			level(t, nodes)
			if is := a.member.ID(); is == was || !strings.HasPrefix(is, "booth-a.") {
				t.Errorf("it was %s and is %s", was, is)
			}
			lottest.Until(t, 20*time.Second, "three vote again", func() bool { l := leader(nodes); return l != nil && len(l.member.Status().Voters) == 3 })
			if f, _ := a.Lot.Founded(); f.Member != was {
				t.Errorf("founded again: %+v", f)
			}
		})
	}
}

// Files of the first release have no name of the member: it is the booth, and the group is the first.
func TestFilesOfTheFirstRelease(t *testing.T) {
	nodes := group(t, enrolltest.New(t), 1, 0)
	a := nodes[0]
	level(t, nodes)
	a.stop(t)
	dir := filepath.Join(a.Dir, "raft")
	if err := os.Remove(filepath.Join(dir, "member.json")); err != nil {
		t.Fatal(err)
	}
	if id, err := agree.Identify(dir, "booth-a"); id != "booth-a" || err != nil {
		t.Errorf("it is %q, %v", id, err)
	}
}
