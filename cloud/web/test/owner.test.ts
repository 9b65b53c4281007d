import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newApi } from '@/api/client'
import type { Quote } from '@/api/types'
import { PATIENCE_MS, useFlow, type Memory } from '@/owner/flow'

const quote = (more: Partial<Quote> = {}): Quote => ({
  quote: 'q1', lot_name: { zh: '滨江', en: 'Riverside' }, plate: '粤B12345', entered_at: '2026-11-22T04:00:00Z', duration_s: 10800, gross: 2500, free: 0, paid: 0, due: 2500,
  currency: 'CNY', lines: [], valid_until: '2026-11-22T07:05:00Z', state: 'due', payable: true, tariff: { zh: '标准\n每小时 ¥5.00', en: 'Standard\n¥5.00 an hour' }, ...more,
})
let answers: Record<string, Array<[number, unknown]>>
let asked: string[]
let now: number
let kept: Memory | null
let left: string[]
beforeEach(() => {
  answers = {}
  asked = []
  kept = null
  left = []
  now = Date.parse('2026-11-22T07:00:00Z')
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    const at = `${r.method} ${new URL(r.url).pathname}`
    asked.push(at + (r.method === 'POST' ? ' ' + (await r.text()) : ''))
    const list = answers[at] ?? [[404, {}]]
    const [status, body] = list.length > 1 ? list.shift()! : list[0]!
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
  }))
})
afterEach(() => vi.unstubAllGlobals())
const flow = (more = {}) => useFlow({
  api: newApi({ baseUrl: 'http://lot.example' }), lot: 'riverside', memory: { read: () => kept, write: (m) => (kept = m) }, leave: (url) => left.push(url),
  wait: async (ms) => void (now += ms), now: () => now, ...more,
})

test('plate, quote, order, away to pay', async () => {
  answers = { 'POST /api/v1/owner/quotes': [[201, quote()]], 'POST /api/v1/owner/quotes/q1/orders': [[201, { order: 'o1', amount: 2500, pay_url: 'https://pay/o1' }]] }
  const f = flow()
  await f.begin()
  expect(f.stage.value).toBe('plate')
  await f.byPlate('粤B12345')
  expect(f.stage.value).toBe('quote')
  await f.pay()
  expect(asked.at(-1)).toContain('"channel":"wechat_h5"')
  expect([left, f.stage.value, kept?.order]).toEqual([['https://pay/o1'], 'leaving', 'o1'])
})
test('a lane\'s code asks for the car in front', async () => {
  answers = { 'POST /api/v1/owner/quotes': [[201, quote()]] }
  const f = flow({ lane: 'exit-1' })
  await f.begin()
  expect([asked[0], f.stage.value]).toEqual(['POST /api/v1/owner/quotes {"lot":"riverside","lane":"exit-1"}', 'quote'])
})
test('nobody at the lane: the reason, and a plate can be typed', async () => {
  answers = { 'POST /api/v1/owner/quotes': [[404, { code: 'not_inside', zh: '车道上没有车', en: 'nobody there' }]] }
  const f = flow({ lane: 'exit-1' })
  await f.begin()
  expect([f.stage.value, f.problem.value?.in('zh')]).toEqual(['plate', '车道上没有车'])
})
test('no lot in the address says so and asks nothing', async () => {
  const f = flow({ lot: '' })
  await f.begin()
  expect([f.stage.value, asked]).toEqual(['no_lot', []])
})
test('an outdated amount is renewed and shown, never paid unseen', async () => {
  answers = { 'POST /api/v1/owner/quotes': [[201, quote()]], 'GET /api/v1/owner/quotes/q1': [[200, quote({ due: 2800, valid_until: '2026-11-22T07:15:00Z' })]] }
  const f = flow()
  await f.byPlate('粤B12345')
  now += 6 * 60_000
  await f.pay()
  expect([f.quote.value?.due, f.renewed.value, left, asked.some((a) => a.includes('orders'))]).toEqual([2800, true, [], false])
})
test('an order for another amount than the shown one is not gone to', async () => {
  answers = {
    'POST /api/v1/owner/quotes': [[201, quote()]], 'POST /api/v1/owner/quotes/q1/orders': [[201, { order: 'o1', amount: 2800, pay_url: 'https://pay/o1' }]],
    'GET /api/v1/owner/quotes/q1': [[200, quote({ due: 2800 })]],
  }
  const f = flow()
  await f.byPlate('粤B12345')
  await f.pay()
  expect([left, f.renewed.value, f.quote.value?.due]).toEqual([[], true, 2800])
})
test('back from paying it asks until the money is there, then forgets', async () => {
  kept = { order: 'o1', quote: 'q1', lot: 'riverside', lane: 'exit-1' }
  answers = {
    'GET /api/v1/owner/orders/o1': [[200, { order: 'o1', state: 'pending', amount: 2500, paid_at: null }], [200, { order: 'o1', state: 'pending', amount: 2500, paid_at: null }], [200, { order: 'o1', state: 'paid', amount: 2500, paid_at: '2026-11-22T07:00:04Z', receipt: { no: 'R1' } }]],
    'GET /api/v1/owner/quotes/q1': [[200, quote({ due: 0, paid: 2500, state: 'paid' })]],
  }
  const f = flow()
  await f.begin()
  expect([f.stage.value, f.order.value?.state, f.lane.value, kept]).toEqual(['order', 'paid', 'exit-1', null])
  expect(f.quote.value?.plate).toBe('粤B12345')
})
test('no result is not a failure: it says so, and paying can go on', async () => {
  kept = { order: 'o1', quote: '', lot: 'riverside', payURL: 'https://pay/o1' }
  answers = { 'GET /api/v1/owner/orders/o1': [[200, { order: 'o1', state: 'pending', amount: 2500, paid_at: null }]] }
  const begun = now
  const f = flow()
  await f.begin()
  expect([f.stage.value, f.order.value?.state, f.canGoOn.value]).toEqual(['order', 'pending', true])
  expect(now - begun).toBeLessThanOrEqual(PATIENCE_MS)
  expect(asked.length).toBeLessThan(30)
  f.goOnPaying()
  expect(left).toEqual(['https://pay/o1'])
})
test('without a network the order is waited for, not forgotten', async () => {
  kept = { order: 'o1', quote: 'q1', lot: 'riverside' }
  vi.stubGlobal('fetch', vi.fn(async () => { throw new TypeError('Failed to fetch') }))
  const f = flow()
  await f.begin()
  expect([f.stage.value, f.problem.value?.code, kept]).toEqual(['confirming', 'client.offline', { order: 'o1', quote: 'q1', lot: 'riverside' }])
})
test('an order that nobody knows is dropped, and the page begins anew', async () => {
  kept = { order: 'gone', quote: 'q1', lot: 'riverside' }
  const f = flow()
  await f.begin()
  expect([f.stage.value, kept, f.problem.value]).toEqual(['plate', null, undefined])
})
test('another lot\'s order is not this lot\'s business', async () => {
  kept = { order: 'o1', quote: 'q1', lot: 'east-gate' }
  const f = flow()
  await f.begin()
  expect([f.stage.value, asked]).toEqual(['plate', []])
})
