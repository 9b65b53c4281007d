import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LiveLane } from '@/api/types'
import { mergeLane } from '@/live/lot'
import { Live, type Link, type Socket } from '@/live/socket'

class FakeSocket implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  sent: unknown[] = []
  closed = false
  send = (text: string) => void this.sent.push(JSON.parse(text))
  close = () => void (this.closed = true)
}

let sockets: FakeSocket[]
let links: Link[]
const make = (more = {}) => new Live({ open: () => (sockets.push(new FakeSocket()), sockets.at(-1)!), onLink: (l) => links.push(l), firstWait: 1000, lastWait: 8000, random: () => 1, ...more })
beforeEach(() => {
  sockets = []
  links = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

test('it subscribes once it is open, and again after every reconnect', () => {
  const live = make()
  live.on('seat', () => undefined)
  live.start()
  expect(sockets[0]!.sent).toEqual([])
  sockets[0]!.onopen!()
  live.on('lot:a', () => undefined)
  expect(sockets[0]!.sent).toEqual([{ subscribe: ['seat'] }, { subscribe: ['lot:a'] }])
  sockets[0]!.onclose!({ code: 1006 })
  vi.advanceTimersByTime(1000)
  sockets[1]!.onopen!()
  expect(sockets[1]!.sent).toEqual([{ subscribe: ['seat', 'lot:a'] }])
  expect(links).toEqual(['connecting', 'open', 'lost', 'connecting', 'open'])
})
test('the waits double up to a bound, and begin anew after success', () => {
  const live = make()
  live.start()
  for (const wait of [1000, 2000, 4000, 8000, 8000]) {
    const n = sockets.length
    sockets.at(-1)!.onclose!({ code: 1006 })
    vi.advanceTimersByTime(wait - 1)
    expect(sockets.length).toBe(n)
    vi.advanceTimersByTime(1)
    expect(sockets.length).toBe(n + 1)
  }
  sockets.at(-1)!.onopen!()
  sockets.at(-1)!.onclose!({ code: 1006 })
  const n = sockets.length
  vi.advanceTimersByTime(1000)
  expect(sockets.length).toBe(n + 1)
})
test('the network coming back does not wait', () => {
  const live = make()
  live.start()
  live.hurry()
  expect(sockets.length).toBe(1)
  sockets[0]!.onclose!({ code: 1006 })
  live.hurry()
  expect(sockets.length).toBe(2)
  vi.advanceTimersByTime(60_000)
  expect(sockets.length).toBe(2)
})
test('stop is the end', () => {
  const live = make()
  live.start()
  live.stop()
  vi.advanceTimersByTime(60_000)
  live.hurry()
  expect([sockets.length, sockets[0]!.closed]).toEqual([1, true])
})
test('an ended sign-in is not knocked at again', () => {
  const onDenied = vi.fn()
  make({ onDenied }).start()
  sockets[0]!.onclose!({ code: 4401 })
  vi.advanceTimersByTime(60_000)
  expect([onDenied.mock.calls.length, sockets.length]).toEqual([1, 1])
})
test('messages go to their topic; rubbish and a dead socket\'s last words go nowhere', () => {
  const live = make()
  const got: unknown[] = []
  const off = live.on('seat', (type, data) => got.push([type, data]))
  live.start()
  const s = sockets[0]!
  s.onopen!()
  const say = s.onmessage!
  for (const raw of ['{', 'null', '7', '{"topic":"seat"}', '{"topic":"lot:a","type":"lane","data":1}']) say({ data: raw })
  say({ data: '{"topic":"seat","type":"queue","data":[1]}' })
  expect(got).toEqual([['queue', [1]]])
  s.onclose!({ code: 1006 })
  say({ data: '{"topic":"seat","type":"queue","data":[2]}' })
  off()
  expect(got.length).toBe(1)
})
test('leaving a topic that another view listens to keeps it', () => {
  const live = make()
  const a = live.on('seat', () => undefined)
  const b = live.on('seat', () => undefined)
  live.start()
  sockets[0]!.onopen!()
  a()
  expect(sockets[0]!.sent.length).toBe(1)
  b()
  b()
  expect(sockets[0]!.sent).toEqual([{ subscribe: ['seat'] }, { unsubscribe: ['seat'] }])
})

const lane = (more: Partial<LiveLane>): LiveLane => ({ lane: 'exit-1', dir: 'exit', at: '2026-11-22T07:00:00Z', mono: '5', token: { boot: 'r1', mono: '1', car: 1 }, due: 0, arm: 'down', loop: false, booth_online: true, ...more })
test('an older picture of a lane does not replace a newer one', () => {
  expect(mergeLane([lane({ mono: '9', due: 500 })], lane({ mono: '8', due: 0 }))[0]!.due).toBe(500)
  expect(mergeLane([lane({ mono: '9' })], lane({ mono: '10', due: 700 }))[0]!.due).toBe(700)
})
test('a restarted booth counts anew and is believed by its clock', () => {
  const fresh = lane({ mono: '1', token: { boot: 'r2', mono: '1', car: 1 }, at: '2026-11-22T07:01:00Z', due: 900 })
  expect(mergeLane([lane({ mono: '9' })], fresh)[0]!.due).toBe(900)
  expect(mergeLane([fresh], lane({ mono: '99' }))[0]!.due).toBe(900)
})
test('what a newer picture leaves out is gone', () => {
  const before = lane({ plate: { text: '粤B12345', colour: 'blue' }, waiting: '2026-11-22T06:59:00Z', reason: 'unpaid' })
  const [after] = mergeLane([before], lane({ mono: '6', token: { boot: 'r1', mono: '6', car: 0 } }))
  expect([after!.plate, after!.waiting, after!.reason]).toEqual([null, null, ''])
})
