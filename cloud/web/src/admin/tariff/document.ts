// The document of a tariff as JSON that people and the form both edit. A change touches one place; everything else
// stays as it was, known or not. People may write it as YAML; what is stored is JSON.

import { readYAML } from './yaml'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Doc = { [key: string]: Json }
export type Path = readonly (string | number)[]

export const isDoc = (v: unknown): v is Doc => typeof v === 'object' && v !== null && !Array.isArray(v)

/** Whether a text is written as YAML: JSON begins with a bracket. */
export const isYAML = (text: string): boolean => !/^\s*([[{]|$)/.test(text)

/** What a text says, or at which line it stops being JSON, or YAML. */
export function read(text: string): { doc: Doc } | { line: number; why: string } {
  if (isYAML(text)) {
    const got = readYAML(text)
    if (!('value' in got)) return got
    return isDoc(got.value) ? { doc: got.value } : { line: 1, why: 'key: value' }
  }
  try {
    const doc: unknown = JSON.parse(text)
    return isDoc(doc) ? { doc } : { line: 1, why: '{…}' }
  } catch (e) {
    return { line: brokenAt(text, e), why: e instanceof Error ? e.message : String(e) }
  }
}

function brokenAt(text: string, e: unknown): number {
  const at = /position (\d+)/.exec(String(e))
  return text.slice(0, at ? Number(at[1]) : text.length).split('\n').length
}

export function at(v: Json | undefined, path: Path): Json | undefined {
  for (const key of path) {
    if (Array.isArray(v) && typeof key === 'number') v = v[key]
    else if (isDoc(v) && typeof key === 'string') v = Object.hasOwn(v, key) ? v[key] : undefined
    else return undefined
  }
  return v
}

/** A copy with one place changed; undefined takes it out. Objects on the way are made where they are missing. */
export function put(v: Json | undefined, path: Path, to: Json | undefined): Json {
  const [key, ...rest] = path
  if (key === undefined) return to ?? null
  if (typeof key === 'number') {
    const list = Array.isArray(v) ? [...v] : []
    if (rest.length === 0 && to === undefined) list.splice(key, 1)
    else list[key] = put(list[key], rest, to)
    return list
  }
  const keys: Doc = isDoc(v) ? { ...v } : {}
  if (rest.length === 0 && to === undefined) delete keys[key]
  else keys[key] = put(keys[key], rest, to)
  return keys
}

/** A copy of a list with an element moved by one place. */
export function moved<T>(list: readonly T[], from: number, by: -1 | 1): T[] {
  const out = [...list]
  const to = from + by
  if (to < 0 || to >= out.length) return out
  const [x] = out.splice(from, 1)
  out.splice(to, 0, x!)
  return out
}

// The order in which people write the keys of a tariff. The server gives them in that of the alphabet.
const order = [
  'id', 'version', 'name', 'zh', 'en', 'tz', 'currency', 'precision', 'plans', 'classes', 'entitlements', 'kind', 'amount', 'window', 'length', 'at', 'from', 'to', 'day_types', 'up_to', 'unit', 'price',
  'free', 'inclusive', 'then', 'scope', 'entry_rounding', 'cycle', 'position', 'counted', 'boundary', 'end', 'tail', 'bands', 'steps', 'caps', 'shared_caps', 'guards', 'minimum', 'multiplier', 'rounding', 'grace_after_payment',
]
const rank = (k: string) => (order.includes(k) ? order.indexOf(k) : order.length)

/** The same document with its keys in the order that people write them in. */
export function arranged(v: Json): Json {
  if (Array.isArray(v)) return v.map(arranged)
  return isDoc(v) ? Object.fromEntries(Object.keys(v).sort((a, b) => rank(a) - rank(b)).map((k) => [k, arranged(v[k]!)])) : v
}

const WIDE = 100

/** The text of a document: what fits on a line stands on one, so that a step is a line. */
export function write(v: Json, indent = ''): string {
  const flat = oneLine(v)
  if (indent.length + flat.length <= WIDE && !(indent === '' && isDoc(v)) && !nests(v)) return flat
  if (Array.isArray(v)) return v.length === 0 ? '[]' : `[\n${v.map((x) => `${indent}  ${write(x, indent + '  ')}`).join(',\n')}\n${indent}]`
  if (!isDoc(v)) return flat
  const keys = Object.keys(v)
  return keys.length === 0 ? '{}' : `{\n${keys.map((k) => `${indent}  ${JSON.stringify(k)}: ${write(v[k]!, indent + '  ')}`).join(',\n')}\n${indent}}`
}

/** Lists of objects, and what holds them, are easier to read spread out. */
const nests = (v: Json): boolean =>
  Array.isArray(v) ? v.some((x) => isDoc(x) || Array.isArray(x)) : isDoc(v) && Object.values(v).some(nests)

function oneLine(v: Json): string {
  if (Array.isArray(v)) return `[${v.map(oneLine).join(', ')}]`
  if (isDoc(v)) return Object.keys(v).length === 0 ? '{}' : `{ ${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}: ${oneLine(x)}`).join(', ')} }`
  return JSON.stringify(v)
}

/** "plans[0].bands[1].to" as a path. */
export function pathOf(place: string): (string | number)[] {
  return place.replace(/^document\.?/, '').split(/[.[\]]+/).filter((x) => x !== '').map((x) => (/^\d+$/.test(x) ? Number(x) : x))
}

export const placeOf = (path: Path): string =>
  path.reduce<string>((text, x) => (typeof x === 'number' ? `${text}[${x}]` : text === '' ? x : `${text}.${x}`), '')

/** The keys of an object that `known` does not name. */
export const others = (v: Json | undefined, known: readonly string[]): string[] =>
  isDoc(v) ? Object.keys(v).filter((k) => !known.includes(k)) : []
