// What a person can type as a plate, and how a plate is drawn. The server decides what a plate is; this only guides.

import type { Plate, PlateColour } from '@/api/types'

export const provinces = [...'京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼']
/** The letter after the province: no I and no O. */
export const cityLetters = [...'ABCDEFGHJKLMNPQRSTUVWXYZ']
export const serialKeys = [...'1234567890QWERTYUPASDFGHJKLZXCVBNM']
/** May end a plate: trailer, training, police, Hong Kong, Macao, embassy, consulate. */
export const endings = [...'挂学警港澳使领']

export const SHORT = 7
export const LONG = 8 // new energy

/** keysAt are the keys that may stand at position n, counted from 0. */
export function keysAt(n: number): string[] {
  if (n === 0) return provinces
  if (n === 1) return cityLetters
  if (n >= LONG) return []
  return n === SHORT - 1 ? [...serialKeys, ...endings] : serialKeys
}

/** complete says whether the text has the shape of a plate: 7 characters, or 8 with D/F … of new energy. */
export function complete(text: string): boolean {
  const c = [...text]
  if (c.length !== SHORT && c.length !== LONG) return false
  if (!provinces.includes(c[0]!) || !cityLetters.includes(c[1]!)) return false
  const tail = c.slice(2)
  if (c.length === LONG) return tail.every((k) => serialKeys.includes(k)) && /^(?:[A-HJK].{5}|.{5}[A-HJK])$/.test(tail.join(''))
  return tail.every((k, i) => serialKeys.includes(k) || (i === tail.length - 1 && endings.includes(k)))
}

/** tidy makes what was pasted or spoken into plate characters: full width, small letters, dots and spaces. */
export function tidy(text: string): string {
  return [...text.normalize('NFKC').toUpperCase()].filter((c) => /[\p{Script=Han}A-Z0-9]/u.test(c)).slice(0, LONG).join('')
}

/** What a plate looks like when its colour was not read. */
export function likelyColour(p: Pick<Plate, 'text' | 'colour' | 'class'>): PlateColour {
  if (p.colour && p.colour !== 'unknown') return p.colour
  switch (p.class) {
    case 'new-energy-small':
      return 'green'
    case 'new-energy-large':
      return 'yellow-green'
    case 'large':
    case 'trailer':
    case 'training':
      return 'yellow'
    case 'police':
    case 'military':
    case 'armed-police':
    case 'emergency':
      return 'white'
    case 'embassy':
    case 'consulate':
    case 'hong-kong':
    case 'macao':
      return 'black'
  }
  if (p.class) return p.class === 'small' ? 'blue' : 'unknown'
  return [...p.text.replace('·', '')].length === LONG ? 'green' : /^\p{Script=Han}[A-Z]/u.test(p.text) ? 'blue' : 'unknown'
}

/** The head ("粤B") and the serial, between which the dot stands. */
export function split(text: string): { head: string; tail: string } {
  const c = [...text.replace('·', '')] // a masked plate brings its dot
  return /^\p{Script=Han}[A-Z]/u.test(text) && c.length >= 6
    ? { head: c.slice(0, 2).join(''), tail: c.slice(2).join('') }
    : { head: '', tail: text }
}
