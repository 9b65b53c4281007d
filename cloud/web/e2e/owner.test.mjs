import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeFaults, launch, newPage, phone, shot } from './browser.mjs'
import { admin, exitLane, lot, plate, system } from './env.mjs'

let sys, browser, page, faults
before(async () => {
  sys = await system()
  browser = await launch()
  ;({ page, faults } = await newPage(browser, sys.url, { viewport: phone, mobile: true }))
})
after(async () => {
  await browser?.close()
  await sys?.close()
})
async function type(text) {
  for (const c of text) await page.locator('.keys button', { hasText: new RegExp(`^${c}$`) }).click()
}

/** A plate that is inside for long enough to owe something, from the operators' side of the system. */
async function inside() {
  if (plate) return plate
  const context = await browser.newContext({ baseURL: sys.url })
  await context.request.post('/api/v1/sign-in', { data: admin, headers: { 'Idempotency-Key': 'e2e-' + Date.now() } })
  const { items } = await (await context.request.get(`/api/v1/sessions?lot=${lot}&state=inside&sort=entered_at&size=50`)).json()
  await context.close()
  const found = (items ?? []).find((s) => /^\p{Script=Han}[A-Z][A-Z0-9]{5,6}$/u.test(s.plate.text))
  assert.ok(found, 'nobody with an ordinary plate is inside')
  return found.plate.text
}

test('a car that is not inside: helpful words, and nothing about anybody', async () => {
  await page.goto(`/pay?lot=${lot}`)
  await page.locator('.boxes').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await type('粤B00000')
  await page.getByRole('button', { name: '查询费用' }).click()
  const alert = page.locator('[role=alert]')
  await alert.waitFor()
  assert.match(await alert.textContent(), /\p{Script=Han}{4}/u)
  await shot(page, 'e2e-owner-not-inside')
})
test('plate, quote, pay, back, receipt', async () => {
  const mine = await inside()
  await page.goto(`/pay?lot=${lot}`)
  await type(mine)
  await shot(page, 'e2e-owner-plate')
  await page.getByRole('button', { name: '查询费用' }).click()
  await page.locator('.ticket').waitFor()
  await shot(page, 'e2e-owner-quote')
  assert.deepEqual(await axeFaults(page), [])
  assert.equal(await page.locator('img').count(), 0, 'no photos')
  const due = await page.locator('.due').textContent()
  await page.locator('.pay').click()
  await page.waitForURL((u) => !u.pathname.startsWith('/pay'), { timeout: 20_000 })
  await shot(page, 'e2e-owner-cashier')
  await page.locator('button').first().click()
  await page.waitForURL((u) => u.pathname.startsWith('/pay'), { timeout: 20_000 })
  await page.locator('.result.paid').waitFor({ timeout: 70_000 })
  assert.equal((await page.locator('.amount').textContent()).trim(), due.trim(), 'what was shown is what was paid')
  await shot(page, 'e2e-owner-receipt')
})
test('a paid stay is not offered again', async () => {
  const mine = plate ?? (await page.locator('.result .plate').getAttribute('aria-label'))?.split(' ')[0]
  await page.goto(`/pay?lot=${lot}`)
  await type(mine)
  await page.getByRole('button', { name: '查询费用' }).click()
  // Either settled, or gone through the barrier in the meantime; never the same amount once more.
  await page.locator('.ticket .free, [role=alert]').first().waitFor()
  assert.equal(await page.locator('.pay').count(), 0)
})
test('a lane\'s code asks for the car in front of the arm, or says that nobody is there', async () => {
  await page.goto(`/pay?lot=${lot}&lane=${exitLane}`)
  await page.locator('.ticket, [role=alert]').first().waitFor()
  await shot(page, 'e2e-owner-lane')
})
test('a code without a lot says what to do', async () => {
  await page.goto('/pay')
  await page.getByText('请扫描车场内的缴费二维码').waitFor()
})
test('nothing is kept that another driver could find', async () => {
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }))
  assert.doesNotMatch(kept, /\p{Script=Han}[A-Z][A-Z0-9]{5}/u)
})
test('the console showed no errors', () => assert.deepEqual(faults, []))
