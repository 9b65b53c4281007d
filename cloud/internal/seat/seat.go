// Package seat is the cloud operators' places: the queue of lanes where somebody is held, and commands to lanes.
//
// What it promises:
//   - a command names what its operator saw: the lane's token {boot, mono, car} and the moment of that view. The booth
//     judges; here nothing is taken for done before the booth said so;
//   - an answer that does not come is "unknown", never success; an answer that comes late is still the truth;
//   - one Idempotency-Key is one command, sent at most once by this side;
//   - a command has a reason, one operator and an audit row in the transaction that keeps it.
package seat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/live"
	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/idempotency"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/wire"
)

// State is where a command stands.
type State string

// The states. All but Sent are the last, except that an answer still replaces Unknown.
const (
	Sent       State = "sent"
	Done       State = "done"
	Refused    State = "refused"
	Unknown    State = "unknown" // no answer, or the booth itself does not know
	Expired    State = "expired"
	Replayed   State = "replayed"
	Mismatched State = "mismatched"
)

// answers are the verdicts of a booth.
var answers = []State{Done, Refused, Unknown, Expired, Replayed, Mismatched}

// grace is how long after its expiry a command's answer may be on its way before nobody waits any more.
const grace = 3 * time.Second

// The faults of seats.
var (
	ErrNone    = fault.New(fault.NotFound, "command.not_found", "没有这条指令", "there is no such command")
	ErrInvalid = fault.New(fault.Invalid, "command.invalid", "指令有误", "the command is not valid")
	ErrAway    = fault.New(fault.Unavailable, "command.booth_away", "岗亭不在线，指令无法送达", "the booth is not connected: a command cannot reach it")
)

// Publisher is the part of the broker that seats speak to.
type Publisher interface {
	Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error
}

// Hub is the part of the websocket hub that seats speak to.
type Hub interface {
	Send(topic string, message any) error
	Followed(topic string) bool
}

// Options of a Service; all are required.
type Options struct {
	DB     *database.DB
	Audit  *audit.Log
	Lots   *lot.Service
	Live   *live.Service
	Hub    Hub
	Broker Publisher
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is what a seat can do.
type Service struct {
	o     Options
	store store

	mu     sync.Mutex
	scopes map[string]scope.Scope // who follows the queue, by resolved topic
}

// New makes the service; Run makes it listen.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Audit == nil || o.Lots == nil || o.Live == nil || o.Hub == nil || o.Broker == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("seat: DB, Audit, Lots, Live, Hub, Broker, Now and Log are required")
	}
	return &Service{o: o, store: store{o.DB}, scopes: map[string]scope.Scope{}}, nil
}

// Order is what an operator asks of a lane.
type Order struct {
	Lot     id.Lot
	Command wire.Command // ID, By and TTL are given here
}

// Command is an order as it stands.
type Command struct {
	ID         string
	Lot        id.Lot
	Lane       string
	Action     wire.CommandAction
	Reason     string
	State      State
	Detail     string
	Fact       string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	AnsweredAt *time.Time
}

// By is who orders.
type By struct {
	Principal scope.Principal
	RequestID string
	Address   string
}

// Give keeps a command and sends it to the booth that drives the lane.
func (s *Service) Give(ctx context.Context, by By, key idempotency.Key, o Order) (Command, error) {
	if err := check(o); err != nil {
		return Command{}, err
	}
	sc := by.Principal.Scope()
	c, err := s.o.Lots.Config(ctx, sc, o.Lot)
	if err != nil {
		return Command{}, err
	}
	at := slices.IndexFunc(c.Lanes, func(l wire.Lane) bool { return l.ID == o.Command.Lane })
	if at < 0 {
		return Command{}, lot.ErrNoLane
	}
	booth := c.Lanes[at].Booth
	if !s.o.Live.Online(string(o.Lot), booth) {
		return Command{}, ErrAway
	}
	now := s.o.Now().UTC()
	res, err := idempotency.Do(ctx, s.o.DB, key, now, func(tx *database.Tx) (Command, error) {
		w := o.Command
		w.ID, w.By, w.TTL = id.New("cmd", now), by.Principal.Name(), wire.CommandTTL
		made := Command{
			ID: w.ID, Lot: o.Lot, Lane: w.Lane, Action: w.Action, Reason: w.Reason, State: Sent, CreatedAt: now, ExpiresAt: now.Add(w.TTL),
		}
		if err := s.store.put(tx, made, booth, by.Principal.Actor(), w); err != nil {
			return Command{}, err
		}
		tx.AfterCommit(func() { s.dispatch(context.WithoutCancel(ctx), made, booth, w) })
		return made, s.o.Audit.Append(tx, audit.Entry{
			Operator: sc.Operator(), Actor: by.Principal.Actor(), Action: "barrier." + string(w.Action), Subject: "lane:" + string(o.Lot) + "/" + w.Lane,
			After: map[string]any{"command": w.ID, "reason": w.Reason, "car": w.Token.Car}, RequestID: by.RequestID, Address: by.Address,
		})
	})
	return res.Value, err
}

func check(o Order) error {
	bad := ErrInvalid
	c := o.Command
	if !slices.Contains([]wire.CommandAction{wire.OpenBarrier, wire.CloseBarrier, wire.CorrectPlate, wire.SetMode}, c.Action) {
		bad = bad.With("body.action", "须为 open、close、correct 或 mode", "want open, close, correct or mode")
	}
	if strings.TrimSpace(c.Reason) == "" || len(c.Reason) > 400 || strings.ContainsFunc(c.Reason, unicode.IsControl) {
		bad = bad.With("body.reason", "须填写原因", "a reason is required, of at most 400 bytes")
	}
	if !wire.ValidName(c.Lane) || !wire.ValidName(string(o.Lot)) {
		bad = bad.With("body.lane", "车道有误", "the lot or the lane is not valid")
	}
	if c.Token.Boot == "" || len(c.Token.Boot) > 100 || strings.ContainsFunc(c.Token.Boot, unicode.IsControl) {
		bad = bad.With("body.token", "缺少车道令牌", "the lane's token is required")
	}
	if c.Action == wire.CorrectPlate && (c.Plate == nil || c.Plate.None()) {
		bad = bad.With("body.plate", "须填写车牌", "a plate is required")
	}
	if (c.Action == wire.SetMode) != (c.Mode != nil) {
		bad = bad.With("body.mode", "设置车道模式时须填写模式，其他操作不填", "an order of a mode, and no other, says which")
	}
	if m := c.Mode; m != nil && m.Mode != "" && (m.Seconds <= 0 || (m.Mode == fact.Convoy) != (m.Count > 0)) {
		bad = bad.With("body.mode", "须填写时长；车队须填写车辆数", "how long it lasts is required, and of a convoy how many vehicles")
	}
	if len(bad.Details) > 0 {
		return bad
	}
	return nil
}

// dispatch sends a command once. Whether it arrived is told by the answer alone; when it was surely or perhaps not sent,
// that is said at once.
func (s *Service) dispatch(ctx context.Context, c Command, booth string, w wire.Command) {
	msg, err := wire.Encode(w)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, wire.CommandTTL)
		defer cancel()
		topic := wire.Topic{Lot: string(c.Lot), Booth: booth, Channel: wire.CommandTo}
		err = s.o.Broker.Publish(ctx, topic.String(), 1, false, msg)
	}
	if err == nil {
		return
	}
	s.o.Log.WarnContext(ctx, "command not sent", "lot", c.Lot, "lane", c.Lane, "command", c.ID, "err", err)
	now := s.o.Now().UTC()
	if err := s.store.answer(ctx, answer{id: c.ID, lot: string(c.Lot), booth: booth, state: Unknown, detail: "not sent", at: now}); err != nil {
		s.o.Log.ErrorContext(ctx, "command not sent, and that not kept", "command", c.ID, "err", err)
	}
	s.show(ctx, c.ID)
}

// ByID returns a command of a lot that the scope sees. One that should have been answered is unknown.
func (s *Service) ByID(ctx context.Context, sc scope.Scope, command string) (Command, error) {
	c, err := s.store.byID(ctx, sc, command)
	if err == nil && c.State == Sent && s.o.Now().After(c.ExpiresAt.Add(grace)) {
		c.State, c.Detail = Unknown, "no answer"
	}
	return c, err
}

// ResultFilter is what Run wants to hear, not shared: every replica shows results to its own browsers.
func ResultFilter() string { return wire.Every(wire.ResultFrom) }

// Run takes results, and gives up on commands that are not answered, until the context ends.
func (s *Service) Run(ctx context.Context, results <-chan broker.Message) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-results:
			if err := s.result(ctx, m); err != nil && ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "result not taken", "topic", m.Topic, "err", err)
			}
		case <-tick.C:
			if err := s.giveUp(ctx); err != nil && ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "commands without an answer", "err", err)
			}
		}
	}
}

func (s *Service) result(ctx context.Context, m broker.Message) error {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil {
		return err
	}
	r, err := wire.Decode[wire.Result](m.Payload)
	if err != nil {
		return err
	}
	if !id.Valid("cmd", r.Command) {
		return fmt.Errorf("%.40q is no command of ours", r.Command)
	}
	state := State(r.Verdict)
	if !slices.Contains(answers, state) {
		state = Unknown
	}
	detail := strings.ReplaceAll(strings.ToValidUTF8(r.Text, "?"), "\x00", "?")
	err = s.store.answer(ctx, answer{r.Command, t.Lot, t.Booth, state, detail, r.Fact.String(), m.At.UTC()})
	if err != nil {
		return err
	}
	s.show(ctx, r.Command)
	return nil
}

func (s *Service) giveUp(ctx context.Context) error {
	given, err := s.store.giveUp(ctx, s.o.Now().UTC(), grace)
	for _, c := range given {
		s.show(ctx, c)
	}
	return err
}
