import type { Memory } from './flow'

const KEY = 'lotkeeper.order'

/** Keeps the order in this tab only: the next driver on a borrowed phone must not see it. */
export const tabMemory = {
  read(): Memory | null {
    try {
      const m = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Partial<Memory> | null
      return m && typeof m.order === 'string' && typeof m.lot === 'string' ? { quote: '', ...m, order: m.order, lot: m.lot } : null
    } catch {
      return null
    }
  },
  write(m: Memory | null): void {
    try {
      if (m) sessionStorage.setItem(KEY, JSON.stringify(m))
      else sessionStorage.removeItem(KEY)
    } catch {
      // A private window without storage: the provider's return address carries the order as well.
    }
  },
}
