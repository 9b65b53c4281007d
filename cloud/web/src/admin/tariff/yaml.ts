// A document that somebody wrote as YAML: read as what JSON would hold, and where in it a place is.

import { isMap, isPair, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Path } from './document'

/** What a text says as JSON would hold it, or at which line it stops being YAML. */
export function readYAML(text: string): { value: unknown } | { line: number; why: string } {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const bad = doc.errors[0]
  if (bad) return { line: lines.linePos(bad.pos[0]).line, why: bad.message }
  try {
    // Through text, so that nothing is in it that JSON cannot hold: no rings, no infinity.
    return { value: JSON.parse(JSON.stringify(doc.toJS({ maxAliasCount: 100 }))) as unknown }
  } catch (e) {
    return { line: 1, why: e instanceof Error ? e.message : String(e) }
  }
}

/** The line of a place in a text of YAML, or of the nearest around it. */
export function yamlLine(text: string, path: Path): number {
  const lines = new LineCounter()
  let at: unknown = parseDocument(text, { lineCounter: lines, prettyErrors: false }).contents
  let from = 0
  for (const key of path) {
    const item: unknown = isMap(at) ? at.items.find((p) => String(p.key) === key) : isSeq(at) && typeof key === 'number' ? at.items[key] : undefined
    if (item === undefined || item === null) break
    const begin = (isPair(item) ? item.key : item) as { range?: [number, number, number] | null }
    from = begin.range?.[0] ?? from
    at = isPair(item) ? item.value : item
  }
  return lines.linePos(from).line || 1
}
