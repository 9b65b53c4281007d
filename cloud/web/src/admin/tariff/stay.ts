// The stay that is tried out, as it is typed: on the tariff's own clock.

import { local, zoned } from '../zone'
import type { Stay } from './check'
import { extrasOf, noExtras, type ExtrasTyped } from './extras'

export interface StayTyped { class: string; entitlements: string[]; entry: string; exit: string; calendar: string; hours: number; extras: ExtrasTyped }

/** This morning at nine for a bit more than three hours: a stay that shows more than one unit. */
export function firstStay(zone: string, now = Date.now()): StayTyped {
  const day = local(new Date(now).toISOString(), zone).slice(0, 10)
  return { class: '', entitlements: [], entry: `${day} 09:00:00`, exit: `${day} 12:20:00`, calendar: '', hours: 24, extras: noExtras() }
}

export const stayOf = (f: StayTyped, zone: string, currency = 'CNY'): Stay => ({
  class: f.class, entitlements: f.entitlements, entry: zoned(f.entry, zone), exit: zoned(f.exit, zone), hours: f.hours, extras: extrasOf(f.extras, zone, currency),
})

/** The exit so many minutes after the entry, on a clock that does not change. */
export function lasting(entry: string, minutes: number): string {
  const ms = Date.parse(entry.replace(' ', 'T') + 'Z')
  return Number.isNaN(ms) ? entry : new Date(ms + minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ')
}
