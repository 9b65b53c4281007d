// Live verification: what the engine says of a document that need not be saved. Nothing is worked out here.

import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { take, type Api } from '@/api/client'
import { asProblem, type Problem } from '@/api/problem'
import type { Case, FeeCurve, Finding, Probe, Trial } from '@/api/tariff'
import type { Text } from '@/api/types'
import type { Extras } from './extras'

export interface Stay { class: string; entitlements: string[]; entry: string; exit: string; hours: number; extras?: Extras }

const PAUSE_MS = 450

/**
 * Asks again a moment after the case or the stay changed; the newest question wins. While the document is wrong, what it
 * gave before stays and is marked as old.
 */
export function useCheck(api: Api, source: () => Case | undefined, stay: () => Stay) {
  const findings = shallowRef<Finding[]>([])
  const trial = shallowRef<Trial>()
  const curve = shallowRef<FeeCurve>()
  const probes = shallowRef<Probe[]>([])
  const text = shallowRef<Text>()
  const problem = shallowRef<Problem>()
  const busy = ref(false)
  /** What is shown is of an earlier document. */
  const old = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | undefined

  async function ask() {
    running?.abort()
    const mine = (running = new AbortController())
    const body = source()
    if (!body) {
      old.value = true
      busy.value = false
      return
    }
    const { class: vehicle, entitlements, entry, exit, hours, extras } = stay()
    const { signal } = mine
    const of = { ...body, ...(vehicle ? { class: vehicle } : {}), ...(entitlements.length > 0 ? { entitlements } : {}), entry }
    const known = extras ? { extras } : {}
    busy.value = true
    try {
      const found = (await take(api.POST('/api/v1/tariff-checks/lint', { body, signal }))).findings ?? []
      if (mine !== running) return
      findings.value = found
      if (found.some((f) => f.code === 'invalid')) {
        old.value = true
        problem.value = undefined
        return
      }
      const [bill, chart, probed, explained] = await Promise.all([
        take(api.POST('/api/v1/tariff-checks/bill', { body: { ...of, ...known, exit }, signal })),
        take(api.POST('/api/v1/tariff-checks/chart', { body: { ...of, ...known, hours }, signal })),
        take(api.POST('/api/v1/tariff-checks/probes', { body: of, signal })),
        take(api.POST('/api/v1/tariff-checks/explain', { body, signal })),
      ])
      if (mine !== running) return
      trial.value = bill
      curve.value = chart
      probes.value = probed.probes ?? []
      text.value = explained
      problem.value = undefined
      old.value = false
    } catch (e) {
      if (mine === running) {
        problem.value = asProblem(e)
        old.value = true
      }
    } finally {
      if (mine === running) busy.value = false
    }
  }

  watch([source, stay], ([c, s], [was, before]) => {
    if (JSON.stringify([c, s]) === JSON.stringify([was, before])) return
    clearTimeout(timer)
    busy.value = true
    timer = setTimeout(() => void ask(), PAUSE_MS)
  })
  void ask()
  onScopeDispose(() => {
    clearTimeout(timer)
    running?.abort()
    running = undefined
  })
  return { findings, trial, curve, probes, text, problem, busy, old, ask }
}
