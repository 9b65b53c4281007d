package agree

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"
)

// identity is who a box is in the group. It is made with raft's files and dies with them: a box that lost its disk is
// another member. It could not be let vote again as the one it was, since it forgot what it voted and stored.
type identity struct {
	ID    string `json:"id"`    // raft's name of the member: the booth, a dot, random letters
	Group string `json:"group"` // "" until it founded or joined one
}

const (
	identityFile = "member.json"
	logFile      = "raft.db"
	// firstGroup is the group of files of the first release, which have no identity: its members are the booths' names.
	firstGroup = "first"
)

// boothOf is the booth of a member.
func boothOf(member string) string {
	booth, _, _ := strings.Cut(member, ".")
	return booth
}

func random() string { return strings.ToLower(rand.Text()[:16]) }

// loadIdentity reads who this box is, or makes it a new member.
func loadIdentity(dir, booth string) (identity, error) {
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, logFile)); err == nil {
			return identity{ID: booth, Group: firstGroup}, nil
		}
		me := identity{ID: booth + "." + random()}
		return me, me.save(dir)
	}
	if err != nil {
		return identity{}, err
	}
	var me identity
	if err := json.Unmarshal(b, &me); err != nil || boothOf(me.ID) != booth {
		return me, fmt.Errorf("%s in %s is not of booth %s: %w", identityFile, dir, booth, errors.Join(err, os.ErrInvalid))
	}
	return me, nil
}

// Identify returns how the box of a booth is named in the group, by the folder of its files.
func Identify(dir, booth string) (member string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	me, err := loadIdentity(dir, booth)
	return me.ID, err
}

// save writes the identity: all of it, or nothing.
func (me identity) save(dir string) error {
	b, err := json.Marshal(me)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, identityFile)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("save who this member is: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save who this member is: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save who this member is: %w", err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// retire puts the files of a group that was given up aside, in place of those of an earlier one. They hold no fact that
// the lot does not: agreed facts are merged before they count as agreed.
func retire(dir string) error {
	aside := dir + ".ended"
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("put the old group aside: %w", err)
	}
	if err := os.Rename(dir, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("put the old group aside: %w", err)
	}
	return os.MkdirAll(dir, 0o700)
}

// settle makes the identity fit what the lot knows: a group that a person gave up is left, with its files; the member
// keeps its name, by which the new group may be founded.
func (m *Member) settle() (identity, error) {
	me, err := loadIdentity(m.o.Dir, m.o.Booth)
	if err != nil {
		return me, err
	}
	r, ok := m.o.Memory.Recovered()
	if !ok || me.Group == r.Group {
		return me, nil
	}
	if me.Group == "" {
		return me, nil // it was in none
	}
	m.o.Log.Warn("the booths' group was founded anew by a person; this booth leaves the old one", "member", r.Member, "by", r.By)
	me.Group = ""
	if err := retire(m.o.Dir); err != nil {
		return me, err
	}
	return me, me.save(m.o.Dir)
}

// founds reports whether this member founds a group, and its id. The first voter of a new lot does. A box that took
// another's place never does by itself: the group goes on without it, or waits for a person.
func (m *Member) founds(me identity) (group string, ok bool) {
	if r, again := m.o.Memory.Recovered(); again {
		return r.Group, r.Member == me.ID
	}
	if m.o.Replacement || me.Group != "" && me.Group != me.ID {
		return "", false
	}
	c, _ := m.o.Memory.Config()
	for _, b := range c.Booths {
		if b.Voter {
			return me.ID, b.ID == m.o.Booth
		}
	}
	return "", false
}

// bootstrap founds the group when it is this member's to do and it has no state of its own. The others wait to be added.
func (m *Member) bootstrap(r *raft.Raft, has bool) error {
	if has {
		return nil
	}
	me := m.self()
	group, ok := m.founds(me)
	if !ok {
		return nil
	}
	me.Group = group
	if err := m.become(me); err != nil {
		return err
	}
	m.o.Log.Info("founding the booths' group", "booth", m.o.Booth, "group", group)
	only := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: raft.ServerID(me.ID), Address: raft.ServerAddress(m.address())}}}
	if err := r.BootstrapCluster(only).Error(); err != nil {
		return fmt.Errorf("found the group: %w", err)
	}
	return nil
}

func (m *Member) address() string {
	c, _ := m.o.Memory.Config()
	for _, b := range c.Booths {
		if b.ID == m.o.Booth {
			return b.Raft
		}
	}
	return ""
}

// self is who this member is; its zero value before the first Run.
func (m *Member) self() identity {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.me
}

// become keeps who this member is now.
func (m *Member) become(me identity) error {
	if err := me.save(m.o.Dir); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.me = me
	return nil
}

// ID names this box in the group, for the others to know it by; "" before the first Run.
func (m *Member) ID() string { return m.self().ID }
