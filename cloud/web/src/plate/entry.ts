// Typing a plate on a keyboard that shows only the keys that may come next.

import { LONG, SHORT, complete, keysAt, tidy } from './plate'

/** What was typed, by position, and the position that the next key fills. */
export interface Entry { chars: readonly string[]; at: number }

export const emptyEntry = (first = ''): Entry => (first ? { chars: [first], at: 1 } : { chars: [], at: 0 })
export const fromText = (text: string): Entry => {
  const chars = [...tidy(text)]
  return { chars, at: Math.min(chars.length, LONG - 1) }
}
export const textOf = (e: Entry) => e.chars.join('')
export const whole = (e: Entry) => complete(textOf(e))

/** The keys for the present position. */
export const keys = (e: Entry) => keysAt(e.at)

/** One key. A key that may not stand here changes nothing. */
export function press(e: Entry, key: string): Entry {
  if (!keys(e).includes(key) || e.at > e.chars.length) return e
  const chars = [...e.chars]
  chars[e.at] = key
  return { chars, at: Math.min(e.at + 1, LONG - 1) }
}

/** Delete what is at the position, or before it when there is nothing, and all behind it: a gap would shift the rest. */
export function back(e: Entry): Entry {
  const n = e.at < e.chars.length ? e.at : e.at - 1
  if (n < 0) return e
  return { chars: e.chars.slice(0, n), at: n }
}

/** Put the cursor on a box; never past the first empty one. */
export const moveTo = (e: Entry, n: number): Entry => ({ ...e, at: Math.max(0, Math.min(n, e.chars.length, LONG - 1)) })

/** How many boxes stand before the optional one of new-energy plates. */
export const BOXES = SHORT
