import { defineStore } from 'pinia'
import { onScopeDispose, ref, watchEffect } from 'vue'
import type { RouteLocationRaw } from 'vue-router'

export interface Crumb { label: string; to?: RouteLocationRaw }

/** Where the present page stands. Pages that lie deep set it; for the others the route's title will do. */
export const useCrumbs = defineStore('crumbs', () => {
  const trail = ref<Crumb[]>([])
  function set(get: () => Crumb[]) {
    watchEffect(() => (trail.value = get()))
    onScopeDispose(() => (trail.value = []))
  }
  return { trail, set }
})
