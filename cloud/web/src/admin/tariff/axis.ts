// Where the lines of a bill stand on a stretch of time. Positions are parts of 100 of its length.

import type { TrialLine } from '@/api/tariff'
import type { Text } from '@/api/types'
import { local, zoned } from '../zone'

export interface Segment { x: number; w: number; row: number; kind: string; band: string; amount: number; text: Text; from: string; to: string }
export interface Tick { x: number; label: string; day: boolean }
export interface Axis { segments: Segment[]; marks: Segment[]; gaps: { x: number; w: number }[]; ticks: Tick[]; rows: number; markRows: number }

/** Charges stand on the axis, side by side where they can; caps, free time and the rest are marked below. */
export function layOut(lines: readonly TrialLine[], entry: string, exit: string, zone: string): Axis {
  const [begin, end] = [Date.parse(entry), Date.parse(exit)]
  const length = end - begin
  if (!(length > 0)) return { segments: [], marks: [], gaps: [], ticks: [], rows: 0, markRows: 0 }
  const x = (ms: number) => (100 * (Math.min(Math.max(ms, begin), end) - begin)) / length
  const place = (l: TrialLine): Segment => {
    const from = x(l.from ? Date.parse(l.from) : begin)
    const to = x(l.to ? Date.parse(l.to) : end)
    return { x: from, w: Math.max(0, to - from), row: 0, kind: l.kind, band: l.band, amount: l.amount, text: l.text, from: l.from ?? entry, to: l.to ?? exit }
  }
  const segments = lines.filter((l) => l.kind === 'charge').map(place)
  const marks = lines.filter((l) => l.kind !== 'charge').map(place)
  const rows = stack(segments)
  return { segments, marks, gaps: gapsOf(segments), ticks: ticksOf(begin, end, zone), rows, markRows: stack(marks) }
}

/** Gives each the first row where it does not cover another; returns how many rows there are. */
function stack(all: Segment[]): number {
  const ends: number[] = []
  for (const s of [...all].sort((a, b) => a.x - b.x)) {
    let row = ends.findIndex((e) => e <= s.x + 1e-9)
    if (row < 0) row = ends.length
    ends[row] = s.x + s.w
    s.row = row
  }
  return ends.length
}

/** What nothing is charged for. */
function gapsOf(segments: readonly Segment[]): { x: number; w: number }[] {
  const gaps: { x: number; w: number }[] = []
  let until = 0
  for (const s of [...segments].sort((a, b) => a.x - b.x)) {
    if (s.x - until > 1e-6) gaps.push({ x: until, w: s.x - until })
    until = Math.max(until, s.x + s.w)
  }
  if (100 - until > 1e-6) gaps.push({ x: until, w: 100 - until })
  return gaps
}

const MIN = 60_000
const steps = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080].map((m) => m * MIN)
const MOST = 9

/** Round clock times, few enough to be read; where a day begins its date stands. */
function ticksOf(begin: number, end: number, zone: string): Tick[] {
  const step = steps.find((s) => (end - begin) / s <= MOST) ?? Math.ceil((end - begin) / MOST / steps.at(-1)!) * steps.at(-1)!
  const midnight = Date.parse(zoned(`${local(new Date(begin).toISOString(), zone).slice(0, 10)} 00:00:00`, zone))
  const out: Tick[] = []
  for (let at = midnight + Math.ceil((begin - midnight) / step) * step; at <= end; at += step) {
    const shown = local(new Date(at).toISOString(), zone)
    const day = shown.slice(11, 16) === '00:00'
    out.push({ x: (100 * (at - begin)) / (end - begin), label: day ? shown.slice(5, 10) : shown.slice(11, 16), day })
  }
  return out
}

/** A colour for each band, the same on the axis as in the form. */
export const bandColours = ['#bcd8f2', '#f5dca0', '#c5e3cb', '#dccdf0', '#f3c9c1', '#bfe3e1', '#e6d3b8', '#d3dbe0']
export const bandColour = (ids: readonly string[], id: string): string => bandColours[Math.max(0, ids.indexOf(id)) % bandColours.length]!
