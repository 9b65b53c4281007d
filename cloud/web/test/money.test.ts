import { expect, test } from 'vitest'
import { formatMoney, parseMoney } from '@/format/money'

test.each([
  [0, 'CNY', '¥0.00'], [5, 'CNY', '¥0.05'], [50, 'CNY', '¥0.50'], [1500, 'CNY', '¥15.00'], [123456789, 'CNY', '¥1,234,567.89'],
  [-300, 'CNY', '−¥3.00'], [-5, 'CNY', '−¥0.05'], [1500, 'JPY', 'JP¥1,500'], [1500, 'KWD', 'KWD 1.500'], [9007199254740991, 'CNY', '¥90,071,992,547,409.91'],
])('%d %s reads %s', (minor, currency, want) => expect(formatMoney(minor, currency)).toBe(want))

test.each([null, undefined, 1.5, NaN, Infinity, 2 ** 60])('%s is not shown as an amount', (v) => expect(formatMoney(v)).toBe('–'))

test.each([
  ['12', 1200], ['12.5', 1250], ['0.05', 5], [' ¥1,200.50 ', 120050], ['￥3', 300], ['12.', 1200],
  ['', undefined], ['-3', undefined], ['1.234', undefined], ['1e5', undefined], ['.5', undefined], ['12a', undefined],
])('typed %j is %s minor units', (typed, want) => expect(parseMoney(typed)).toBe(want))

test('what is shown is read back as the same amount', () => {
  for (let minor = 0; minor < 200_000; minor += 37) expect(parseMoney(formatMoney(minor))).toBe(minor)
})
