// The HTTP contract as this front end uses it. Amounts are whole minor units of `currency`, times RFC 3339 in UTC,
// ids opaque strings ("author.seq" for facts and sessions).

export interface Text { zh: string; en: string }
export interface List<T> { items: T[] | null; total: number }

export interface User {
  id: string
  name: string
  full_name: string
  role: string
  operator: { id: string; name: string }
  /** The password was set by somebody else and should be changed. */
  must_change: boolean
}
/** A user of my operator, as others see one. */
export interface Person { id: string; name: string; full_name: string }
/** What sign-in and me answer. */
export interface SignedIn { user: User; permissions: string[] | null }

export type PlateColour = 'unknown' | 'blue' | 'yellow' | 'white' | 'black' | 'green' | 'yellow-green'
export interface Plate { text: string; colour: PlateColour; class?: string }

export interface Lot {
  id: string
  name: Text
  kind: 'off_street' | 'on_street'
  tz: string
  currency: string
  capacity: number
  inside: number
  lanes: number
  booths: number
  booths_online: number
  alarms: number
}
export interface Lane { id: string; name: Text; dir: 'entry' | 'exit'; booth: string; devices?: Device[] | null }
export interface Device { id: string; role: string; kind: string }
export interface Booth {
  id: string
  name: Text
  online: boolean
  seen_at: string | null
  author: string
  seq: number
  lag: number
  config: number
  software: string
}
export interface LotDetail extends Omit<Lot, 'lanes' | 'booths' | 'inside' | 'booths_online' | 'alarms'> {
  lanes: Lane[] | null
  booths: Booth[] | null
  config_number: number
  tariff: { id: string; version: number; text: Text } | null
}
export interface EnrolmentCode { code: string; expires_at: string }

export type Arm = 'up' | 'down' | 'moving' | 'unknown'
export interface Token { boot: string; mono: string; car: number }
export interface LiveLane {
  lane: string
  dir: 'entry' | 'exit'
  at: string
  mono: string
  token: Token
  plate?: Plate | null
  photo?: string
  action?: 'open' | 'hold' | ''
  reason?: string
  session?: string
  entered?: string | null
  due: number
  currency?: string
  similar?: { session: string; plate: Plate; entered: string }[] | null
  arm: Arm | ''
  loop: boolean
  faults?: string[] | null
  waiting?: string | null
  booth_online: boolean
  /** Null: the lane has not spoken since the cloud started. */
  seen_at?: string | null
}
export interface LotLive { inside: number; capacity: number; lanes: LiveLane[] | null }

export interface Money { gross: number; free: number; paid: number; debt: number; excess: number }
export type Totals = Omit<Money, 'excess'>
export type SessionState = 'inside' | 'left' | 'lost'
export interface Session {
  lot: string
  id: string
  plate: Plate
  state: SessionState
  entered_at: string | null
  entry_lane: string
  left_at: string | null
  exit_lane: string
  /** Null while an end is not known. */
  duration_s: number | null
  money: Money
  currency: string
  flags: string[] | null
  grade: string
  billed: boolean
}
export interface Visit { fact: string; at: string; lane: string; basis: string; photos?: { kind: string; sha256: string }[] | null }
/** charge adds; cap, free and paid take off, and are negative. */
export interface BillLine { kind: string; text: Text; from?: string | null; to?: string | null; amount: number }
export interface Payment { at: string; amount: number; method: string; order: string }
export interface FactRow { id: string; at: string; kind: string; author: string; booth: string; text: Text; body?: unknown }
export interface SessionDetail extends Session {
  entry: Visit | null
  exit: Visit | null
  bill: { tariff: string; version: number; lines: BillLine[] | null } | null
  payments: Payment[] | null
  aliases: string[] | null
  facts: FactRow[] | null
}
export interface SessionQuery {
  lot?: string
  plate?: string
  state?: SessionState
  flag?: string
  from?: string
  to?: string
  min_debt?: number
  page?: number
  size?: number
  sort?: string
}

export interface Passage {
  id: string
  at: string
  lot: string
  lane: string
  dir: 'entry' | 'exit'
  plate: Plate | null
  confidence: number
  outcome: 'passed' | 'reversed' | 'gone' | ''
  decision: 'open' | 'hold' | ''
  reason: string
  reason_text: Text
  photo: string
  session: string
  late: boolean
}
export interface PassageQuery {
  lot?: string
  lane?: string
  dir?: string
  plate?: string
  outcome?: string
  from?: string
  to?: string
  page?: number
  size?: number
}

export interface QueueItem { lot: string; lane: string; since: string; live: LiveLane }
export type CommandState = 'sent' | 'done' | 'refused' | 'unknown' | 'expired' | 'replayed' | 'mismatched'
export type CommandAction = 'open' | 'close' | 'correct' | 'mode'
export interface CommandRequest {
  lot: string
  lane: string
  action: CommandAction
  reason: string
  token: Token
  seen: string
  plate?: Plate
}
export interface CommandGiven { command: string; expires_at: string }
export interface CommandStatus { state: CommandState; text?: string }

export type QuoteState = 'due' | 'nothing_due' | 'paid'
export interface Quote {
  quote: string
  lot_name: Text
  /** Masked when it was found by a lane's code: "粤B·**345". */
  plate: string
  entered_at: string | null
  duration_s: number
  gross: number
  free: number
  paid: number
  due: number
  currency: string
  lines: BillLine[] | null
  valid_until: string
  state: QuoteState
  /** Paying by phone is set up here. */
  payable: boolean
  /** Nothing due: until then nothing more is owed. */
  leave_by?: string | null
  /** The tariff in plain words: its name, then a rule a line. Empty when it is no longer at hand. */
  tariff: Text
}
export interface OrderGiven { order: string; amount: number; pay_url: string }
export type OrderState = 'pending' | 'paid' | 'closed' | 'refunding' | 'refunded'
export interface Order {
  order: string
  state: OrderState
  amount: number
  paid_at: string | null
  currency: string
  receipt?: { no: string; lot_name: Text; plate: string; leave_by?: string | null; proof?: string } | null
}
