import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeFaults, launch, newPage, phone, shot } from './browser.mjs'
import { cloud, exit, lot } from './env.mjs'
import { calm, held, left, parked } from './lot.mjs'

let browser, page, faults, mine
before(async () => {
  browser = await launch()
  ;({ page, faults } = await newPage(browser, cloud, { viewport: phone, mobile: true }))
  await calm()
})
after(() => browser?.close())
async function type(text) {
  for (const c of text) await page.locator('.keys button', { hasText: new RegExp(`^${c}$`) }).click()
}

const minor = (s) => Number(s.replace(/[^\d.]/g, '').replace('.', ''))

/** Presses the button at the provider's cashier and comes back with the receipt. */
async function pay() {
  const due = (await page.locator('.due').textContent()).trim()
  assert.ok(minor(due) > 0, `something is due, not ${due}`)
  await page.locator('.pay').click()
  await page.waitForURL((u) => !u.pathname.startsWith('/pay'), { timeout: 20_000 })
  await shot(page, 'e2e-owner-cashier')
  await page.locator('button').first().click()
  await page.waitForURL((u) => u.pathname.startsWith('/pay'), { timeout: 20_000 })
  await page.locator('.result.paid').waitFor({ timeout: 30_000 })
  assert.equal((await page.locator('.amount').textContent()).trim(), due, 'what was shown is what was paid')
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
  mine = await parked()
  await page.goto(`/pay?lot=${lot}`)
  await type(mine)
  await shot(page, 'e2e-owner-plate')
  await page.getByRole('button', { name: '查询费用' }).click()
  await page.locator('.ticket').waitFor()
  await page.locator('.tariff summary').click()
  assert.match(await page.locator('.tariff li').first().textContent(), /\p{Script=Han}/u, 'the tariff in words')
  await shot(page, 'e2e-owner-quote')
  assert.deepEqual(await axeFaults(page), [])
  assert.equal(await page.locator('img').count(), 0, 'no photos')
  await pay()
  await shot(page, 'e2e-owner-receipt')
  // What the scanner at the exit takes when the lot's own line is down.
  await page.locator('.proof summary').click()
  const code = page.locator('.proof img')
  await code.waitFor()
  await page.waitForFunction(() => document.querySelector('.proof img').naturalWidth >= 300)
  await code.scrollIntoViewIfNeeded()
  await shot(page, 'e2e-owner-proof')
  assert.deepEqual(await axeFaults(page), [])
})
test('a paid stay is not offered again', async () => {
  await page.goto(`/pay?lot=${lot}`)
  await type(mine)
  await page.getByRole('button', { name: '查询费用' }).click()
  await page.locator('.ticket .free').first().waitFor()
  assert.equal(await page.locator('.pay').count(), 0)
})
test('a lane\'s code with nobody there says so', async () => {
  await page.goto(`/pay?lot=${lot}&lane=${exit.lane}`)
  await page.locator('[role=alert]').first().waitFor()
  assert.equal(await page.locator('.ticket').count(), 0)
})
test('a lane\'s code shows the car before the arm; it pays, and the barrier opens', async () => {
  const plate = await parked()
  const { car, lane } = await held(plate)
  await page.goto(`/pay?lot=${lot}&lane=${exit.lane}`)
  await page.locator('.ticket').waitFor()
  await shot(page, 'e2e-owner-lane')
  assert.equal(minor(await page.locator('.due').textContent()), lane.due, 'the phone asks what the lane asks')
  await pay()
  await left(car)
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
