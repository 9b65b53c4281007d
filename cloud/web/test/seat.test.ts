import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LiveLane, QueueItem } from '@/api/types'
import { aged, armSeen, judged, pending, steps, type Tracked } from '@/seat/command'
import { useSeat } from '@/seat/store'

const sent: Tracked = { key: 'k', id: 'c1', lot: 'a', lane: 'exit-1', action: 'open', given: 0, silentAt: 13_000, state: 'sent' }
const last = (c: Tracked) => steps(c).at(-1)!

test('only the booth\'s word makes success, and an opening ends with the arm up', () => {
  expect(steps(sent).some((s) => s.word === 'cmd.done')).toBe(false)
  const done = judged(sent, 'done')
  expect(last(done)).toEqual({ word: 'cmd.arm_wait', tone: 'mute', busy: true })
  expect(last(armSeen(done, 'a', 'exit-1', 'moving')).word).toBe('cmd.arm_wait')
  expect(last(armSeen(done, 'a', 'exit-1', 'up'))).toEqual({ word: 'cmd.arm_up', tone: 'ok' })
})
test('an arm that is up before the device answered proves nothing', () => expect(armSeen(sent, 'a', 'exit-1', 'up').armUp).toBeUndefined())
test('another lane\'s arm proves nothing', () => expect(armSeen(judged(sent, 'done'), 'a', 'exit-2', 'up').armUp).toBeUndefined())
test('silence is unknown, never success', () => {
  expect(aged(sent, 13_000).state).toBe('sent')
  const c = aged(sent, 13_001)
  expect([c.state, last(c).tone, pending(c)]).toEqual(['unknown', 'warn', false])
  expect(judged(c, 'done').state).toBe('done') // the answer came after all
})
test.each(['refused', 'expired', 'replayed', 'mismatched', 'unknown'])('%s is no success and is not waited for', (verdict) => {
  const c = judged(sent, verdict)
  expect(steps(c).some((s) => s.word === 'cmd.done')).toBe(false)
  expect(last(c).tone).not.toBe('ok')
  expect(pending(c)).toBe(false)
})
test('a verdict stands, and a word nobody knows is none', () => {
  expect(judged(judged(sent, 'refused'), 'done').state).toBe('refused')
  expect(judged(sent, 'splendid').state).toBe('sent')
})

const live = (more: Partial<LiveLane> = {}): LiveLane => ({ lane: 'exit-1', dir: 'exit', at: '2026-11-22T07:00:00Z', mono: '5', token: { boot: 'r1', mono: '1', car: 7 }, due: 500, arm: 'down', loop: true, booth_online: true, ...more })
const item = (lane: string, since: string, car = 7): QueueItem => ({ lot: 'a', lane, since, live: live({ lane, token: { boot: 'r1', mono: '1', car } }) })
const answers: Record<string, [number, unknown]> = {}

beforeEach(() => {
  localStorage.setItem('lotkeeper.locale', 'zh')
  vi.useFakeTimers({ now: Date.parse('2026-11-22T07:00:00Z') })
  setActivePinia(createPinia())
  for (const k of Object.keys(answers)) delete answers[k]
  vi.stubGlobal('fetch', vi.fn(async (r: Request) => {
    const [status, body] = answers[`${r.method} ${new URL(r.url).pathname}`] ?? [404, {}]
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
  }))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('who waits longest is first and is taken up; the bell rings for newcomers only', () => {
  const seat = useSeat()
  seat.setQueue([item('exit-2', '2026-11-22T06:59:30Z'), item('exit-1', '2026-11-22T06:58:00Z')])
  expect(seat.queue.map((i) => i.lane)).toEqual(['exit-1', 'exit-2'])
  expect([seat.chosen?.lane, seat.arrivals]).toEqual(['exit-1', 0])
  seat.setQueue([item('exit-2', '2026-11-22T06:59:30Z'), item('exit-1', '2026-11-22T06:58:00Z')])
  expect(seat.arrivals).toBe(0)
  seat.setQueue([item('exit-2', '2026-11-22T06:59:30Z'), item('exit-1', '2026-11-22T07:00:00Z', 8)])
  expect(seat.arrivals).toBe(1)
  expect(seat.chosen?.lane).toBe('exit-1') // what one works on is not taken away
})
test('a command echoes the car that was looked at, with its own key', async () => {
  answers['POST /api/v1/seat/commands'] = [202, { command: 'c1', expires_at: '2026-11-22T07:00:10Z' }]
  const seat = useSeat()
  seat.setQueue([item('exit-1', '2026-11-22T06:58:00Z')])
  await seat.give('open', seat.lane!, 'a', '设备故障')
  const post = vi.mocked(fetch).mock.calls.map((c) => c[0] as unknown as Request).find((r) => r.method === 'POST')!
  expect(await post.json()).toEqual({ lot: 'a', lane: 'exit-1', action: 'open', reason: '设备故障', token: { boot: 'r1', mono: '1', car: 7 }, seen: '5' })
  expect(seat.mine[0]!.state).toBe('sent')
  seat.result({ command: 'c1', verdict: 'done' })
  expect(seat.mine[0]!.state).toBe('done')
})
test('a result that overtakes the answer is not lost', async () => {
  answers['POST /api/v1/seat/commands'] = [202, { command: 'c9', expires_at: '2026-11-22T07:00:10Z' }]
  const seat = useSeat()
  seat.setQueue([item('exit-1', '2026-11-22T06:58:00Z')])
  const given = seat.give('open', seat.lane!, 'a', 'x')
  seat.result({ command: 'c9', verdict: 'mismatched' })
  await given
  expect(seat.mine[0]!.state).toBe('mismatched')
})
test('a lost result is asked for, and with nobody answering it ends unknown', async () => {
  answers['POST /api/v1/seat/commands'] = [202, { command: 'c1', expires_at: '2026-11-22T07:00:10Z' }]
  const seat = useSeat()
  seat.setQueue([item('exit-1', '2026-11-22T06:58:00Z')])
  await seat.give('open', seat.lane!, 'a', 'x')
  await seat.tend(Date.now() + 12_000)
  expect(seat.mine[0]!.state).toBe('sent')
  answers['GET /api/v1/seat/commands/c1'] = [200, { state: 'expired' }]
  await seat.tend(Date.now() + 12_500)
  expect(seat.mine[0]!.state).toBe('expired')
  answers['POST /api/v1/seat/commands'] = [202, { command: 'c2', expires_at: '2026-11-22T07:00:10Z' }]
  await seat.give('open', seat.lane!, 'a', 'x')
  await seat.tend(Date.now() + 13_001)
  expect(seat.mine[0]!.state).toBe('unknown')
})
test('a refused request says why', async () => {
  answers['POST /api/v1/seat/commands'] = [409, { code: 'seat.stale', zh: '车道状态已变化', en: 'the lane changed' }]
  const seat = useSeat()
  seat.setQueue([item('exit-1', '2026-11-22T06:58:00Z')])
  await seat.give('open', seat.lane!, 'a', 'x')
  expect([seat.mine[0]!.state, seat.mine[0]!.text]).toEqual(['failed', '车道状态已变化'])
})
