package wire

import "slices"

// PassagePolicy is what lanes do about passages that are not as they should be. The zero value is the first word of each
// list.
type PassagePolicy struct {
	// Full is what an entry does when the lot is full: opens for everybody, for who has a permit, or for nobody.
	Full string `json:"full,omitempty" enum:"open,permits,refuse" doc:"The lot is full: an entry opens for everybody, for who has a permit, or for nobody."`
	// Inside is what an entry does about a vehicle that is inside already, so that it must have left unseen: opens (and the
	// stay before ends as lost), or holds for a person.
	Inside string `json:"inside,omitempty" enum:"open,hold" doc:"A vehicle enters that is inside already."`
	// Repeated is what an entry does about a vehicle that entered a moment ago and is read again.
	Repeated string `json:"repeated,omitempty" enum:"open,hold" doc:"A vehicle that entered a moment ago is read at an entry again."`
	// Tailgate is what becomes of who leaves on another's heels: billed, and unpaid it is a debt, or recorded only.
	Tailgate string `json:"tailgate,omitempty" enum:"bill,record" doc:"A vehicle leaves on another's heels: it is billed, or only recorded."`
	// Fire is what becomes of who leaves while a fire holds the lanes open: free, or billed, to be settled later as a debt.
	Fire string `json:"fire,omitempty" enum:"free,bill" doc:"Who leaves during a fire: free, or billed and settled later."`
	// SuspectExit is for how many minutes after an entry an exit may have been false: a vehicle that left so soon, and comes to
	// an exit again with no entry between, never left. 0: a person says so.
	SuspectExit int `json:"suspect_exit,omitempty" minimum:"0" maximum:"240" doc:"Minutes after an entry in which an exit may have been false; 0: a person says so."`
	// ModeUnpaid is what becomes of what is due of who leaves while a lane is held open or a convoy passes. Who sets the mode
	// may say otherwise.
	ModeUnpaid string `json:"mode_unpaid,omitempty" enum:"debt,waive" doc:"What is due of who leaves through a lane that is held open."`
}

func (p *PassagePolicy) validate(fault func(string, ...any)) {
	for _, w := range []struct {
		name, got string
		want      []string
	}{
		{"full", p.Full, []string{"open", "permits", "refuse"}}, {"inside", p.Inside, []string{"open", "hold"}},
		{"repeated", p.Repeated, []string{"open", "hold"}}, {"tailgate", p.Tailgate, []string{"bill", "record"}},
		{"fire", p.Fire, []string{"free", "bill"}}, {"mode_unpaid", p.ModeUnpaid, []string{"debt", "waive"}},
	} {
		if w.got != "" && !slices.Contains(w.want, w.got) {
			fault("policy passage.%s is %q, want one of %v", w.name, w.got, w.want)
		}
	}
	if p.SuspectExit < 0 || p.SuspectExit > 240 {
		fault("policy passage.suspect_exit is %d minutes, want 0 to 240", p.SuspectExit)
	}
}
