package lane

import (
	"fmt"
	"time"

	"lotkeeper/firmware-adapters/driver"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
)

// Message is what a lane tells its driver: lines for the display, and words to speak. The display and the voice are
// Chinese and hold only what GBK has; En is the same for screens in English.
type Message struct {
	Lines []string
	Voice string
	En    string
}

// message says what was decided about the vehicle at the lane, the weightiest first: many displays have two lines.
func (t *step) message() Message {
	c := &t.Car
	p := c.Plate.Text
	if c.Plate.None() {
		p = "无牌车"
	}
	stay := ""
	if c.Found.Entered != nil {
		stay = "停车" + lasted(c.At.Sub(*c.Found.Entered))
	}
	lines := func(l ...string) []string {
		out := []string{p}
		for _, x := range l {
			if x != "" {
				out = append(out, x)
			}
		}
		return out
	}
	if c.Reason == ReasonJournal {
		if c.Action == fact.Open {
			return Message{lines("系统故障 请通行"), "请通行", "System fault: please pass"}
		}
		return Message{lines("系统故障 请联系岗亭"), "系统故障，请联系岗亭", "System fault: please call the booth"}
	}
	if l, voice, en, ok := c.rightText(t.Dir); ok {
		return Message{lines(append(l, stay)...), voice, en}
	}
	switch {
	case c.Action == fact.Open && c.Reason == ReasonInner:
		return Message{lines("请通行"), "请通行", "Please drive on"}
	case c.Action == fact.Open && t.Dir == fact.Entry:
		return Message{lines("欢迎光临"), "欢迎光临", "Welcome"}
	case c.Action == fact.Open && c.Reason == ReasonPaid:
		return Message{lines("已缴费 一路顺风", stay), "一路顺风", "Paid. Have a good trip"}
	case c.Action == fact.Open:
		return Message{lines("一路顺风", stay), "一路顺风", "Have a good trip"}
	case c.Reason == ReasonUnpaid:
		yuan := amount(c.Found.Bill.Due, c.Found.Currency)
		return Message{lines("请缴费"+yuan, stay), "请缴费" + yuan, "Please pay " + c.Found.Bill.Due.Format(c.Found.Currency)}
	case c.Reason == ReasonFull:
		return Message{lines("车位已满", "请停其他车场"), "车位已满", "The lot is full"}
	case c.Reason == ReasonInside, c.Reason == ReasonRepeated:
		return Message{lines("该车已在场内", "请联系岗亭"), "该车已在场内，请联系岗亭", "This vehicle is inside already: please call the booth"}
	case c.Reason == ReasonLocked:
		return Message{lines("车道已关闭", "请走其他车道"), "车道已关闭，请走其他车道", "Lane closed: please use another"}
	case c.Reason == ReasonNoPlate:
		return Message{lines("请联系岗亭"), "无牌车，请联系岗亭", "No plate: please call the booth"}
	case c.Reason == ReasonNoEntry:
		return Message{lines("请联系岗亭", "无入场记录"), "无入场记录，请联系岗亭", "No entry found: please call the booth"}
	}
	return Message{lines("请联系岗亭"), "请联系岗亭", "Please call the booth"}
}

func unread(d fact.Dir) Message {
	if d == fact.Entry {
		return Message{[]string{"未识别车牌", "请稍后退重试"}, "未识别车牌，请稍后退重试", "Plate not read: please back up a little"}
	}
	return Message{[]string{"未识别车牌", "请联系岗亭"}, "未识别车牌，请联系岗亭", "Plate not read: please call the booth"}
}

func idle(d fact.Dir) Message {
	if d == fact.Entry {
		return Message{Lines: []string{"欢迎光临", "减速慢行 一车一杆"}, En: "Welcome"}
	}
	if d == fact.Inner {
		return Message{Lines: []string{"内部通道", "减速慢行 一车一杆"}, En: "Inner lane"}
	}
	return Message{Lines: []string{"出口", "减速慢行 一车一杆"}, En: "Exit"}
}

// idle is what the display says while nobody is at the lane.
func (t *step) idle() Message {
	switch t.Mode.Kind {
	case fact.HeldOpen:
		return Message{Lines: []string{"闸门常开", "减速慢行"}, En: "Held open: drive through slowly"}
	case fact.Convoy:
		return Message{Lines: []string{"车队通行", "请依次通过"}, En: "Convoy passing"}
	case fact.Locked:
		return Message{Lines: []string{"车道已关闭", "请走其他车道"}, En: "Lane closed: please use another"}
	}
	return idle(t.Dir)
}

// amount is money as it is spoken: 15元, 15.50元.
func amount(a money.Amount, c money.Currency) string {
	if c != "CNY" {
		return a.Decimal(c) + string(c)
	}
	if a%100 == 0 {
		return fmt.Sprintf("%d元", int64(a)/100)
	}
	return a.Decimal(c) + "元"
}

// lasted is a duration as people say it.
func lasted(d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d天%d小时%d分", days, hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d小时%d分", hours, minutes)
	case d >= time.Minute:
		return fmt.Sprintf("%d分", minutes)
	}
	return fmt.Sprintf("%d秒", int(d/time.Second))
}

// Texts for people who ask.
var (
	textJournal     = tariff.Text{ZH: "本机日志无法写入", EN: "the booth's journal cannot be written"}
	textReplayed    = tariff.Text{ZH: "已处理过，未重复执行", EN: "already done; not done again"}
	textExpired     = tariff.Text{ZH: "指令已过期", EN: "the command is too old"}
	textMismatched  = tariff.Text{ZH: "车道上已不是这辆车", EN: "another vehicle is at the lane now"}
	textUnderArm    = tariff.Text{ZH: "闸下有车或火警中，不能关闸", EN: "somebody is under the arm, or there is a fire: it is not closed"}
	textNoReason    = tariff.Text{ZH: "必须填写原因", EN: "a reason is required"}
	textNobody      = tariff.Text{ZH: "缺少操作员", EN: "the operator is missing"}
	textNobodyThere = tariff.Text{ZH: "车道上没有车", EN: "there is no vehicle at the lane"}
	textNoPlate     = tariff.Text{ZH: "必须填写车牌", EN: "a plate is required"}
	textNoCandidate = tariff.Text{ZH: "不是当前候选记录", EN: "not one of the present candidates"}
	textNothingDue  = tariff.Text{ZH: "当前无应收金额", EN: "nothing is due now"}
	textNoAction    = tariff.Text{ZH: "缺少收款编号", EN: "the taking has no id"}
	textNoMode      = tariff.Text{ZH: "车道没有设置模式", EN: "the lane is in no mode"}
	textModeTime    = tariff.Text{ZH: "时长须在 1 秒到 24 小时之间", EN: "a mode lasts from 1 second to 24 hours"}
	textModeCount   = tariff.Text{ZH: "车队须填写车辆数（1 到 999），其他模式不填", EN: "a convoy, and only a convoy, has a number of vehicles (1 to 999)"}
	textHeldOpen    = tariff.Text{ZH: "常开或车队模式中，请先取消该模式", EN: "the lane is held open: end the mode first"}
	textOtherRun    = tariff.Text{ZH: "岗亭已重启，请刷新后再操作", EN: "the booth has restarted: look again, then ask again"}
	textUnknownWant = tariff.Text{ZH: "未知操作", EN: "unknown action"}
)

func textAmount(due money.Amount, c money.Currency) tariff.Text {
	return tariff.Text{
		ZH: fmt.Sprintf("金额须大于0且不超过应收%s", amount(due, c)),
		EN: fmt.Sprintf("the amount must be above 0 and at most %s", due.Format(c)),
	}
}

// moveText says what a barrier made of a command.
func moveText(command string, o driver.Outcome) tariff.Text {
	zh, en := "开闸", "open"
	if command == "close" {
		zh, en = "关闸", "close"
	}
	switch o {
	case driver.Done:
		return tariff.Text{ZH: zh + "已执行", EN: en + ": done"}
	case driver.Refused:
		return tariff.Text{ZH: zh + "被拒绝", EN: en + ": refused"}
	}
	return tariff.Text{ZH: zh + "无应答，请看现场", EN: en + ": no answer, look at the lane"}
}
