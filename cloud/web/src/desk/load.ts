import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { asProblem, type Problem } from '@/api/problem'

export interface Loaded<T> {
  data: ShallowRef<T | undefined>
  problem: ShallowRef<Problem | undefined>
  loading: Ref<boolean>
  /** Fetch again; what is shown stays until the answer is there. */
  reload: () => Promise<void>
  /** Fetch again and forget what is shown: it belongs to something else. */
  restart: () => Promise<void>
}

/** Loads something for a view: the newest request wins, the others are cancelled. */
export function useLoad<T>(fetch: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const data = shallowRef<T>()
  const problem = shallowRef<Problem>()
  const loading = ref(false)
  let running: AbortController | undefined

  async function reload() {
    running?.abort()
    const mine = (running = new AbortController())
    loading.value = true
    try {
      const got = await fetch(mine.signal)
      if (mine !== running) return
      data.value = got
      problem.value = undefined
    } catch (e) {
      if (mine === running) problem.value = asProblem(e)
    } finally {
      if (mine === running) loading.value = false
    }
  }
  async function restart() {
    data.value = undefined
    problem.value = undefined
    await reload()
  }
  onScopeDispose(() => {
    running?.abort()
    running = undefined
  })
  return { data, problem, loading, reload, restart }
}
