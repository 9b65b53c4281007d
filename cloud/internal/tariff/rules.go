package tariff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	engine "lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

// The faults of rules.
var (
	ErrRules = fault.New(fault.Invalid, "rules.invalid", "费率规则有误", "the rules are not valid")
	ErrSuits = fault.New(fault.Conflict, "tariff.other_lot", "费率的币种或时区与停车场不同", "the tariff's currency or time zone is not the lot's")
)

// Rules is which tariff a lot's stays get.
type Rules struct {
	Lot    id.Lot
	Config wire.Config
	Latest map[string]int // of the tariffs that are in the library: their latest version
}

// RulesOf reads the rules of a lot.
func (s *Service) RulesOf(ctx context.Context, sc scope.Scope, l id.Lot) (Rules, error) {
	c, err := s.o.Lots.Config(ctx, sc, l)
	if err != nil {
		return Rules{}, err
	}
	r := Rules{Lot: l, Config: c}
	r.Latest, err = s.store.latest(ctx, sc, c.Rules)
	return r, err
}

// SetRules gives a lot the rules, with the documents that they name, as its next configuration. number is the
// configuration that they were made on.
func (s *Service) SetRules(ctx context.Context, sc scope.Scope, by By, l id.Lot, number uint64, rules []wire.TariffRule) (Rules, error) {
	if rules == nil {
		rules = []wire.TariffRule{}
	}
	err := s.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		_, _, err := s.o.Lots.Amend(tx, by, sc, l, lot.Amendment{
			Action: "lot.rules", Number: number, Show: showRules,
			Edit: func(spec *lot.Spec, now wire.Config) error {
				library, err := s.documents(tx, sc, rules, now)
				if err != nil {
					return err
				}
				spec.Rules, spec.Library = rules, library
				return nil
			},
		})
		return err
	})
	if err != nil {
		return Rules{}, fmt.Errorf("set rules of %s: %w", l, err)
	}
	return s.RulesOf(ctx, sc, l)
}

// documents checks rules and finds what the configuration must carry for them, beside what it does.
func (s *Service) documents(tx *database.Tx, sc scope.Scope, rules []wire.TariffRule, now wire.Config) ([]engine.Tariff, error) {
	bad := checkRules(rules, now.Calendar)
	named := func(ref fact.TariffRef) bool {
		return slices.ContainsFunc(now.Rules, func(r wire.TariffRule) bool { return r.Tariff == ref })
	}
	var out []engine.Tariff
	for i, r := range rules {
		where := fmt.Sprintf("body.rules[%d].tariff", i)
		if !id.Valid(id.PrefixTariff, r.Tariff.ID) {
			if _, has := now.Tariff(r.Tariff); !has {
				bad = bad.With(where, "没有这个费率版本", "there is no such version of the tariff")
			}
			continue
		}
		t, err := s.store.tariffIn(tx, sc, ID(r.Tariff.ID))
		var v Version
		if err == nil {
			v, err = s.store.versionIn(tx, sc, t.ID, r.Tariff.Version)
		}
		switch {
		case errors.Is(err, ErrNone), errors.Is(err, ErrNoVersion):
			bad = bad.With(where, "没有这个费率版本", "there is no such version of the tariff")
			continue
		case err != nil:
			return nil, err
		case t.ArchivedAt != nil && !named(r.Tariff):
			bad = bad.With(where, "费率已归档", "the tariff is archived")
			continue
		}
		doc, err := v.decode()
		if err != nil {
			return nil, err
		}
		if err := suits(doc, now, where); err != nil {
			d := fault.From(err).Details[0]
			bad = bad.With(where, d.ZH, d.EN)
			continue
		}
		if !slices.ContainsFunc(out, func(o engine.Tariff) bool { return o.ID == doc.ID && o.Version == doc.Version }) {
			out = append(out, doc)
		}
	}
	if len(bad.Details) > 0 {
		return nil, bad
	}
	return out, nil
}

// suits refuses a tariff that counts other money, or reads another clock, than the lot it is for.
func suits(t engine.Tariff, c wire.Config, where string) error {
	switch {
	case t.Currency != c.Currency:
		return ErrSuits.With(where, fmt.Sprintf("费率的币种 %s 不是停车场 %s 的币种 %s", t.Currency, c.Lot, c.Currency),
			fmt.Sprintf("the tariff counts %s, the lot %s %s", t.Currency, c.Lot, c.Currency))
	case t.TZ.String() != c.TZ:
		return ErrSuits.With(where, fmt.Sprintf("费率的时区 %s 不是停车场 %s 的时区 %s", t.TZ, c.Lot, c.TZ),
			fmt.Sprintf("the tariff is for %s, the lot %s is in %s", t.TZ, c.Lot, c.TZ))
	}
	return nil
}

// checkRules finds rules that can never be used, and stays that would get no tariff.
func checkRules(rules []wire.TariffRule, cal calendar.Calendar) *fault.Error {
	bad := ErrRules
	words := dayWords(cal)
	for i, r := range rules {
		for j, word := range r.DayTypes {
			if !words[word] {
				bad = bad.With(fmt.Sprintf("body.rules[%d].day_types[%d]", i, j), "停车场的日历没有日期类型"+word, fmt.Sprintf("the lot's calendar knows no days called %q", word))
			}
		}
		always := r.Class == "" && len(r.DayTypes) == 0 && r.From.IsZero()
		last := i == len(rules)-1
		switch {
		case always && !last:
			bad = bad.With(fmt.Sprintf("body.rules[%d]", i+1), "前一条规则适用于所有车辆，此后的规则不会生效", "the rule before fits every stay, so this one is never used")
			return bad
		case last && !always:
			bad = bad.With(fmt.Sprintf("body.rules[%d]", i), "最后一条规则须适用于所有车辆、日期和时间", "the last rule must fit every stay: any class, any day, any time")
		}
	}
	return bad
}

// dayWords are what a rule may call days.
func dayWords(cal calendar.Calendar) map[string]bool {
	words := map[string]bool{calendar.Workday: true, calendar.Weekend: true, calendar.Holiday: true, HolidayLong: true}
	for day := time.Sunday; day <= time.Saturday; day++ {
		words[strings.ToLower(day.String())] = true
	}
	for _, word := range cal.Types() {
		words[word] = true
	}
	return words
}

// showRules is what an audit row tells of a configuration's rules.
func showRules(c wire.Config) map[string]any { return map[string]any{"rules": c.Rules} }
