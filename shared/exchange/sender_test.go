package exchange

import (
	"testing"
	"time"

	"lotkeeper/shared/fact"
)

func TestSender(t *testing.T) {
	own, other := fact.Author("ownownownownowno"), fact.Author("otherotherothero")
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	mine := Cursors{own: {Seq: 10}, other: {Seq: 5}}
	due := func(s *Sender, now int) (out []fact.Author) {
		for _, n := range s.Due(mine, own, at(now)) {
			out = append(out, n.Author)
		}
		return out
	}
	want := func(t *testing.T, got []fact.Author, want ...fact.Author) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("due: %v, want %v", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("due: %v, want %v", got, want)
			}
		}
	}
	started := func() *Sender {
		s := NewSender(5*time.Second, 15*time.Second)
		s.Connected()
		s.Stated(nil, nil, at(0))
		return s
	}
	t.Run("nothing before the cloud has spoken", func(t *testing.T) {
		s := NewSender(5*time.Second, 15*time.Second)
		s.Connected()
		want(t, due(s, 0))
		s.Stated(nil, nil, at(1))
		want(t, due(s, 1), own)
		s.Connected()
		want(t, due(s, 2))
	})
	t.Run("one batch is under way until the cursor passes it", func(t *testing.T) {
		s := started()
		s.Sent(own, 6, at(0))
		want(t, due(s, 1))
		s.Stated(Cursors{own: {Seq: 3}}, nil, at(1)) // part of it is not all of it
		want(t, due(s, 2))
		s.Stated(Cursors{own: {Seq: 6}}, nil, at(2))
		want(t, due(s, 2), own)
	})
	t.Run("it is sent again when the cursor does not move", func(t *testing.T) {
		s := started()
		s.Sent(own, 6, at(0))
		want(t, due(s, 4))
		want(t, due(s, 5), own)
	})
	t.Run("a silent cloud is not flooded", func(t *testing.T) {
		s := started()
		s.Sent(own, 6, at(31))
		want(t, due(s, 40))
		if got := due(s, 91); len(got) != 2 || got[0] != own {
			t.Errorf("after a minute: %v", got)
		}
	})
	t.Run("a restored cloud is sent what it lost, at once", func(t *testing.T) {
		s := started()
		s.Stated(Cursors{own: {Seq: 6}}, nil, at(1))
		s.Sent(own, 10, at(1))
		s.Stated(Cursors{own: {Seq: 2}}, nil, at(2))
		if needs := s.Due(mine, own, at(2)); len(needs) != 1 || needs[0].After != 2 {
			t.Errorf("due %+v, want from 2", needs)
		}
	})
	t.Run("another's log is relayed when it has no line of its own", func(t *testing.T) {
		s := started()
		s.Stated(Cursors{own: {Seq: 10}}, nil, at(1))
		want(t, due(s, 1))
		want(t, due(s, 15))
		want(t, due(s, 16), other)
		s.Stated(Cursors{own: {Seq: 10}, other: {Seq: 2}}, nil, at(17)) // it has one after all
		want(t, due(s, 18))
	})
	t.Run("nothing of a closed author", func(t *testing.T) {
		s := started()
		s.Stated(nil, []fact.Author{own}, at(1))
		want(t, due(s, 1))
	})
	t.Run("a clock set back does not stop it", func(t *testing.T) {
		s := started()
		s.Sent(own, 6, at(100))
		want(t, due(s, 1), own)
	})
}
