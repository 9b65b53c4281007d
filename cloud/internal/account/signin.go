package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

const (
	// lifetime of a sign-in: a shift with its handover.
	lifetime = 14 * time.Hour
	// idle is how long a sign-in lives without a request.
	idle = 4 * time.Hour
	// touch is how exactly the last request is remembered.
	touch = time.Minute
	// failuresAllowed before the account is shut for a while.
	failuresAllowed = 5
)

// SignedIn is the result of a sign-in.
type SignedIn struct {
	Token   string // goes into the cookie and nowhere else
	Expires time.Time
	User    User
}

// SignIn checks a name and a password and starts a sign-in.
func (s *Service) SignIn(ctx context.Context, name, password, agent string, by By) (SignedIn, error) {
	if ok, wait := s.byIP.Allow(by.Address); !ok {
		return SignedIn{}, ErrTooOften.After(wait)
	}
	u, hash, err := s.store.credentials(ctx, scope.System("sign-in"), name)
	unknown := fault.KindOf(err) == fault.NotFound
	switch {
	case unknown:
		hash = s.dummy() // spend the same time
	case err != nil:
		return SignedIn{}, err
	default:
		if err := s.claim(ctx, u, by); err != nil {
			return SignedIn{}, err
		}
	}
	ok, err := s.matches(ctx, password, hash)
	if err != nil {
		return SignedIn{}, err
	}
	if unknown || !ok || u.DisabledAt != nil {
		return SignedIn{}, ErrCredentials
	}
	return s.begin(ctx, u, agent, by)
}

// claim counts a try as failed before the password is looked at; a success clears the count. So a hundred
// guesses at once get five looks, not a hundred.
func (s *Service) claim(ctx context.Context, u User, by By) error {
	at := s.now()
	return s.db.WithTx(ctx, func(tx *database.Tx) error {
		failures, until, err := s.store.claimTry(tx, scope.System("sign-in"), u.ID, at)
		if err != nil {
			return err
		}
		if until.After(at) && failures < 0 {
			return ErrLocked.After(until.Sub(at))
		}
		if failures == failuresAllowed {
			return s.audit.Append(tx, audit.Entry{
				Operator: u.Operator.ID, Actor: "anonymous", Action: "sign_in.locked", Subject: "user:" + string(u.ID),
				After: map[string]any{"until": until}, RequestID: by.RequestID, Address: by.Address,
			})
		}
		return nil
	})
}

func (s *Service) begin(ctx context.Context, u User, agent string, by By) (SignedIn, error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return SignedIn{}, fmt.Errorf("make a token: %w", err)
	}
	at := s.now()
	session := id.New("sin", at)
	result := SignedIn{Token: base64.RawURLEncoding.EncodeToString(secret[:]), Expires: at.Add(lifetime), User: u}
	by.Actor = scope.Actor("user:" + string(u.ID))
	err := s.db.WithTx(ctx, func(tx *database.Tx) error {
		if err := s.store.beginSession(tx, scope.System("sign-in"), u.ID, session, digest(result.Token), by.Address, agent, at, result.Expires); err != nil {
			return err
		}
		return s.record(tx, by, u, "sign_in.begin", nil, map[string]string{"session": session})
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	return result, nil
}

// SignOut ends the principal's own sign-in.
func (s *Service) SignOut(ctx context.Context, p scope.Principal, by By) error {
	err := s.db.WithTx(ctx, func(tx *database.Tx) error {
		u, err := s.store.lock(tx, p.Scope(), p.User())
		if err != nil {
			return err
		}
		if err := s.store.endSession(tx, p.Scope(), p.Session(), "signed out", s.now()); err != nil {
			return err
		}
		return s.record(tx, by, u, "sign_in.end", nil, map[string]string{"session": p.Session()})
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	s.tellRevoked([]string{p.Session()})
	return nil
}

// Authenticate turns a token into a principal. It implements web.Authenticator.
func (s *Service) Authenticate(ctx context.Context, token string) (scope.Principal, error) {
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 {
		return scope.Principal{}, ErrSignedOut
	}
	return s.principal(ctx, scope.System("authenticate"), "token_sha256", digest(token))
}

// Recheck tells whether a principal's sign-in is still good, for connections that outlive a request.
func (s *Service) Recheck(ctx context.Context, p scope.Principal) error {
	_, err := s.principal(ctx, scope.System("recheck"), "id", p.Session())
	return err
}

func (s *Service) principal(ctx context.Context, sc scope.Scope, column string, value any) (scope.Principal, error) {
	at := s.now()
	open, err := s.store.session(ctx, sc, column, value)
	if err != nil {
		return scope.Principal{}, err
	}
	u := open.user
	if open.ended || u.DisabledAt != nil || !at.Before(open.expires) || at.Sub(open.seen) > idle {
		return scope.Principal{}, ErrSignedOut
	}
	if at.Sub(open.seen) > touch && column != "id" { // an open screen that asks nothing goes idle
		if err := s.store.touchSession(ctx, sc, open.session, at); err != nil {
			return scope.Principal{}, err
		}
	}
	return scope.NewPrincipal(scope.Claims{
		User: u.ID, Name: u.Name, Operator: u.Operator.ID, Role: string(u.Role), Permissions: u.Role.Permissions(),
		AllLots: u.AllLots, Lots: u.Lots, Session: open.session,
	}), nil
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// shutFor is how long an account is shut after so many failures in a row.
func shutFor(failures int) time.Duration {
	if failures < failuresAllowed {
		return 0
	}
	return min(time.Minute<<min(failures-failuresAllowed, 10), time.Hour)
}
