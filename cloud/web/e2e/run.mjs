// Drives the pages in Chromium against a running system: LOTKEEPER_URL=http://… npm run e2e
// One file after the other: they share one system, and two cores.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

if (!process.env.LOTKEEPER_URL) {
  console.error('e2e: LOTKEEPER_URL is not set. Start the system (make demo) and run, for example:\n' +
    '  LOTKEEPER_URL=http://127.0.0.1:8080 LOTKEEPER_ADMIN_PASSWORD=… LOTKEEPER_SEAT_PASSWORD=… npm run e2e')
  process.exit(2)
}
const here = fileURLToPath(new URL('.', import.meta.url))
const files = readdirSync(here).filter((f) => f.endsWith('.test.mjs')).map((f) => here + f)
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=1', ...files], { stdio: 'inherit' })
process.exit(status ?? 1)
