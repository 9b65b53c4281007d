import type { InjectionKey, ShallowRef } from 'vue'
import type { LotDetail } from '@/api/types'

/** The lot that the views below LotPage show. */
export const lotKey: InjectionKey<{ detail: ShallowRef<LotDetail | undefined>; reload: () => Promise<void> }> = Symbol('lot')

const han = /\p{Script=Han}/u

/**
 * A sentence about a lot with its lanes' names in place of their ids, set off from Chinese on either side. An id inside a
 * longer word stays.
 */
export function withLaneNames(sentence: string, names: Record<string, string>): string {
  return sentence.replace(/[a-z0-9]+(?:-[a-z0-9]+)*/g, (word, at: number) => {
    if (!Object.hasOwn(names, word) || !names[word]) return word
    const [before, after] = [sentence[at - 1] ?? '', sentence[at + word.length] ?? '']
    return (han.test(before) ? ' ' : '') + names[word] + (han.test(after) ? ' ' : '')
  })
}
