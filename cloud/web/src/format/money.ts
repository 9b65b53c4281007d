// Amounts are whole minor units. They are never divided: a text is made from their digits.

const symbols: Record<string, string> = { CNY: '¥', HKD: 'HK$', MOP: 'MOP$', USD: '$', EUR: '€', GBP: '£', JPY: 'JP¥', KRW: '₩', SGD: 'S$' }
const noDecimals = new Set(['JPY', 'KRW', 'VND', 'CLP'])
const threeDecimals = new Set(['BHD', 'KWD', 'OMR', 'JOD', 'TND'])

const digitsOf = (currency: string) => (noDecimals.has(currency) ? 0 : threeDecimals.has(currency) ? 3 : 2)

/** "¥1,234.50" for 123450 CNY; "−¥3.00" for a negative amount. */
export function formatMoney(minor: number | null | undefined, currency = 'CNY'): string {
  if (minor == null || !Number.isSafeInteger(minor)) return '–'
  const { sign, symbol, whole, rest } = moneyParts(minor, currency)
  return sign + symbol + whole + rest
}

/** The parts of an amount, for setting the decimals smaller. */
export function moneyParts(minor: number, currency = 'CNY') {
  const digits = digitsOf(currency)
  const text = String(Math.abs(minor)).padStart(digits + 1, '0')
  const cut = text.length - digits
  return {
    sign: minor < 0 ? '−' : '',
    symbol: symbols[currency] ?? `${currency} `,
    whole: text.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ','),
    rest: digits === 0 ? '' : '.' + text.slice(cut),
  }
}

/** Minor units of what a person typed ("12", "12.5", "¥1,200.50"); undefined when it is not an amount. */
export function parseMoney(typed: string, currency = 'CNY'): number | undefined {
  const digits = digitsOf(currency)
  const m = /^(\d{1,12})(?:\.(\d*))?$/.exec(typed.replace(/[\s,，¥￥]/g, ''))
  const whole = m?.[1]
  if (!whole) return undefined
  const rest = m[2] ?? ''
  if (rest.length > digits) return undefined
  return Number(whole + rest.padEnd(digits, '0'))
}
