// Times as people read them. Absolute times are in the lot's zone, never in the browser's: an operator in another city
// reads the same clock as the driver's receipt.

export const HOME_ZONE = 'Asia/Shanghai'

const zh = (locale: string) => locale.startsWith('zh')
const pad = (n: number) => String(n).padStart(2, '0')

interface Parts { year: string; month: string; day: string; hour: string; minute: string; second: string }

const formatters = (() => {
  const made = new Map<string, Intl.DateTimeFormat>()
  return (zone: string) => {
    let f = made.get(zone)
    if (!f) {
      const options: Intl.DateTimeFormatOptions = {
        timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
      }
      try {
        f = new Intl.DateTimeFormat('en-GB', options)
      } catch {
        f = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: HOME_ZONE })
      }
      made.set(zone, f)
    }
    return f
  }
})()

function parts(at: Date, zone: string): Parts {
  const out: Record<string, string> = {}
  for (const p of formatters(zone).formatToParts(at)) out[p.type] = p.value
  return out as unknown as Parts
}

const date = (at: string | null | undefined) => {
  const d = at ? new Date(at) : undefined
  return d && !Number.isNaN(d.getTime()) && d.getUTCFullYear() > 1 ? d : undefined
}

/** "2026-11-22 15:04:05" in the zone. */
export function dateTime(at: string | null | undefined, zone = HOME_ZONE): string {
  const d = date(at)
  if (!d) return '–'
  const p = parts(d, zone)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`
}

/** "15:04:05" today, "11-21 15:04" on another day of this year, else with the year. */
export function shortTime(at: string | null | undefined, now: number, zone = HOME_ZONE): string {
  const d = date(at)
  if (!d) return '–'
  const p = parts(d, zone)
  const n = parts(new Date(now), zone)
  if (p.year === n.year && p.month === n.month && p.day === n.day) return `${p.hour}:${p.minute}:${p.second}`
  return (p.year === n.year ? '' : `${p.year}-`) + `${p.month}-${p.day} ${p.hour}:${p.minute}`
}

/** "15:04:05" in the zone. */
export function clockTime(at: string | null | undefined, zone = HOME_ZONE): string {
  const d = date(at)
  if (!d) return '–'
  const p = parts(d, zone)
  return `${p.hour}:${p.minute}:${p.second}`
}

/** A length of time with its two largest units: "3 天 4 小时", "2 h 5 min", "40 s". */
export function duration(seconds: number | null | undefined, locale: string): string {
  if (seconds == null || !Number.isFinite(seconds) || seconds < 0) return '–'
  const s = Math.floor(seconds)
  const units = zh(locale) ? ([' 天', ' 小时', ' 分', ' 秒'] as const) : ([' d', ' h', ' min', ' s'] as const)
  const values = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60]
  const first = values.findIndex((v) => v > 0)
  if (first < 0) return '0' + units[3]
  return values
    .map((v, i) => ({ v, unit: units[i] }))
    .slice(first, first + 2)
    .filter(({ v }) => v > 0)
    .map(({ v, unit }) => v + unit!)
    .join(' ')
}

/** "4:05" or "1:02:09": a length that runs while one looks at it. */
export function stopwatch(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const h = Math.floor(s / 3600)
  const m = Math.floor(s / 60) % 60
  return h > 0 ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`
}

/** "刚刚", "3 分钟前", "in 5 min". */
export function relative(at: string | null | undefined, now: number, locale: string): string {
  const d = date(at)
  if (!d) return '–'
  const s = Math.round((now - d.getTime()) / 1000)
  const n = Math.abs(s)
  if (n < 5) return zh(locale) ? '刚刚' : 'just now'
  const [v, unit] =
    n < 60 ? [n, zh(locale) ? '秒' : 's']
    : n < 3600 ? [Math.floor(n / 60), zh(locale) ? '分钟' : 'min']
    : n < 86400 ? [Math.floor(n / 3600), zh(locale) ? '小时' : 'h']
    : [Math.floor(n / 86400), zh(locale) ? '天' : 'd']
  if (zh(locale)) return `${v} ${unit}${s > 0 ? '前' : '后'}`
  return s > 0 ? `${v} ${unit} ago` : `in ${v} ${unit}`
}

/** Seconds since a time; 0 for one in the future, undefined for none. */
export function age(at: string | null | undefined, now: number): number | undefined {
  const d = date(at)
  return d && Math.max(0, (now - d.getTime()) / 1000)
}
