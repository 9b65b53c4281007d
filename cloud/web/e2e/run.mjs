// Drives the pages in Chromium against the real programs: npm run e2e. It starts a system of its own and stops it, or
// takes one that runs: DEMO_URLS=/tmp/urls.json make demo, and beside it LOTKEEPER_URLS=/tmp/urls.json npm run e2e
// One file after the other: they share one system, and two cores.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const demo = path('../../../.cache/bin/demo')

let command
if (process.env.LOTKEEPER_URLS) {
  const files = readdirSync(path('.')).filter((f) => f.endsWith('.test.mjs')).map((f) => path(f))
  command = [process.execPath, '--test', '--test-reporter=spec', '--test-concurrency=1', ...files]
} else if (process.env.LOTKEEPER_E2E) {
  console.error('e2e: the demo that was started does not say where its system is: build it again with make test')
  process.exit(2)
} else if (existsSync(demo)) {
  // The demo brings a lot up, runs this file again with where it is in the environment, and ends with it.
  command = [demo, process.execPath, path('run.mjs')]
  process.env.LOTKEEPER_E2E = 'started'
  process.env.DEMO_DIR ??= path('../../../.cache/e2e')
  process.chdir(path('../../..'))
} else {
  console.error('e2e: .cache/bin/demo is not built: run make test, or say with LOTKEEPER_URLS which file tells of a system that runs')
  process.exit(2)
}
const child = spawn(command[0], command.slice(1), { stdio: 'inherit' })
// A terminal tells the whole group, a caller only us; either way the child stops what it started, and we wait for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('error', (e) => {
  console.error(`e2e: ${command[0]}: ${e.message}`)
  process.exit(1)
})
child.on('exit', (code) => process.exit(code ?? 1))
