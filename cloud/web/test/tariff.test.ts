import { expect, test } from 'vitest'
import { bandColour, layOut } from '@/admin/tariff/axis'
import { countOf, extrasOf, noExtras } from '@/admin/tariff/extras'
import { csv } from '@/admin/tariff/csv'
import { between, monthDays, tone } from '@/admin/tariff/daytype'
import { diffLines } from '@/admin/tariff/diff'
import { at, isYAML, moved, others, pathOf, placeOf, put, read, write, type Doc } from '@/admin/tariff/document'
import { editable } from '@/admin/tariff/editor'
import { known } from '@/admin/tariff/keys'
import { lineOf } from '@/admin/tariff/lines'
import { parsePrice, priceShown, priceText } from '@/admin/tariff/price'
import { faultsOf, fits, fromState, given, toBody } from '@/admin/tariff/rules'
import { clock, inUnit, ofUnit, seconds } from '@/admin/tariff/span'
import { firstStay, lasting, stayOf } from '@/admin/tariff/stay'
import { fromTemplate, templates } from '@/admin/tariff/templates'
import { Problem } from '@/api/problem'
import type { TrialLine } from '@/api/tariff'

test.each([
  [250, 'CNY', '2.50'], [0, 'CNY', '0.00'], [7, 'CNY', '0.07'], ['490/60', 'CNY', '4.90/60'], ['250', 'CNY', '2.50'], [250, 'JPY', '250'], [1500, 'KWD', '1.500'], [100000000, 'CNY', '1000000.00'],
])('%j of %s is written %s', (price, currency, want) => expect(priceText(price, currency)).toBe(want))

test.each([
  ['2.5', 'CNY', 250], ['2.50', 'CNY', 250], ['0.29', 'CNY', 29], ['1.15', 'CNY', 115], ['4.90/60', 'CNY', '490/60'], ['¥4.9 / 60', 'CNY', '490/60'], ['3/1', 'CNY', 300], ['250', 'JPY', 250],
  ['2.505', 'CNY', undefined], ['2.5', 'JPY', undefined], ['', 'CNY', undefined], ['-1', 'CNY', undefined], ['1/0', 'CNY', undefined], ['1/2/3', 'CNY', undefined], ['1/x', 'CNY', undefined], ['1e3', 'CNY', undefined],
])('typed %j in %s is %j', (typed, currency, want) => expect(parsePrice(typed, currency)).toBe(want))

test('every price is read back as it was written', () => {
  for (let minor = 0; minor < 120_000; minor += 7) expect(parsePrice(priceText(minor)!)).toBe(minor)
  for (const p of ['490/60', '1/3', '123456/7']) expect(parsePrice(priceText(p)!)).toBe(p)
  expect(priceText(2.5)).toBeUndefined()
  expect([priceShown('490/60'), priceShown(1234500), priceShown(null)]).toEqual(['¥4.90/60', '¥12,345.00', '–'])
})
test('lengths of time', () => {
  expect([900, '900', '1h30m', '15m', '1d12h', '90s'].map(seconds)).toEqual([900, 900, 5400, 900, 129600, 90])
  expect(['', '1x', 'h', '1m1h', 1.5, null].map(seconds)).toEqual(Array(6).fill(undefined))
  expect([0, 90, 900, 5400, 86400, 172800, 604800].map(inUnit)).toEqual([
    { n: 0, unit: 's' }, { n: 90, unit: 's' }, { n: 15, unit: 'm' }, { n: 90, unit: 'm' }, { n: 24, unit: 'h' }, { n: 48, unit: 'h' }, { n: 7, unit: 'd' },
  ])
  for (const s of [1, 60, 3600, 86400, 90061]) expect(ofUnit(inUnit(s).n, inUnit(s).unit)).toBe(s)
  expect([clock('7:30'), clock('24:00'), clock('x'), clock(undefined)]).toEqual(['07:30', '24:00', '', ''])
})

const city: Doc = {
  name: { zh: '滨江', en: 'Riverside' }, tz: 'Asia/Shanghai', currency: 'CNY', x_ours: [1, { deep: null }],
  plans: [
    { id: 'large', classes: ['large'], multiplier: '3/2', guards: [{ id: 'early', entry: { from: '06:00', to: '09:00' }, price: 1400 }], bands: [{ id: 'day', from: '08:00', to: '20:00', day_begins: '07:00', steps: [{ up_to: '1h', unit: 1800, price: '490/60', cross: 'through' }, { unit: 3600, price: 300 }] }] },
    { id: 'all', free: { up_to: 900, once_per: { window: 'day' } }, bands: [{ id: 'all-day', steps: [{ unit: 3600, price: 500 }] }], caps: [{ amount: 4000, window: 'block', length: 86400, times: 1 }] },
  ],
}
test('a document is written and read back as it was, whatever is in it', () => {
  const got = read(write(city))
  expect(got).toEqual({ doc: city })
  expect(Object.keys((got as { doc: Doc }).doc)).toEqual(Object.keys(city))
  expect(write(city)).toContain('{ "up_to": "1h", "unit": 1800, "price": "490/60", "cross": "through" },\n')
})
test('one place is changed and nothing else', () => {
  const path = ['plans', 0, 'bands', 0, 'steps', 1, 'price']
  const next = put(city, path, 250) as Doc
  expect(at(next, path)).toBe(250)
  expect(at(city, path)).toBe(300)
  expect(put(next, path, 300)).toEqual(city)
  expect(at(put(city, ['rounding', 'unit'], 100), ['rounding'])).toEqual({ unit: 100 })
  expect(at(put(city, ['plans', 0], undefined), ['plans', 0, 'id'])).toBe('all')
  expect('free' in (at(put(city, ['plans', 1, 'free'], undefined), ['plans', 1]) as Doc)).toBe(false)
  expect(at(city, ['constructor'])).toBeUndefined()
})
test('what the form does not know is named', () => {
  expect(others(city, known.tariff)).toEqual(['x_ours'])
  expect(others(at(city, ['plans', 0]), known.plan)).toEqual([])
  expect(others({ ...(at(city, ['plans', 0]) as Doc), x_mine: 1, multiplyer: '3/2' }, known.plan)).toEqual(['x_mine', 'multiplyer'])
})
test('places and paths', () => {
  const path = ['plans', 0, 'bands', 1, 'to']
  expect(pathOf('plans[0].bands[1].to')).toEqual(path)
  expect(pathOf('document.plans[0].bands[1].to')).toEqual(path)
  expect(placeOf(path)).toBe('plans[0].bands[1].to')
  expect([pathOf(''), pathOf('document'), placeOf([])]).toEqual([[], [], ''])
})
test('a place is found in the text, and what is missing where it would be', () => {
  const text = write(city)
  const line = (place: string) => text.split('\n')[lineOf(text, pathOf(place)) - 1]
  expect(line('plans[0].bands[0].steps[1].price')).toContain('"unit": 3600, "price": 300')
  expect(line('plans[1].caps[0]')).toContain('"amount": 4000')
  expect(line('currency')).toContain('"CNY"')
  expect(line('plans[1].bands[0].steps[0].end')).toContain('"price": 500')
  expect(lineOf(text, pathOf('nothing.here'))).toBe(1)
  expect(lineOf('{"a": [1,\n 2, {"b": "x\\"}]"', pathOf('a[2].b'))).toBe(2)
})
test('a broken text says where', () => {
  expect(read('{\n "a": 1,\n}')).toMatchObject({ line: 3 })
  expect(read('[1]')).toMatchObject({ line: 1 })
})
test('a document may be written as YAML: it is read as JSON would be, and its places have lines', () => {
  const text = `# the city's tariff
name: { zh: 滨江, en: Riverside }
tz: Asia/Shanghai
plans:
  - id: all
    bands:
      - id: night
        from: 20:00
        to: 08:00
        steps:
          - { unit: 1h, price: 490/60 }
`
  const step = { unit: '1h', price: '490/60' }
  expect(read(text)).toEqual({ doc: { name: { zh: '滨江', en: 'Riverside' }, tz: 'Asia/Shanghai', plans: [{ id: 'all', bands: [{ id: 'night', from: '20:00', to: '08:00', steps: [step] }] }] } })
  expect([isYAML(text), isYAML(' {"a": 1}'), isYAML('')]).toEqual([true, false, false])
  const line = (place: string) => text.split('\n')[lineOf(text, pathOf(place)) - 1]
  expect(line('plans[0].bands[0].to')).toContain('to: 08:00')
  expect(line('plans[0].bands[0].steps[0].price')).toContain('price: 490/60')
  expect(line('plans[0].caps')).toContain('id: all')
  expect(lineOf(text, [])).toBe(1)
})
test.each([
  ['two keys', 'a: 1\nb: 2\na: 3\n', 3], ['a bracket left open', 'a: 1\nb: [1,\n', 3], ['a list', '- a\n', 1], ['a word', 'hello', 1], ['a ring', 'a: &x [*x]', 1],
])('YAML that is no document is refused at its line: %s', (_, text, line) => expect(read(text)).toMatchObject({ line }))
test('a published document is edited without the id and version that the library gives', () => {
  const { doc } = read(editable({ id: 'trf-1', version: 3, ...city })) as { doc: Doc }
  expect(doc).toEqual(city)
})
test('every template is complete, and its own copy', () => {
  for (const k of templates) {
    const doc = fromTemplate(k, { zh: '甲', en: 'A' }, 'Asia/Shanghai', 'CNY')
    expect(Object.keys(doc)).toEqual(['name', 'tz', 'currency', 'plans', 'grace_after_payment'])
    expect(at(doc, ['plans', 0, 'bands', 0, 'steps', 0, 'price'])).toBeTypeOf('number')
    expect(fromTemplate(k, { zh: '', en: '' }, '', '').plans).not.toBe(doc.plans)
  }
})
test('moving in a list', () => {
  expect(moved([1, 2, 3], 0, 1)).toEqual([2, 1, 3])
  expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3])
})

const line = (kind: TrialLine['kind'], from: string, to: string, amount: number, band = 'day'): TrialLine => ({ kind, from: `2026-11-22T${from}Z`, to: `2026-11-22T${to}Z`, amount, band, text: { zh: '', en: '' } })
test('a bill lies on its time: bands, gaps, caps below, round ticks of the local clock', () => {
  const got = layOut([line('charge', '01:00:00', '03:00:00', 1000), line('charge', '03:00:00', '04:00:00', 200, 'night'), line('cap', '01:00:00', '04:00:00', -100), line('charge', '04:30:00', '05:00:00', 50)],
    '2026-11-22T01:00:00Z', '2026-11-22T05:00:00Z', 'Asia/Shanghai')
  expect(got.segments.map((s) => [s.x, s.w, s.row, s.band])).toEqual([[0, 50, 0, 'day'], [50, 25, 0, 'night'], [87.5, 12.5, 0, 'day']])
  expect(got.gaps).toEqual([{ x: 75, w: 12.5 }])
  expect(got.marks.map((s) => [s.kind, s.x, s.w])).toEqual([['cap', 0, 75]])
  expect(got.ticks.map((k) => k.label)).toEqual(['09:00', '09:30', '10:00', '10:30', '11:00', '11:30', '12:00', '12:30', '13:00'])
})
test('what overlaps has rows of its own; midnights show their date; no time has no axis', () => {
  const got = layOut([line('charge', '10:00:00', '20:00:00', 1), line('charge', '12:00:00', '13:00:00', 2), line('charge', '13:00:00', '14:00:00', 3)], '2026-11-22T10:00:00Z', '2026-11-22T20:00:00Z', 'Asia/Shanghai')
  expect(got.segments.map((s) => s.row)).toEqual([0, 1, 1])
  expect(got.rows).toBe(2)
  expect(got.ticks.filter((k) => k.day)).toEqual([{ x: 60, label: '11-23', day: true }])
  expect(layOut([], '2026-11-22T10:00:00Z', '2026-11-22T10:00:00Z', 'Asia/Shanghai').ticks).toEqual([])
  expect(layOut([], '2026-11-22T00:00:00Z', '2027-11-22T00:00:00Z', 'Asia/Shanghai').ticks.length).toBeLessThan(11)
  expect(bandColour(['a', 'b'], 'b')).not.toBe(bandColour(['a', 'b'], 'a'))
})
test('a stay is typed on the tariff\'s clock', () => {
  const f = firstStay('Asia/Shanghai', Date.parse('2026-11-22T20:00:00Z'))
  expect(f.entry).toBe('2026-11-23 09:00:00')
  expect(stayOf(f, 'Asia/Shanghai')).toMatchObject({ entry: '2026-11-23T01:00:00Z', exit: '2026-11-23T04:20:00Z' })
  expect(lasting('2026-11-23 23:30:00', 60)).toBe('2026-11-24 00:30:00')
})
test('months begin on their weekday, ranges go either way', () => {
  expect(monthDays(2026, 2)).toHaveLength(28)
  expect(monthDays(2028, 2).at(-1)).toMatchObject({ date: '2028-02-29', weekday: 'tuesday' })
  expect(monthDays(2026, 10)[0]).toMatchObject({ date: '2026-10-01', weekday: 'thursday' })
  expect(between('2026-03-01', '2026-02-27')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01'])
  expect(tone('event', ['event', 'workday'])).not.toEqual(tone('fair', ['event', 'fair']))
})
test('a difference keeps the order of both', () => {
  expect(diffLines('a\nb\nc', 'a\nB\nc\nd').map((x) => x.mark[0] + x.text)).toEqual(['sa', 'gb', 'nB', 'sc', 'nd'])
  expect(diffLines('a', 'a').every((x) => x.mark === 'same')).toBe(true)
})
test('rules leave out what fits everything', () => {
  const state = { class: 'large', day_types: ['holiday'], from: '2026-11-22T16:00:00Z', tariff: 'trf-1', version: 2 }
  const row = fromState(state, 'Asia/Shanghai')
  expect(row.from).toBe('2026-11-23 00:00:00')
  expect(toBody([row], 'Asia/Shanghai')).toEqual([state])
  expect(toBody([{ class: '', days: [], from: null, tariff: 't', version: 1 }])).toEqual([{ tariff: 't', version: 1 }])
  expect([fits(row), fits({ class: '', days: [], from: '', tariff: 't', version: 1 })]).toEqual([false, true])
})
test('faults of rules are told at their rows, others above', () => {
  const text = (s: string) => ({ zh: s, en: s })
  const got = faultsOf(new Problem(422, 'rules.invalid', text('bad'), [{ where: 'body.rules[1].tariff', text: text('none') }, { where: 'body.rules[1]', text: text('last') }, { where: 'body', text: text('else') }]))
  expect([got.at(1), got.at(0), got.rest]).toEqual([[text('none'), text('last')], [], [text('else')]])
  expect(faultsOf(undefined).at(0)).toEqual([])
})
test('a sheet quotes what it must and is no program', () => {
  expect(csv([['a,b', '=1+1', -5, '-3.50', 'x"y']])).toBe('\ufeff"a,b",\'=1+1,-5,-3.50,"x""y"\r\n')
})
test('what else is known of a stay counts once it makes sense', () => {
  const x = {
    ...noExtras(), freeList: true, pass: { kind: 'night', from: '2026-11-01', to: '' }, booking: { from: '2026-11-22 09:00:00', to: '2026-11-22 10:00:00', price: '3' },
    coupons: [{ kind: 'full' as const, value: '' }, { kind: 'amount' as const, value: '2.50' }, { kind: 'percent' as const, value: '150' }, { kind: 'percent' as const, value: '50' }, { kind: 'minutes' as const, value: 'x' }],
    payments: [{ at: '2026-11-22 10:00:00', amount: '' }, { at: '2026-11-22 11:00:00', amount: '5.00' }, { at: '2026-11-22 11:00:00', amount: '5.005' }],
    visits: [{ entry: '2026-11-22 06:00:00', exit: '2026-11-22 07:00:00', charged: '' }, { entry: '2026-11-22 08:00:00', exit: '2026-11-22 07:00:00', charged: '' }],
  }
  expect(extrasOf(x, 'Asia/Shanghai', 'CNY')).toEqual({
    free_list: true, pass: { kind: 'night', valid_from: '2026-11-01' }, booking: { from: '2026-11-22T01:00:00Z', to: '2026-11-22T02:00:00Z', price_minor_units: 300 },
    coupons: [{ kind: 'full' }, { kind: 'amount', amount_minor_units: 250 }, { kind: 'percent', percent_off: 50 }],
    payments: [{ at: '2026-11-22T02:00:00Z' }, { at: '2026-11-22T03:00:00Z', amount_minor_units: 500 }],
    prior_visits: [{ entry: '2026-11-21T22:00:00Z', exit: '2026-11-21T23:00:00Z', charged_minor_units: 0 }],
  })
  expect(extrasOf(noExtras(), 'UTC', 'CNY')).toBeUndefined()
  expect([countOf(noExtras()), countOf(x)]).toEqual([0, 13])
})
test('a tariff is given to a lot: for a class before all rules, for all in the place of the last', () => {
  const row = (tariff: string, vehicle = '') => ({ class: vehicle, days: [] as string[], from: '', tariff, version: 1 })
  const to = (vehicle: string) => ({ class: vehicle, tariff: 'new', version: 1 })
  expect(given([], to(''))).toEqual([row('new')])
  expect(given([row('a', 'large'), row('b')], to(''))).toEqual([row('a', 'large'), row('new')])
  expect(given([row('a', 'large')], to(''))).toEqual([row('a', 'large'), row('new')])
  expect(given([row('a')], to('large'))).toEqual([row('new', 'large'), row('a')])
})
