// Types of day: how they look, and which there are beside those a calendar makes up.

export const dayTypes = ['workday', 'weekend', 'holiday', 'holiday_long'] as const
export const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
export type Weekday = (typeof weekdays)[number]

export interface Tone { back: string; ink: string }
const known: Record<string, Tone> = {
  workday: { back: '#ffffff', ink: '#16252c' },
  weekend: { back: '#e4eef8', ink: '#1b5796' },
  holiday: { back: '#fbe3c4', ink: '#7a4300' },
  holiday_long: { back: '#f6cfc9', ink: '#8f2018' },
}
const free: Tone[] = [
  { back: '#dff0d8', ink: '#2b5d1c' }, { back: '#e7dcf5', ink: '#563090' }, { back: '#cfecea', ink: '#0d5a55' }, { back: '#f2e0ee', ink: '#7c2a68' }, { back: '#e8e6c8', ink: '#58530f' },
]

/** The look of a type; `all` are the words of the calendar, so that each has its own. */
export function tone(type: string, all: readonly string[]): Tone {
  const own = all.filter((x) => !(x in known)).sort()
  return known[type] ?? free[Math.max(0, own.indexOf(type)) % free.length]!
}

export interface DayCell { date: string; n: number; weekday: Weekday }

const two = (n: number) => String(n).padStart(2, '0')

/** The days of a month of a year, each with its weekday; no clock and no zone is asked. */
export function monthDays(year: number, month: number): DayCell[] {
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return Array.from({ length }, (_, i) => ({
    date: `${String(year).padStart(4, '0')}-${two(month)}-${two(i + 1)}`, n: i + 1, weekday: weekdays[(new Date(Date.UTC(year, month - 1, i + 1)).getUTCDay() + 6) % 7]!,
  }))
}

/** The dates from one to another, either way round, both included. */
export function between(a: string, b: string): string[] {
  const [from, to] = a <= b ? [a, b] : [b, a]
  const out: string[] = []
  for (let ms = Date.parse(`${from}T00:00:00Z`); ms <= Date.parse(`${to}T00:00:00Z`) && out.length < 3700; ms += 86_400_000) out.push(new Date(ms).toISOString().slice(0, 10))
  return out
}

/** The type that a day of the week has by itself. */
export const byDefault = (w: Weekday): string => (w === 'saturday' || w === 'sunday' ? 'weekend' : 'workday')
