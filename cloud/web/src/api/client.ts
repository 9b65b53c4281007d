import createClient, { type Client } from 'openapi-fetch'
import type { Paths } from './paths'
import { BROKEN, Problem, offline, problemOf } from './problem'

export type Api = Client<Paths>

/** A key for one intended action. crypto.randomUUID is missing where the page came by plain http from a LAN. */
export function actionKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

export interface ClientOptions {
  baseUrl?: string
  /** Called when the server no longer knows who we are. */
  onSignedOut?: () => void
  locale?: () => string
}

export function newApi(o: ClientOptions = {}): Api {
  const api = createClient<Paths>({ baseUrl: o.baseUrl ?? '', credentials: 'same-origin' })
  api.use({
    onRequest({ request }) {
      if (o.locale) request.headers.set('Accept-Language', o.locale())
      if (request.method !== 'GET' && !request.headers.has('Idempotency-Key')) {
        request.headers.set('Idempotency-Key', actionKey())
      }
    },
    onResponse({ response, schemaPath }) {
      if (response.status === 401 && schemaPath !== '/api/v1/sign-in') o.onSignedOut?.()
    },
    onError: ({ error }) => (error instanceof DOMException && error.name === 'AbortError' ? error : offline()),
  })
  return api
}

/** take returns what an operation answered, or throws its Problem. */
export async function take<D>(call: Promise<{ data?: D; error?: unknown; response: Response }>): Promise<D> {
  let got
  try {
    got = await call
  } catch (e) {
    if (e instanceof Problem || (e instanceof DOMException && e.name === 'AbortError')) throw e
    // openapi-fetch throws a SyntaxError for a body that is not JSON.
    throw e instanceof SyntaxError
      ? new Problem(0, BROKEN, { zh: '服务器的回答无法识别', en: 'The server answered something unreadable.' })
      : offline()
  }
  if (!got.response.ok) throw problemOf(got.response.status, got.error, got.response.headers.get('Retry-After'))
  return got.data as D
}

export const photoURL = (sha256: string) => `/api/v1/photos/${sha256}`
export const laneCodeURL = (lot: string, lane: string) =>
  `/api/v1/lots/${encodeURIComponent(lot)}/lanes/${encodeURIComponent(lane)}/qr.png`
