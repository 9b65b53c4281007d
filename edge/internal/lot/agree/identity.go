package agree

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"

	"lotkeeper/edge/internal/journal/disk"
	"lotkeeper/shared/fact"
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

// readIdentity reads who this box is; ok is false when it is nobody yet. Raft's log must be there with it: without it the
// box has forgotten what it voted and stored, and may not be the one that it was.
func readIdentity(dir, booth string) (me identity, ok bool, err error) {
	if err := disk.Whole(filepath.Join(dir, logFile)); errors.Is(err, os.ErrNotExist) {
		return me, false, nil
	} else if err != nil {
		return me, false, err
	}
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if errors.Is(err, os.ErrNotExist) {
		return identity{ID: booth, Group: firstGroup}, true, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &me)
	}
	if err == nil && boothOf(me.ID) != booth {
		err = fmt.Errorf("it is of member %.60q", me.ID)
	}
	if err != nil {
		return me, false, fmt.Errorf("%w: %s: %w", disk.ErrDamaged, identityFile, err)
	}
	return me, true, nil
}

// Identify returns how the box of a booth is named in the group, by the folder of its files.
func Identify(dir, booth string) (member string, err error) {
	me, ok, err := readIdentity(dir, booth)
	if err == nil && !ok {
		err = errors.New("this box was never of a group: let the agent run for a moment first")
	}
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
	if files, err := os.ReadDir(dir); err == nil && len(files) > 0 {
		if err := errors.Join(os.RemoveAll(aside), os.Rename(dir, aside)); err != nil {
			return fmt.Errorf("put the old group aside: %w", err)
		}
	}
	return os.MkdirAll(dir, 0o700)
}

// settle says who this member is. A box that has no whole files of raft's is another member than it was. A group that was
// given up is left, with its files; the member keeps its name, by which the new one may be founded.
func (m *Member) settle() (identity, error) {
	me, ok, err := readIdentity(m.o.Dir, m.o.Booth)
	if errors.Is(err, disk.ErrDamaged) {
		m.o.Log.Error("the files of the booths' group are damaged and put aside; this box joins again as another member", "dir", m.o.Dir, "err", err)
	} else if err != nil {
		return me, err
	}
	f, said := m.o.Memory.Founded()
	switch {
	case !ok:
		me = identity{ID: m.o.Booth + "." + random()}
	case !said || me.Group == f.Group || me.Group == "":
		return me, nil
	default:
		m.o.Log.Warn("the booths' group was founded anew; this booth leaves the old one", "member", f.Member, "by", f.By)
		me.Group = ""
	}
	if err := retire(m.o.Dir); err != nil {
		return me, err
	}
	return me, me.save(m.o.Dir)
}

// founds returns the group that this member is to found; ok is false when it founds none. The first voter of a new lot
// founds its group, and says so: a lot that had a group gets another one only by a person. A box that took another's place
// never founds by itself, since what was said before may not have come here yet.
func (m *Member) founds(ctx context.Context, me identity) (group string, ok bool, err error) {
	if f, said := m.o.Memory.Founded(); said {
		return f.Group, f.Member == me.ID, nil
	}
	if m.o.Replacement || me.Group != "" || !m.firstVoter() {
		return "", false, nil
	}
	f := fact.Founded{Group: random(), Member: me.ID}
	at := m.o.Now()
	_, err = m.o.Memory.Append(ctx, func(func(int) fact.ID) []fact.Draft {
		return []fact.Draft{{At: at, Source: "booth", Kind: fact.KindFounded, Body: f}}
	})
	if err != nil {
		return "", false, fmt.Errorf("say that the group is founded: %w", err)
	}
	return f.Group, true, nil
}

func (m *Member) firstVoter() bool {
	c, _ := m.o.Memory.Config()
	for _, b := range c.Booths {
		if b.Voter {
			return b.ID == m.o.Booth
		}
	}
	return false
}

// bootstrap founds the group when it is this member's to do and it has no state of its own. The others wait to be added.
func (m *Member) bootstrap(ctx context.Context, r *raft.Raft, has bool) error {
	if has {
		return nil
	}
	me := m.self()
	group, ok, err := m.founds(ctx, me)
	if !ok || err != nil {
		return err
	}
	me.Group = group
	if err := m.become(me); err != nil {
		return err
	}
	m.o.Log.Info("founding the booths' group", "booth", m.o.Booth, "group", group)
	only := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: raft.ServerID(me.ID), Address: raft.ServerAddress(m.address(m.o.Booth))}}}
	if err := r.BootstrapCluster(only).Error(); err != nil {
		return fmt.Errorf("found the group: %w", err)
	}
	return nil
}

// address is where the configuration places a booth's member.
func (m *Member) address(booth string) string {
	c, _ := m.o.Memory.Config()
	for _, b := range c.Booths {
		if b.ID == booth {
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
