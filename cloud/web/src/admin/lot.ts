import type { InjectionKey, ShallowRef } from 'vue'
import type { LotDetail } from '@/api/types'

/** The lot that the views below LotPage show. */
export const lotKey: InjectionKey<{ detail: ShallowRef<LotDetail | undefined>; reload: () => Promise<void> }> = Symbol('lot')

/** A sentence about a lot with its lanes' names in place of their ids. An id inside a longer word stays. */
export function withLaneNames(sentence: string, names: Record<string, string>): string {
  return sentence.replace(/[a-z0-9]+(?:-[a-z0-9]+)*/g, (word) => (Object.hasOwn(names, word) && names[word] ? names[word] : word))
}
