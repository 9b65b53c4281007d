package main

import (
	"encoding/json"
	"fmt"
	"os"

	"lotkeeper/deploy/rig"
)

// place is where everything of the demonstration is, for programs that use it.
type place struct {
	Cloud  string            `json:"cloud"`
	Sim    string            `json:"sim"`
	Pay    string            `json:"pay"`    // the payment double
	Booths map[string]string `json:"booths"` // consoles, by booth
	Lot    string            `json:"lot"`
	Entry  spot              `json:"entry"`
	Exit   spot              `json:"exit"`
	Admin  person            `json:"admin"`
	Seat   person            `json:"seat"`
	Booth  person            `json:"booth"` // at the booths
}

// spot is a lane and the booth that drives it.
type spot struct {
	Lane  string `json:"lane"`
	Booth string `json:"booth"`
}

type person struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// tell writes where everything is into a file. The file is there whole or not at all, so that its coming says that the
// demonstration runs.
func tell(r *rig.Rig, file string) error {
	text, err := json.MarshalIndent(place{
		Cloud: r.CloudURL, Sim: r.SimURL, Pay: r.PayURL, Booths: r.BoothURL, Lot: rig.Lot,
		Entry: spot{rig.EntryLane, rig.EntryBooth}, Exit: spot{rig.ExitLane, rig.ExitBooth},
		Admin: person{rig.Admin, rig.Password}, Seat: person{rig.Seat, rig.Password}, Booth: person{rig.Cashier, rig.Code},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode addresses: %w", err)
	}
	part := file + ".part"
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	return nil
}
