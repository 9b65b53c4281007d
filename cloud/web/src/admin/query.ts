import { computed, onBeforeMount, reactive, watch } from 'vue'
import { useRoute, useRouter, type LocationQuery } from 'vue-router'

type Filters = Record<string, string>

/** Filters as the address has them, for the keys of `empty` only. */
export function readFilters<F extends Filters>(query: LocationQuery, empty: F): F {
  const out: Filters = { ...empty }
  for (const key of Object.keys(empty)) {
    const v = query[key]
    const one = Array.isArray(v) ? v[0] : v
    if (typeof one === 'string') out[key] = one
  }
  return out as F
}

/** Only what differs from the empty form, so that addresses stay short. */
export const writeFilters = <F extends Filters>(filters: F, empty: F): Filters =>
  Object.fromEntries(Object.entries(filters).filter(([k, v]) => v !== '' && v !== empty[k]))

/**
 * A list's filters, page, size and sort live in the address: it can be sent to a colleague, and Back works. `form` is
 * what is being typed, `asked` what the address says.
 */
export function useListQuery<F extends Filters>(empty: F, load: () => void, defaultSort = '') {
  const route = useRoute()
  const router = useRouter()
  const form = reactive(readFilters(route.query, empty)) as F
  const asked = computed(() => readFilters(route.query, empty))
  const page = computed(() => Math.max(1, Number(route.query.page) || 1))
  const size = computed(() => [20, 50, 100].find((n) => n === Number(route.query.size)) ?? 20)
  const sort = computed(() => (typeof route.query.sort === 'string' ? route.query.sort : defaultSort))
  const name = route.name

  const go = (q: Filters) => router.push({ query: q })
  const rest = () => ({
    ...(size.value === 20 ? {} : { size: String(size.value) }),
    ...(sort.value === defaultSort ? {} : { sort: sort.value }),
  })

  watch(
    () => route.query,
    (q, before) => {
      if (route.name !== name) return
      Object.assign(form, readFilters(q, empty))
      if (JSON.stringify(q) !== JSON.stringify(before)) load()
    },
    { deep: true },
  )
  // Not at once: `load` reads what this function returns.
  onBeforeMount(load)

  return {
    form, asked, page, size, sort,
    /** Ask for what the form says; asks again when that did not change. */
    search() {
      const q = { ...writeFilters(form, empty), ...rest() }
      if (JSON.stringify(q) === JSON.stringify(route.query)) load()
      else void go(q)
    },
    reset() {
      Object.assign(form, empty)
      void go(rest())
    },
    toPage: (n: number) => go({ ...writeFilters(asked.value, empty), ...rest(), ...(n > 1 ? { page: String(n) } : {}) }),
    toSize: (n: number) => go({ ...writeFilters(asked.value, empty), ...(sort.value === defaultSort ? {} : { sort: sort.value }), ...(n === 20 ? {} : { size: String(n) }) }),
    toSort: (s: string) => go({ ...writeFilters(asked.value, empty), ...(size.value === 20 ? {} : { size: String(size.value) }), ...(s && s !== defaultSort ? { sort: s } : {}) }),
  }
}
