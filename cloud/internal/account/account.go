// Package account is who may sign in: operators (tenants), their users, roles, passwords and sign-ins.
//
// What it promises:
//   - passwords are kept as argon2id hashes; a token is 256 random bits of which the database holds the SHA-256;
//   - guessing is slow: a bucket per address, and each try is claimed in the database before the password is
//     looked at, so parallel guesses cannot outrun the lock; from the fifth failure on the account is shut for
//     a minute, two, four, up to an hour;
//   - an unknown name and a wrong password cannot be told apart, by answer or by time;
//   - a sign-in ended by anyone (sign-out, new password, disabled user) ends at once: the next request is
//     anonymous and open websockets are told through Revoked;
//   - every change has its audit row in the same transaction.
//
// The package is also the example of a feature folder; see package database.
package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/limit"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/scope"
)

// Role is a named set of permissions.
type Role string

// The roles.
const (
	RoleAdmin Role = "admin" // everything within the operator
	RoleSeat  Role = "seat"  // sees lanes and sessions, opens barriers, corrects plates
)

// Permissions of the role; none for an unknown one.
func (r Role) Permissions() []scope.Permission {
	switch r {
	case RoleAdmin:
		return permission.All()
	case RoleSeat:
		return []scope.Permission{
			permission.BarrierOpen, permission.BoothRead, permission.LiveRead, permission.LotRead, permission.PassageRead,
			permission.PaymentRead, permission.PhotoRead, permission.RightRead, permission.SessionCorrect, permission.SessionRead,
		}
	}
	return nil
}

// Roles lists them.
func Roles() []Role { return []Role{RoleAdmin, RoleSeat} }

// Operator is a tenant.
type Operator struct {
	ID   id.Operator
	Name string
}

// User is a person who can sign in.
type User struct {
	ID         id.User
	Operator   Operator
	Name       string // sign-in name, unique without regard to case
	FullName   string
	Role       Role
	AllLots    bool
	Lots       []id.Lot // when not AllLots
	MustChange bool     // the password was set by somebody else
	DisabledAt *time.Time
	CreatedAt  time.Time
}

// By is who asks for a change, for the audit row.
type By struct {
	Actor     scope.Actor
	RequestID string
	Address   string
}

// The faults of accounts.
var (
	ErrNoUser      = fault.New(fault.NotFound, "account.not_found", "没有这个用户", "there is no such user")
	ErrNameTaken   = fault.New(fault.Conflict, "account.name_taken", "登录名已被使用", "the sign-in name is taken")
	ErrInvalid     = fault.New(fault.Invalid, "account.invalid", "用户信息有误", "the user is not valid")
	ErrCredentials = fault.New(fault.Unauthenticated, "sign_in.failed", "登录名或密码错误", "the name or the password is wrong")
	ErrLocked      = fault.New(fault.Exhausted, "sign_in.locked", "失败次数过多，请稍后再试", "too many failures, try again later")
	ErrTooOften    = fault.New(fault.Exhausted, "sign_in.too_often", "登录尝试过于频繁", "too many sign-in attempts from this address")
	ErrSignedOut   = fault.New(fault.Unauthenticated, "sign_in.ended", "登录已失效，请重新登录", "this sign-in has ended, sign in again")
	ErrSelf        = fault.New(fault.Conflict, "account.self", "不能停用或降级自己", "you cannot disable or demote yourself")
)

// Service is what can be done with accounts.
type Service struct {
	db       *database.DB
	store    store
	audit    *audit.Log
	now      func() time.Time
	byIP     *limit.Limiter
	hashing  chan struct{} // a hash takes 19 MiB: bound how many run at once
	dummy    func() string // a hash that nobody's password has, to spend time on
	mu       sync.Mutex
	revokers []func(session string)
}

// New makes the service.
func New(db *database.DB, log *audit.Log, now func() time.Time) *Service {
	return &Service{
		db: db, store: store{db: db}, audit: log, now: now,
		byIP:    limit.New(6*time.Second, 20, 10_000, now),
		hashing: make(chan struct{}, 4),
		dummy:   sync.OnceValue(dummyHash),
	}
}

// Revoked registers what to do when a sign-in ends, as closing its websockets. Register before serving.
func (s *Service) Revoked(f func(session string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokers = append(s.revokers, f)
}

func (s *Service) tellRevoked(sessions []string) {
	s.mu.Lock()
	revokers := slices.Clone(s.revokers)
	s.mu.Unlock()
	for _, session := range sessions {
		for _, f := range revokers {
			f(session)
		}
	}
}

// Draft is what is chosen about a user.
type Draft struct {
	Name     string
	FullName string
	Role     Role
	AllLots  bool
	Lots     []id.Lot
	Password string
}

func (d Draft) check() error {
	e := ErrInvalid
	if n := utf8.RuneCountInString(d.Name); n < 2 || n > 64 || strings.ContainsFunc(d.Name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		e = e.With("body.name", "登录名为 2 至 64 个字符，不含空格", "the name has 2 to 64 characters and no spaces")
	}
	if utf8.RuneCountInString(d.FullName) > 64 {
		e = e.With("body.full_name", "姓名最多 64 个字符", "the full name has at most 64 characters")
	}
	e = checkGrants(e, d.Role, d.AllLots, d.Lots)
	if msg := weakPassword(d.Password); msg != nil {
		e = e.With("body.password", msg.ZH, msg.EN)
	}
	if len(e.Details) > 0 {
		return e
	}
	return nil
}

func checkGrants(e *fault.Error, role Role, all bool, lots []id.Lot) *fault.Error {
	if !slices.Contains(Roles(), role) {
		e = e.With("body.role", "没有这个角色", "there is no such role")
	}
	if all && len(lots) > 0 {
		e = e.With("body.lots", "已选全部车场，不能再选车场", "all lots are chosen already")
	}
	if len(lots) > 1000 {
		e = e.With("body.lots", "最多 1000 个车场", "at most 1000 lots")
	}
	return e
}

// Create adds a user to an operator that the scope sees.
func (s *Service) Create(ctx context.Context, sc scope.Scope, by By, op id.Operator, d Draft, mustChange bool) (User, error) {
	if err := d.check(); err != nil {
		return User{}, err
	}
	if !sc.SeesOperator(op) {
		return User{}, ErrNoUser
	}
	hash, err := s.hash(ctx, d.Password)
	if err != nil {
		return User{}, err
	}
	at := s.now()
	u := User{
		ID: id.User(id.New(id.PrefixUser, at)), Operator: Operator{ID: op}, Name: d.Name, FullName: d.FullName, Role: d.Role,
		AllLots: d.AllLots, Lots: d.Lots, MustChange: mustChange, CreatedAt: at,
	}
	err = s.db.WithTx(ctx, func(tx *database.Tx) error {
		if err := s.store.insert(tx, sc, u, hash, at); err != nil {
			return err
		}
		return s.record(tx, by, u, "user.create", nil, view(u))
	})
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return s.store.by(ctx, sc, u.ID)
}

// Users lists the users that the scope sees, oldest first.
func (s *Service) Users(ctx context.Context, sc scope.Scope) ([]User, error) {
	return s.store.find(ctx, sc)
}

// User is one of them.
func (s *Service) User(ctx context.Context, sc scope.Scope, u id.User) (User, error) {
	return s.store.by(ctx, sc, u)
}

// Change is what may be changed about a user; nil stays as it is.
type Change struct {
	FullName *string
	Role     *Role
	AllLots  *bool
	Lots     *[]id.Lot
	Disabled *bool
}

// Update changes a user. Any change of what the user may do ends his sign-ins.
func (s *Service) Update(ctx context.Context, sc scope.Scope, by By, who id.User, c Change) (User, error) {
	var ended []string
	err := s.db.WithTx(ctx, func(tx *database.Tx) error {
		old, err := s.store.lock(tx, sc, who)
		if err != nil {
			return err
		}
		next := apply(old, c, s.now())
		if e := checkGrants(ErrInvalid, next.Role, next.AllLots, next.Lots); len(e.Details) > 0 {
			return e
		}
		if by.Actor == scope.Actor("user:"+string(who)) && (next.DisabledAt != nil || next.Role != old.Role) {
			return ErrSelf
		}
		if err := s.store.update(tx, sc, next, s.now()); err != nil {
			return err
		}
		if next.DisabledAt != nil || next.Role != old.Role || next.AllLots != old.AllLots || !slices.Equal(next.Lots, old.Lots) {
			if ended, err = s.store.endSessions(tx, sc, who, "", "user changed", s.now()); err != nil {
				return err
			}
		}
		return s.record(tx, by, next, "user.update", view(old), view(next))
	})
	if err != nil {
		return User{}, fmt.Errorf("update user %s: %w", who, err)
	}
	s.tellRevoked(ended)
	return s.store.by(ctx, sc, who)
}

func apply(u User, c Change, at time.Time) User {
	if c.FullName != nil {
		u.FullName = *c.FullName
	}
	if c.Role != nil {
		u.Role = *c.Role
	}
	if c.AllLots != nil {
		u.AllLots = *c.AllLots
		if u.AllLots && c.Lots == nil {
			u.Lots = nil
		}
	}
	if c.Lots != nil {
		u.Lots = slices.Sorted(slices.Values(*c.Lots))
		u.Lots = slices.Compact(u.Lots)
	}
	if c.Disabled != nil && *c.Disabled != (u.DisabledAt != nil) {
		u.DisabledAt = nil
		if *c.Disabled {
			u.DisabledAt = &at
		}
	}
	return u
}

// EnsureOperator finds the operator by name or makes it. It is for the command line.
func (s *Service) EnsureOperator(ctx context.Context, sc scope.Scope, by By, name string) (Operator, error) {
	if !sc.IsSystem() {
		return Operator{}, fault.New(fault.Denied, "operator.denied", "没有权限", "only the system makes operators")
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 {
		return Operator{}, fault.New(fault.Invalid, "operator.name", "运营商名称为 1 至 100 个字符", "an operator's name has 1 to 100 characters")
	}
	var op Operator
	err := s.db.WithTx(ctx, func(tx *database.Tx) error {
		found, made, err := s.store.ensureOperator(tx, sc, name, s.now())
		if err != nil || !made {
			op = found
			return err
		}
		op = found
		return s.audit.Append(tx, audit.Entry{
			Operator: op.ID, Actor: by.Actor, Action: "operator.create", Subject: "operator:" + string(op.ID),
			After: map[string]string{"name": name}, RequestID: by.RequestID, Address: by.Address,
		})
	})
	if err != nil {
		return Operator{}, fmt.Errorf("ensure operator: %w", err)
	}
	return op, nil
}

// view is what an audit row shows of a user.
func view(u User) map[string]any {
	return map[string]any{
		"name": u.Name, "full_name": u.FullName, "role": u.Role, "all_lots": u.AllLots, "lots": u.Lots, "disabled": u.DisabledAt != nil,
	}
}

func (s *Service) record(tx *database.Tx, by By, u User, action string, before, after any) error {
	return s.audit.Append(tx, audit.Entry{
		Operator: u.Operator.ID, Actor: by.Actor, Action: action, Subject: "user:" + string(u.ID),
		Before: before, After: after, RequestID: by.RequestID, Address: by.Address,
	})
}
