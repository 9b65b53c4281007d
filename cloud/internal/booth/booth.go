// Package booth is the controller boxes of lots: how one becomes ours, what it last said of itself, and the listener where
// it leaves its photos.
//
// What it promises:
//   - a code is 80 random bits of which the database holds the SHA-256; it works once, for one booth, for half an hour;
//     a request that fails for its CSR does not use it up;
//   - a booth has one box: enrolling with another key withdraws the certificates of the box before;
//   - every certificate we give is kept. Withdrawing a booth's certificates shuts its connections out at the next try;
//     a log it opened before stays true;
//   - a photo is taken only from a booth, under the SHA-256 it is named by, as a JPEG of bounded size, and belongs to the
//     booth's lot.
package booth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/broker"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/object"
	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/wire"
)

// CodeLife is how long a code may be used.
const CodeLife = 30 * time.Minute

// The faults of booths.
var (
	ErrNone = fault.New(fault.NotFound, "booth.not_found", "没有这个岗亭", "there is no such booth")
	ErrCode = fault.New(fault.Denied, "booth.code", "注册码无效、已使用或已过期", "the code is wrong, used or expired")
	ErrSlow = fault.New(fault.Exhausted, "booth.too_often", "尝试过于频繁", "too many tries from this address")
)

// Authority issues certificates; *pki.Authority is one.
type Authority interface {
	IssueBooth(requestPEM []byte, lot id.Lot, booth id.Booth, at time.Time) (certPEM []byte, err error)
	CertificatePEM() []byte
	ConfigPublicKey() ed25519.PublicKey
}

// Configurations are the lots' signed configurations; *lot.Service has them.
type Configurations interface {
	Signed(ctx context.Context, sc scope.Scope, lot id.Lot) (wire.Signed, error)
	Offer(ctx context.Context, lot id.Lot, booth string) error
}

// Options of a Service; all but OnPresence are required.
type Options struct {
	DB        *database.DB
	Audit     *audit.Log
	Authority Authority
	Lots      Configurations
	Photos    object.Store
	// Addresses tells where booths reach the broker (ssl://host:port) and the device listener (https://host:port).
	Addresses func() (broker, devices string)
	Now       func() time.Time
	Log       *slog.Logger
	// OnPresence is told who came and went; nil: nobody is.
	OnPresence func(lot, booth string, online bool)
}

// Service is what can be done with booths.
type Service struct {
	o     Options
	store store
}

// New makes the service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Audit == nil || o.Authority == nil || o.Lots == nil || o.Photos == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("booth: DB, Audit, Authority, Lots, Photos, Now and Log are required")
	}
	if o.Addresses == nil {
		return nil, errors.New("booth: Addresses is required")
	}
	return &Service{o: o, store: store{o.DB}}, nil
}

// By is who asks for a change, for the audit row.
type By struct {
	Actor     scope.Actor
	RequestID string
	Address   string
}

// Code is a fresh enrolment code; it is shown once.
type Code struct {
	Code      string
	ExpiresAt time.Time
}

// NewCode makes a code for a booth of the scope.
func (s *Service) NewCode(ctx context.Context, by By, sc scope.Scope, lot id.Lot, booth string) (Code, error) {
	now := s.o.Now().UTC()
	c := Code{Code: newCode(), ExpiresAt: now.Add(CodeLife)}
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		operator, err := s.store.operatorOf(tx, sc, lot, booth)
		if err != nil {
			return err
		}
		if err := s.store.putCode(tx, hashCode(c.Code), lot, booth, by.Actor, now, c.ExpiresAt); err != nil {
			return err
		}
		return s.o.Audit.Append(tx, audit.Entry{
			Operator: operator, Actor: by.Actor, Action: "booth.code", Subject: "booth:" + string(lot) + "/" + booth,
			After: map[string]any{"expires_at": c.ExpiresAt}, RequestID: by.RequestID, Address: by.Address,
		})
	})
	return c, err
}

// Crockford's alphabet: no letter passes for a digit.
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func newCode() string {
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		panic(fmt.Sprintf("booth: no randomness: %v", err)) // crypto/rand never returns an error since Go 1.24
	}
	var b strings.Builder
	for i, x := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeLetters[x&31])
	}
	return b.String()
}

// hashCode forgives what people do to codes: case, blanks, dashes, O for 0, I and L for 1.
func hashCode(code string) [32]byte {
	code = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
	return sha256.Sum256([]byte(code))
}

// Enrolled is what a booth needs to be ours.
type Enrolled struct {
	Lot         string      `json:"lot"`
	Booth       string      `json:"booth"`
	Certificate string      `json:"certificate" doc:"PEM"`
	CA          string      `json:"ca" doc:"PEM; pin it."`
	ConfigKey   []byte      `json:"config_key" doc:"Ed25519; verifies configurations."`
	Broker      string      `json:"broker"`
	DeviceURL   string      `json:"device_url"`
	Config      wire.Signed `json:"config"`
	Replaces    bool        `json:"replaces,omitempty" doc:"Another box was this booth: its certificates were withdrawn."`
}

// Enroll trades a code and a signing request for a certificate.
func (s *Service) Enroll(ctx context.Context, from, requestID, code, csr string) (Enrolled, error) {
	var out Enrolled
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		now := s.o.Now().UTC()
		operator, lot, booth, err := s.store.useCode(tx, hashCode(code), now, from)
		if err != nil {
			return err
		}
		cert, err := s.o.Authority.IssueBooth([]byte(csr), lot, id.Booth(booth), now)
		if err != nil {
			return err // rolls back, so the code stays good
		}
		if err := s.store.putCertificate(tx, lot, booth, cert, now); err != nil {
			return err
		}
		others, err := s.store.withdrawOthers(tx, lot, booth, cert, now)
		if err != nil {
			return err
		}
		toBroker, toDevices := s.o.Addresses()
		out = Enrolled{
			Lot: string(lot), Booth: booth, Certificate: string(cert), CA: string(s.o.Authority.CertificatePEM()),
			ConfigKey: s.o.Authority.ConfigPublicKey(), Broker: toBroker, DeviceURL: toDevices + DevicePath, Replaces: others > 0,
		}
		return s.o.Audit.Append(tx, audit.Entry{
			Operator: operator, Actor: scope.Actor("booth:" + string(lot) + "/" + booth), Action: "booth.enroll",
			Subject: "booth:" + string(lot) + "/" + booth, After: map[string]any{"withdrawn": others}, RequestID: requestID, Address: from,
		})
	})
	if err != nil {
		return Enrolled{}, err
	}
	out.Config, err = s.o.Lots.Signed(ctx, scope.System("enrolment"), id.Lot(out.Lot))
	return out, err
}

// Withdraw takes back every certificate of a booth: it must enrol again.
func (s *Service) Withdraw(ctx context.Context, by By, sc scope.Scope, lot id.Lot, booth string) error {
	return s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		operator, err := s.store.operatorOf(tx, sc, lot, booth)
		if err != nil {
			return err
		}
		n, err := s.store.withdraw(tx, lot, booth, s.o.Now().UTC())
		if err != nil {
			return err
		}
		return s.o.Audit.Append(tx, audit.Entry{
			Operator: operator, Actor: by.Actor, Action: "booth.withdraw", Subject: "booth:" + string(lot) + "/" + booth,
			After: map[string]any{"certificates": n}, RequestID: by.RequestID, Address: by.Address,
		})
	})
}

// Withdrawn reports whether a certificate was taken back. One that we know nothing of was not: it is of the time before
// the database was restored.
func (s *Service) Withdrawn(der []byte) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.store.withdrawn(ctx, sha256.Sum256(der))
}

// Admit tells the broker whether a booth may connect: it is in its lot's configuration and holds a certificate that was
// not taken back.
func (s *Service) Admit(who pki.Identity) bool {
	if who.Cloud {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ok, err := s.store.admits(ctx, who.Lot, string(who.Booth))
	if err != nil {
		s.o.Log.Warn("booth not admitted: the database is away", "lot", who.Lot, "booth", who.Booth, "err", err)
	}
	return ok && err == nil
}

// Heard keeps what a booth's cursor says of it, and offers the newest configuration to one that has an older.
func (s *Service) Heard(ctx context.Context, lot, booth string, c wire.Cursor) error {
	for a := range c.Cursors {
		if !a.Valid() {
			delete(c.Cursors, a)
		}
	}
	newest, err := s.store.heard(ctx, lot, booth, c, s.o.Now().UTC())
	if err != nil || newest <= c.Config {
		return err
	}
	return s.o.Lots.Offer(ctx, id.Lot(lot), booth)
}

// PresenceFilter is what [Service.Run] wants to hear, not shared: the broker gives retained messages only so.
func PresenceFilter() string { return wire.Every(wire.PresenceOf) }

// Run keeps who is connected until the context ends. Messages count as they come: a last will carries the time its
// connection began, so times do not order them; a booth that speaks is connected, whatever was said before.
func (s *Service) Run(ctx context.Context, presence <-chan broker.Message) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-presence:
			if err := s.presence(ctx, m); err != nil && ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "presence not taken", "topic", m.Topic, "err", err)
			}
		}
	}
}

func (s *Service) presence(ctx context.Context, m broker.Message) error {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil {
		return err
	}
	p, err := wire.Decode[wire.Presence](m.Payload)
	if err != nil {
		return err
	}
	if s.o.OnPresence != nil {
		s.o.OnPresence(t.Lot, t.Booth, p.Online)
	}
	return s.store.presence(ctx, t.Lot, t.Booth, p, m.At.UTC())
}

func derOf(certPEM []byte) ([]byte, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, errors.New("the authority gave no PEM certificate")
	}
	return block.Bytes, nil
}
