package tariff

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"lotkeeper/shared/calendar"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff/strict"
)

// kinds reads the sorts of fault that a file declares.
func kinds(t *testing.T, file string) (all []strict.Kind) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 3 {
			return true
		}
		var texts []string
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			if b, ok := e.(*ast.BasicLit); ok && b.Kind == token.STRING {
				text, err := strconv.Unquote(b.Value)
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, text)
			}
		}
		if len(texts) == 3 {
			all = append(all, strict.Kind{Code: texts[0], ZH: texts[1], EN: texts[2]})
		}
		return true
	})
	return all
}

func TestEveryFaultSpeaksBothLanguagesOfTheSameArguments(t *testing.T) {
	verb := regexp.MustCompile(`%(?:\[\d])?[a-z]`)
	seen := map[string]bool{}
	for file, least := range map[string]int{"fault.go": 55, "strict/fault.go": 10, "../calendar/calendar.go": 3} {
		all := kinds(t, file)
		if len(all) < least {
			t.Errorf("%s: found %d kinds of fault, want %d or more", file, len(all), least)
		}
		for _, k := range all {
			if seen[k.Code] {
				t.Errorf("%s: the code %s is there twice", file, k.Code)
			}
			seen[k.Code] = true
			if !strings.ContainsFunc(k.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || k.EN == "" {
				t.Errorf("%s: %s says %q and %q", file, k.Code, k.ZH, k.EN)
			}
			zh, en := verb.FindAllString(k.ZH, -1), verb.FindAllString(k.EN, -1)
			if !strings.Contains(k.ZH+k.EN, "%[") && strings.Join(zh, "") != strings.Join(en, "") {
				t.Errorf("%s: %s takes %v in Chinese and %v in English", file, k.Code, zh, en)
			}
		}
	}
}

func TestFaultsAreToldInChinese(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, place, want string }{
		"a clock":            {`"id":"b"`, `"id":"b","from":"25:00"`, "plans[0].bands[0].from", `"25:00" 不是时刻：请写成 08:00 的形式`},
		"a length":           {`"unit":3600`, `"unit":"1 hour"`, "plans[0].bands[0].steps[0].unit", `"1 hour" 不是时长：请写秒数，或 15m、1h30m、24h、7d 的形式`},
		"a zone":             {"UTC", "Asia/Shangri-La", "tz", `"Asia/Shangri-La" 不是时区：请写地名，如 Asia/Shanghai`},
		"a price":            {`"price":500`, `"price":1.5`, "plans[0].bands[0].steps[0].price", `1.5 不是价格：请写以最小货币单位计的整数，如 150，或分数，如 "5/3"`},
		"a type":             {`"id":"b"`, `"id":["b"]`, "plans[0].bands[0].id", `须为文字（加引号），现为 ["b"]`},
		"a word":             {`"id":"b"`, `"id":"b","day_of":"moon"`, "plans[0].bands[0].day_of", `须为 moment、cycle、stay 之一，现为 "moon"`},
		"an unknown key":     {`"unit":3600`, `"until":3600`, "plans[0].bands[0].steps[0].until", "没有此项：请删去，或改为 up_to、unit、price、end、tail、cross 之一"},
		"a key given twice":  {`"unit":3600`, `"unit":3600,"unit":60`, "plans[0].bands[0].steps[0].unit", "重复出现：请只保留一处"},
		"a price left out":   {`,"price":500`, "", "plans[0].bands[0].steps[0].price", "缺少价格：不收费请写 0"},
		"a unit below zero":  {`"unit":3600`, `"unit":-1`, "plans[0].bands[0].steps[0].unit", "须为 1 至 316224000 秒，一口价则不写，现为 -1"},
		"an id taken":        {`{"id":"b"`, `{"id":"b"},{"id":"b"`, "plans[0].bands[1].id", `"b" 与前面的编号重复：请改用其他编号`},
		"what is not JSON":   {`"plans"`, "\n'plans'", "", "不是有效的 JSON：第 2 行有错，请检查该处的括号、逗号和引号"},
		"a key of its scope": {`"bands"`, `"free":{"up_to":60,"bands":["b"]},"bands"`, "plans[0].free.bands", "只与 scope: run 一起使用：请删去，或改用 scope: run"},
	} {
		text := strings.Replace(`{"id":"x","version":1,"name":"x","tz":"UTC","currency":"CNY","plans":[{"id":"p","bands":[{"id":"b","steps":[{"unit":3600,"price":500}]}]}]}`, tc.from, tc.to, 1)
		_, err := Decode([]byte(text))
		faults := strict.In(err)
		if len(faults) != 1 || faults[0].Place != tc.place || faults[0].ZH() != tc.want {
			t.Errorf("%s: %s\n got %v\nwant %s: %s", name, text, faults, tc.place, tc.want)
			for _, f := range faults {
				t.Logf("%s: %s", f.Place, f.ZH())
			}
		}
	}
}

func TestWhatCannotBePricedIsToldInBothLanguages(t *testing.T) {
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	stay := Stay{Entry: at, Exit: at.Add(time.Hour)}
	for name, tc := range map[string]struct {
		stay   Stay
		known  Context
		zh, en string
	}{
		"out before in":  {Stay{Entry: at, Exit: at.Add(-time.Minute)}, Context{}, "离场比入场早 1分钟：请改正时间", "the stay ends 1 minute before it begins"},
		"no exit":        {Stay{Entry: at}, Context{}, "停车缺少入场或离场时间：请填写", "the stay lacks its entry or exit time"},
		"no percent":     {stay, Context{Coupons: []Coupon{{ID: "c", Kind: CouponPercent}}}, "优惠券 c：折扣 0% 须为 1% 至 100%", "coupon c: 0 percent is not from 1 to 100"},
		"no such coupon": {stay, Context{Coupons: []Coupon{{ID: "c", Kind: "gift"}}}, `优惠券 c：没有 "gift" 这种类型`, `coupon c: kind "gift" is not known`},
		"less than paid": {stay, Context{Payments: []Payment{{ID: "p", At: at, Amount: money.Amount(-1)}}}, "付款 p：金额 -1 超出范围", "payment p: amount -1 is out of range"},
	} {
		_, err := Rate(load(t, "per-hour"), calendar.Calendar{}, tc.stay, tc.known)
		if f := strict.In(err); len(f) != 1 || f[0].ZH() != tc.zh || f[0].EN() != tc.en {
			t.Errorf("%s: %v, want %s and %s", name, err, tc.zh, tc.en)
		}
	}
}
