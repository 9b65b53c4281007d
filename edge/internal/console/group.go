package console

import "strings"

// describe says in plain words how the booths stand with each other.
func (g *Group) describe() (out []Word) {
	say := func(level, zh, en string, args ...any) {
		out = append(out, Word{level, OfStorage, both(zh, en, args...)})
	}
	if t := g.Takeover; t != nil {
		switch unheard := strings.Join(t.Unheard, ", "); {
		case !t.Done && unheard != "":
			say("warn", "新机接管中：已取回 %d / %d 条，尚未联系上 %s", "taking over from the old box: %d of %d facts; not heard yet: %s", t.Held, t.Known, unheard)
		case !t.Done:
			say("warn", "新机接管中：已取回 %d / %d 条", "taking over from the old box: %d of %d facts", t.Held, t.Known)
		case t.Missing > 0:
			say("bad", "旧机有 %d 条记录无处可取，请核对当时的过车和收款", "%d facts of the old box are nowhere: check the passages and the money of its last minutes", t.Missing)
		case unheard != "":
			say("warn", "接管时未联系上 %s，旧机记录可能不全", "the old box was taken over without hearing %s: they may hold more", unheard)
		}
	}
	if g.Lost > 0 && (g.Takeover == nil || !g.Takeover.Done) {
		say("warn", "有 %d 条记录已知存在但各机都没有", "%d facts were told of that no booth and not the cloud holds", g.Lost)
	}
	if g.Fewer > 0 {
		say("good", "%d 条记录目前只有一份", "%d facts lie on one disk only so far", g.Fewer)
	}
	return out
}
