package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
)

type store struct{ db *database.DB }

// userRow is a row of users with the operator's name and the chosen lots.
type userRow struct {
	ID           string
	OperatorID   string
	OperatorName string
	Name         string
	FullName     string
	Role         string
	AllLots      bool
	MustChange   bool
	PasswordHash string
	DisabledAt   *time.Time
	CreatedAt    time.Time
}

const userColumns = `users.id, users.operator_id, operators.name AS operator_name, users.name, users.full_name, users.role,
	users.all_lots, users.must_change, users.password_hash, users.disabled_at, users.created_at`

func users(q *gorm.DB, sc scope.Scope) *gorm.DB {
	return q.Table("users").Select(userColumns).Joins("JOIN operators ON operators.id = users.operator_id").
		Scopes(database.Within(sc, "users.operator_id", ""))
}

func (r userRow) user(lots []id.Lot) User {
	return User{
		ID: id.User(r.ID), Operator: Operator{ID: id.Operator(r.OperatorID), Name: r.OperatorName}, Name: r.Name, FullName: r.FullName,
		Role: Role(r.Role), AllLots: r.AllLots, Lots: lots, MustChange: r.MustChange, DisabledAt: r.DisabledAt, CreatedAt: r.CreatedAt,
	}
}

// lotsOf reads the chosen lots of several users at once.
func lotsOf(q *gorm.DB, rows []userRow) (map[string][]id.Lot, error) {
	var ids []string
	for _, r := range rows {
		if !r.AllLots {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var chosen []struct{ UserID, LotID string }
	if err := q.Table("user_lots").Where("user_id IN ?", ids).Order("user_id, lot_id").Find(&chosen).Error; err != nil {
		return nil, fmt.Errorf("read the lots of users: %w", err)
	}
	lots := map[string][]id.Lot{}
	for _, c := range chosen {
		lots[c.UserID] = append(lots[c.UserID], id.Lot(c.LotID))
	}
	return lots, nil
}

// one reads the single user that q selects.
func one(q, again *gorm.DB) (User, string, error) {
	var r userRow
	if err := q.Take(&r).Error; err != nil {
		if database.IsNotFound(err) {
			return User{}, "", ErrNoUser
		}
		return User{}, "", fmt.Errorf("read user: %w", err)
	}
	lots, err := lotsOf(again, []userRow{r})
	if err != nil {
		return User{}, "", err
	}
	return r.user(lots[r.ID]), r.PasswordHash, nil
}

func (s store) by(ctx context.Context, sc scope.Scope, who id.User) (User, error) {
	u, _, err := one(users(s.db.Gorm(ctx), sc).Where("users.id = ?", string(who)), s.db.Gorm(ctx))
	return u, err
}

func (s store) credentials(ctx context.Context, sc scope.Scope, name string) (User, string, error) {
	return one(users(s.db.Gorm(ctx), sc).Where("lower(users.name) = lower(?)", name), s.db.Gorm(ctx))
}

// lock reads a user for changing him.
func (s store) lock(tx *database.Tx, sc scope.Scope, who id.User) (User, error) {
	q := users(tx.Gorm(), sc).Where("users.id = ?", string(who)).
		Clauses(clause.Locking{Strength: "UPDATE", Table: clause.Table{Name: "users"}})
	u, _, err := one(q, tx.Gorm())
	return u, err
}

func (s store) find(ctx context.Context, sc scope.Scope) ([]User, error) {
	var rows []userRow
	if err := users(s.db.Gorm(ctx), sc).Order("users.created_at, users.id").Limit(2000).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find users: %w", err)
	}
	lots, err := lotsOf(s.db.Gorm(ctx), rows)
	if err != nil {
		return nil, err
	}
	found := make([]User, 0, len(rows))
	for _, r := range rows {
		found = append(found, r.user(lots[r.ID]))
	}
	return found, nil
}

func (s store) insert(tx *database.Tx, sc scope.Scope, u User, hash string, at time.Time) error {
	if !sc.SeesOperator(u.Operator.ID) {
		return ErrNoUser
	}
	err := tx.Gorm().Exec(`INSERT INTO users (id, operator_id, name, full_name, role, all_lots, password_hash, must_change, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(u.ID), string(u.Operator.ID), u.Name, u.FullName, string(u.Role), u.AllLots, hash, u.MustChange, at, at).Error
	if err != nil {
		if database.IsDuplicate(err) {
			return ErrNameTaken.Wrap(err)
		}
		if errors.Is(err, gorm.ErrForeignKeyViolated) {
			return ErrNoUser.Wrap(err)
		}
		return fmt.Errorf("insert user: %w", err)
	}
	return s.setLots(tx, u)
}

func (s store) update(tx *database.Tx, sc scope.Scope, u User, at time.Time) error {
	done := tx.Gorm().Table("users").Scopes(database.Within(sc, "operator_id", "")).Where("id = ?", string(u.ID)).
		Updates(map[string]any{"full_name": u.FullName, "role": string(u.Role), "all_lots": u.AllLots, "disabled_at": u.DisabledAt, "updated_at": at})
	if done.Error != nil {
		return fmt.Errorf("update user: %w", done.Error)
	}
	if done.RowsAffected != 1 {
		return ErrNoUser
	}
	return s.setLots(tx, u)
}

func (s store) setLots(tx *database.Tx, u User) error {
	if err := tx.Gorm().Exec(`DELETE FROM user_lots WHERE user_id = ?`, string(u.ID)).Error; err != nil {
		return fmt.Errorf("clear the lots of user: %w", err)
	}
	for _, lot := range u.Lots {
		if err := tx.Gorm().Exec(`INSERT INTO user_lots (user_id, lot_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, string(u.ID), string(lot)).Error; err != nil {
			return fmt.Errorf("set the lots of user: %w", err)
		}
	}
	return nil
}

func (s store) setPassword(tx *database.Tx, sc scope.Scope, who id.User, hash string, mustChange bool, at time.Time) error {
	done := tx.Gorm().Table("users").Scopes(database.Within(sc, "operator_id", "")).Where("id = ?", string(who)).
		Updates(map[string]any{"password_hash": hash, "must_change": mustChange, "failures": 0, "locked_until": nil, "updated_at": at})
	if done.Error != nil {
		return fmt.Errorf("set password: %w", done.Error)
	}
	if done.RowsAffected != 1 {
		return ErrNoUser
	}
	return nil
}

func (s store) ensureOperator(tx *database.Tx, _ scope.Scope, name string, at time.Time) (op Operator, made bool, err error) {
	inserted := tx.Gorm().Exec(`INSERT INTO operators (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		id.New(id.PrefixOperator, at), name, at)
	if inserted.Error != nil {
		return Operator{}, false, fmt.Errorf("insert operator: %w", inserted.Error)
	}
	var row struct{ ID, Name string }
	if err := tx.Gorm().Table("operators").Where("lower(name) = lower(?)", name).Take(&row).Error; err != nil {
		return Operator{}, false, fmt.Errorf("read operator: %w", err)
	}
	return Operator{ID: id.Operator(row.ID), Name: row.Name}, inserted.RowsAffected == 1, nil
}
