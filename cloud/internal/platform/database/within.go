package database

import (
	"gorm.io/gorm"

	"lotkeeper/cloud/internal/platform/scope"
)

// Within limits a query to what the scope sees. operatorColumn and lotColumn are column names, written by us and
// never taken from a request; lotColumn is "" for tables without lots. Use:
//
//	tx.Gorm().Scopes(database.Within(sc, "operator_id", "lot_id")).Where("id = ?", id).Take(&row)
func Within(sc scope.Scope, operatorColumn, lotColumn string) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		if sc.IsSystem() {
			return q
		}
		if sc.Operator() == "" {
			return q.Where("FALSE")
		}
		q = q.Where(operatorColumn+" = ?", string(sc.Operator()))
		lots, all := sc.Lots()
		switch {
		case all || lotColumn == "":
			return q
		case len(lots) == 0:
			return q.Where("FALSE")
		}
		return q.Where(lotColumn+" IN ?", lots)
	}
}
