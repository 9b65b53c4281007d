// One websocket to /api/v1/live that keeps itself connected. The server states the present of every topic after each
// (re)connect, so nothing needs to be replayed; until then the page shows what it has as stale.

export interface LiveMessage { topic: string; type: string; data: unknown }
export type Link = 'connecting' | 'open' | 'lost'

/** What a WebSocket is here; tests bring their own. */
export interface Socket {
  onopen: (() => void) | null
  onmessage: ((e: { data: unknown }) => void) | null
  onclose: ((e: { code: number }) => void) | null
  send(text: string): void
  close(): void
}

export interface LiveOptions {
  open: () => Socket
  onLink: (link: Link) => void
  /** The server ended the sign-in: reconnecting would not help. */
  onDenied?: () => void
  /** Milliseconds; the wait doubles from first to last. */
  firstWait?: number
  lastWait?: number
  random?: () => number
}

type Handler = (type: string, data: unknown) => void

/** Close codes by which the server says that we may not be here. */
const denied = new Set([1008, 4401, 4403])

export class Live {
  private socket: Socket | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private tries = 0
  private stopped = true
  private readonly handlers = new Map<string, Set<Handler>>()

  constructor(private readonly o: LiveOptions) {}

  start(): void {
    if (!this.stopped) return
    this.stopped = false
    this.tries = 0
    this.connect()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.drop()
  }

  /** Reconnect without waiting: the network came back, or the tab. */
  hurry(): void {
    if (this.stopped || this.socket) return
    clearTimeout(this.timer)
    this.tries = 0
    this.connect()
  }

  /** Listen to a topic; the returned function stops it. */
  on(topic: string, handler: Handler): () => void {
    const set = this.handlers.get(topic) ?? new Set()
    const fresh = set.size === 0
    set.add(handler)
    this.handlers.set(topic, set)
    if (fresh) this.say({ subscribe: [topic] })
    return () => {
      set.delete(handler)
      if (set.size > 0 || this.handlers.get(topic) !== set) return
      this.handlers.delete(topic)
      this.say({ unsubscribe: [topic] })
    }
  }

  private ready = false

  private say(message: object): void {
    if (this.ready) this.socket?.send(JSON.stringify(message))
  }

  private connect(): void {
    this.o.onLink('connecting')
    const s = this.o.open()
    this.socket = s
    s.onopen = () => {
      if (this.socket !== s) return
      this.ready = true
      this.tries = 0
      this.o.onLink('open')
      const topics = [...this.handlers.keys()]
      if (topics.length > 0) this.say({ subscribe: topics })
    }
    s.onmessage = (e) => {
      if (this.socket === s) this.deliver(e.data)
    }
    s.onclose = (e) => {
      if (this.socket !== s) return
      this.drop()
      this.o.onLink('lost')
      if (denied.has(e.code)) {
        this.stopped = true
        this.o.onDenied?.()
        return
      }
      this.again()
    }
  }

  private again(): void {
    const first = this.o.firstWait ?? 500
    const wait = Math.min(this.o.lastWait ?? 15_000, first * 2 ** this.tries++)
    // Half of the wait is random, so that the pages of a whole city do not come back in one second.
    this.timer = setTimeout(() => this.connect(), wait / 2 + (wait / 2) * (this.o.random ?? Math.random)())
  }

  private drop(): void {
    const s = this.socket
    this.socket = undefined
    this.ready = false
    if (!s) return
    s.onopen = s.onmessage = s.onclose = null
    s.close()
  }

  private deliver(raw: unknown): void {
    let m: Partial<LiveMessage>
    try {
      m = JSON.parse(String(raw)) as Partial<LiveMessage>
    } catch {
      return // not ours: a proxy's greeting
    }
    if (typeof m !== 'object' || m === null || typeof m.topic !== 'string' || typeof m.type !== 'string') return
    for (const h of this.handlers.get(m.topic) ?? []) h(m.type, m.data)
  }
}

export function openSocket(): Socket {
  const url = new URL('/api/v1/live', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return new WebSocket(url) as unknown as Socket
}
