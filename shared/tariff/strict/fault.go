package strict

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is one sort of fault. Its sentences, in Chinese and in English, are formats for the arguments of a [Fault]: they
// say what is wrong and what to write instead.
type Kind struct{ Code, ZH, EN string }

// Words is an argument that has another text in each language.
type Words struct{ ZH, EN string }

// The kinds of fault that this package finds, and those that every document may have.
var (
	NotJSON    = Kind{"not_json", "不是有效的 JSON：第 %[1]d 行有错，请检查该处的括号、逗号和引号", "not JSON: line %d: %s"}
	Null       = Kind{"null", "null 不是值：请填写，或删去此项", "null is no value: leave the key out"}
	WrongType  = Kind{"wrong_type", "须为%s，现为 %s", "want %s, got %s"}
	NoSuchKey  = Kind{"no_such_key", "没有此项：请删去，或改为 %s 之一", "no such key; there are %s"}
	Twice      = Kind{"twice", "重复出现：请只保留一处", "given twice: keep one of them"}
	NotPrice   = Kind{"not_price", "%s 不是价格：请写以最小货币单位计的整数，如 150，或分数，如 \"5/3\"", "%s is not a price: want minor units like 150 or \"5/3\""}
	Unreadable = Kind{"unreadable", "无法读取 %s：请按格式说明改写", "%[2]s"}
	Missing    = Kind{"missing", "缺少此项：请填写", "is missing: write one"}
	Empty      = Kind{"empty", "不能为空：请填写，或删去此项", "is empty: write something or leave it out"}
	Below1     = Kind{"below_1", "须为 1 或更大的整数，现为 %d", "want 1 or more, got %d"}
)

// Fault is one thing wrong at one place, such as "plans[0].bands[1].to".
type Fault struct {
	Place string
	Kind  Kind
	Args  []any
}

// Wrong is a fault that does not know its place: what a type answers that reads itself and cannot.
func Wrong(kind Kind, args ...any) Fault { return Fault{Kind: kind, Args: args} }

// ZH is the sentence in Chinese, without the place.
func (f Fault) ZH() string { return f.say(f.Kind.ZH, func(w Words) string { return w.ZH }) }

// EN is the sentence in English, without the place.
func (f Fault) EN() string { return f.say(f.Kind.EN, func(w Words) string { return w.EN }) }

func (f Fault) say(format string, in func(Words) string) string {
	if len(f.Args) == 0 {
		return format
	}
	args := slices.Clone(f.Args)
	for i, a := range args {
		if w, ok := a.(Words); ok {
			args[i] = in(w)
		}
	}
	return fmt.Sprintf(format, args...)
}

// Error is the place and the sentence in English.
func (f Fault) Error() string {
	if f.Place == "" {
		return f.EN()
	}
	return f.Place + ": " + f.EN()
}

// Faults collects faults. It is an error whose text has one line per fault.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Add notes a fault.
func (f *Faults) Add(place string, kind Kind, args ...any) {
	*f = append(*f, Fault{place, kind, args})
}

// Under adds what was found inside place. A place that has a fault already gets no second one: what could not be read
// was told, and needs no telling that it is missing.
func (f *Faults) Under(place string, found Faults) {
	known := *f
	for _, fault := range found {
		switch {
		case place == "":
		case strings.HasPrefix(fault.Place, "[") || fault.Place == "":
			fault.Place = place + fault.Place
		default:
			fault.Place = place + "." + fault.Place
		}
		if !slices.ContainsFunc(known, func(k Fault) bool { return k.Place == fault.Place }) {
			*f = append(*f, fault)
		}
	}
}

// Err is nil when nothing was noted.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// In lists the faults that an error tells of: those it collected, or the one that it is. Of any other error it lists none.
func In(err error) Faults {
	var all Faults
	if errors.As(err, &all) {
		return all
	}
	var one Fault
	if errors.As(err, &one) {
		return Faults{one}
	}
	return nil
}
