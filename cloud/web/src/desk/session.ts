import { defineStore } from 'pinia'
import { ref } from 'vue'
import { newApi, take } from '@/api/client'
import { asProblem } from '@/api/problem'
import type { SignedIn, User } from '@/api/types'
import { currentLocale } from '@/i18n/locale'

/** Who sits at this desk, and the API in that person's name. */
export const useSession = defineStore('session', () => {
  const user = ref<User | null>(null)
  const permissions = ref<string[]>([])
  /** False until the server was asked who we are. */
  const known = ref(false)
  const api = newApi({ onSignedOut: () => forget(), locale: currentLocale })

  function forget() {
    user.value = null
    permissions.value = []
    known.value = true
  }

  function admit(me: SignedIn) {
    user.value = me.user
    permissions.value = me.permissions ?? []
  }

  /** Ask who we are. Throws when the server cannot be reached; a dead sign-in is no error. */
  async function restore() {
    try {
      admit(await take(api.GET('/api/v1/me')))
    } catch (e) {
      const p = asProblem(e)
      if (p.status !== 401) throw p
      forget()
    }
    known.value = true
  }

  async function signIn(name: string, password: string) {
    admit(await take(api.POST('/api/v1/sign-in', { body: { name, password } })))
    known.value = true
  }

  async function signOut() {
    try {
      await take(api.POST('/api/v1/sign-out'))
    } finally {
      forget()
    }
  }

  const may = (permission: string) => permissions.value.includes(permission)

  return { user, known, api, forget, restore, signIn, signOut, may }
})
