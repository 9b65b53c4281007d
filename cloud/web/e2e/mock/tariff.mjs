// Tariffs, calendars, rules and rehearsals of the mock. Its fees are those of the first band alone: enough to look at.
import { iso, text } from './world.mjs'

const day = 86_400e3
const problem = (status, code, zh, en, errors) => ({ status, body: { title: code, status, code, detail: zh, zh, en, errors } })
const doc = (name, price, cap) => ({
  name, tz: 'Asia/Shanghai', currency: 'CNY',
  plans: [
    { id: 'all', free: { up_to: 1800, inclusive: true, then: 'whole' }, bands: [{ id: 'day', name: text('白天', 'Day'), from: '07:30', to: '21:30', steps: [{ up_to: 3600, unit: 3600, price: 1000 }, { unit: 1800, price }] }, { id: 'night', name: text('夜间', 'Night'), from: '21:30', to: '07:30', steps: [{ unit: 3600, price: 200 }] }], caps: [{ amount: cap, window: 'block', length: 86400 }], max_stay: { length: '3d' } },
  ],
  grace_after_payment: 900,
})
const explained = (d) => {
  const [band] = d.plans.at(-1).bands ?? []
  const yuan = (n) => '¥' + (n / 100).toFixed(2)
  const [first, then] = band?.steps ?? []
  return text(
    `${d.name.zh}\n30分钟以内（含）免费；超过后从头计费。\n${band?.name?.zh ?? ''} ${band?.from ?? ''}–${band?.to ?? ''}：1小时以内每小时${yuan(first?.price ?? 0)}；之后每30分钟${yuan(then?.price ?? 0)}，不足一个单位按一个单位计。\n夜间 21:30–07:30：每小时¥2.00。\n每24小时最高${yuan(d.plans.at(-1).caps?.[0]?.amount ?? 0)}。`,
    `${d.name.en}\nUp to and including 30 minutes is free; a longer time is charged from its beginning.\n${band?.name?.en ?? ''} ${band?.from ?? ''}–${band?.to ?? ''}: up to 1 hour ${yuan(first?.price ?? 0)} per hour; then ${yuan(then?.price ?? 0)} per 30 minutes or part thereof.\nNight 21:30–07:30: ¥2.00 per hour.\nAt most ${yuan(d.plans.at(-1).caps?.[0]?.amount ?? 0)} per 24 hours.`,
  )
}

/** Lines of a stay under the last plan's first band. */
function billOf(d, entry, exit) {
  const plan = d.plans.at(-1)
  const band = plan.bands?.[0]
  const at = Date.parse(entry)
  const s = (Date.parse(exit) - at) / 1000
  const lines = []
  for (let from = 0, n = 0; s > (plan.free?.up_to ?? 0) && from < s && n < (band?.steps?.length ?? 0); n++) {
    const step = band.steps[n]
    const until = Math.min(step.up_to ?? Infinity, s)
    const count = step.unit ? Math.ceil((until - from) / step.unit) : 1
    const to = Math.min(s, step.unit ? from + count * step.unit : s)
    lines.push({ kind: 'charge', text: text(`${band.name?.zh}：${count} 个单位`, `${band.name?.en}: ${count} units`), from: iso(at + from * 1000), to: iso(at + to * 1000), band: band.id, amount: count * Number(step.price) })
    from = step.up_to ?? s
  }
  const sum = lines.reduce((a, x) => a + x.amount, 0)
  const cap = plan.caps?.[0]?.amount ?? Infinity
  if (sum > cap) lines.push({ kind: 'cap', text: text(`每24小时最高¥${cap / 100}`, `At most ¥${cap / 100} per 24 hours`), from: entry, to: exit, band: '', amount: cap - sum })
  const due = Math.min(sum, cap)
  return { plan: plan.id, currency: d.currency, entry, exit, rated_to: exit, leave_by: null, gross: due, free: 0, paid: 0, due, lines, flags: [] }
}

export function makeTariffs(now) {
  const d = doc(text('滨江停车场标准收费', 'Riverside standard'), 300, 6000)
  const version = (n, ago, note, accepted = []) => ({ version: n, note, by: 'user:u1', published_at: iso(now - ago * day), accepted })
  const warning = { level: 'warning', code: 'no_cycle', place: 'plans[0]', text: text('停车超过24小时后，阶梯不会重新开始', 'After 24 hours the steps do not begin again') }
  const tariffs = [
    { id: 'trf-1', doc: d, latest: 3, draft: true, lots: [{ lot: 'riverside', version: 3 }, { lot: 'east-gate', version: 2 }], versions: [version(3, 12, '夜间封顶调整为 10 元'), version(2, 88, '市发改委 2026 年 9 号文', [warning]), version(1, 240, '')] },
    { id: 'trf-2', doc: doc(text('医院门诊优惠', 'Hospital outpatients'), 100, 2000), latest: 1, lots: [{ lot: 'hospital', version: 1 }], versions: [version(1, 30, '')] },
    { id: 'trf-3', doc: doc(text('路内泊位（草案）', 'On-street bays (proposal)'), 200, 4000), latest: 0, draft: true, lots: [], versions: [] },
  ].map((x, n) => ({ ...x, name: x.doc.name, number: 4 + n, archived: false, created_at: iso(now - 300 * day), updated_at: iso(now - (n * 31 + 0.2) * day), text: JSON.stringify(x.doc, null, 2) }))
  const days = ['2026-01-01', '2026-01-02', '2026-01-03'].map((date) => ({ date, type: 'holiday', note: '元旦' }))
    .concat([16, 17, 18, 19, 20, 21, 22, 23].map((n) => ({ date: `2026-02-${n}`, type: 'holiday_long', note: '春节' })))
    .concat([1, 2, 3, 4, 5, 6, 7].map((n) => ({ date: `2026-10-0${n}`, type: 'holiday_long', note: '国庆节' })), [{ date: '2026-10-10', type: 'workday', note: '国庆节调休上班' }, { date: '2026-11-11', type: 'event', note: '购物节' }])
  const calendar = { id: 'cal-1', name: text('本市节假日', 'City holidays'), latest: 4, archived: false, created_at: iso(now - 300 * day), updated_at: iso(now - 9 * day), lots: [{ lot: 'riverside', version: 4 }, { lot: 'hospital', version: 3 }], warnings: [text('日历中没有 2027 年的日期', 'The calendar has no dates in 2027')] }
  const types = ['event', 'holiday', 'holiday_long', 'weekend', 'workday']
  const document = { version: 4, note: '', by: 'user:u1', created_at: iso(now - 9 * day), weekdays: {}, days, types }
  const rules = { lot: 'riverside', config_number: 14, tz: 'Asia/Shanghai', currency: 'CNY', calendar: 'cal-1', calendar_version: 4, day_types: types, rules: [{ class: 'large', tariff: 'trf-2', version: 1 }, { day_types: ['holiday', 'holiday_long'], tariff: 'trf-1', version: 2 }, { tariff: 'trf-1', version: 3 }] }
  const tally = (sessions, before, after, more, less) => ({ sessions, gross_before: before, gross_after: after, payable_before: before, payable_after: after, difference: after - before, more, less, same: sessions - more - less, outside: 214, skipped: 9, reasons: [{ reason: 'no_bill_fact', text: text('找不到账单记录', 'the fact of its bill is not at hand'), stays: 7, example: 'b4qk2m9x.17902' }, { reason: 'other_benefit', text: text('账单含有无法重现的优惠', 'something was taken off that cannot be given again'), stays: 2, example: '' }] })
  const bins = [[-2000, -1000, 12], [-1000, -500, 61], [-500, -200, 240], [-200, -100, 402], [0, 0, 5120], [100, 200, 890], [200, 500, 1420], [500, 1000, 733], [1000, 2000, 214], [2000, 5000, 38]].map(([a, b, stays]) => (b <= 0 ? { over: b, up_to: a, stays } : { over: a, up_to: b, stays }))
  const change = (n, before, after) => ({ lot: n % 3 ? 'riverside' : 'east-gate', session: `b4qk2m9x.${17902 - n * 3}`, class: 'small', entry: iso(now - n * day * 1.37), exit: iso(now - n * day * 1.37 + (3 + n) * 3600e3), before, after })
  const more = Array.from({ length: 8 }, (_, n) => change(n, 3000 + n * 100, 6000 - n * 50))
  const less = Array.from({ length: 8 }, (_, n) => change(n + 9, 6000 - n * 200, 4100))
  const sum = tally(9130, 18452300, 19904100, 3295, 715)
  const rehearsal = {
    id: 'reh-1', tariff: 'trf-1', version: 0, name: d.name, currency: 'CNY', calendar: '', lots: ['riverside', 'east-gate'], classes: [], only_tariff: '', from: iso(now - 90 * day), to: iso(now), state: 'running', total: 9344, done: 4100, by: 'user:u1', created_at: iso(now - 40e3), started_at: iso(now - 38e3), ended_at: null, sum,
    laws: [{ level: 'warning', code: 'not_monotone', place: 'plans[0]', text: text('停 13 小时比停 12 小时 30 分便宜', '13 hours cost less than 12 hours 30 minutes') }], histogram: bins, most_more: more, most_less: less,
    results: [{ lot: 'riverside', ...tally(6020, 12100300, 13305900, 2205, 410), histogram: bins, most_more: more, most_less: less }, { lot: 'east-gate', ...tally(3110, 6352000, 6598200, 1090, 305), histogram: bins.slice(2), most_more: more.slice(3), most_less: less.slice(2) }],
  }
  return { tariffs, calendar, document, rules, rehearsal, warning }
}

export function tariffRoutes(world) {
  const w = world.tariff
  const row = ({ doc: _d, text: _t, versions: _v, draft, ...x }) => ({ ...x, has_draft: !!draft })
  const detail = (x) => ({ ...row(x), draft: x.draft ? { text: x.text, by: 'user:u1', at: x.updated_at } : null, versions: x.versions })
  const byID = (id, f) => { const x = w.tariffs.find((t) => t.id === id); return x ? f(x) : problem(404, 'tariff.not_found', '没有这个费率', 'there is no such tariff') }
  const docOf = (b) => (b.text ? JSON.parse(b.text) : JSON.parse(w.tariffs.find((t) => t.id === b.tariff).text))
  const calendarDetail = () => ({ ...w.calendar, document: w.document, versions: [4, 3, 2, 1].map((n) => ({ version: n, note: n === 4 ? '' : '国务院节假日安排 [2026]', by: 'user:u1', created_at: iso(Date.now() - (9 + (4 - n) * 40) * day) })) })
  const named = (r) => ({ ...r, name: w.tariffs.find((t) => t.id === r.tariff)?.name ?? text('', ''), library: true, latest: w.tariffs.find((t) => t.id === r.tariff)?.latest ?? 0 })
  const advance = () => { const r = w.rehearsal; if (r.state === 'running') { r.done = Math.min(r.total, r.done + 2700); if (r.done === r.total) Object.assign(r, { state: 'done', ended_at: iso(Date.now()) }) } return r }
  return [
    ['GET', '/api/v1/tariffs', ({ q }) => { const items = w.tariffs.filter((t) => t.archived === (q.get('archived') === 'true') && (t.name.zh + t.name.en).includes(q.get('q') ?? '')).map(row); return { body: { items, total: items.length } } }],
    ['POST', '/api/v1/tariffs', ({ body }) => { const x = { id: `trf-${w.tariffs.length + 1}`, name: body.name, number: 1, latest: 0, draft: true, archived: false, lots: [], versions: [], created_at: iso(Date.now()), updated_at: iso(Date.now()), text: body.text }; w.tariffs.push(x); return { status: 201, body: detail(x) } }],
    ['GET', '/api/v1/tariffs/:tariff', ({ p }) => byID(p.tariff, (x) => ({ body: detail(x) }))],
    ['PUT', '/api/v1/tariffs/:tariff/draft', ({ p, body }) => byID(p.tariff, (x) => (body.number !== x.number ? problem(409, 'tariff.changed', '费率已被他人修改，请刷新后再试', 'somebody else changed the tariff: load it again') : (Object.assign(x, { draft: true, text: body.text, number: x.number + 1, updated_at: iso(Date.now()) }), { body: detail(x) })))],
    ['POST', '/api/v1/tariffs/:tariff/publish', ({ p, body }) => byID(p.tariff, (x) => { const v = { version: ++x.latest, note: body.note ?? '', by: 'user:u1', published_at: iso(Date.now()), accepted: [] }; x.versions.unshift(v); Object.assign(x, { draft: false, number: x.number + 1 }); return { body: { version: v, same: false, findings: [], applied: (body.apply_to ?? []).map((lot) => ({ lot, rules: 1, config_number: 15, changed: true })) } } })],
    ['GET', '/api/v1/tariffs/:tariff/versions/:version', ({ p }) => byID(p.tariff, (x) => { const d = JSON.parse(x.text); return { body: { ...x.versions.find((v) => v.version === Number(p.version)), tariff: x.id, document: { id: x.id, version: Number(p.version), ...d }, explain: explained(d) } } })],
    ['POST', '/api/v1/tariff-checks/bill', ({ body }) => ({ body: { tariff: 'draft', version: 1, name: docOf(body).name, calendar: 'cal-1', calendar_version: 4, entry_day: 'workday', exit_day: 'workday', bill: billOf(docOf(body), body.entry, body.exit) } })],
    ['POST', '/api/v1/tariff-checks/chart', ({ body }) => { const d = docOf(body); const points = []; for (let s = 0; s <= body.hours * 3600; s += 1800) for (const at of [s, s + 1]) { const b = billOf(d, body.entry, iso(Date.parse(body.entry) + at * 1000)); points.push({ s: at, gross: b.gross, due: b.due }) } return { body: { currency: 'CNY', step_s: 1800, exact: true, points } } }],
    ['POST', '/api/v1/tariff-checks/probes', ({ body }) => ({ body: { probes: [[0, '零时长', 'No time'], [1800, '免费时长', 'Free time'], [1801, '免费时长过1秒', 'Free time, and a second'], [3600, '白天阶梯1小时', 'Day, step to 1 hour'], [3601, '白天阶梯1小时过1秒', 'Day, step to 1 hour, and a second'], [86400, '封顶24小时', 'Maximum, 24 hours']].map(([s, zh, en]) => ({ name: text(zh, en), bill: billOf(docOf(body), body.entry, iso(Date.parse(body.entry) + s * 1000)) })) } })],
    ['POST', '/api/v1/tariff-checks/lint', ({ body }) => ({ body: { findings: JSON.stringify(docOf(body)).includes('prise') ? [{ level: 'error', code: 'invalid', place: 'plans[0].bands[0].steps[0].prise', text: text('有误：no such key', 'no such key; there are up_to, unit, price, end, tail, cross') }] : [w.warning] } })],
    ['POST', '/api/v1/tariff-checks/explain', ({ body }) => { const d = docOf(body); if (body.version) d.plans.at(-1).bands[0].steps[1].price = 250; return { body: explained(d) } }],
    ['GET', '/api/v1/calendars', ({ q }) => { const items = q.get('archived') ? [] : [w.calendar]; return { body: { items, total: items.length } } }],
    ['GET', '/api/v1/calendars/:calendar', () => ({ body: calendarDetail() })],
    ['PUT', '/api/v1/calendars/:calendar', ({ body }) => { Object.assign(w.document, { days: body.days, weekdays: body.weekdays }); w.calendar.latest++; return { body: calendarDetail() } }],
    ['POST', '/api/v1/calendars/:calendar/import', () => problem(422, 'calendar.import', '日期文件有误，未导入任何内容', 'the file of dates is not valid: nothing was imported', [{ where: 'line 2', zh: '"2026-02-30" 不是 2026-10-01 这样的日期', en: '"2026-02-30" is not a date like 2026-10-01' }, { where: 'line 3', zh: '须为 2 或 3 列，有 1 列', en: 'want date, type and perhaps a note, got 1 fields' }])],
    ['GET', '/api/v1/lots/:lot/rules', () => ({ body: { ...w.rules, rules: w.rules.rules.map(named) } })],
    ['PUT', '/api/v1/lots/:lot/rules', ({ body }) => { Object.assign(w.rules, { rules: body.rules, config_number: w.rules.config_number + 1 }); return { body: { ...w.rules, rules: w.rules.rules.map(named) } } }],
    ['GET', '/api/v1/rehearsals', () => ({ body: { items: [w.rehearsal], total: 1 } })],
    ['POST', '/api/v1/rehearsals', () => ({ status: 202, body: w.rehearsal })],
    ['GET', '/api/v1/rehearsals/:rehearsal', () => ({ body: advance() })],
    ['POST', '/api/v1/rehearsals/:rehearsal/cancel', () => ({ body: Object.assign(w.rehearsal, { state: 'cancelled' }) })],
  ]
}
