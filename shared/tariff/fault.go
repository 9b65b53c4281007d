package tariff

import "lotkeeper/shared/tariff/strict"

// The faults of a tariff, in both languages. What a key is called stays as it is written in the document.
var (
	noName         = strict.Kind{Code: "no_name", ZH: "须有 zh 和 en 两个名称，或写一个两种语言通用的名称", EN: "want both zh and en, or one string for both"}
	notCurrency    = strict.Kind{Code: "not_currency", ZH: "须为三个大写字母，如 CNY，现为 %q", EN: "want three capital letters like CNY, got %q"}
	notZone        = strict.Kind{Code: "not_zone", ZH: "%q 不是时区：请写地名，如 Asia/Shanghai", EN: "time zone %q is not known: want the name of a place like Asia/Shanghai"}
	notClock       = strict.Kind{Code: "not_clock", ZH: "%q 不是时刻：请写成 08:00 的形式", EN: "%q is not a time of day like 08:00"}
	notSpan        = strict.Kind{Code: "not_span", ZH: "%s 不是时长：请写秒数，或 15m、1h30m、24h、7d 的形式", EN: "%s is not a length of time: write seconds, or like 15m, 1h30m, 24h, 7d"}
	notOneOf       = strict.Kind{Code: "not_one_of", ZH: "须为 %s 之一，现为 %q", EN: "want one of %s, got %q"}
	notInRange     = strict.Kind{Code: "not_in_range", ZH: "须为 %d 至 %d，现为 %d", EN: "want %d to %d, got %d"}
	notSeconds     = strict.Kind{Code: "not_seconds", ZH: "须为 %d 至 %d 秒，现为 %d", EN: "want %d to %d seconds, got %d"}
	notTimeOfDay   = strict.Kind{Code: "not_time_of_day", ZH: "须为 00:00 至 23:59:59，现为 %s", EN: "want 00:00 to 23:59:59, got %s"}
	notEndOfTime   = strict.Kind{Code: "not_end_of_time", ZH: "须为 00:00 至 24:00，现为 %s", EN: "want 00:00 to 24:00, got %s"}
	notExact       = strict.Kind{Code: "not_exact", ZH: "须为 0 至 %d，分母不超过 %d，现为 %d/%d", EN: "want 0 to %d with a denominator up to %d, got %d/%d"}
	idTaken        = strict.Kind{Code: "id_taken", ZH: "%[1]q 与前面的编号重复：请改用其他编号", EN: "%q is the id of an earlier %s: give it another"}
	atLeastOne     = strict.Kind{Code: "at_least_one", ZH: "至少须有一个", EN: "want at least one"}
	tooMany        = strict.Kind{Code: "too_many", ZH: "最多 %d 个，现有 %d 个：请减少", EN: "want at most %d, got %d"}
	tooManyDays    = strict.Kind{Code: "too_many_days", ZH: "不同的日期类型超过 %d 种：请合并", EN: "more than %d different day types: use fewer"}
	noDenominator  = strict.Kind{Code: "no_denominator", ZH: "各价格的分数没有不超过 %d 的公分母：请改用更整的价格或单位", EN: "the fractions of the prices have no common denominator up to %d; use rounder prices or units"}
	lastNotForAll  = strict.Kind{Code: "last_not_for_all", ZH: "最后一个方案须适用于所有停车：请去掉它的 classes、entitlements 和 day_types", EN: "the last plan must fit every stay: leave out its classes, entitlements and day_types"}
	neverUsed      = strict.Kind{Code: "never_used", ZH: "此方案适用于所有停车，其后的方案不会用到：请移到最后，或限定其适用范围", EN: "this plan fits every stay, so those after it are never used: move it to the end or say for whom it is"}
	couponOrder    = strict.Kind{Code: "coupon_order", ZH: "须将 full、minutes、percent、amount 各写一次，现为 %v", EN: "want each of full, minutes, percent and amount once, got %v"}
	outerOnly      = strict.Kind{Code: "outer_only", ZH: "属于特例之外的方案：请从特例的方案中删去", EN: "belongs to the plan around the guard: leave it out here"}
	goesWith       = strict.Kind{Code: "goes_with", ZH: "只与 %s 一起使用：请删去，或改用 %[1]s", EN: "goes with %s only: leave it out"}
	blockOnly      = strict.Kind{Code: "block_only", ZH: "只用于 block：请删去，或改为 block", EN: "belongs to a block only: leave it out"}
	dayOnly        = strict.Kind{Code: "day_only", ZH: "at 和 starts 只用于 day：请删去，或改为 day", EN: "at and starts belong to a day only: leave them out"}
	startsInstead  = strict.Kind{Code: "starts_instead", ZH: "starts 代替 at，不能与它并存：请删去其一", EN: "stands instead of at, not beside it: leave one out"}
	oneDayOf       = strict.Kind{Code: "one_day_of", ZH: "同一方案的时段只能都按周期所在日，或都按整次停车所在日：请统一 day_of", EN: "bands of one plan look at the day of the cycle or at that of the stay, not at both"}
	lastStepEnds   = strict.Kind{Code: "last_step_ends", ZH: "最后一个阶梯不能有 up_to，否则其后的时间没有价格（不收费请写价格为 0 的阶梯）", EN: "the last step has none: what comes after it would have no price (write a step with price 0 for no charge)"}
	stepEndless    = strict.Kind{Code: "step_endless", ZH: "缺少 up_to：只有最后一个阶梯没有终点", EN: "is missing: only the last step goes on for ever"}
	stepBack       = strict.Kind{Code: "step_back", ZH: "须大于上一阶梯的 %d 且不超过 %d，现为 %d", EN: "want more than the %d of the step before, and at most %d, got %d"}
	notUnit        = strict.Kind{Code: "not_unit", ZH: "须为 1 至 %d 秒，一口价则不写，现为 %d", EN: "want 1 to %d seconds, or none for a flat price, got %d"}
	noPrice        = strict.Kind{Code: "no_price", ZH: "缺少价格：不收费请写 0", EN: "is missing; write 0 for no charge"}
	unitOnly       = strict.Kind{Code: "unit_only", ZH: "只用于有单位的阶梯：请删去，或填写 unit", EN: "belongs to a step with a unit only: leave it out"}
	tailAlone      = strict.Kind{Code: "tail_alone", ZH: "须与 end: tail 同时写，且只与它一起写", EN: "goes with end: tail, and only with it"}
	tailTooLong    = strict.Kind{Code: "tail_too_long", ZH: "须小于 %d 秒的单位，现为 %d", EN: "want less than the unit of %d seconds, got %d"}
	timesOfScope   = strict.Kind{Code: "times_of_scope", ZH: "须与 scope: run 或 cycle 一起使用，且不小于 0", EN: "goes with scope: run or cycle, and is not below 0"}
	clockOfDay     = strict.Kind{Code: "clock_of_day", ZH: "须为时刻，且只与 window: day 一起使用", EN: "is a clock time, and goes with window: day only"}
	noBand         = strict.Kind{Code: "no_band", ZH: "%q 不是此方案的时段：请写方案中时段的编号", EN: "%q is no band of this plan: write the id of one"}
	timesOfWindows = strict.Kind{Code: "times_of_windows", ZH: "times 和 skip 用来数窗口：不能与 stay 一起使用，且不小于 0", EN: "times and skip count windows: not with stay, and not below 0"}
	noCounts       = strict.Kind{Code: "no_counts", ZH: "不能与 times 和 skip 一起使用：请删去其一", EN: "goes without times and skip: leave one out"}
	dayRange       = strict.Kind{Code: "day_range", ZH: "天数须为 0 至 31", EN: "want days from 0 to 31"}
	exitOpen       = strict.Kind{Code: "exit_open", ZH: "须填写 from、to 或两者", EN: "want from, to or both"}
	alwaysFits     = strict.Kind{Code: "always_fits", ZH: "没有 entry、exit 和 at_most 的特例总是适用：请改写为方案", EN: "a guard without entry, exit or at_most always fits: write a plan instead"}
	priceOrPlan    = strict.Kind{Code: "price_or_plan", ZH: "price 和 plan 须填写且只填写其一", EN: "want either price or plan"}
	cycleInCycle   = strict.Kind{Code: "cycle_in_cycle", ZH: "按周期判断的特例不能再有周期：请删去", EN: "a guard of one cycle has no cycles of its own: leave it out"}
	notMultiplier  = strict.Kind{Code: "not_multiplier", ZH: "须为 0 至 1000，如 \"3/2\"", EN: "want 0 to 1000, such as \"3/2\""}
	notPartOfDay   = strict.Kind{Code: "not_part_of_day", ZH: "须为能整除一天的时长，现为 %d 秒", EN: "want a length that divides a day, got %d seconds"}
	notPastFree    = strict.Kind{Code: "not_past_free", ZH: "须长于免费时长", EN: "want more than the free time"}
)

// The faults of a stay and of what is known about it.
var (
	stayOpen     = strict.Kind{Code: "stay_open", ZH: "停车缺少入场或离场时间：请填写", EN: "the stay lacks its entry or exit time"}
	stayBack     = strict.Kind{Code: "stay_back", ZH: "离场比入场早 %s：请改正时间", EN: "the stay ends %s before it begins"}
	stayTooLong  = strict.Kind{Code: "stay_too_long", ZH: "停车超过十年：请改正时间", EN: "the stay is longer than ten years"}
	stayPieces   = strict.Kind{Code: "stay_pieces", ZH: "停车在此规则下分段过多，无法计费：请缩短停车或加长计费单位", EN: "the stay has more pieces under this tariff than can be priced"}
	sumsTooLarge = strict.Kind{Code: "sums_too_large", ZH: "金额大到无法计算：请改小价格或缩短停车", EN: "the sums are larger than can be counted"}
	noPlanFits   = strict.Kind{Code: "no_plan_fits", ZH: "没有适用于车辆类型 %q 的方案", EN: "no plan for class %q"}
	badAmount    = strict.Kind{Code: "bad_amount", ZH: "%s：金额 %d 超出范围", EN: "%s: amount %d is out of range"}
	badVisit     = strict.Kind{Code: "bad_visit", ZH: "此前停车 %s 的时间或金额有误：离场不能早于入场，金额不能小于 0", EN: "visit %s makes no sense: it ends before it begins, or its amounts do not fit"}
	badKind      = strict.Kind{Code: "bad_kind", ZH: "%s：没有 %q 这种类型", EN: "%s: kind %q is not known"}
	badValue     = strict.Kind{Code: "bad_value", ZH: "优惠券 %s：金额 %d 须大于 0", EN: "coupon %s: amount %d is not above zero"}
	badPercent   = strict.Kind{Code: "bad_percent", ZH: "优惠券 %s：折扣 %d%% 须为 1%% 至 100%%", EN: "coupon %s: %d percent is not from 1 to 100"}
	badMinutes   = strict.Kind{Code: "bad_minutes", ZH: "优惠券 %s：%d 分钟超出范围", EN: "coupon %s: %d minutes is out of range"}
)
