// What an operator sees of a command on its way: given, sent, acknowledged by the device, and, for an opening, the arm
// up. Only "done" from the booth is success; silence is unknown.

import type { Arm, CommandAction, CommandState } from '@/api/types'

export interface Tracked {
  /** Ours, before the server gave one. */
  key: string
  id?: string
  lot: string
  lane: string
  action: CommandAction
  /** ms, by this browser's clock. */
  given: number
  /** From when on silence means unknown, ms by this browser's clock. */
  silentAt: number
  state: CommandState | 'sending' | 'failed'
  text?: string
  /** The arm was seen up after the device acknowledged. */
  armUp?: boolean
}

/** How long after a command expired its result may still be on the way back. */
export const GRACE_MS = 3000

export type Step = { word: string; tone: 'ok' | 'warn' | 'bad' | 'mute'; busy?: boolean }

/** The steps to show, in order; the last one says how it stands. */
export function steps(c: Tracked): Step[] {
  if (c.state === 'sending') return [{ word: 'cmd.sending', tone: 'mute', busy: true }]
  if (c.state === 'failed') return [{ word: 'cmd.failed', tone: 'bad' }]
  const sent: Step = { word: 'cmd.sent', tone: 'ok' }
  switch (c.state) {
    case 'sent':
      return [sent, { word: 'cmd.wait', tone: 'mute', busy: true }]
    case 'done': {
      const acknowledged: Step = { word: 'cmd.done', tone: 'ok' }
      if (c.action === 'correct') return [sent, acknowledged, { word: 'cmd.plate_done', tone: 'ok' }]
      if (c.action === 'close') return [sent, acknowledged]
      return [sent, acknowledged, c.armUp ? { word: 'cmd.arm_up', tone: 'ok' } : { word: 'cmd.arm_wait', tone: 'mute', busy: true }]
    }
    case 'unknown':
      return [sent, { word: 'cmd.unknown', tone: 'warn' }]
    default:
      return [sent, { word: `cmd.${c.state}`, tone: 'bad' }]
  }
}

/** Whether there is still something to wait for. */
export const pending = (c: Tracked) =>
  c.state === 'sending' || c.state === 'sent' || (c.state === 'done' && c.action === 'open' && !c.armUp)

/** What the booth said. A later word never turns a verdict into another, except silence that was taken for unknown. */
export function judged(c: Tracked, state: string, text?: string): Tracked {
  const known: CommandState[] = ['done', 'refused', 'unknown', 'expired', 'replayed', 'mismatched']
  const s = known.find((k) => k === state)
  if (!s || (c.state !== 'sent' && c.state !== 'sending' && c.state !== 'unknown')) return c
  return { ...c, state: s, text }
}

/** Time passed: a command about which nobody said anything is unknown, never done. */
export const aged = (c: Tracked, now: number): Tracked =>
  c.state === 'sent' && now > c.silentAt ? { ...c, state: 'unknown' } : c

/** The arm moved while we looked. */
export const armSeen = (c: Tracked, lot: string, lane: string, arm: Arm | '' | undefined): Tracked =>
  c.lot === lot && c.lane === lane && c.action === 'open' && c.state === 'done' && arm === 'up' && !c.armUp ? { ...c, armUp: true } : c
