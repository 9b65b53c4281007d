// Documents to begin with. Amounts are minor units of CNY.

import type { Text } from '@/api/types'
import type { Doc, Json } from './document'

export const templates = ['hourly', 'day_night', 'visit', 'tiered', 'empty'] as const
export type Template = (typeof templates)[number]

const quarter: Json = { up_to: 900, inclusive: true, then: 'whole' }
const all = (en = 'All day', zh = '全天'): Doc => ({ id: 'all-day', name: { zh, en } })

const plans: Record<Template, Doc> = {
  hourly: {
    id: 'all',
    cycle: { kind: 'block', length: 86400 },
    free: { ...(quarter as Doc), scope: 'cycle' },
    position: 'cycle',
    bands: [{ ...all(), steps: [{ unit: 3600, price: 500 }] }],
    caps: [{ amount: 4000, window: 'cycle' }],
  },
  day_night: {
    id: 'all',
    free: quarter,
    bands: [
      { id: 'day', name: { zh: '白天', en: 'Day' }, from: '08:00', to: '21:00', steps: [{ up_to: 3600, unit: 3600, price: 1000 }, { unit: 1800, price: 300 }] },
      { id: 'night', name: { zh: '夜间', en: 'Night' }, from: '21:00', to: '08:00', steps: [{ unit: 3600, price: 200 }] },
    ],
    caps: [{ amount: 1000, window: 'clock', from: '21:00', to: '08:00' }, { amount: 6000, window: 'block', length: 86400 }],
  },
  visit: {
    id: 'all',
    free: quarter,
    position: 'stay',
    bands: [{ ...all('Per visit', '按次'), steps: [{ price: 1000 }] }],
  },
  tiered: {
    id: 'all',
    cycle: { kind: 'block', length: 86400 },
    free: { ...(quarter as Doc), scope: 'cycle' },
    position: 'cycle',
    bands: [{ ...all(), steps: [{ up_to: 7200, unit: 1800, price: 200 }, { up_to: 21600, unit: 3600, price: 500 }, { unit: 3600, price: 300 }] }],
    caps: [{ amount: 6000, window: 'cycle' }],
  },
  empty: { id: 'all', bands: [{ ...all(), steps: [{ unit: 3600, price: 0 }] }] },
}

/** A new document from a template. */
export const fromTemplate = (which: Template, name: Text, tz: string, currency: string): Doc => ({
  name: { ...name }, tz, currency, plans: [structuredClone(plans[which])], grace_after_payment: 900,
})
