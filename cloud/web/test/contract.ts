// Checked by the compiler alone: what the server's document says fits what the pages take. Names and shapes are
// compared; the document knows most of our closed sets of words only as strings, so words are compared as strings.

import type { Paths } from '@/api/paths'
import type { paths } from '@/api/schema.gen'

type Loose<T> = T extends string ? string
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> }
  : T

type Json<R> = R extends { content: { 'application/json': infer B } } ? B : never
/** What success answers, whichever of 200, 201 and 202 it is. */
type Reply<O> = O extends { responses: infer R }
  ? Json<R extends { 200: infer A } ? A : R extends { 201: infer A } ? A : R extends { 202: infer A } ? A : never>
  : never
type Sent<O> = O extends { requestBody: infer R } ? Json<R> : never
type Asked<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never

type Fits<A, B> = [A] extends [B] ? true : false
type Both = keyof Paths & keyof paths
type Method = 'get' | 'post' | 'put' | 'delete'

/** For each operation, what does not fit. */
type Faults = {
  [P in Both]: {
    [M in Method & keyof Paths[P]]:
      M extends keyof paths[P]
        ? | ([Reply<paths[P][M]>] extends [never] ? never : Fits<Loose<Reply<paths[P][M]>>, Loose<Reply<Paths[P][M]>>> extends true ? never : 'reply')
          | ([Sent<Paths[P][M]>] extends [never] ? never : Fits<Loose<Sent<Paths[P][M]>>, Loose<Sent<paths[P][M]>>> extends true ? never : 'body')
          | ([Asked<Paths[P][M]>] extends [never] ? never : Exclude<keyof Asked<Paths[P][M]>, keyof Asked<paths[P][M]>> extends never ? never : 'query')
        : 'method'
  }[Method & keyof Paths[P]]
}
type Wrong = { [P in Both as [Faults[P]] extends [never] ? never : P]: Faults[P] }

/** The assignment fails and names the operations when something does not fit. */
export const everythingFits: Wrong = {}
