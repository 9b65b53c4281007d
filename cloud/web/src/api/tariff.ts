// What the API says of tariffs, calendars, rules and rehearsals, straight from its document.

import type { components } from './schema.gen'

type S = components['schemas']

export type Tariff = S['Tariff']
export type TariffDetail = S['TariffDetail']
export type TariffVersion = S['TariffVersion']
export type TariffVersionDetail = S['GetTariffVersionReply']
export type Finding = S['TariffFinding']
export type Applied = S['TariffApplied']
export type Published = S['PublishTariffReply']
export type Publication = S['PublishTariffRequest']
export type Use = S['TariffUse']

/** A text that nobody saved, or a tariff of the library, with the days it is judged by. */
export type Case = S['TariffCase']
export type TrialRequest = S['CheckBillRequest']
export type Trial = S['CheckBillReply']
export type TrialBill = S['TariffBill']
export type TrialLine = S['TariffLine']
export type ChartRequest = S['CheckChartRequest']
export type FeeCurve = S['CheckChartReply']
export type FeePoint = S['TariffPoint']
export type ProbeRequest = S['CheckProbesRequest']
export type Probe = S['TariffProbe']

export type Calendar = S['TariffCalendar']
export type CalendarDetail = S['TariffCalendarDetail']
export type CalendarDocument = S['TariffCalendarDocument']
export type CalendarVersion = S['TariffCalendarVersion']
export type CalendarVersionDetail = S['GetCalendarVersionReply']
export type CalendarContent = S['SaveCalendarRequest']
export type Day = S['TariffDay']
export type Weekdays = S['TariffWeekdays']

export type Rules = S['GetLotRulesReply']
export type Rule = S['TariffRule']
export type RuleState = S['TariffRuleState']

export type Rehearsal = S['TariffRehearsal']
export type RehearsalDetail = S['GetRehearsalReply']
export type RehearsalStart = S['StartRehearsalRequest']
export type LotTally = S['TariffRehearsalLot']
export type Bin = S['TariffBin']
export type Change = S['TariffChange']
