// The driver's way from a plate to a receipt. A quote is bound to one stay when it is made, so a code scanned for the
// car in front can never pay for the next one.

import { computed, ref, shallowRef } from 'vue'
import { take, type Api } from '@/api/client'
import { asProblem, type Problem } from '@/api/problem'
import type { Order, Quote } from '@/api/types'

export type Stage = 'no_lot' | 'looking' | 'plate' | 'quote' | 'leaving' | 'confirming' | 'order'

/** What must survive the way to the payment provider and back. */
export interface Memory { order: string; quote: string; lot: string; lane?: string; payURL?: string }

export interface FlowOptions {
  api: Api
  lot: string
  lane?: string
  /** An order in the address, when the provider brought the driver back. */
  order?: string
  memory: { read: () => Memory | null; write: (m: Memory | null) => void }
  leave: (url: string) => void
  wait: (ms: number) => Promise<void>
  now: () => number
}

/** How long to ask for a payment's result before saying that none has come, ms. */
export const PATIENCE_MS = 60_000

export function useFlow(o: FlowOptions) {
  const stage = ref<Stage>(o.lot || o.order ? 'looking' : 'no_lot')
  const quote = shallowRef<Quote>()
  const order = shallowRef<Order>()
  const problem = shallowRef<Problem>()
  const renewed = ref(false)
  const busy = ref(false)
  const lane = ref(o.lane ?? '')
  let ended = false

  async function guard(f: () => Promise<void>) {
    problem.value = undefined
    busy.value = true
    try {
      await f()
    } catch (e) {
      problem.value = asProblem(e)
    } finally {
      busy.value = false
    }
  }

  /** Where the page begins: back from paying, at a lane, or with a plate to type. */
  async function begin() {
    const kept = o.memory.read()
    const id = o.order || (kept && kept.lot === o.lot ? kept.order : '')
    if (id) {
      if (kept?.order === id && kept.lane) lane.value = kept.lane
      await guard(() => confirm(id, kept?.order === id ? kept.quote : ''))
      if (!problem.value) return
      // The order cannot be asked for: unless only the network is away, it is not ours to wait for.
      if (problem.value.status !== 404) {
        stage.value = 'confirming'
        return
      }
      o.memory.write(null)
      problem.value = undefined
    }
    if (!o.lot) stage.value = 'no_lot'
    else if (o.lane) await byLane()
    else stage.value = 'plate'
  }

  async function byLane() {
    stage.value = 'looking'
    await guard(async () => {
      show(await take(o.api.POST('/api/v1/owner/quotes', { body: { lot: o.lot, lane: o.lane! } })))
    })
    if (problem.value) stage.value = 'plate'
  }

  const byPlate = (plate: string) => guard(async () => {
    show(await take(o.api.POST('/api/v1/owner/quotes', { body: { lot: o.lot, plate } })))
  })

  function show(q: Quote) {
    quote.value = q
    renewed.value = false
    stage.value = 'quote'
  }

  /** The quote as it is now; says so when its amount changed. */
  async function renew() {
    const old = quote.value
    if (!old) return
    const fresh = await take(o.api.GET('/api/v1/owner/quotes/{quote}', { params: { path: { quote: old.quote } } }))
    quote.value = fresh
    renewed.value = fresh.due !== old.due
  }

  const pay = () => guard(async () => {
    const q = quote.value
    if (!q) return
    if (o.now() >= Date.parse(q.valid_until)) {
      await renew()
      if (renewed.value || quote.value?.state !== 'due') return
    }
    const given = await take(o.api.POST('/api/v1/owner/quotes/{quote}/orders', {
      params: { path: { quote: q.quote } }, body: { channel: 'wechat_h5' },
    }))
    if (given.amount !== quote.value!.due) {
      // The order is for what is due now; nobody pays an amount that was not on the screen.
      await renew()
      renewed.value = true
      return
    }
    o.memory.write({ order: given.order, quote: q.quote, lot: o.lot, lane: lane.value || undefined, payURL: given.pay_url })
    stage.value = 'leaving'
    o.leave(given.pay_url)
  })

  async function confirm(id: string, quoteID: string) {
    stage.value = 'confirming'
    const until = o.now() + PATIENCE_MS
    for (let pause = 700; !ended; pause = Math.min(4000, pause * 1.4)) {
      const got = await take(o.api.GET('/api/v1/owner/orders/{order}', { params: { path: { order: id } } }))
      order.value = got
      if (got.state !== 'pending') break
      if (o.now() + pause > until) break
      await o.wait(pause)
    }
    if (ended) return
    if (quoteID) {
      quote.value = await take(o.api.GET('/api/v1/owner/quotes/{quote}', { params: { path: { quote: quoteID } } })).catch(() => quote.value)
    }
    stage.value = 'order'
    if (order.value?.state !== 'pending') o.memory.write(null)
  }

  /** Ask again for the order that is waited for. */
  const check = () => guard(async () => {
    const kept = o.memory.read()
    const id = order.value?.order ?? kept?.order ?? o.order
    if (id) await confirm(id, kept?.quote ?? quote.value?.quote ?? '')
  })

  function goOnPaying() {
    const kept = o.memory.read()
    if (kept?.payURL) {
      stage.value = 'leaving'
      o.leave(kept.payURL)
    }
  }

  /** Back to typing a plate. */
  function restart() {
    o.memory.write(null)
    problem.value = undefined
    quote.value = undefined
    order.value = undefined
    stage.value = o.lot ? 'plate' : 'no_lot'
  }
  const stop = () => (ended = true)
  const canGoOn = computed(() => order.value?.state === 'pending' && !!o.memory.read()?.payURL)

  return { stage, quote, order, problem, renewed, busy, lane, canGoOn, begin, byPlate, renew: () => guard(renew), pay, check, goOnPaying, restart, stop }
}
