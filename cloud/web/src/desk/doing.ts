// Something that a page does and that may fail: whether it runs, and what went wrong with the last try.

import { ElMessage } from 'element-plus'
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { asProblem, type Problem } from '@/api/problem'
import { useWords } from '@/i18n'

export interface Doing {
  busy: Ref<boolean>
  problem: ShallowRef<Problem | undefined>
  /** What went wrong, in the page's language; '' for nothing. */
  fault: ComputedRef<string>
  /** Runs it and says whether it went well; what went wrong before is forgotten first. */
  run: (f: () => Promise<unknown>) => Promise<boolean>
  /** The page itself does not try it, and says why. */
  refuse: (why: string) => void
  forget: () => void
}

/** aloud is for what has no place of its own for a fault: a message passes over the page. */
export function useDoing({ aloud = false } = {}): Doing {
  const { locale } = useWords()
  const busy = ref(false)
  const problem = shallowRef<Problem>()
  const refused = ref('')
  const fault = computed(() => refused.value || problem.value?.in(locale.value) || '')
  function forget() {
    problem.value = undefined
    refused.value = ''
  }
  async function run(f: () => Promise<unknown>) {
    forget()
    busy.value = true
    try {
      await f()
      return true
    } catch (e) {
      problem.value = asProblem(e)
      if (aloud) ElMessage.error(fault.value)
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, fault, run, refuse: (why) => { forget(); refused.value = why }, forget }
}
