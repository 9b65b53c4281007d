// Date pickers speak of the browser's clock; the lists are about the lot's. A picker's text is read as the lot's time.

import { HOME_ZONE } from '@/format/time'

/** The instant at which clocks in `zone` show `local` ("2026-11-22 08:00:00"), as RFC 3339; '' for something else. */
export function zoned(local: string, zone = HOME_ZONE): string {
  const m = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(local)
  if (!m) return ''
  const [y, mo, d, h, mi, s] = m.slice(1).map(Number) as [number, number, number, number, number, number]
  const wall = Date.UTC(y, mo - 1, d, h, mi, s)
  // Twice, because the offset at the first guess may be that of the other side of a clock change.
  let guess = wall - offset(wall, zone)
  guess = wall - offset(guess, zone)
  return new Date(guess).toISOString().replace('.000Z', 'Z')
}

/** What clocks in `zone` show at an instant, in the form that zoned reads. */
export function local(at: string, zone = HOME_ZONE): string {
  const ms = Date.parse(at)
  return Number.isNaN(ms) ? '' : new Date(ms + offset(ms, zone)).toISOString().slice(0, 19).replace('T', ' ')
}

function offset(ms: number, zone: string): number {
  const p: Record<string, number> = {}
  for (const { type, value } of new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  }).formatToParts(ms)) p[type] = Number(value)
  return Date.UTC(p.year!, p.month! - 1, p.day!, p.hour!, p.minute!, p.second!) - Math.floor(ms / 1000) * 1000
}
