package parking

import (
	"fmt"

	"lotkeeper/shared/alarm"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/plate"
)

// Text is a text in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

func both(zh, en string) Text { return Text{zh, en} }

// Sentence says a fact in plain words. Amounts without a currency of their own are in cur. A kind that this release does
// not know, and a body it cannot read, are said as such.
func Sentence(f *fact.Fact, cur money.Currency) Text {
	switch f.Kind {
	case fact.KindOpened:
		return say(f, func(b fact.Opened) Text {
			return both("岗亭 "+b.Booth+" 开始新日志："+b.Why, "Booth "+b.Booth+" began a new log: "+b.Why)
		})
	case fact.KindClock:
		return say(f, func(b fact.Clock) Text {
			return both(fmt.Sprintf("设备 %s 时钟校正 %+.1f 秒", b.Source, float64(b.OffsetMS)/1000), fmt.Sprintf("Clock of %s is corrected by %+.1f s", b.Source, float64(b.OffsetMS)/1000))
		})
	case fact.KindRead:
		p := plateOf(f)
		return say(f, func(b fact.Read) Text {
			late := both("", "")
			if b.Late {
				late = both("（补传）", " (from the camera's memory)")
			}
			return both(fmt.Sprintf("%s识别到 %s，置信度 %d%%%s", b.Lane, p.ZH, b.Confidence, late.ZH), fmt.Sprintf("%s read %s, confidence %d%%%s", b.Lane, p.EN, b.Confidence, late.EN))
		})
	case fact.KindDecision:
		return say(f, func(b fact.Decision) Text { return decided(b, cur) })
	case fact.KindBarrier:
		return say(f, func(b fact.Barrier) Text {
			command := pick(b.Command, "open", both("抬杆", "open"), "close", both("落杆", "close"))
			outcome := pick(b.Outcome, "done", both("成功", "done"), "refused", both("被拒绝", "refused"), "unknown", both("结果未知", "outcome unknown"))
			return both(fmt.Sprintf("%s%s：%s", b.Lane, command.ZH, outcome.ZH), fmt.Sprintf("Barrier %s, %s: %s", b.Lane, command.EN, outcome.EN))
		})
	case fact.KindPassage:
		return say(f, func(b fact.Passage) Text {
			what := pick(string(b.Outcome), "passed", both("车辆通过", "the vehicle passed"), "reversed", both("车辆倒出", "the vehicle backed out"), "gone", both("车辆未通过", "the vehicle never crossed"))
			return both(b.Lane+what.ZH, b.Lane+": "+what.EN)
		})
	case fact.KindBill:
		return say(f, func(b fact.Bill) Text {
			m := b.Bill
			return both(fmt.Sprintf("账单：应收 %s，减免 %s", m.Gross.Format(m.Currency), m.Free.Format(m.Currency)), fmt.Sprintf("Bill: %s, of which free %s", m.Gross.Format(m.Currency), m.Free.Format(m.Currency)))
		})
	case fact.KindCash:
		return say(f, func(b fact.Cash) Text {
			return both(fmt.Sprintf("%s 在%s收取现金 %s", b.By, b.Lane, b.Amount.Format(b.Curr)), fmt.Sprintf("%s took %s in cash at %s", b.By, b.Amount.Format(b.Curr), b.Lane))
		})
	case fact.KindPayment:
		return say(f, func(b fact.Payment) Text {
			return both(fmt.Sprintf("手机支付 %s（订单 %s）", b.Amount.Format(b.Curr), b.Order), fmt.Sprintf("Paid %s by phone (order %s)", b.Amount.Format(b.Curr), b.Order))
		})
	case fact.KindProved:
		return say(f, func(b fact.Proved) Text {
			return both(fmt.Sprintf("在%s出示付款凭证 %s（订单 %s）", b.Lane, b.Amount.Format(b.Curr), b.Order), fmt.Sprintf("Showed the receipt of %s at %s (order %s)", b.Amount.Format(b.Curr), b.Lane, b.Order))
		})
	case fact.KindPromised:
		return say(f, func(b fact.Promised) Text {
			by := both("，按车场规则放行", ", let through by the lot's policy")
			if b.By != "" {
				by = both("，"+b.By+"同意放行 "+b.Note, ", allowed by "+b.By+" "+b.Note)
			}
			return both(fmt.Sprintf("%s承诺付款 %s%s", b.Lane, b.Amount.Format(b.Curr), by.ZH), fmt.Sprintf("Promised at %s to pay %s%s", b.Lane, b.Amount.Format(b.Curr), by.EN))
		})
	case fact.KindShiftOpened:
		return say(f, func(b fact.ShiftOpened) Text { return both(b.By+" 开班", b.By+" began a shift") })
	case fact.KindShiftClosed:
		return say(f, func(b fact.ShiftClosed) Text {
			return both(fmt.Sprintf("%s 交班：应有现金 %s，实点 %s", b.By, b.Totals.Cash.Format(b.Curr), b.Counted.Format(b.Curr)),
				fmt.Sprintf("%s handed over the shift: %s in cash, counted %s", b.By, b.Totals.Cash.Format(b.Curr), b.Counted.Format(b.Curr)))
		})
	case fact.KindCorrected:
		p := plateOf(f)
		return say(f, func(b fact.Corrected) Text {
			return both(fmt.Sprintf("%s 将车牌更正为 %s", b.By, p.ZH), fmt.Sprintf("%s corrected the plate to %s", b.By, p.EN))
		})
	case fact.KindMatched:
		return say(f, func(b fact.Matched) Text {
			switch b.Basis {
			case "person":
				return both(b.By+" 将出场与入场匹配", b.By+" matched the exit with the entry")
			case "revived":
				return both("此前的离场有误，车辆一直在场", "The exit before was false: the vehicle was still inside")
			case "ticket":
				return both("按票据将出场与入场匹配", "The exit was matched with the entry by a ticket")
			}
			return both("按相似车牌将出场与入场匹配", "The exit was matched with the entry by a similar plate")
		})
	case fact.KindAdded:
		p := plateOf(f)
		return say(f, func(b fact.Added) Text {
			way := pick(string(b.Dir), "entry", both("入场", "entry"), "exit", both("离场", "exit"))
			if len(f.Refs) > 0 {
				return both(fmt.Sprintf("%s 补录%s：%s", b.By, way.ZH, b.Note), fmt.Sprintf("%s added an %s: %s", b.By, way.EN, b.Note))
			}
			return both(fmt.Sprintf("%s 为 %s 补录%s：%s", b.By, p.ZH, way.ZH, b.Note), fmt.Sprintf("%s added an %s of %s: %s", b.By, way.EN, p.EN, b.Note))
		})
	case fact.KindMerged:
		return say(f, func(b fact.Merged) Text {
			return both(b.By+" 将两个停车订单合并："+b.Note, b.By+" merged two sessions: "+b.Note)
		})
	case fact.KindSplit:
		return say(f, func(b fact.Split) Text {
			return both(b.By+" 将停车订单拆分："+b.Note, b.By+" split the session: "+b.Note)
		})
	case fact.KindVoided:
		return say(f, func(b fact.Voided) Text {
			return both(b.By+" 将停车订单作废："+b.Note, b.By+" voided the session: "+b.Note)
		})
	case fact.KindCommand:
		return say(f, func(b fact.Command) Text {
			return both(fmt.Sprintf("%s 远程操作 %s（%s）：%s", b.By, b.Lane, b.Note, verdict(b.Verdict).ZH), fmt.Sprintf("Remote %s of %s by %s (%s): %s", b.Action, b.Lane, b.By, b.Note, verdict(b.Verdict).EN))
		})
	case fact.KindAlarmRaised:
		return say(f, func(b fact.Alarm) Text {
			about, w := about(b), alarm.Text(b.Code)
			return both("告警："+about+w.ZH, "Alarm: "+about+w.EN)
		})
	case fact.KindAlarmCleared:
		return say(f, func(b fact.Alarm) Text {
			about, w := about(b), alarm.Text(b.Code)
			return both("告警解除："+about+w.ZH, "Alarm is over: "+about+w.EN)
		})
	}
	return both("其他记录："+string(f.Kind), "Another record: "+string(f.Kind))
}

// about names the device or lane of an alarm.
func about(a fact.Alarm) string {
	if a.Subject == "" {
		return ""
	}
	return a.Subject + " "
}

func say[T any](f *fact.Fact, sentence func(T) Text) Text {
	body, err := fact.Decode[T](f)
	if err != nil {
		return both("无法读取的记录："+string(f.Kind), "A record that cannot be read: "+string(f.Kind))
	}
	return sentence(body)
}

func plateOf(f *fact.Fact) Text {
	v, ok, err := fact.Reveal(f)
	switch {
	case err != nil || !ok:
		return both("已删除的车牌", "an erased plate")
	case v.Plate.None():
		return both("无牌车", "a vehicle without a plate")
	case v.Plate.Colour == plate.ColourUnknown:
		return both(v.Plate.Text, v.Plate.Text)
	}
	return both(v.Plate.Text+"（"+v.Plate.Colour.Chinese()+"）", v.Plate.Text+" ("+v.Plate.Colour.String()+")")
}

// Reason says why a lane decided as it did.
func Reason(code string) Text {
	return pick(code, "entry", both("入场", "entry"), "paid", both("已缴费", "paid"), "free", both("免费", "free"),
		"permit", both("月卡", "month card"), "unpaid", both("待缴费", "unpaid"), "no_entry", both("无入场记录", "no entry known"),
		"inside", both("已在场内", "inside already"), "repeated", both("重复识别", "read twice"), "full", both("车位已满", "the lot is full"), "inner", both("区域间通行", "between zones"),
		"held_open", both("常开", "held open"), "convoy", both("车队放行", "convoy"), "locked", both("已锁闸", "locked"),
		"revived", both("此前离场有误", "the exit before was false"), "fire", both("消防放行", "fire"), "tailgate", both("跟车", "followed another"),
		"manual", both("人工放行", "opened by staff"), "promised", both("承诺付款", "promised to pay"), "command", both("远程放行", "opened from the seat"),
		"black", both("黑名单", "black list"), "arrears", both("有欠费", "owes from earlier stays"), "special", both("特殊车辆", "special vehicle"),
		"free_list", both("免费名单", "free list"), "permit_full", both("月卡车位已占用，按临时车计费", "places of the card are taken: charged as a visitor"))
}

func verdict(code string) Text {
	return pick(code, "done", both("已执行", "done"), "unknown", both("结果未知", "outcome unknown"), "refused", both("被拒绝", "refused"),
		"expired", both("已过期", "expired"), "replayed", both("重复指令", "replayed"), "mismatched", both("车辆已变化", "another vehicle"))
}

func decided(b fact.Decision, cur money.Currency) Text {
	why := Reason(b.Reason)
	due := both("", "")
	switch {
	case b.Due > 0 && b.Dir == fact.Entry:
		due = both("，历史欠费 "+b.Due.Format(cur), ", owes "+b.Due.Format(cur))
	case b.Due > 0:
		due = both("，应缴 "+b.Due.Format(cur), ", due "+b.Due.Format(cur))
	}
	by := both("", "")
	if b.By != "" {
		by = both("，"+b.By+" "+b.Note, ", by "+b.By+" "+b.Note)
	}
	if b.Action == fact.Open {
		return both(b.Lane+"放行："+why.ZH+due.ZH+by.ZH, b.Lane+" opens: "+why.EN+due.EN+by.EN)
	}
	return both(b.Lane+"暂不放行："+why.ZH+due.ZH+by.ZH, b.Lane+" holds: "+why.EN+due.EN+by.EN)
}

// pick finds a word's text among words and texts in turn; an unknown word is its own text.
func pick(word string, table ...any) Text {
	for i := 0; i+1 < len(table); i += 2 {
		if table[i] == word {
			return table[i+1].(Text) //nolint:forcetypeassert // the tables above hold texts
		}
	}
	return both(word, word)
}
