import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeFaults, launch, listed, newPage, shot, signIn } from './browser.mjs'
import { admin, cloud, lot } from './env.mjs'
import { calm, left, parked, toExit } from './lot.mjs'

let browser, page, faults, context
before(async () => {
  browser = await launch()
  ;({ page, faults, context } = await newPage(browser, cloud))
})
after(() => browser?.close())
const clean = async (name) => {
  await shot(page, name)
  assert.deepEqual(await axeFaults(page), [], name)
}

test('a wrong password is refused in words and shows nothing', async () => {
  await signIn(page, '/admin/', admin.name, 'wrong')
  await page.locator('.fault').filter({ hasText: /\p{Script=Han}/u }).waitFor()
  assert.equal(await page.locator('nav').count(), 0)
  await clean('e2e-admin-wrong-password')
})
test('the right one leads to the lots', async () => {
  await signIn(page, '/admin/', admin.name, admin.password)
  await page.locator(`a[href$="/lots/${lot}"]`).first().waitFor()
  await clean('e2e-admin-lots')
})
test('the lot is live: lanes, arms, counts, and events that come by themselves', async () => {
  await page.locator(`a[href$="/lots/${lot}"]`).first().click()
  await page.locator('.lane svg.scene').first().waitFor()
  assert.ok((await page.locator('.lane').count()) >= 2, 'an entry and an exit lane')
  const arms = await page.locator('.lane svg.scene').evaluateAll((all) => all.map((x) => x.getAttribute('aria-label')))
  for (const a of arms) assert.match(a, /抬杆|落杆|动作|未知/)
  await calm()
  const plate = await parked()
  await page.reload() // events are told from here on: what shows has come by itself
  await page.locator('.lane svg.scene').first().waitFor()
  const car = await toExit(plate, 'cash')
  await page.locator(`.lane [aria-label^="${plate}"]`).first().waitFor()
  await page.locator('.ticker li', { hasText: '¥60.00' }).first().waitFor() // what a day costs at most
  await left(car)
  await shot(page, 'e2e-admin-live')
})
test('with the network away a list says so, and recovers', async () => {
  try {
    // Chromium keeps an open websocket over this, so what tells is a page that must fetch.
    await context.setOffline(true)
    await page.locator('nav a[href$="/sessions"]').first().click()
    await page.getByText('网络已断开').waitFor()
    await shot(page, 'e2e-admin-offline')
  } finally {
    await context.setOffline(false)
  }
  await page.getByRole('button', { name: '重试' }).click()
  await page.locator('.el-table__row').first().waitFor()
  faults.length = 0 // the console's own words about the cut
})
test('sessions: the address filters, the totals row is there, the export opens in spreadsheets', async () => {
  await page.goto('/admin/sessions')
  await page.locator('.el-table__row').first().waitFor()
  await page.locator('tfoot, .el-table__footer').first().waitFor()
  await clean('e2e-admin-sessions')
  await listed(page, '/api/v1/sessions?state=left&size=1')
  await page.goto('/admin/sessions?state=left')
  await page.locator('.el-table__row').first().waitFor()
  const states = await page.locator('.el-table__row').evaluateAll((rows) => rows.map((r) => r.textContent))
  for (const s of states) assert.ok(s.includes('已离场'), s)
  const csv = await page.request.get(await page.locator('a[download]').getAttribute('href'))
  assert.equal(csv.status(), 200)
  assert.equal((await csv.body()).subarray(0, 3).toString('hex'), 'efbbbf', 'a BOM, for spreadsheets')
})
test('a session tells how it went: ends, lines that add up, what was paid, facts', async () => {
  await calm()
  const plate = await parked()
  await left(await toExit(plate, 'cash'))
  await listed(page, `/api/v1/sessions?state=left&plate=${encodeURIComponent(plate)}`)
  await page.goto(`/admin/sessions?state=left&plate=${encodeURIComponent(plate)}`)
  await page.locator('.el-table__row a').first().click()
  await page.locator('.detail').waitFor()
  assert.ok((await page.locator('.detail ol li').count()) >= 2, 'its facts')
  assert.equal(await page.locator('.differs').count(), 0, 'the lines add up')
  const minor = (s) => Number(s.replace(/[^\d.−-]/g, '').replace('−', '-').replace('.', ''))
  const amounts = (await page.locator('.bill tbody tr:not(.paid) td:last-child').allTextContents()).map(minor)
  const [due, paid] = (await page.locator('.bill tfoot td').allTextContents()).map(minor)
  assert.ok(amounts.length > 0, 'the bill has lines')
  assert.ok(due > 0, `two hours cost something, not ${due}`)
  assert.equal(amounts.reduce((a, b) => a + b, 0), due, `the lines ${amounts} sum up to what is due`)
  assert.equal(paid, due, 'it was paid')
  assert.equal(minor(await page.locator('.payments .amount').first().textContent()), due, 'and the payment is listed')
  await clean('e2e-admin-session')
})
test('passages', async () => {
  await page.goto(`/admin/passages?lot=${lot}`)
  await page.locator('.el-table__row').first().waitFor()
  await clean('e2e-admin-passages')
})
test('settings: booths and a one-time code', async () => {
  await page.goto(`/admin/lots/${lot}/settings`)
  await page.locator('.el-table__row').first().waitFor()
  await clean('e2e-admin-settings')
  await page.getByRole('button', { name: '注册码', exact: true }).first().click()
  await page.getByRole('button', { name: '生成注册码' }).click()
  await page.locator('pre').filter({ hasText: 'lotkeeper-edge enroll' }).waitFor()
})
test('English is everywhere at once', async () => {
  await page.goto('/admin/lots?lang=en')
  await page.getByRole('link', { name: 'Sessions' }).first().waitFor()
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  assert.doesNotMatch(await page.locator('nav').first().textContent(), /\p{Script=Han}/u)
  await shot(page, 'e2e-admin-en')
})
test('what does not exist says so', async () => {
  await page.goto('/admin/no/such/page?lang=zh')
  await page.locator('main').getByText('没有这个页面').waitFor()
  await page.goto('/admin/lots/no-such-lot')
  await page.locator('[role=alert]').first().waitFor()
})
test('signing out ends it', async () => {
  await page.goto('/admin/lots')
  await page.locator('header .who').click()
  await page.getByText('退出登录').click()
  await page.locator('input[name=password]').waitFor()
  assert.equal((await page.request.get('/api/v1/me')).status(), 401)
})
test('the console showed no errors', () => assert.deepEqual(faults, []))
