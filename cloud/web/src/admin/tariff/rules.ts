// A lot's rules as they are typed.

import type { Problem } from '@/api/problem'
import type { Rule } from '@/api/tariff'
import { local, zoned } from '../zone'

/** `from` is on the lot's clock, '' for always. */
export interface RuleRow { class: string; days: string[]; from: string | null; tariff: string; version: number }

export const fromState = (r: Rule, tz?: string): RuleRow => ({
  class: r.class ?? '', days: [...(r.day_types ?? [])], from: r.from ? local(r.from, tz) : '', tariff: r.tariff, version: r.version,
})

/** As the API takes them: what fits everything is left out. */
export const toBody = (rows: readonly RuleRow[], tz?: string): Rule[] => rows.map((r) => ({
  ...(r.class ? { class: r.class } : {}), ...(r.days.length > 0 ? { day_types: [...r.days] } : {}), ...(r.from ? { from: zoned(r.from, tz) } : {}), tariff: r.tariff, version: r.version,
}))

/** Whether a rule fits every stay. */
export const fits = (r: RuleRow) => !r.class && r.days.length === 0 && !r.from

/** A problem's details by rule, and what is about none of them. */
export function faultsOf(p: Problem | undefined) {
  const at = new Map<number, { zh: string; en: string }[]>()
  const rest: { zh: string; en: string }[] = []
  for (const f of p?.fields ?? []) {
    const m = /^body\.rules\[(\d+)\]/.exec(f.where)
    if (m) at.set(Number(m[1]), [...(at.get(Number(m[1])) ?? []), f.text])
    else rest.push(f.text)
  }
  return { at: (n: number) => at.get(n) ?? [], rest }
}

/** A lot's rules with one more tariff: for a class before all others; for every vehicle in the place of the last, which is. */
export function given(rows: readonly RuleRow[], to: { class: string; tariff: string; version: number }): RuleRow[] {
  const row: RuleRow = { class: to.class, days: [], from: '', tariff: to.tariff, version: to.version }
  if (to.class !== '') return [row, ...rows]
  const last = rows.at(-1)
  return [...(last && fits(last) ? rows.slice(0, -1) : rows), row]
}
