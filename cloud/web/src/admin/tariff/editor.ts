// The draft that is being edited: one text, which the form and the document's page both change.

import { computed, inject, provide, reactive, ref, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import type { Finding } from '@/api/tariff'
import { arranged, at, isDoc, isYAML, others, pathOf, placeOf, put, read, write, type Doc, type Json, type Path } from './document'

export interface Editor {
  text: Ref<string>
  /** The text as it is stored and judged: JSON, also where it is written as YAML. */
  json: ComputedRef<string>
  yaml: ComputedRef<boolean>
  /** The document; while the text is no JSON, as it was when it last was. */
  doc: ComputedRef<Doc>
  /** Why the text cannot be read. */
  broken: ComputedRef<{ line: number; why: string } | undefined>
  currency: ComputedRef<string>
  readonly: Ref<boolean>
  findings: Ref<Finding[]>
  /** Places whose field holds something that cannot be put into the document. */
  unfit: Set<string>
  get: (path: Path) => Json | undefined
  set: (path: Path, to: Json | undefined) => void
  at: (path: Path) => Finding[]
  /** Findings at the path or anywhere below. */
  below: (path: Path) => Finding[]
  others: (path: Path, known: readonly string[]) => string[]
  show: (place: string) => void
}

const key: InjectionKey<Editor> = Symbol('editor')
export const useEditor = () => inject(key)!

export function provideEditor(o: { readonly: Ref<boolean>; show: (place: string) => void }): Editor {
  const text = ref('{}')
  let last: Doc = {}
  const state = computed(() => read(text.value))
  const doc = computed(() => {
    if ('doc' in state.value) last = state.value.doc
    return last
  })
  const broken = computed(() => ('doc' in state.value ? undefined : state.value))
  const yaml = computed(() => isYAML(text.value))
  const json = computed(() => (yaml.value && 'doc' in state.value ? write(state.value.doc) : text.value))
  const findings = ref<Finding[]>([])
  const byPlace = computed(() => {
    const all = new Map<string, Finding[]>()
    for (const f of findings.value) {
      const place = placeOf(pathOf(f.place))
      all.set(place, [...(all.get(place) ?? []), f])
    }
    return all
  })
  const get = (path: Path) => at(doc.value, path)
  const editor: Editor = {
    text, json, yaml, doc, broken, findings, readonly: o.readonly, show: o.show, unfit: reactive(new Set<string>()), get,
    currency: computed(() => (typeof doc.value.currency === 'string' ? doc.value.currency : 'CNY')),
    set(path, to) {
      if (o.readonly.value || broken.value) return
      text.value = write(put(doc.value, path, to))
    },
    at: (path) => byPlace.value.get(placeOf(path)) ?? [],
    below(path) {
      const place = placeOf(path)
      return findings.value.filter((f) => {
        const p = placeOf(pathOf(f.place))
        return place === '' || p === place || p.startsWith(`${place}.`) || p.startsWith(`${place}[`)
      })
    },
    others: (path, known) => others(get(path), known),
  }
  provide(key, editor)
  return editor
}

/** The items of a list in the document that are objects, with their paths. */
export function items(e: Editor, path: Path): { path: Path; doc: Doc }[] {
  const list = e.get(path)
  return (Array.isArray(list) ? list : []).map((x, i) => ({ path: [...path, i], doc: isDoc(x) ? x : {} }))
}

/** The document of a published version as something to edit: its id and version are the library's to give. */
export function editable(document: unknown): string {
  if (!isDoc(document as Json)) return '{}'
  const { id: _id, version: _version, ...rest } = document as Doc
  return write(arranged(rest))
}

/** A text from the document in both languages, or one for both. */
export function textAt(v: Json | undefined): { zh: string; en: string } {
  if (typeof v === 'string') return { zh: v, en: v }
  const s = (x: Json | undefined) => (typeof x === 'string' ? x : '')
  return isDoc(v) ? { zh: s(v.zh), en: s(v.en) } : { zh: '', en: '' }
}
