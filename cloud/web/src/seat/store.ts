import { defineStore } from 'pinia'
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { actionKey, take } from '@/api/client'
import { asProblem } from '@/api/problem'
import type { CommandAction, LiveLane, Lot, LotDetail, Plate, QueueItem } from '@/api/types'
import { useSession } from '@/desk/session'
import { currentLocale } from '@/i18n/locale'
import { mergeLane } from '@/live/lot'
import { useLive } from '@/live/store'
import { GRACE_MS, aged, armSeen, judged, pending, type Tracked } from './command'

export const keyOf = (x: { lot: string; lane: string }) => `${x.lot}/${x.lane}`
const KEEP = 8

export const useSeat = defineStore('seat', () => {
  const { api } = useSession()
  const live = useLive()
  const queue = shallowRef<QueueItem[]>([])
  const known = ref(false)
  const chosen = ref<{ lot: string; lane: string } | null>(null)
  /** The chosen lane as it is now; it outlives the lane's place in the queue, to see the arm rise. */
  const lane = shallowRef<LiveLane>()
  const commands = shallowRef<Tracked[]>([])
  const lots = shallowRef<Lot[]>([])
  const details = shallowRef<Record<string, LotDetail>>({})
  /** Counts what joined the queue, for the bell. */
  const arrivals = ref(0)
  let offLot: (() => void) | undefined

  const item = computed(() => (chosen.value ? queue.value.find((i) => keyOf(i) === keyOf(chosen.value!)) : undefined))
  const mine = computed(() => (chosen.value ? commands.value.filter((c) => keyOf(c) === keyOf(chosen.value!)) : []))

  function setQueue(items: QueueItem[]) {
    const before = new Set(queue.value.map((i) => keyOf(i) + i.live.token.car))
    if (known.value) arrivals.value += items.filter((i) => !before.has(keyOf(i) + i.live.token.car)).length
    queue.value = [...items].sort((a, b) => Date.parse(a.since) - Date.parse(b.since))
    known.value = true
    for (const lot of new Set(items.map((i) => i.lot))) void loadDetail(lot)
    for (const i of queue.value) if (chosen.value && keyOf(i) === keyOf(chosen.value)) seeLane(i.live)
    // Nothing chosen, or what was chosen is settled: take up the one who waits longest.
    if (!chosen.value && queue.value[0]) choose(queue.value[0])
  }

  function seeLane(fresh: LiveLane) {
    lane.value = lane.value ? mergeLane([lane.value], fresh).find((x) => x.lane === fresh.lane) : fresh
    if (chosen.value) commands.value = commands.value.map((c) => armSeen(c, chosen.value!.lot, fresh.lane, lane.value?.arm))
  }

  function choose(to: { lot: string; lane: string } | null) {
    if (chosen.value && to && keyOf(chosen.value) === keyOf(to)) return
    offLot?.()
    offLot = undefined
    chosen.value = to ? { lot: to.lot, lane: to.lane } : null
    lane.value = to ? queue.value.find((i) => keyOf(i) === keyOf(to))?.live : undefined
    if (!to) return
    offLot = live.on(`lot:${to.lot}`, (type, data) => {
      if (type === 'lane' && (data as LiveLane).lane === to.lane) seeLane(data as LiveLane)
    })
    void loadDetail(to.lot)
  }

  /** The next in the queue, or the one before. */
  function step(by: 1 | -1) {
    const i = queue.value.findIndex((x) => chosen.value && keyOf(x) === keyOf(chosen.value))
    const to = queue.value[Math.min(queue.value.length - 1, Math.max(0, i + by))]
    if (to) choose(to)
  }

  const asked = new Set<string>()
  async function loadDetail(lot: string) {
    if (asked.has(lot)) return
    asked.add(lot)
    try {
      const got = await take(api.GET('/api/v1/lots/{lot}', { params: { path: { lot } } }))
      details.value = { ...details.value, [lot]: got }
    } catch {
      asked.delete(lot) // Names stay ids meanwhile: a seat must work with what it has.
    }
  }

  async function load() {
    setQueue((await take(api.GET('/api/v1/seat/queue'))).items ?? [])
    if (lots.value.length === 0) lots.value = (await take(api.GET('/api/v1/lots', { params: { query: {} } }))).items ?? []
  }

  const put = (key: string, change: (c: Tracked) => Tracked) => {
    commands.value = commands.value.map((c) => (c.key === key ? change(c) : c))
  }

  /** Give a command about the car that `view` shows. What becomes of it shows in `commands`. */
  async function give(action: CommandAction, view: LiveLane, lot: string, reason: string, plate?: Plate) {
    const key = actionKey()
    const at = Date.now()
    const c: Tracked = { key, lot, lane: view.lane, action, given: at, silentAt: at + 60_000, state: 'sending' }
    commands.value = [c, ...commands.value].slice(0, KEEP)
    try {
      const got = await take(api.POST('/api/v1/seat/commands', {
        body: { lot, lane: view.lane, action, reason, token: view.token, seen: view.mono, ...(plate ? { plate } : {}) },
        headers: { 'Idempotency-Key': key },
      }))
      // A booth's clock and ours may differ; a command lives ten seconds, so that bounds what the server's clock may say.
      const lives = Math.min(15_000, Math.max(1_000, Date.parse(got.expires_at) - Date.now()))
      put(key, (x) => ({ ...x, id: got.command, silentAt: Date.now() + lives + GRACE_MS, state: x.state === 'sending' ? 'sent' : x.state }))
      const early = results.get(got.command)
      if (early) put(key, (x) => judged(x, early.verdict, early.text))
    } catch (e) {
      put(key, (x) => ({ ...x, state: 'failed', text: asProblem(e).in(currentLocale()) }))
    }
  }

  // A result may overtake the answer that names the command.
  const results = new Map<string, { verdict: string; text?: string }>()
  function result(r: { command: string; verdict: string; text?: string }) {
    results.set(r.command, r)
    if (results.size > 100) results.delete(results.keys().next().value!)
    commands.value = commands.value.map((c) => (c.id === r.command ? judged(c, r.verdict, r.text) : c))
  }

  /** Each second: ask after commands whose result the live connection may have lost, and age the others. */
  async function tend(now: number) {
    commands.value = commands.value.map((c) => aged(c, now))
    for (const c of commands.value) {
      if (!c.id || c.state !== 'sent' || now - c.given < 1500) continue
      try {
        const got = await take(api.GET('/api/v1/seat/commands/{id}', { params: { path: { id: c.id } } }))
        if (got.state !== 'sent') result({ command: c.id, verdict: got.state, text: got.text })
      } catch {
        // Asked again in a second; if nobody answers at all, it is unknown.
      }
    }
  }

  function run() {
    const off = live.on('seat', (type, data) => {
      if (type === 'queue') setQueue((data as QueueItem[] | null) ?? [])
      if (type === 'result') result(data as { command: string; verdict: string; text?: string })
    })
    const timer = setInterval(() => void tend(Date.now()), 1000)
    const stop = watch(() => live.link, (l) => l === 'open' && void load().catch(() => undefined))
    onScopeDispose(() => {
      off()
      clearInterval(timer)
      stop()
      choose(null)
    })
  }

  const busy = computed(() => mine.value.some(pending))
  return { queue, known, chosen, item, lane, commands, mine, lots, details, arrivals, busy, choose, step, load, give, run, setQueue, result, tend }
})
