// The operations by path, in the form that openapi-fetch takes.

import type * as T from './types'

interface Answer<R> { responses: { 200: { content: { 'application/json': R } } } }
/** An operation without path parameters or body says so by an optional never. */
type Path<P> = [P] extends [never] ? { path?: never } : { path: P }
type Body<B> = [B] extends [never] ? { requestBody?: never } : { requestBody: { content: { 'application/json': B } } }
interface Get<R, Q = never, P = never> { get: { parameters: { query?: Q } & Path<P> } & Answer<R> }
interface Post<R, B = never, P = never> { post: { parameters: Path<P> } & Body<B> & Answer<R> }
interface InLot { lot: string }

export interface Paths {
  '/api/v1/sign-in': Post<T.SignedIn, { name: string; password: string }>
  '/api/v1/sign-out': Post<void>
  '/api/v1/me': Get<T.SignedIn>
  '/api/v1/me/password': Post<void, { old: string; new: string }>
  '/api/v1/lots': Get<T.List<T.Lot>, { kind?: string; q?: string }>
  '/api/v1/lots/{lot}': Get<T.LotDetail, never, InLot>
  '/api/v1/lots/{lot}/live': Get<T.LotLive, never, InLot>
  '/api/v1/lots/{lot}/booths/{booth}/codes': Post<T.EnrolmentCode, never, InLot & { booth: string }>
  '/api/v1/sessions': Get<T.List<T.Session> & { totals?: T.Totals }, T.SessionQuery>
  '/api/v1/lots/{lot}/sessions/{id}': Get<T.SessionDetail, never, InLot & { id: string }>
  '/api/v1/passages': Get<T.List<T.Passage>, T.PassageQuery>
  '/api/v1/seat/queue': Get<T.List<T.QueueItem>>
  '/api/v1/seat/commands': Post<T.CommandGiven, T.CommandRequest>
  '/api/v1/seat/commands/{id}': Get<T.CommandStatus, never, { id: string }>
  '/api/v1/owner/quotes': Post<T.Quote, { lot: string; plate?: string; lane?: string }>
  '/api/v1/owner/quotes/{quote}': Get<T.Quote, never, { quote: string }>
  '/api/v1/owner/quotes/{quote}/orders': Post<T.OrderGiven, { channel: string }, { quote: string }>
  '/api/v1/owner/orders/{order}': Get<T.Order, never, { order: string }>
}
