// What the browser tests share: Debian's Chromium, a page that collects its errors, screenshots, axe.
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const shots = fileURLToPath(new URL('shots/', import.meta.url))

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })

export const desk = { width: 1440, height: 900 }
export const phone = { width: 390, height: 844 }

/** A page in its own context. `faults` gathers what a visitor's console would show as an error. */
export async function newPage(browser, base, { viewport = desk, lang = 'zh', mobile = false } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport, locale: lang === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', hasTouch: mobile, deviceScaleFactor: mobile ? 2 : 1 })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const faults = []
  page.on('pageerror', (e) => faults.push(`page: ${e.message}`))
  page.on('console', (m) => {
    // A refused sign-in and a missing photo are answers, and Chromium logs every one of them.
    if (m.type() === 'error' && !/status of (401|404)/.test(m.text())) faults.push(`console: ${m.text()}`)
  })
  return { context, page, faults }
}

export async function signIn(page, path, name, password) {
  await page.goto(path)
  await page.locator('input[name=name]').fill(name)
  await page.locator('input[name=password]').fill(password)
  await page.locator('form button[type=submit]').click()
}

export async function shot(page, name) {
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: `${shots}${name}.png` })
}

/** Waits until the operators' API lists something there: a system that has just started has nothing to show yet. */
export async function listed(page, path, patience = 120_000) {
  const end = Date.now() + patience
  for (;;) {
    const answer = await page.request.get(path)
    const text = await answer.text()
    if (answer.ok() && JSON.parse(text).items.length > 0) return
    if (Date.now() > end) throw new Error(`nothing in ${path} after ${patience / 1000} s: ${answer.status()} ${text.slice(0, 300)}`)
    await new Promise((wake) => setTimeout(wake, 250))
  }
}

/** The accessibility faults of the page as it stands, one line each. */
export async function axeFaults(page) {
  // The policy forbids inline scripts; evaluating from outside the page is not subject to it.
  await page.evaluate(axe)
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }))
  return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.any[0]?.message ?? n.all[0]?.message ?? v.help}`))
}
