import { inject, onScopeDispose, provide, ref, type InjectionKey, type Ref } from 'vue'

const key: InjectionKey<Ref<number>> = Symbol('now')

/** Gives everything below one clock that ticks each second, in ms. */
export function provideNow(): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), 1000)
  onScopeDispose(() => clearInterval(timer))
  provide(key, now)
  return now
}

/** The page's clock; a standing one where nobody provided any. */
export const useNow = (): Ref<number> => inject(key, () => ref(Date.now()), true)
