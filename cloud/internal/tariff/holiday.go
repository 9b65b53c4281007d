package tariff

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/shared/calendar"
)

// HolidayLong is the type of the days of a long holiday, as the week of National Day.
const HolidayLong = "holiday_long"

//go:embed china.csv
var china string

// ErrImport says what is wrong with a file of dates.
var ErrImport = fault.New(fault.Invalid, "calendar.import", "日期文件有误，未导入任何内容", "the file of dates is not valid: nothing was imported")

// Day is a date with its type.
type Day struct {
	Date calendar.Date
	Type string
	Note string // what it is, for people
}

// maxDays bounds the dates of a calendar: some decades of holidays.
const maxDays = 5000

// readDays reads lines of date, type and, if wanted, a note. Lines that begin with # and a line of headings are passed
// over. Either every line is right or the error has a detail for each that is not, by its number.
func readDays(text string) ([]Day, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF")))
	r.FieldsPerRecord, r.Comment, r.TrimLeadingSpace = -1, '#', true
	var bad []fault.Detail
	first := map[calendar.Date]int{}
	var out []Day
	for n := 0; len(out) <= maxDays; n++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) { // what follows cannot be told apart from it
			bad = append(bad, fault.Detail{Where: lineOf(syntax.Line), ZH: "不是 CSV：" + syntax.Err.Error(), EN: "is not CSV: " + syntax.Err.Error()})
			return nil, detailed(ErrImport, bad)
		}
		if err != nil {
			return nil, fmt.Errorf("read dates: %w", err)
		}
		line, _ := r.FieldPos(0)
		if n == 0 && isHeading(fields[0]) {
			continue
		}
		day, faults := readDay(fields)
		if before, twice := first[day.Date]; twice && len(faults) == 0 {
			faults = []fault.Detail{{ZH: fmt.Sprintf("日期 %s 与第 %d 行重复", day.Date, before), EN: fmt.Sprintf("%s stands in line %d already", day.Date, before)}}
		}
		for _, f := range faults {
			bad = append(bad, fault.Detail{Where: lineOf(line), ZH: f.ZH, EN: f.EN})
		}
		first[day.Date] = line
		out = append(out, day)
	}
	switch {
	case len(out) > maxDays:
		return nil, ErrImport.With(lineOf(1), fmt.Sprintf("最多 %d 个日期", maxDays), fmt.Sprintf("want at most %d dates", maxDays))
	case len(bad) > 0:
		return nil, detailed(ErrImport, bad)
	case len(out) == 0:
		return nil, ErrImport.With(lineOf(1), "没有日期", "there are no dates")
	}
	return out, nil
}

func lineOf(n int) string { return fmt.Sprintf("line %d", n) }

func isHeading(field string) bool {
	field = strings.TrimSpace(field)
	return strings.EqualFold(field, "date") || field == "日期"
}

func readDay(fields []string) (Day, []fault.Detail) {
	var faults []fault.Detail
	add := func(zh, en string) { faults = append(faults, fault.Detail{ZH: zh, EN: en}) }
	if len(fields) < 2 || len(fields) > 3 {
		add(fmt.Sprintf("须为 2 或 3 列，有 %d 列", len(fields)), fmt.Sprintf("want date, type and perhaps a note, got %d fields", len(fields)))
		return Day{}, faults
	}
	day := Day{Type: strings.TrimSpace(fields[1])}
	var err error
	if day.Date, err = calendar.ParseDate(strings.TrimSpace(fields[0])); err != nil {
		add(fmt.Sprintf("%q 不是 2026-10-01 这样的日期", fields[0]), fmt.Sprintf("%q is not a date like 2026-10-01", fields[0]))
	}
	if len(fields) == 3 {
		day.Note = strings.TrimSpace(fields[2])
	}
	return day, append(faults, day.check()...)
}

// check finds what is wrong with a type or a note.
func (d Day) check() (faults []fault.Detail) {
	if zh, en, ok := badWord(d.Type); ok {
		faults = append(faults, fault.Detail{ZH: zh, EN: en})
	}
	if len(d.Note) > 200 || strings.ContainsFunc(d.Note, unicode.IsControl) {
		faults = append(faults, fault.Detail{ZH: "备注最多 200 字节", EN: "a note has at most 200 bytes and no control characters"})
	}
	return faults
}

// badWord says what is wrong with a type of days. Names of weekdays are taken: in a tariff they mean dates without a type
// of their own.
func badWord(word string) (zh, en string, bad bool) {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == ',' || r == '"' }
	switch {
	case word == "":
		return "缺少日期类型", "the type is missing", true
	case len(word) > 40 || strings.ContainsFunc(word, odd):
		return fmt.Sprintf("日期类型 %q 有误", word), fmt.Sprintf("type %q is not a word of at most 40 bytes", word), true
	case isWeekday(word):
		return fmt.Sprintf("日期类型不能用星期名称 %q", word), fmt.Sprintf("%q is the name of a weekday and cannot be a type", word), true
	}
	return "", "", false
}

func isWeekday(word string) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(day.String(), word) {
			return true
		}
	}
	return false
}

// publicHolidays are those of China in the years given, and the years that we know.
func publicHolidays(years []int) ([]Day, error) {
	all, err := readDays(china)
	if err != nil {
		return nil, fmt.Errorf("built-in holidays: %w", err)
	}
	var out []Day
	known := map[int]bool{}
	for _, d := range all {
		known[d.Date.Year] = true
		if slices.Contains(years, d.Date.Year) {
			out = append(out, d)
		}
	}
	bad := ErrImport
	for i, y := range years {
		if !known[y] {
			bad = bad.With(fmt.Sprintf("body.years[%d]", i), fmt.Sprintf("没有内置 %d 年的节假日", y), fmt.Sprintf("the holidays of %d are not built in", y))
		}
	}
	if len(bad.Details) > 0 {
		return nil, bad
	}
	return out, nil
}
