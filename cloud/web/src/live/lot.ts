// A lot as it is now: the state that the server tells first, then what the live connection says about it.

import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import type { LiveLane, LotLive, Text } from '@/api/types'
import { useLive } from './store'

export interface LotEvent { key: number; at: string; kind: string; lane: string; plate?: string | { text: string }; text: Text; amount?: number }

/** Put a lane's newer state in place of its older one; a message that came late changes nothing. */
export function mergeLane(lanes: LiveLane[], fresh: LiveLane): LiveLane[] {
  const i = lanes.findIndex((x) => x.lane === fresh.lane)
  const old = lanes[i]
  if (!old) return [...lanes, fresh].sort((a, b) => a.lane.localeCompare(b.lane))
  const sameRun = old.token.boot === fresh.token.boot
  if (sameRun ? BigInt(fresh.mono) < BigInt(old.mono) : Date.parse(fresh.at) < Date.parse(old.at)) return lanes
  return lanes.map((x, n) => (n === i ? { ...old, ...cleared, ...fresh } : x))
}

// A live state leaves out what does not apply; the older state's must not shine through.
const cleared: Partial<LiveLane> = {
  plate: null, photo: '', action: '', reason: '', session: '', entered: null, similar: null, faults: null, waiting: null,
}

const KEEP = 60

export function useLotLive(lot: string) {
  const live = useLive()
  const lanes = shallowRef<LiveLane[]>([])
  const counts = ref<{ inside: number; capacity: number }>()
  const events = shallowRef<LotEvent[]>([])
  const known = ref(false)
  const moved = ref({ in: 0, out: 0 })
  let n = 0

  const off = live.on(`lot:${lot}`, (type, data) => {
    if (type === 'lane') {
      lanes.value = mergeLane(lanes.value, data as LiveLane)
      known.value = true
    }
    if (type === 'counts') counts.value = data as { inside: number; capacity: number }
    if (type === 'event') {
      const e = data as Omit<LotEvent, 'key'>
      events.value = [{ ...e, key: n++ }, ...events.value].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.key - a.key).slice(0, KEEP)
      const dir = lanes.value.find((x) => x.lane === e.lane)?.dir
      if (e.kind === 'passage' && dir === 'entry') moved.value.in++
      if (e.kind === 'passage' && dir === 'exit') moved.value.out++
    }
  })
  onScopeDispose(off)

  function begin(state: LotLive) {
    counts.value = { inside: state.inside, capacity: state.capacity }
    lanes.value = (state.lanes ?? []).reduce(mergeLane, lanes.value)
    known.value = true
  }
  return { lanes, counts, events, moved, known, begin, stale: computed(() => live.link !== 'open') }
}
