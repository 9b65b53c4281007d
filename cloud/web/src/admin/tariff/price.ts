// A price in a document is in minor units: a whole number, or an exact fraction as text ("490/60"). People write it in
// major units: "2.50", "4.90/60". One is made from the other's digits; nothing is ever divided.

import { formatMoney, moneyParts, parseMoney } from '@/format/money'

export type Price = number | string

/** "2.50" for 250, "4.90/60" for "490/60"; undefined for what is no price. */
export function priceText(price: unknown, currency = 'CNY'): string | undefined {
  if (typeof price === 'number') return plain(price, currency)
  const m = typeof price === 'string' ? /^\s*(\d{1,15})\s*(?:\/\s*(\d{1,8})\s*)?$/.exec(price) : null
  if (!m) return undefined
  const whole = plain(Number(m[1]), currency)
  return whole === undefined || !m[2] ? whole : `${whole}/${m[2]}`
}

/** 250 for "2.5", "490/60" for "4.9/60"; undefined when it is no price. */
export function parsePrice(typed: string, currency = 'CNY'): Price | undefined {
  const [amount = '', parts, ...more] = typed.split('/')
  const minor = parseMoney(amount, currency)
  if (minor === undefined || !Number.isSafeInteger(minor) || more.length > 0) return undefined
  if (parts === undefined) return minor
  const n = parts.trim()
  return /^[1-9]\d{0,6}$/.test(n) ? (n === '1' ? minor : `${minor}/${n}`) : undefined
}

/** "¥2.50", "¥4.90/60": for reading. */
export function priceShown(price: unknown, currency = 'CNY'): string {
  const text = priceText(price, currency)
  if (text === undefined) return '–'
  const [, part] = text.split('/')
  const minor = typeof price === 'number' ? price : Number(String(price).split('/')[0])
  return formatMoney(minor, currency) + (part ? `/${part}` : '')
}

/** The sign before an amount: "¥". */
export const symbolOf = (currency: string) => moneyParts(0, currency).symbol.trim()

function plain(minor: number, currency: string): string | undefined {
  if (!Number.isSafeInteger(minor) || minor < 0) return undefined
  const { whole, rest } = moneyParts(minor, currency)
  return whole.replaceAll(',', '') + rest
}
