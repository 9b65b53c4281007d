// Lengths of time as a document has them: whole seconds, or "1h30m".

const inSeconds = { d: 86400, h: 3600, m: 60, s: 1 } as const
export type Unit = keyof typeof inSeconds
export const units: readonly Unit[] = ['s', 'm', 'h', 'd']

/** Seconds of 5400, "5400" and "1h30m"; undefined for anything else. */
export function seconds(span: unknown): number | undefined {
  if (typeof span === 'number') return Number.isSafeInteger(span) ? span : undefined
  if (typeof span !== 'string') return undefined
  if (/^\d+$/.test(span)) return Number(span)
  const m = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/.exec(span)
  if (!m || span === '') return undefined
  return (['d', 'h', 'm', 's'] as const).reduce((sum, u, i) => sum + Number(m[i + 1] ?? 0) * inSeconds[u], 0)
}

/** A length in the largest unit that says it as a whole number. Up to three days are told in hours: "24 hours", not "1 day". */
export function inUnit(s: number): { n: number; unit: Unit } {
  if (s > 3 * 86400 && s % 86400 === 0) return { n: s / 86400, unit: 'd' }
  if (s >= 3600 && s % 3600 === 0) return { n: s / 3600, unit: 'h' }
  if (s >= 60 && s % 60 === 0) return { n: s / 60, unit: 'm' }
  return { n: s, unit: 's' }
}

export const ofUnit = (n: number, unit: Unit): number => n * inSeconds[unit]

/** "07:30" for what a clock in a document may say; '' for nothing. */
export const clock = (v: unknown): string => (typeof v === 'string' && /^\d{1,2}:\d{2}(:\d{2})?$/.test(v) ? v.padStart(v.length === 4 ? 5 : v.length, '0') : '')
