// Takes a picture of every page over the mock, to be looked at: npm run look
import { fileURLToPath } from 'node:url'
import { axeFaults, launch, newPage, phone, shot, signIn } from './browser.mjs'
import { startMock } from './mock/server.mjs'

const dist = process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url))
const only = process.argv[3] ?? ''
const mock = await startMock({ dist })
const browser = await launch()
const settle = (page) => page.waitForTimeout(900)
async function look(page, name) {
  await settle(page)
  await shot(page, name)
  const faults = await axeFaults(page)
  console.log(name, faults.length === 0 ? 'axe clean' : '\n  ' + faults.join('\n  '))
}

for (const lang of ['zh', 'en']) {
  if (only && !only.includes(lang)) continue
  {
    const { context, page, faults } = await newPage(browser, mock.url, { lang })
    await page.goto('/admin/')
    await look(page, `admin-${lang}-0-sign-in`)
    await signIn(page, '/admin/', 'admin', 'right')
    await page.waitForURL('**/admin/lots')
    await look(page, `admin-${lang}-1-lots`)
    await page.goto('/admin/lots/riverside')
    await page.waitForTimeout(6000)
    await look(page, `admin-${lang}-2-live`)
    mock.cut()
    await page.goto('/admin/lots/riverside/settings')
    await look(page, `admin-${lang}-3-settings`)
    await page.locator('.el-table__row button').first().click()
    await page.locator('.el-dialog .el-button--primary').click()
    await look(page, `admin-${lang}-4-code`)
    await page.goto('/admin/sessions')
    await look(page, `admin-${lang}-5-sessions`)
    await page.goto('/admin/sessions?state=lost&plate=zzz')
    await look(page, `admin-${lang}-6-none`)
    await page.goto('/admin/sessions?state=left')
    await settle(page)
    await page.locator('.el-table__row a').first().click()
    await look(page, `admin-${lang}-7-session`)
    await page.goto('/admin/passages')
    await look(page, `admin-${lang}-8-passages`)
    await page.goto('/admin/nowhere')
    await look(page, `admin-${lang}-9-nowhere`)
    console.log('faults', faults)
    await context.close()
  }
  {
    const { context, page, faults } = await newPage(browser, mock.url, { lang })
    await signIn(page, '/seat/', 'seat', 'right')
    await look(page, `seat-${lang}-1-queue`)
    await page.keyboard.press('F4')
    await look(page, `seat-${lang}-2-correct`)
    await page.keyboard.press('Escape')
    await settle(page)
    await page.keyboard.press('F2')
    await page.keyboard.press('3')
    await look(page, `seat-${lang}-3-reason`)
    await page.keyboard.press('Enter')
    await page.waitForTimeout(2500)
    await look(page, `seat-${lang}-4-opened`)
    console.log('faults', faults)
    await context.close()
  }
  {
    const { context, page, faults } = await newPage(browser, mock.url, { lang, viewport: phone, mobile: true })
    await page.goto('/pay?lot=riverside')
    await look(page, `owner-${lang}-1-plate`)
    for (const k of '粤BD902') await page.locator('.keys button', { hasText: new RegExp(`^${k}$`) }).click()
    await look(page, `owner-${lang}-2-typing`)
    await page.goto('/pay?lot=riverside&lane=exit-1')
    await look(page, `owner-${lang}-3-quote`)
    await page.locator('.pay').click()
    await page.waitForURL('**/cashier/**')
    await page.goBack()
    await page.waitForTimeout(1500)
    await look(page, `owner-${lang}-4-confirming`)
    await page.goForward()
    await page.locator('button').click()
    await page.locator('.seal').waitFor()
    await look(page, `owner-${lang}-5-receipt`)
    await page.goto('/pay')
    await look(page, `owner-${lang}-6-no-lot`)
    console.log('faults', faults)
    await context.close()
  }
}
await browser.close()
await mock.close()
