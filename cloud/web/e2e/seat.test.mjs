import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { axeFaults, launch, newPage, shot, signIn } from './browser.mjs'
import { cloud, seat } from './env.mjs'
import { calm, exitLane, held, left, newPlate, parked, report } from './lot.mjs'

let browser, page, faults
before(async () => {
  browser = await launch()
  ;({ page, faults } = await newPage(browser, cloud))
  await calm()
})
after(() => browser?.close())
// A held car backs out after 40 s, so each test brings its own and lets it go.
async function waits(plate) {
  await page.locator('.queue li button', { has: page.locator(`[aria-label^="${plate}"]`) }).first().click()
  await page.locator(`.view [aria-label^="${plate}"]`).first().waitFor()
}
async function open(pick) {
  await page.keyboard.press('F2')
  await page.locator('.el-dialog .picks').waitFor()
  await page.keyboard.press(pick)
  await page.locator('.el-dialog .picks button[aria-checked=true]').waitFor()
  await shot(page, 'e2e-seat-reason')
  await page.keyboard.press('Enter')
  await page.locator('.command').first().getByText('设备已应答').waitFor({ timeout: 20_000 })
  await page.locator('.command').first().getByText('道闸已抬起').waitFor({ timeout: 20_000 })
}

test('who is held is in the queue, and the lane is shown, on one screen in either language', async () => {
  await signIn(page, '/seat/', seat.name, seat.password)
  await page.locator('.queue').waitFor()
  const plate = await parked()
  const { car } = await held(plate)
  await waits(plate)
  assert.match(await page.title(), /^\(\d+\) /)
  await shot(page, 'e2e-seat-queue')
  assert.deepEqual(await axeFaults(page), [])
  for (const lang of ['en', 'zh']) {
    await page.goto(`/seat/?lang=${lang}`)
    await waits(plate)
    await page.locator('.acts').waitFor()
    const cut = await page.evaluate(() => [...document.querySelectorAll('.acts button, .due, .case dl')].filter((x) => {
      return x.getBoundingClientRect().right > x.closest('.case').getBoundingClientRect().right
    }).length)
    assert.equal(cut, 0, `${lang}: parts of the right column beyond its edge`)
  }
  const [inner, scroll] = await page.evaluate(() => [innerHeight, document.documentElement.scrollHeight])
  assert.ok(scroll <= inner, `${scroll} px of content in ${inner} px`)
  await open('1')
  await left(car)
})
test('nothing is opened without a reason; F2, a reason, Enter: sent, acknowledged, arm up', async () => {
  const plate = await parked()
  const { car } = await held(plate)
  await waits(plate)
  const before = await page.locator('.command').count()
  await page.keyboard.press('F2')
  await page.locator('.el-dialog .picks').waitFor()
  await page.locator('.el-dialog .el-button--primary').click()
  await page.getByText('必须填写原因').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.el-dialog .picks').waitFor({ state: 'hidden' })
  assert.equal(await page.locator('.command').count(), before, 'nothing was sent')
  assert.equal((await exitLane()).arm, 'down')
  await open('2')
  await shot(page, 'e2e-seat-opened')
  await left(car)
})
test('F4 corrects the plate: Escape sends nothing, Enter finds the stay and its price', async () => {
  const plate = await parked()
  const wrong = newPlate()
  const { car } = await held(wrong, 'no_entry')
  await waits(wrong)
  await page.keyboard.press('F4')
  const input = page.getByLabel('车牌号码')
  await input.waitFor()
  await input.fill(plate)
  await page.keyboard.press('Escape')
  await input.waitFor({ state: 'hidden' })
  assert.equal((await exitLane()).plate.text, wrong, 'nothing was corrected')
  await page.keyboard.press('F4')
  await input.waitFor()
  await input.fill(plate)
  await shot(page, 'e2e-seat-correct')
  await page.keyboard.press('Enter')
  await page.locator('.command').first().getByText('车牌已更正').waitFor({ timeout: 20_000 })
  await page.locator(`.view [aria-label^="${plate}"]`).first().waitFor()
  const lane = await exitLane()
  assert.equal(lane.plate.text, plate)
  assert.ok(lane.due > 0, `the stay has its price: ${lane.due}`)
  await open('3')
  await left(car)
})
test('no barrier opened wrongly in all of this', async () => {
  const { wrongly_opened: wrongly, wrong } = await report()
  assert.equal(wrongly, 0, JSON.stringify(wrong))
})
test('the console showed no errors', () => assert.deepEqual(faults, []))
