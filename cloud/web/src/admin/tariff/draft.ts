// A tariff's draft as the editor keeps it: what is stored, what is on the page, and who was faster.

import { computed, ref, shallowRef } from 'vue'
import { take, type Api } from '@/api/client'
import { asProblem } from '@/api/problem'
import type { TariffDetail } from '@/api/tariff'
import { useDoing } from '@/desk/doing'
import { editable, type Editor } from './editor'

export function useDraft(api: Api, id: () => string, editor: Pick<Editor, 'text' | 'json'>) {
  const detail = shallowRef<TariffDetail>()
  const { problem, run } = useDoing()
  /** What went wrong with the last thing done; the page stays. */
  const { busy, fault, run: guard, forget } = useDoing()
  /** The tariff as somebody else changed it meanwhile. */
  const theirs = shallowRef<TariffDetail>()
  const stored = ref('')
  const dirty = computed(() => detail.value !== undefined && editor.text.value !== stored.value)
  const path = () => ({ tariff: id() })

  /** The text that the editor begins with: the draft, or else what was published last. */
  async function textOf(d: TariffDetail): Promise<string> {
    if (d.draft) return d.draft.text
    if (d.latest === 0) return '{}'
    return editable((await take(api.GET('/api/v1/tariffs/{tariff}/versions/{version}', { params: { path: { ...path(), version: d.latest } } }))).document)
  }
  async function show(d: TariffDetail) {
    const text = await textOf(d)
    detail.value = d
    stored.value = text
    editor.text.value = text
    theirs.value = undefined
    forget()
  }
  async function load() {
    detail.value = undefined
    await run(async () => show(await take(api.GET('/api/v1/tariffs/{tariff}', { params: { path: path() } }))))
  }
  async function put(number: number) {
    const text = editor.text.value
    const d = await take(api.PUT('/api/v1/tariffs/{tariff}/draft', { params: { path: path() }, body: { number, text: editor.json.value } }))
    detail.value = d
    stored.value = text
    theirs.value = undefined
  }
  /** True when the draft is stored as the page shows it. */
  const save = () => guard(async () => {
    try {
      await put(detail.value!.number)
    } catch (e) {
      const p = asProblem(e)
      if (p.code !== 'tariff.changed') throw p
      theirs.value = await take(api.GET('/api/v1/tariffs/{tariff}', { params: { path: path() } }))
      throw p
    }
  })
  const overwrite = () => guard(() => put(theirs.value!.number))
  const takeTheirs = () => guard(() => show(theirs.value!))
  const discard = () => guard(async () => {
    await show(await take(api.DELETE('/api/v1/tariffs/{tariff}/draft', { params: { path: path(), query: { number: detail.value!.number } } })))
  })
  /** Reads the tariff again; what is shown stays until the answer is there. */
  const refresh = () => guard(async () => show(await take(api.GET('/api/v1/tariffs/{tariff}', { params: { path: path() } }))))
  return { detail, problem, busy, fault, theirs, dirty, load, save, overwrite, takeTheirs, discard, refresh, guard }
}
