import { defineStore } from 'pinia'
import { ref } from 'vue'
import { useSession } from '@/desk/session'
import { Live, openSocket, type Link } from './socket'

/** The desk's one live connection and how it is. */
export const useLive = defineStore('live', () => {
  const link = ref<Link>('connecting')
  /** Since when the link is not open, ms; 0 while it is. */
  const lostSince = ref(Date.now())
  const session = useSession()
  const live = new Live({
    open: openSocket,
    onLink: (l) => {
      if (l === 'open') lostSince.value = 0
      else if (lostSince.value === 0) lostSince.value = Date.now()
      link.value = l
    },
    onDenied: () => session.forget(),
  })
  const hurry = () => live.hurry()

  function start() {
    live.start()
    addEventListener('online', hurry)
    document.addEventListener('visibilitychange', hurry)
  }
  function stop() {
    live.stop()
    removeEventListener('online', hurry)
    document.removeEventListener('visibilitychange', hurry)
  }
  return { link, lostSince, start, stop, on: live.on.bind(live) }
})
