import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { take } from '@/api/client'
import type { Lot } from '@/api/types'
import { useSession } from '@/desk/session'

/** The lots by id, for names and zones in lists of every kind. */
export const useLots = defineStore('lots', () => {
  const lots = shallowRef<Lot[]>([])
  const { api } = useSession()
  async function load() {
    lots.value = (await take(api.GET('/api/v1/lots', { params: { query: {} } }))).items ?? []
  }
  const by = (id: string) => lots.value.find((l) => l.id === id)
  return { lots, load, by }
})
