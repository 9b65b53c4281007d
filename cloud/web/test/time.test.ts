import { expect, test } from 'vitest'
import { local, zoned } from '@/admin/zone'
import { age, clockTime, dateTime, duration, relative, shortTime, stopwatch } from '@/format/time'

const now = Date.parse('2026-11-22T07:00:00Z') // 15:00 in Shanghai

test('times are the lot\'s, whatever the browser\'s zone is', () => {
  expect(dateTime('2026-11-22T16:00:05Z')).toBe('2026-11-23 00:00:05')
  expect(dateTime('2026-11-22T16:00:05Z', 'Asia/Tokyo')).toBe('2026-11-23 01:00:05')
  expect(clockTime('2026-11-22T16:00:05Z', 'No/Where')).toBe('00:00:05')
})
test.each([
  ['2026-11-22T06:59:00Z', '14:59:00'], ['2026-11-21T15:59:59Z', '11-21 23:59'], ['2026-11-21T16:00:00Z', '00:00:00'], ['2025-01-02T03:04:05Z', '2025-01-02 11:04'],
])('%s is short as %s', (at, want) => expect(shortTime(at, now)).toBe(want))
test.each([null, undefined, '', 'yesterday', '0001-01-01T00:00:00Z'])('%j is no time', (at) => {
  expect(dateTime(at)).toBe('–')
  expect(relative(at, now, 'zh')).toBe('–')
  expect(age(at, now)).toBeUndefined()
})
test.each([
  [0, '0 秒', '0 s'], [59.9, '59 秒', '59 s'], [60, '1 分', '1 min'], [3 * 3600 + 12 * 60 + 9, '3 小时 12 分', '3 h 12 min'], [86400, '1 天', '1 d'],
  [86400 + 60, '1 天', '1 d'], [90000, '1 天 1 小时', '1 d 1 h'], [3605, '1 小时', '1 h'],
])('%d s is %s, %s', (s, zh, en) => {
  expect(duration(s, 'zh')).toBe(zh)
  expect(duration(s, 'en')).toBe(en)
})
test('no length of time is a dash, never a zero', () => [null, undefined, NaN, -1].forEach((v) => expect(duration(v, 'zh')).toBe('–')))
test('stopwatch', () => expect([0, 65.7, 3729, -4].map(stopwatch)).toEqual(['0:00', '1:05', '1:02:09', '0:00']))
test('relative', () => {
  expect(relative('2026-11-22T06:59:57Z', now, 'zh')).toBe('刚刚')
  expect(relative('2026-11-22T06:57:00Z', now, 'zh')).toBe('3 分钟前')
  expect(relative('2026-11-22T07:05:00Z', now, 'en')).toBe('in 5 min')
  expect(relative('2026-11-20T07:00:00Z', now, 'en')).toBe('2 d ago')
})
test('a picked time is the lot\'s time, also across a clock change', () => {
  expect(zoned('2026-11-22 08:00:00')).toBe('2026-11-22T00:00:00Z')
  expect(zoned('2026-07-01 08:00:00', 'Europe/Berlin')).toBe('2026-07-01T06:00:00Z')
  expect(zoned('2026-03-29 03:30:00', 'Europe/Berlin')).toBe('2026-03-29T01:30:00Z')
  expect(zoned('soon')).toBe('')
  for (const at of ['2026-03-29T05:00:00Z', '2026-01-01T00:00:00Z']) expect(zoned(local(at, 'Europe/Berlin'), 'Europe/Berlin')).toBe(at)
})
