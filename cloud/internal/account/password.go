package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

// hashParams are OWASP's for argon2id: 19 MiB, two passes, one lane.
func hashParams() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// weakPassword tells what is wrong with a password. Length is what counts; composition rules only make people
// write it down.
func weakPassword(p string) *fault.Error {
	switch {
	case utf8.RuneCountInString(p) < 10:
		return fault.New(fault.Invalid, "password.short", "密码至少 10 个字符", "the password needs at least 10 characters")
	case len(p) > 256:
		return fault.New(fault.Invalid, "password.long", "密码最多 256 字节", "the password has at most 256 bytes")
	case strings.Count(p, p[:1]) == len(p), strings.Contains("0123456789012345678901234567890", p):
		return fault.New(fault.Invalid, "password.weak", "密码过于简单", "the password is too easy to guess")
	}
	return nil
}

func (s *Service) hash(ctx context.Context, password string) (string, error) {
	if err := s.takeHashing(ctx); err != nil {
		return "", err
	}
	defer func() { <-s.hashing }()
	hash, err := argon2id.CreateHash(password, hashParams())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

func (s *Service) matches(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > 256 {
		return false, nil
	}
	if err := s.takeHashing(ctx); err != nil {
		return false, err
	}
	defer func() { <-s.hashing }()
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, fmt.Errorf("compare password: %w", err)
	}
	return ok, nil
}

func (s *Service) takeHashing(ctx context.Context) error {
	select {
	case s.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func dummyHash() string {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("account: no randomness: %v", err)) // cannot happen since Go 1.24
	}
	hash, err := argon2id.CreateHash(hex.EncodeToString(b[:]), hashParams())
	if err != nil {
		panic(fmt.Sprintf("account: %v", err)) // fails only without randomness
	}
	return hash
}

// ChangePassword changes one's own password and ends one's other sign-ins.
func (s *Service) ChangePassword(ctx context.Context, p scope.Principal, by By, old, next string) error {
	if weak := weakPassword(next); weak != nil {
		return weak
	}
	u, hash, err := s.store.credentials(ctx, p.Scope(), p.Name())
	if err != nil {
		return err
	}
	if err := s.claim(ctx, u, by); err != nil { // guessing the old password here is guessing too
		return err
	}
	ok, err := s.matches(ctx, old, hash)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Invalid, "password.old_wrong", "原密码错误", "the old password is wrong")
	}
	return s.setPassword(ctx, p.Scope(), by, u.ID, next, p.Session(), false)
}

// ResetPassword sets somebody's password; he must change it at the next sign-in, and his sign-ins end.
func (s *Service) ResetPassword(ctx context.Context, sc scope.Scope, by By, who id.User, next string) error {
	if weak := weakPassword(next); weak != nil {
		return weak
	}
	return s.setPassword(ctx, sc, by, who, next, "", true)
}

func (s *Service) setPassword(ctx context.Context, sc scope.Scope, by By, who id.User, next, keep string, mustChange bool) error {
	hash, err := s.hash(ctx, next)
	if err != nil {
		return err
	}
	var ended []string
	err = s.db.WithTx(ctx, func(tx *database.Tx) error {
		u, err := s.store.lock(tx, sc, who)
		if err != nil {
			return err
		}
		if err := s.store.setPassword(tx, sc, who, hash, mustChange, s.now()); err != nil {
			return err
		}
		if ended, err = s.store.endSessions(tx, sc, who, keep, "password changed", s.now()); err != nil {
			return err
		}
		return s.record(tx, by, u, "user.password", nil, map[string]bool{"must_change": mustChange})
	})
	if err != nil {
		return fmt.Errorf("set password of %s: %w", who, err)
	}
	s.tellRevoked(ended)
	return nil
}
