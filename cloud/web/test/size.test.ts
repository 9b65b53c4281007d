// The owner page's first load, as built (P18): what a phone in an underground car park must fetch before it shows.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'

const out = mkdtempSync(join(tmpdir(), 'lotkeeper-web-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

interface Chunk { file: string; imports?: string[]; css?: string[] }

test('the owner page loads below 150 kB, gzipped', () => {
  execFileSync('node', ['node_modules/vite/bin/vite.js', 'build', '--outDir', out, '--emptyOutDir', '--logLevel', 'error'], { env: { ...process.env, NODE_ENV: 'production', VITEST: '' } })
  const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as Record<string, Chunk>
  const files = new Set<string>(['pay/index.html'])
  const walk = (key: string) => {
    const c = manifest[key]!
    if (files.has(c.file)) return
    files.add(c.file)
    c.css?.forEach((f) => files.add(f))
    c.imports?.forEach(walk)
  }
  walk('pay/index.html')
  const sizes = [...files].map((f) => [f, gzipSync(readFileSync(join(out, f))).length] as const)
  const total = sizes.reduce((a, [, n]) => a + n, 0)
  expect(files.size, 'files of the page').toBeGreaterThan(2)
  expect(total, JSON.stringify(sizes)).toBeGreaterThan(20_000) // the walk found the real code
  expect(total, JSON.stringify(sizes)).toBeLessThan(150_000)
  for (const f of files) expect(readFileSync(join(out, f), 'utf8'), f).not.toMatch(/alicdn|googleapis|unpkg|jsdelivr/)
  expect(sizes.map(([f]) => f).join()).not.toMatch(/element/i)
  console.info(`owner page, first load: ${(total / 1000).toFixed(1)} kB gzip in ${files.size} files`)
}, 120_000)
