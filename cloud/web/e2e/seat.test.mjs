import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeFaults, launch, newPage, shot, signIn } from './browser.mjs'
import { seat, system } from './env.mjs'

let sys, browser, page, faults
before(async () => {
  sys = await system()
  browser = await launch()
  ;({ page, faults } = await newPage(browser, sys.url))
})
after(async () => {
  await browser?.close()
  await sys?.close()
})
// Whoever is held may pay and leave at any time, so the tests take the queue as they find it, and wait for one.
const held = () => page.locator('.queue li button').first().waitFor({ timeout: 120_000 })

test('who is held is in the queue, and the lane is shown', async () => {
  await signIn(page, '/seat/', seat.name, seat.password)
  await held()
  await page.locator('.view svg.scene').waitFor()
  assert.match(await page.title(), /^\(\d+\) /)
  await shot(page, 'e2e-seat-queue')
  assert.deepEqual(await axeFaults(page), [])
})
test('one screen, without scrolling, and nothing cut off in either language', async () => {
  for (const lang of ['en', 'zh']) {
    await page.goto(`/seat/?lang=${lang}`)
    await held()
    await page.locator('.acts').waitFor()
    const cut = await page.evaluate(() => [...document.querySelectorAll('.acts button, .due, .case dl')].filter((x) => {
      return x.getBoundingClientRect().right > x.closest('.case').getBoundingClientRect().right
    }).length)
    assert.equal(cut, 0, `${lang}: parts of the right column beyond its edge`)
  }
  const [inner, scroll] = await page.evaluate(() => [innerHeight, document.documentElement.scrollHeight])
  assert.ok(scroll <= inner, `${scroll} px of content in ${inner} px`)
})
test('nothing is opened without a reason', async () => {
  await held()
  await page.locator('.acts .open').waitFor()
  await page.keyboard.press('F2')
  await page.locator('.el-dialog .picks').waitFor()
  await page.locator('.el-dialog .el-button--primary').click()
  await page.getByText('必须填写原因').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.el-dialog .picks').waitFor({ state: 'hidden' })
  assert.equal(await page.locator('.command').count(), 0)
})
test('F2, a reason, Enter: sent, acknowledged by the device, arm up', async () => {
  await held()
  await page.locator('.queue li button').first().click()
  await page.locator('.view svg.scene').waitFor()
  await page.keyboard.press('F2')
  await page.locator('.el-dialog .picks').waitFor()
  await page.keyboard.press('1')
  await page.locator('.el-dialog .picks button[aria-checked=true]').waitFor()
  await shot(page, 'e2e-seat-reason')
  await page.keyboard.press('Enter')
  await page.locator('.command').getByText('设备已应答').waitFor({ timeout: 20_000 })
  await page.locator('.command').getByText('道闸已抬起').waitFor({ timeout: 20_000 })
  await shot(page, 'e2e-seat-opened')
})
test('F4 asks for the plate; Escape sends nothing', async () => {
  await held()
  await page.keyboard.press('ArrowDown')
  await page.locator('.acts .open').waitFor()
  await page.keyboard.press('F4')
  const input = page.getByLabel('车牌号码')
  await input.waitFor()
  await input.fill('粤B5E2E7')
  await shot(page, 'e2e-seat-correct')
  await page.keyboard.press('Escape')
  await input.waitFor({ state: 'hidden' })
  assert.equal(await page.locator('.command').getByText('更正车牌').count(), 0)
})
test('the console showed no errors', () => assert.deepEqual(faults, []))
