package parking_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lotkeeper/cloud/internal/parking"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/tariff"
)

func TestSentences(t *testing.T) {
	hidden, err := json.Marshal(fact.Vehicle{Plate: plate.Plate{Text: "粤B12345", Colour: plate.ColourBlue, Class: plate.ClassSmall}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		kind   fact.Kind
		body   any
		zh, en string
	}{
		{fact.KindRead, fact.Read{Lane: "exit-1", Confidence: 97, Late: true}, "exit-1识别到 粤B12345（蓝），置信度 97%（补传）", "exit-1 read 粤B12345 (blue), confidence 97% (from the camera's memory)"},
		{fact.KindDecision, fact.Decision{Lane: "exit-1", Action: fact.Hold, Reason: "unpaid", Due: 1500}, "exit-1暂不放行：待缴费，应缴 ¥15.00", "exit-1 holds: unpaid, due ¥15.00"},
		{fact.KindDecision, fact.Decision{Lane: "exit-1", Action: fact.Open, Reason: "new-word", By: "wang", Note: "n"}, "exit-1放行：new-word，wang n", "exit-1 opens: new-word, by wang n"},
		{fact.KindBarrier, fact.Barrier{Lane: "exit-1", Command: "open", Outcome: "unknown"}, "exit-1抬杆：结果未知", "Barrier exit-1, open: outcome unknown"},
		{fact.KindPassage, fact.Passage{Lane: "exit-1", Outcome: fact.Reversed}, "exit-1车辆倒出", "exit-1: the vehicle backed out"},
		{fact.KindBill, fact.Bill{Bill: tariff.Bill{Gross: 1500, Free: 500, Currency: "CNY"}}, "账单：应收 ¥15.00，减免 ¥5.00", "Bill: ¥15.00, of which free ¥5.00"},
		{fact.KindCash, fact.Cash{Amount: 1500, Curr: "CNY", Lane: "exit-1", By: "wang"}, "wang 在exit-1收取现金 ¥15.00", "wang took ¥15.00 in cash at exit-1"},
		{fact.KindPayment, fact.Payment{Amount: 1500, Curr: "CNY", Order: "o1"}, "手机支付 ¥15.00（订单 o1）", "Paid ¥15.00 by phone (order o1)"},
		{fact.KindProved, fact.Proved{Amount: 1500, Curr: "CNY", Order: "o1", Lane: "exit-1"}, "在exit-1出示付款凭证 ¥15.00（订单 o1）", "Showed the receipt of ¥15.00 at exit-1 (order o1)"},
		{fact.KindPromised, fact.Promised{Amount: 1500, Curr: "CNY", Lane: "exit-1"}, "exit-1承诺付款 ¥15.00，按车场规则放行", "Promised at exit-1 to pay ¥15.00, let through by the lot's policy"},
		{fact.KindShiftOpened, fact.ShiftOpened{By: "wang"}, "wang 开班", "wang began a shift"},
		{fact.KindShiftClosed, fact.ShiftClosed{By: "wang", Counted: 1400, Curr: "CNY", Totals: fact.ShiftTotals{Cash: 1500}}, "wang 交班：应有现金 ¥15.00，实点 ¥14.00", "wang handed over the shift: ¥15.00 in cash, counted ¥14.00"},
		{fact.KindCorrected, fact.Corrected{By: "wang"}, "wang 将车牌更正为 粤B12345（蓝）", "wang corrected the plate to 粤B12345 (blue)"},
		{fact.KindMatched, fact.Matched{Basis: "fuzzy"}, "按相似车牌将出场与入场匹配", "The exit was matched with the entry by a similar plate"},
		{fact.KindCommand, fact.Command{Lane: "exit-1", Action: "open", By: "li", Note: "n", Verdict: "expired"}, "li 远程操作 exit-1（n）：已过期", "Remote open of exit-1 by li (n): expired"},
		{fact.KindClock, fact.Clock{Source: "cam", OffsetMS: -1500}, "设备 cam 时钟校正 -1.5 秒", "Clock of cam is corrected by -1.5 s"},
		{fact.KindAlarmRaised, fact.Alarm{Code: "camera_blind", Subject: "cam-1"}, "告警：cam-1 相机在线但不再识别车牌，请检查相机", "Alarm: cam-1 the camera is connected but reads no plates: look at it"},
		{fact.KindAlarmCleared, fact.Alarm{Code: "disk_low"}, "告警解除：磁盘空间不足，请清理", "Alarm is over: the disk is nearly full: make room"},
		{fact.KindOpened, fact.Opened{Booth: "booth-a", Why: "new"}, "岗亭 booth-a 开始新日志：new", "Booth booth-a began a new log: new"},
		{"of.the.future", map[string]int{"x": 1}, "其他记录：of.the.future", "Another record: of.the.future"},
		{fact.KindCash, "no object", "无法读取的记录：cash.taken", "A record that cannot be read: cash.taken"},
	} {
		body, err := json.Marshal(tc.body)
		if err != nil {
			t.Fatal(err)
		}
		got := parking.Sentence(&fact.Fact{Kind: tc.kind, Body: body, Private: hidden}, "CNY")
		if got.ZH != tc.zh || got.EN != tc.en {
			t.Errorf("%s %s:\n got %q %q\nwant %q %q", tc.kind, body, got.ZH, got.EN, tc.zh, tc.en)
		}
	}
	erased := parking.Sentence(&fact.Fact{Kind: fact.KindRead, Body: []byte(`{"lane":"l"}`)}, "CNY")
	if !strings.Contains(erased.ZH, "已删除") || !strings.Contains(erased.EN, "erased") {
		t.Errorf("an erased plate: %+v", erased)
	}
}

func FuzzSentence(f *testing.F) {
	f.Add("plate.read", []byte(`{"lane":"x"}`), []byte(`{"plate":{"text":"粤B12345"}}`))
	f.Add("lane.decided", []byte(`{"action":"open","due":-1}`), []byte(nil))
	f.Fuzz(func(t *testing.T, kind string, body, private []byte) {
		s := parking.Sentence(&fact.Fact{Kind: fact.Kind(kind), Body: body, Private: private}, "CNY")
		if s.ZH == "" || s.EN == "" {
			t.Errorf("%q %q: nothing is said", kind, body)
		}
	})
}
