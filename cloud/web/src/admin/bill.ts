import type { BillLine, Money } from '@/api/types'

/** What the lines of a bill come to before payments. */
export const linesSum = (lines: BillLine[]) => lines.filter((x) => x.kind !== 'paid').reduce((a, x) => a + x.amount, 0)

/** Whether the lines add up to what the bill asked for: gross less free. */
export const billAddsUp = (lines: BillLine[], m: Money) => linesSum(lines) === m.gross - m.free
