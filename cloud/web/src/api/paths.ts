// The operations by path, in the form that openapi-fetch takes.

import type * as F from './tariff'
import type * as T from './types'

interface Answer<R> { responses: { 200: { content: { 'application/json': R } } } }
/** An operation without path parameters or body says so by an optional never. */
type Path<P> = [P] extends [never] ? { path?: never } : { path: P }
type Body<B> = [B] extends [never] ? { requestBody?: never } : { requestBody: { content: { 'application/json': B } } }
interface Get<R, Q = never, P = never> { get: { parameters: { query?: Q } & Path<P> } & Answer<R> }
interface Post<R, B = never, P = never> { post: { parameters: Path<P> } & Body<B> & Answer<R> }
interface Put<R, B, P> { put: { parameters: Path<P> } & Body<B> & Answer<R> }
interface Delete<R, Q, P> { delete: { parameters: { query: Q } & Path<P> } & Answer<R> }
interface InLot { lot: string }
interface InTariff { tariff: string }
interface InCalendar { calendar: string }

export interface Paths {
  '/api/v1/sign-in': Post<T.SignedIn, { name: string; password: string }>
  '/api/v1/sign-out': Post<void>
  '/api/v1/me': Get<T.SignedIn>
  '/api/v1/me/password': Post<void, { old: string; new: string }>
  '/api/v1/users': Get<{ users: T.Person[] | null }>
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
  '/api/v1/tariffs': Get<T.List<F.Tariff>, { q?: string; archived?: boolean }> & Post<F.TariffDetail, { name?: T.Text; text?: string }>
  '/api/v1/tariffs/{tariff}': Get<F.TariffDetail, never, InTariff>
  '/api/v1/tariffs/{tariff}/draft': Put<F.TariffDetail, { number: number; text: string }, InTariff> & Delete<F.TariffDetail, { number: number }, InTariff>
  '/api/v1/tariffs/{tariff}/publish': Post<F.Published, F.Publication, InTariff>
  '/api/v1/tariffs/{tariff}/apply': Post<{ applied: F.Applied[] | null }, { version: number; lots: string[] }, InTariff>
  '/api/v1/tariffs/{tariff}/copy': Post<F.TariffDetail, { version?: number; name?: T.Text }, InTariff>
  '/api/v1/tariffs/{tariff}/archive': Post<F.TariffDetail, never, InTariff>
  '/api/v1/tariffs/{tariff}/unarchive': Post<F.TariffDetail, never, InTariff>
  '/api/v1/tariffs/{tariff}/versions/{version}': Get<F.TariffVersionDetail, never, InTariff & { version: number }>
  '/api/v1/tariff-checks/bill': Post<F.Trial, F.TrialRequest>
  '/api/v1/tariff-checks/chart': Post<F.FeeCurve, F.ChartRequest>
  '/api/v1/tariff-checks/probes': Post<{ probes: F.Probe[] | null }, F.ProbeRequest>
  '/api/v1/tariff-checks/lint': Post<{ findings: F.Finding[] | null }, F.Case>
  '/api/v1/tariff-checks/explain': Post<T.Text, F.Case>
  '/api/v1/calendars': Get<T.List<F.Calendar>, { archived?: boolean }> & Post<F.CalendarDetail, { name: T.Text; days?: F.Day[]; weekdays?: F.Weekdays; note?: string }>
  '/api/v1/calendars/{calendar}': Get<F.CalendarDetail, never, InCalendar> & Put<F.CalendarDetail, F.CalendarContent, InCalendar>
  '/api/v1/calendars/{calendar}/versions/{version}': Get<F.CalendarVersionDetail, never, InCalendar & { version: number }>
  '/api/v1/calendars/{calendar}/import': Post<F.CalendarDetail, { base: number; csv: string; replace?: boolean; note?: string }, InCalendar>
  '/api/v1/calendars/{calendar}/holidays': Post<F.CalendarDetail, { base: number; years: number[] }, InCalendar>
  '/api/v1/calendars/{calendar}/assign': Post<{ applied: F.Applied[] | null }, { version?: number; lots: string[] }, InCalendar>
  '/api/v1/calendars/{calendar}/archive': Post<F.CalendarDetail, never, InCalendar>
  '/api/v1/calendars/{calendar}/unarchive': Post<F.CalendarDetail, never, InCalendar>
  '/api/v1/lots/{lot}/rules': Get<F.Rules, never, InLot> & Put<F.Rules, { config_number: number; rules: F.Rule[] }, InLot>
  '/api/v1/rehearsals': Get<T.List<F.Rehearsal>, { tariff?: string }> & Post<F.RehearsalDetail, F.RehearsalStart>
  '/api/v1/rehearsals/{rehearsal}': Get<F.RehearsalDetail, never, { rehearsal: string }>
  '/api/v1/rehearsals/{rehearsal}/cancel': Post<F.RehearsalDetail, never, { rehearsal: string }>
}
