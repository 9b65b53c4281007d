// Package lot is the operators' lots and what their booths are told: lanes, devices, booths, tariffs, rules, calendar and
// lists, as one numbered, signed configuration.
//
// What it promises:
//   - every change is the next number, signed, kept for ever, and published retained to each booth after its commit;
//     a booth that states an older number is sent the newest again;
//   - two people who change a lot at the same time do not undo each other: a change names the number it was made on;
//   - a published version of a tariff never changes and never leaves the configuration: open stays, also those the cloud
//     has not heard of yet, are pinned to it;
//   - a configuration that a booth would refuse is refused here, with every fault at once;
//   - the tariffs of the operator's library come from package tariff and from nowhere else: see [Service.Amend].
package lot

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"
	"unicode"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/tariff/strict"
	"lotkeeper/shared/wire"
)

// Kind says how a lot is laid out.
type Kind string

// The kinds.
const (
	OffStreet Kind = "off_street" // places behind lanes
	OnStreet  Kind = "on_street"  // a road segment with bays
)

// Spec is what an operator decides about a lot.
type Spec struct {
	Kind     Kind
	Name     tariff.Text
	TZ       string
	Currency money.Currency
	Capacity int
	Lanes    []wire.Lane
	Booths   []wire.Booth
	Tariffs  []tariff.Tariff // new versions of the lot's own; those published before stay without being named
	Library  []tariff.Tariff // new versions from the operator's library, which package tariff alone hands in
	Rules    []wire.TariffRule
	Calendar calendar.Calendar
	Free     []wire.FreePlate
	Entitled []wire.EntitledPlate
	Policy   wire.Policy
	Staff    []wire.Staff // nil keeps who is in force; an empty hash keeps a person's code
	Zones    []wire.Zone
}

// Lot is a lot with the configuration in force.
type Lot struct {
	ID       id.Lot
	Operator id.Operator
	Kind     Kind
	Inside   int
	Config   wire.Config
	Booths   []Booth
}

// Booth is a booth of the configuration and what it last said of itself.
type Booth struct {
	ID       string
	Online   bool
	SeenAt   *time.Time
	Author   string // its newest incarnation; "" before it sent anything
	Seq      uint64 // how far that log has arrived
	Lag      uint64 // facts it has that have not arrived
	Config   uint64 // in force there
	Software string
}

// Summary is a line of a list of lots.
type Summary struct {
	ID                                                    id.Lot
	Kind                                                  Kind
	Name                                                  tariff.Text
	TZ                                                    string
	Currency                                              money.Currency
	Capacity, Inside, Lanes, Booths, BoothsOnline, Alarms int
}

// By is who asks for a change, for the audit row.
type By struct {
	Actor     scope.Actor
	RequestID string
	Address   string
}

// The faults of lots.
var (
	ErrNone      = fault.New(fault.NotFound, "lot.not_found", "没有这个停车场", "there is no such lot")
	ErrNoLane    = fault.New(fault.NotFound, "lane.not_found", "没有这个车道", "there is no such lane")
	ErrNoAddress = fault.New(fault.Unavailable, "lot.no_address", "尚未配置对外网址", "the cloud has no public address yet")
	ErrTaken     = fault.New(fault.Conflict, "lot.id_taken", "停车场编号已被使用", "the lot's id is taken")
	ErrBooth     = fault.New(fault.Conflict, "booth.id_taken", "岗亭编号已被其他停车场使用", "a booth's id is taken by another lot")
	ErrInvalid   = fault.New(fault.Invalid, "lot.invalid", "停车场配置有误", "the lot's configuration is not valid")
	ErrStale     = fault.New(fault.Conflict, "lot.changed", "配置已被他人修改，请刷新后再试", "somebody else changed the configuration: load it again")
	ErrImmutable = fault.New(fault.Conflict, "tariff.immutable", "已发布的费率版本不可修改，请使用新版本号", "a published version of a tariff cannot be changed: give it a new version")
	ErrLibrary   = fault.New(fault.Conflict, "tariff.of_library", "费率库中的费率须通过分配使用，不能直接写入停车场", "tariffs of the library are assigned to a lot, not written into it")
	ErrScope     = fault.New(fault.Denied, "lot.create_denied", "只有可管理全部停车场的用户可以新建停车场", "only users who see every lot may make one")
)

// Publisher is the part of the broker that lots speak to.
type Publisher interface {
	Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error
}

// Options of a Service; all are required but PublicURL.
type Options struct {
	DB        *database.DB
	Audit     *audit.Log
	Key       ed25519.PrivateKey // signs configurations
	Broker    Publisher
	PublicURL string // of the web pages, for the address where drivers pay
	Now       func() time.Time
	Log       *slog.Logger
}

// Service is what can be done with lots.
type Service struct {
	o     Options
	store store
}

// New makes the service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Audit == nil || o.Broker == nil || o.Now == nil || o.Log == nil || len(o.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("lot: DB, Audit, Key, Broker, Now and Log are required")
	}
	return &Service{o: o, store: store{o.DB}}, nil
}

// seenFor is how long after a booth last spoke it counts as connected: it speaks every 5 s, and a last will is lost with
// a broker.
const seenFor = 30 * time.Second

// Create makes a lot of an operator with its first configuration.
func (s *Service) Create(ctx context.Context, by By, operator id.Operator, lot id.Lot, spec Spec) (wire.Config, error) {
	return s.change(ctx, by, lot, spec, func(tx *database.Tx, now time.Time) (current, error) {
		cur := current{operator: operator}
		return cur, s.store.create(tx, operator, lot, spec, now)
	}, "lot.create")
}

// Update gives a lot its next configuration. number is the one that the change was made on.
func (s *Service) Update(ctx context.Context, by By, sc scope.Scope, lot id.Lot, number uint64, spec Spec) (wire.Config, error) {
	return s.change(ctx, by, lot, spec, func(tx *database.Tx, _ time.Time) (current, error) {
		cur, err := s.store.lock(tx, sc, lot)
		if err == nil && cur.config.Number != number {
			err = ErrStale
		}
		return cur, err
	}, "lot.update")
}

// current is what stands when a change begins.
type current struct {
	operator id.Operator
	kind     Kind
	config   wire.Config // Number 0: a new lot
}

func (s *Service) change(ctx context.Context, by By, lot id.Lot, spec Spec, begin func(*database.Tx, time.Time) (current, error), action string) (wire.Config, error) {
	if err := check(lot, spec); err != nil {
		return wire.Config{}, err
	}
	var next wire.Config
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		now := s.o.Now().UTC().Truncate(time.Millisecond)
		cur, err := begin(tx, now)
		if err != nil {
			return err
		}
		next, err = s.succeed(tx, by, lot, spec, cur, now, action, nil)
		return err
	})
	return next, err
}

// succeed puts the next configuration of a lot into force, whose row the transaction holds. show adds to the audit row.
func (s *Service) succeed(tx *database.Tx, by By, lot id.Lot, spec Spec, cur current, now time.Time, action string, show func(wire.Config) map[string]any) (wire.Config, error) {
	spec, err := staffed(spec, cur.config)
	if err != nil {
		return wire.Config{}, err
	}
	tariffs, fresh, err := merge(cur.config.Tariffs, spec.Tariffs)
	if err != nil {
		return wire.Config{}, err
	}
	for _, t := range fresh {
		if id.Valid(id.PrefixTariff, t.ID) {
			return wire.Config{}, ErrLibrary.With("body.tariffs", t.ID+" 属于费率库", t.ID+" belongs to the library")
		}
	}
	tariffs, more, err := merge(tariffs, spec.Library)
	if err != nil {
		return wire.Config{}, err
	}
	next := s.compose(lot, spec, tariffs, cur.config.Number+1, now)
	if err := next.Validate(); err != nil {
		return wire.Config{}, invalid(err)
	}
	signed, err := wire.SignConfig(next, s.o.Key)
	if err != nil {
		return wire.Config{}, fmt.Errorf("sign configuration of %s: %w", lot, err)
	}
	if len(signed.Document) > wire.MaxMessage/2 {
		return wire.Config{}, ErrInvalid.With("body", "配置过大", "the configuration is too large")
	}
	if err := s.store.put(tx, lot, spec, next, signed, append(fresh, more...), by.Actor, now); err != nil {
		return wire.Config{}, err
	}
	view := func(c wire.Config) any {
		if c.Number == 0 {
			return nil
		}
		v := map[string]any{"config_number": c.Number}
		if show != nil {
			maps.Copy(v, show(c))
		}
		return v
	}
	tx.AfterCommit(func() { s.publishAll(context.WithoutCancel(tx.Context()), next, signed) })
	return next, s.o.Audit.Append(tx, audit.Entry{
		Operator: cur.operator, Actor: by.Actor, Action: action, Subject: "lot:" + string(lot), Before: view(cur.config),
		After: view(next), RequestID: by.RequestID, Address: by.Address,
	})
}

func (s *Service) compose(lot id.Lot, spec Spec, tariffs []tariff.Tariff, number uint64, now time.Time) wire.Config {
	c := wire.Config{
		Lot: string(lot), Number: number, Issued: now, Name: spec.Name, TZ: spec.TZ, Currency: spec.Currency,
		Capacity: spec.Capacity, Lanes: spec.Lanes, Booths: spec.Booths, Tariffs: tariffs, Rules: spec.Rules,
		Calendar: spec.Calendar, Free: spec.Free, Entitled: spec.Entitled, Policy: spec.Policy, Staff: spec.Staff, Zones: spec.Zones,
	}
	if s.o.PublicURL != "" {
		c.PayURL = strings.TrimSuffix(s.o.PublicURL, "/") + "/pay?lot=" + string(lot)
	}
	return c
}

// merge adds new versions to those published; fresh are the ones that were not.
func merge(published, given []tariff.Tariff) (all, fresh []tariff.Tariff, err error) {
	type key struct {
		id      string
		version int
	}
	known := map[key][]byte{}
	for _, t := range published {
		doc, err := json.Marshal(t)
		if err != nil {
			return nil, nil, fmt.Errorf("encode tariff %s: %w", t.ID, err)
		}
		known[key{t.ID, t.Version}] = doc
	}
	all = append(all, published...)
	for i, t := range given {
		doc, err := json.Marshal(t)
		if err != nil {
			return nil, nil, fmt.Errorf("encode tariff %s: %w", t.ID, err)
		}
		k := key{t.ID, t.Version}
		if have, ok := known[k]; ok {
			if string(have) != string(doc) {
				return nil, nil, ErrImmutable.With(fmt.Sprintf("body.tariffs[%d]", i), t.ID+" 已发布", fmt.Sprintf("%s version %d is published", t.ID, t.Version))
			}
			continue
		}
		known[k] = doc
		all, fresh = append(all, t), append(fresh, t)
	}
	return all, fresh, nil
}

// check finds what [wire.Config.Validate] does not look at.
func check(lot id.Lot, spec Spec) error {
	bad := ErrInvalid
	add := func(where, zh, en string) { bad = bad.With(where, zh, en) }
	if !wire.ValidName(string(lot)) {
		add("body.id", "编号须为 1 至 40 个小写字母、数字或中间的短横", "an id has 1 to 40 lower-case letters, digits and inner dashes")
	}
	if spec.Kind != OffStreet && spec.Kind != OnStreet {
		add("body.kind", "须为 off_street 或 on_street", "want off_street or on_street")
	}
	if !plain(spec.Name.ZH) || !plain(spec.Name.EN) {
		add("body.name", "须有中文和英文名称", "want a name in both languages")
	}
	if err := spec.Currency.Valid(); err != nil {
		add("body.currency", "币种有误", err.Error())
	}
	if spec.Capacity < 0 || spec.Capacity > 1_000_000 {
		add("body.capacity", "须为 0 至 1000000", "want 0 to 1000000")
	}
	for i, t := range spec.Tariffs {
		where := fmt.Sprintf("body.tariffs[%d]", i)
		if err := t.Validate(); err != nil {
			for _, f := range strict.In(err) {
				add(where+"."+f.Place, f.ZH(), f.EN())
			}
		} else if t.Currency != spec.Currency {
			add(where+".currency", "与停车场币种不同", "is not the lot's currency")
		}
	}
	for i, b := range spec.Booths {
		if b.ID == "cloud" {
			add(fmt.Sprintf("body.booths[%d].id", i), "cloud 为保留名称", "the name cloud is taken")
		}
	}
	for i, l := range spec.Lanes {
		for j, d := range l.Devices {
			if len(d.Settings) > 0 && !json.Valid(d.Settings) {
				add(fmt.Sprintf("body.lanes[%d].devices[%d].settings", i, j), "不是 JSON", "is not JSON")
			}
		}
	}
	if len(bad.Details) > 0 {
		return bad
	}
	return nil
}

func plain(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= 200 && !strings.ContainsFunc(s, unicode.IsControl)
}

func invalid(err error) error {
	out := ErrInvalid
	for _, line := range strings.Split(err.Error(), "\n") {
		out = out.With("body", "配置有误："+line, line)
	}
	return out
}
