// What else may be known of a stay that is tried: as it is typed, and as the API takes it.

import type { TrialRequest } from '@/api/tariff'
import { parseMoney } from '@/format/money'
import { zoned } from '../zone'

export type Extras = NonNullable<TrialRequest['extras']>
type CouponKind = NonNullable<Extras['coupons']>[number]['kind']

export interface ExtrasTyped {
  freeList: boolean
  pass?: { kind: string; from: string; to: string }
  booking?: { from: string; to: string; price: string }
  coupons: { kind: CouponKind; value: string }[]
  payments: { at: string; amount: string }[]
  visits: { entry: string; exit: string; charged: string }[]
}

export const noExtras = (): ExtrasTyped => ({ freeList: false, coupons: [], payments: [], visits: [] })

/** How much is known: the number that the folded part shows. */
export const countOf = (x: ExtrasTyped): number =>
  Number(x.freeList) + Number(!!x.pass) + Number(!!x.booking) + x.coupons.length + x.payments.length + x.visits.length

/** What a coupon's value is, in the unit of its kind; undefined while it is none. */
export function couponValue(kind: CouponKind, value: string, currency: string): number | undefined {
  if (kind === 'full') return 0
  if (kind === 'amount') return parseMoney(value, currency) || undefined
  const n = /^\d{1,5}$/.test(value.trim()) ? Number(value) : 0
  return n > 0 && (kind !== 'percent' || n <= 100) ? n : undefined
}

/** An amount that may be left out: null for one that is none. */
export function amountOf(typed: string, currency: string): number | undefined | null {
  return typed.trim() === '' ? undefined : (parseMoney(typed, currency) ?? null)
}

/** What of it is complete; undefined where nothing is. What is being typed counts once it makes sense. */
export function extrasOf(x: ExtrasTyped, zone: string, currency: string): Extras | undefined {
  const out: Extras = {}
  if (x.freeList) out.free_list = true
  if (x.pass) out.pass = { ...(x.pass.kind ? { kind: x.pass.kind } : {}), ...(x.pass.from ? { valid_from: x.pass.from } : {}), ...(x.pass.to ? { valid_to: x.pass.to } : {}) }
  if (x.booking && x.booking.from < x.booking.to) {
    const price = amountOf(x.booking.price, currency)
    if (price !== null) out.booking = { from: zoned(x.booking.from, zone), to: zoned(x.booking.to, zone), ...(price ? { price_minor_units: price } : {}) }
  }
  const coupons = x.coupons.flatMap(({ kind, value }): NonNullable<Extras['coupons']> => {
    const n = couponValue(kind, value, currency)
    if (n === undefined) return []
    return [kind === 'full' ? { kind } : kind === 'amount' ? { kind, amount_minor_units: n } : kind === 'percent' ? { kind, percent_off: n } : { kind, minutes: n }]
  })
  const payments = x.payments.flatMap(({ at, amount }) => {
    const n = amountOf(amount, currency)
    return n === null || !at ? [] : [{ at: zoned(at, zone), ...(n === undefined ? {} : { amount_minor_units: n }) }]
  })
  const visits = x.visits.flatMap(({ entry, exit, charged }) => {
    const n = amountOf(charged, currency)
    return n === null || !entry || entry > exit ? [] : [{ entry: zoned(entry, zone), exit: zoned(exit, zone), charged_minor_units: n ?? 0 }]
  })
  if (coupons.length > 0) out.coupons = coupons
  if (payments.length > 0) out.payments = payments
  if (visits.length > 0) out.prior_visits = visits
  return Object.keys(out).length > 0 ? out : undefined
}
