import { afterEach, expect, test, vi } from 'vitest'
import { newApi, take } from '@/api/client'
import { BROKEN, OFFLINE, PAGE, Problem, asProblem, problemOf } from '@/api/problem'

afterEach(() => vi.unstubAllGlobals())
const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
  vi.stubGlobal('fetch', vi.fn(async () => new Response(status === 204 ? null : body, { status, headers: { 'Content-Type': 'application/json', ...headers } })))
const api = (o = {}) => newApi({ baseUrl: 'http://lot.example', ...o })
const fail = async (p: Promise<unknown>) => asProblem(await p.then(() => new Error('it did not fail'), (e: unknown) => e))

test('a problem speaks both languages and names every wrong field', async () => {
  answer(422, JSON.stringify({ code: 'plate.invalid', zh: '请求有误', en: 'not valid', request_id: 'r1', errors: [{ where: 'body.plate', zh: '车牌过短', en: 'too short' }] }))
  const p = await fail(take(api().GET('/api/v1/me')))
  expect([p.status, p.code, p.requestId, p.in('zh'), p.in('en')]).toEqual([422, 'plate.invalid', 'r1', '请求有误：车牌过短', 'not valid: too short'])
})
test('the contract\'s other names for the texts are read as well', () => {
  const p = problemOf(404, { code: 'not_inside', detail_zh: '未找到', detail_en: 'not found here' })
  expect([p.in('zh'), p.in('en')]).toEqual(['未找到', 'not found here'])
})
test.each([
  [502, '<html>nginx</html>'], [500, ''], [403, '[]'], [418, '"tea"'], [400, '{"zh":7,"errors":"none"}'], [503, 'null'],
])('status %d with %j is still a problem with words', async (status, body) => {
  answer(status, body)
  const p = await fail(take(api().GET('/api/v1/me')))
  expect([p.status, p.code]).toEqual([status, BROKEN])
  expect(p.in('zh')).toMatch(/\p{Script=Han}/u)
  expect(p.in('en')).toMatch(/[a-z]/)
})
test('no network is offline, not a fault of the page', async () => {
  vi.stubGlobal('fetch', vi.fn(async () => { throw new TypeError('Failed to fetch') }))
  expect((await fail(take(api().GET('/api/v1/me')))).code).toBe(OFFLINE)
})
test('a fault of the page is not blamed on the network', () => expect(asProblem(new ReferenceError('q')).code).toBe(PAGE))
test('an answer that is not JSON is said to be unreadable', async () => {
  answer(200, '<html>captive portal</html>')
  expect((await fail(take(api().GET('/api/v1/me')))).code).toBe(BROKEN)
})
test('a cancelled request stays a cancellation', async () => {
  vi.stubGlobal('fetch', vi.fn(async () => { throw new DOMException('stop', 'AbortError') }))
  await expect(take(api().GET('/api/v1/me'))).rejects.toMatchObject({ name: 'AbortError' })
})
test('no body is no fault', async () => {
  answer(204, '')
  await expect(take(api().POST('/api/v1/sign-out'))).resolves.toBeUndefined()
})
test('a dead sign-in is told once, a wrong password is not one', async () => {
  const onSignedOut = vi.fn()
  answer(401, '{}')
  await fail(take(api({ onSignedOut }).POST('/api/v1/sign-in', { body: { name: 'a', password: 'b' } })))
  expect(onSignedOut).not.toHaveBeenCalled()
  await fail(take(api({ onSignedOut }).GET('/api/v1/lots')))
  expect(onSignedOut).toHaveBeenCalledOnce()
})
test('writes carry a key of their own, reads none, and a given key stays', async () => {
  answer(204, '')
  const keys = async (call: Promise<unknown>) => {
    await call
    return (vi.mocked(fetch).mock.calls.at(-1)![0] as Request).headers.get('Idempotency-Key')
  }
  const a = await keys(api().POST('/api/v1/sign-out'))
  expect(a).toMatch(/^[0-9a-f]{32}$/)
  expect(await keys(api().POST('/api/v1/sign-out'))).not.toBe(a)
  expect(await keys(api().POST('/api/v1/sign-out', { headers: { 'Idempotency-Key': 'mine-1234' } }))).toBe('mine-1234')
  expect(await keys(api().GET('/api/v1/me'))).toBeNull()
})
test('how long to wait is read', () => {
  expect(problemOf(429, {}, '30').retryAfter).toBe(30)
  expect(problemOf(429, {}, 'soon').retryAfter).toBe(0)
  expect(new Problem(1, 'x', { zh: 'a', en: 'b' }).message).toBe('x: b')
})
