import type { InjectionKey, ShallowRef } from 'vue'
import type { LotDetail } from '@/api/types'

/** The lot that the views below LotPage show. */
export const lotKey: InjectionKey<{ detail: ShallowRef<LotDetail | undefined>; reload: () => Promise<void> }> = Symbol('lot')
