// Where in a document's text a place stands.

import { isYAML, type Path } from './document'
import { yamlLine } from './yaml'

/**
 * The line, from 1, on which the value at a path begins; that of the nearest one around it where the path leads nowhere.
 * The text need not be right to its end.
 */
export function lineOf(text: string, path: Path): number {
  if (isYAML(text)) return yamlLine(text, path)
  let i = 0
  let best = 0
  let deepest = -1
  const space = () => {
    while (i < text.length && /\s/.test(text[i]!)) i++
  }
  const word = (): string => {
    const from = i++
    while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
    i++
    try {
      return JSON.parse(text.slice(from, i)) as string
    } catch {
      return ''
    }
  }
  /** Reads a value; `depth` is how much of the path led here, -1 once we are beside it. */
  const value = (depth: number): void => {
    space()
    if (depth > deepest) {
      deepest = depth
      best = i
    }
    const open = text[i]
    if (open === '{' || open === '[') {
      i++
      for (let n = 0; i < text.length; n++) {
        space()
        if (text[i] === '}' || text[i] === ']') {
          i++
          return
        }
        const key = open === '{' && text[i] === '"' ? word() : n
        space()
        if (text[i] === ':') i++
        const before = i
        value(depth >= 0 && depth < path.length && path[depth] === key ? depth + 1 : -1)
        space()
        if (text[i] === ',') i++
        else if (i === before) i++ // not JSON here: go on, rather than stand still
      }
      return
    }
    if (open === '"') word()
    else while (i < text.length && !/[\s,\]}]/.test(text[i]!)) i++
  }
  value(0)
  return text.slice(0, best).split('\n').length
}
