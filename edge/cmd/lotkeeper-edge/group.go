package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lotkeeper/edge/internal/agent"
	"lotkeeper/edge/internal/enroll"
)

// replaceCommand is enrolment of a box that takes a dead one's place.
type replaceCommand struct{ enrollCommand }

// Run implements the command.
func (r *replaceCommand) Run(w world) error {
	id, err := r.enroll(w, enroll.Replace)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, `This machine takes the place of booth %[1]s of lot %[2]s now.
  1. Connect the devices of its lanes as they were connected to the old box, and leave the old box switched off.
  2. Start it: lotkeeper-edge run --data %[3]s
     Its lanes work at once. It takes over what the other booths and the cloud hold, and then says on the booth page
     and in the log how many facts of the old box nobody has.
  3. If the old box was the only one that voted (the page says that the booths do not agree), found the booths' group
     anew: lotkeeper-edge recover --help
`, id.Booth, id.Lot, r.Data)
	return nil
}

type recoverCommand struct {
	Data string `help:"Folder of the identity and the journal. The agent must be stopped." type:"path" default:"/var/lib/lotkeeper-edge" env:"LOTKEEPER_EDGE_DATA" placeholder:"DIR"`
	By   string `required:"" help:"Your name. It is recorded." placeholder:"NAME"`
	Note string `required:"" help:"Why. It is recorded." placeholder:"TEXT"`
}

// Run implements the command.
func (r *recoverCommand) Run(w world) error {
	if strings.TrimSpace(r.By) == "" || strings.TrimSpace(r.Note) == "" {
		return usageError{errors.New("--by and --note must say who you are and why")}
	}
	c := agent.Default()
	c.Log.Level = "error"
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	done, err := agent.RecoverGroup(ctx, r.Data, r.By, r.Note, time.Now, c.Logger(w.err), func(lot, booth string) (string, error) {
		fmt.Fprintf(w.err, `The booths of lot %[1]s agree through a group. This gives that group up and founds another one here, at booth %[2]s.
Do it only when so many voters are lost for good that the booths do not agree any more. No fact is lost by it; lanes,
bills, exchange and the line to the cloud do not need the group. The other booths follow when they hear of it.
Type the lot's id to go on: `, lot, booth)
		line, err := bufio.NewReader(io.LimitReader(w.in, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read what you typed: %w", err)
		}
		return strings.TrimSpace(line), nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w.out, "Recorded: group %s, founded by %s. Start the agent again: lotkeeper-edge run --data %s\n", done.Group, done.Member, r.Data)
	return nil
}
