// A rehearsal as a sheet: a line for each lot and one for all, amounts in minor units' own decimals.

import type { RehearsalDetail } from '@/api/tariff'
import { csv, type Cell } from './csv'
import { priceText } from './price'

export const columns = ['lot', 'name', 'sessions', 'gross_before', 'gross_after', 'payable_before', 'payable_after', 'difference', 'more', 'less', 'same', 'outside', 'skipped', 'currency'] as const

const money = (minor: number, currency: string) => (minor < 0 ? '-' : '') + (priceText(Math.abs(minor), currency) ?? '')

export function sheetOf(r: RehearsalDetail, name: (lot: string) => string, word: (column: string) => string): string {
  const line = (lot: string, shown: string, x: RehearsalDetail['sum']): Cell[] => [
    lot, shown, x.sessions, money(x.gross_before, r.currency), money(x.gross_after, r.currency), money(x.payable_before, r.currency),
    money(x.payable_after, r.currency), money(x.difference, r.currency), x.more, x.less, x.same, x.outside, x.skipped, r.currency,
  ]
  return csv([columns.map(word), ...(r.results ?? []).map((x) => line(x.lot, name(x.lot), x)), line('', word('all'), r.sum)])
}
