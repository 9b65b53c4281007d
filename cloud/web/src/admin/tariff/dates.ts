// A calendar as the page edits it: what is stored, what is on the page, and painting days.

import { computed, ref, shallowRef } from 'vue'
import type { CalendarDocument, Day, Weekdays } from '@/api/tariff'
import { byDefault, dayTypes, weekdays, type Weekday } from './daytype'

const plain = (days: Record<string, Day>): Day[] =>
  Object.values(days).sort((a, b) => a.date.localeCompare(b.date)).map(({ date, type, note }) => ({ date, type, ...(note ? { note } : {}) }))
const filled = (w: Weekdays) => Object.fromEntries(weekdays.flatMap((d) => (w[d] && w[d] !== byDefault(d) ? [[d, w[d]]] : []))) as Weekdays

export function useDates() {
  const days = shallowRef<Record<string, Day>>({})
  const own = shallowRef<Weekdays>({})
  const words = ref<string[]>([])
  const stored = ref('')
  const said = () => JSON.stringify([plain(days.value), filled(own.value)])
  const dirty = computed(() => said() !== stored.value)
  const types = computed(() => [...new Set([...dayTypes, ...words.value])])
  const weekdayTypes = computed(() => Object.fromEntries(weekdays.map((d) => [d, own.value[d] || byDefault(d)])) as Record<Weekday, string>)

  function show(doc: Pick<CalendarDocument, 'days' | 'weekdays' | 'types'>) {
    days.value = Object.fromEntries((doc.days ?? []).map((d) => [d.date, d]))
    own.value = { ...doc.weekdays }
    words.value = [...new Set([...words.value, ...(doc.types ?? [])])]
    stored.value = said()
  }
  /** Gives dates a type; '' lets them be what their day of the week is. */
  function paint(dates: readonly string[], type: string, note: string) {
    const next = { ...days.value }
    for (const date of dates) {
      if (type === '') delete next[date]
      else next[date] = { date, type, ...(note.trim() ? { note: note.trim() } : next[date]?.type === type && next[date]?.note ? { note: next[date]!.note } : {}) }
    }
    days.value = next
  }
  const setWeekday = (d: Weekday, type: string) => (own.value = { ...own.value, [d]: type === byDefault(d) ? undefined : type })
  const addWord = (w: string) => (words.value = [...new Set([...words.value, w])])
  /** As the API takes it. */
  const content = () => ({ days: plain(days.value), weekdays: filled(own.value) })
  return { days, words, types, weekdayTypes, dirty, show, paint, setWeekday, addWord, content }
}
