import { expect, test } from 'vitest'
import { billAddsUp } from '@/admin/bill'
import { readFilters, writeFilters } from '@/admin/query'
import { withLaneNames } from '@/admin/lot'
import { words as admin } from '@/admin/words'
import { words as deskWords } from '@/seat/words'
import { desk } from '@/desk/words'
import { newI18n } from '@/i18n'
import { common } from '@/i18n/common'
import { words as owner } from '@/owner/words'

const sources = import.meta.glob('../src/**/*.{ts,vue}', { eager: true, query: '?raw', import: 'default' }) as Record<string, string>
const all: Record<string, readonly [string, string]> = { ...common, ...desk, ...admin, ...deskWords, ...owner }

test('both languages have every text, with the same placeholders', () => {
  for (const [key, [zh, en]] of Object.entries(all)) {
    expect(zh.trim() && en.trim(), key).toBeTruthy()
    const holes = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()
    expect(holes(en), key).toEqual(holes(zh))
  }
})
test('every text is found by its name, also where another name goes on from it', () => {
  const { t, locale } = newI18n(all).global
  for (const i of [0, 1] as const) {
    locale.value = i === 0 ? 'zh' : 'en'
    for (const [key, pair] of Object.entries(all)) {
      const holes = Object.fromEntries([...pair[i].matchAll(/\{(\w+)\}/g)].map((m) => [m[1]!, `{${m[1]}}`]))
      expect(t(key, holes), key).toBe(pair[i])
    }
  }
})
test('every text that a page asks for by name exists', () => {
  const missing = Object.entries(sources).flatMap(([file, source]) =>
    [...source.matchAll(/\bt\('([\w.]+[\w])'/g)].map((m) => m[1]!).filter((k) => !(k in all)).map((k) => `${file}: ${k}`))
  expect(missing).toEqual([])
})
test('filters survive the way through the address, and only differences travel', () => {
  const empty = { lot: '', plate: '', state: '' }
  expect(writeFilters({ lot: 'a', plate: '', state: 'left' }, empty)).toEqual({ lot: 'a', state: 'left' })
  expect(readFilters({ lot: 'a', state: ['left', 'x'], evil: '1', plate: null }, empty)).toEqual({ lot: 'a', plate: '', state: 'left' })
})
test('a bill whose lines do not add up is noticed', () => {
  const m = { gross: 2500, free: 500, paid: 2000, debt: 0, excess: 0 }
  const line = (kind: string, amount: number) => ({ kind, amount, text: { zh: '', en: '' } })
  expect(billAddsUp([line('unit', 1000), line('unit', 1500), line('free', -500), line('paid', -2000)], m)).toBe(true)
  expect(billAddsUp([line('unit', 1000), line('unit', 1500)], m)).toBe(false)
})
test('lanes are called by their names, whole ids only', () => {
  const names = { 'exit-1': '一号出口', constructor: '' }
  expect(withLaneNames('exit-1识别到 粤B12345', names)).toBe('一号出口 识别到 粤B12345')
  expect(withLaneNames('exit-1: the vehicle passed', { 'exit-1': 'Exit 1' })).toBe('Exit 1: the vehicle passed')
  expect(withLaneNames('exit-12 and exit-1-b, the constructor', names)).toBe('exit-12 and exit-1-b, the constructor')
})
