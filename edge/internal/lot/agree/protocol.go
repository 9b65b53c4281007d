package agree

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// Whoever opens a connection names the group it is of and the member it means, as the TLS protocol it wants (ALPN). A box
// that is of another group, or another member at the same address, refuses: the groups of two foundings cannot mix, and a
// box with an empty disk cannot be taken for the one that stood there before.

const protocolPrefix = "lotkeeper-raft/"

func protocol(group, member string) string { return protocolPrefix + group + "/" + member }

func parseProtocol(p string) (group, member string, ok bool) {
	rest, ok := strings.CutPrefix(p, protocolPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

var errOtherGroup = errors.New("it calls another group, or another member of it")

// choose answers a caller: it gets its protocol when it means this member of this group. It shows its certificate later.
func (s *stream) choose(h *tls.ClientHelloInfo) (*tls.Config, error) {
	for _, p := range h.SupportedProtos {
		if group, member, ok := parseProtocol(p); ok && s.admits(group, member) {
			c := s.server.Clone()
			c.GetConfigForClient, c.NextProtos = nil, []string{p}
			return c, nil
		}
	}
	return nil, errOtherGroup
}

// admits reports whether this member is of the group or may join it: it has no state of another, and no person gave that
// group up.
func (s *stream) admits(group, member string) bool {
	me := s.m.self()
	if member != me.ID || group == me.Group {
		return member == me.ID
	}
	s.mu.Lock()
	bound := s.bound
	s.mu.Unlock()
	r, again := s.m.o.Memory.Recovered()
	return !bound && (!again || r.Group == group)
}

// let joins the group of a caller that has shown who it is, if this member is of none yet.
func (s *stream) let(c tls.ConnectionState) error {
	if err := s.m.present(c); err != nil {
		return err
	}
	group, member, _ := parseProtocol(c.NegotiatedProtocol)
	if !s.admits(group, member) { // another came first
		return errOtherGroup
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if me := s.m.self(); me.Group != group {
		me.Group = group
		if err := s.m.become(me); err != nil {
			return err
		}
		s.m.o.Log.Info("joining the booths' group", "group", group)
	}
	s.bound = true
	return nil
}

// present makes sure that the other end is a box that still holds its booth's place.
func (m *Member) present(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return errors.New("the other end shows no certificate")
	}
	cert := c.PeerCertificates[0]
	if key, ok := cert.PublicKey.(ed25519.PublicKey); !ok || m.o.Memory.Former(cert.Subject.CommonName, key) {
		return fmt.Errorf("another box took the place of this box of booth %s", cert.Subject.CommonName)
	}
	return nil
}
