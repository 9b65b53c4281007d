import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { take } from '@/api/client'
import type { Person } from '@/api/types'
import { useSession } from '@/desk/session'

/** Who did something, by name where this user may know the others. */
export const usePeople = defineStore('people', () => {
  const all = shallowRef<Person[]>([])
  const session = useSession()
  async function load() {
    if (session.may('user.read') && all.value.length === 0) all.value = (await take(session.api.GET('/api/v1/users'))).users ?? []
  }
  /** The name of "user:usr-…"; '' for one that is not known. */
  function name(actor: string): string {
    const id = actor.replace(/^user:/, '')
    const who = id === session.user?.id ? session.user : all.value.find((x) => x.id === id)
    return who?.full_name || who?.name || ''
  }
  return { load, name }
})
