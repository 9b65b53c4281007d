// The form over every published tariff that the engine is tested by: it knows all of each, and changes nothing that
// nobody changed.
import { mount, type VueWrapper } from '@vue/test-utils'
import { defineComponent, h, nextTick, ref, type Slots } from 'vue'
import { expect, test } from 'vitest'
import TariffForm from '@/admin/tariff/TariffForm.vue'
import { dayTypes, weekdays } from '@/admin/tariff/daytype'
import { isDoc, read, type Doc, type Json } from '@/admin/tariff/document'
import { provideEditor, type Editor } from '@/admin/tariff/editor'
import { choices, known } from '@/admin/tariff/keys'
import { words } from '@/admin/words'
import { newI18n } from '@/i18n'
import { common } from '@/i18n/common'
import { seconds } from '@/admin/tariff/span'

const corpus = import.meta.glob('../../../shared/tariff/testdata/corpus/*.yaml', { eager: true, query: '?raw', import: 'default' }) as Record<string, string>
const texts = Object.fromEntries(Object.entries(corpus).map(([path, text]) => [path.split('/').at(-1)!, text]))
const files = Object.keys(texts).filter((f) => f !== 'alternatives.yaml').sort()
function load(file: string): Doc {
  const got = read(texts[file]!)
  if (!('doc' in got)) throw new Error(`${file}: line ${got.line}: ${got.why}`)
  return got.doc
}

/** What the format takes by default means the same whether it is written or not, and so do two ways to write a length. */
const defaults: Record<string, readonly Json[]> = {
  precision: ['second'], after_payment: ['rerate'], outside: ['counted'], then: ['whole'], scope: ['stay'], position: ['run'], counted: ['chargeable'], boundary: ['cut'], end: ['ceil'], clock: ['elapsed'],
  day_of: ['moment'], rest: ['one'], free: ['rest'], minutes: ['trim_end'], mode: ['half_up'], per: ['total'],
}
const spans = ['up_to', 'unit', 'tail', 'length', 'within', 'early', 'at_most', 'grace_after_payment']
function plain(v: Json, key = ''): Json {
  if (Array.isArray(v)) return v.map((x) => plain(x))
  if (isDoc(v)) {
    const kept = Object.entries(v).map(([k, x]) => [k, plain(x, k)] as const)
    return Object.fromEntries(kept.filter(([k, x]) => !defaults[k]?.includes(x) && x !== false && !(k !== 'price' && x === 0)).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  if (spans.includes(key) && typeof v === 'string') return seconds(v) ?? v
  if ((key === 'price' || key === 'multiplier') && typeof v === 'string' && /^\d+$/.test(v)) return Number(v)
  if (key === 'name' && typeof v === 'string') return { en: v, zh: v }
  return v
}

// The library's fields, as far as the form uses them: its own take half a minute a tariff.
const field = (name: string) => defineComponent({ name, inheritAttrs: false, props: ['modelValue', 'ariaLabel', 'disabled'], emits: ['update:modelValue', 'change', 'blur'], setup: () => () => null })
const box = (name: string) => defineComponent({ name, inheritAttrs: false, setup: (_: unknown, { slots }: { slots: Slots }) => () => [slots.label?.(), slots.default?.()] })
const [ElInput, ElSelect, ElSwitch] = ['ElInput', 'ElSelect', 'ElSwitch'].map(field) as [ReturnType<typeof field>, ReturnType<typeof field>, ReturnType<typeof field>]
const stubs = { ElInput, ElSelect, ElSwitch, ElButton: box('ElButton'), ElTabs: box('ElTabs'), ElTabPane: box('ElTabPane') }

const i18n = newI18n({ ...common, ...words })
function form(doc: Doc): { editor: Editor; wrapper: VueWrapper } {
  let editor: Editor | undefined
  const Page = defineComponent({
    setup() {
      editor = provideEditor({ readonly: ref(false), show: () => undefined })
      editor.text.value = JSON.stringify(doc)
      return () => h(TariffForm, { dayTypes: [...dayTypes, ...weekdays] })
    },
  })
  const wrapper = mount(Page, { global: { plugins: [i18n], stubs } })
  return { editor: editor!, wrapper }
}
const now = (e: Editor) => plain(JSON.parse(e.text.value) as Json)
const inner = (v: Json) => (isDoc(v) ? v : {})

test('there are the 32 tariffs', () => expect(files).toHaveLength(32))
test.each(files)('%s: all of it is in the form, and typing what is there changes nothing', async (file) => {
  const doc = load(file)
  const { editor, wrapper } = form(doc)
  await nextTick()
  for (const d of wrapper.findAll('details')) d.element.open = true
  expect(wrapper.findAll('.others').map((o) => o.text()), 'left to the document').toEqual([])
  expect(now(editor), 'shown').toEqual(plain(doc))
  for (const field of wrapper.findAllComponents(ElInput)) {
    const text = String(field.props('modelValue') ?? '')
    field.vm.$emit('update:modelValue', text)
    field.vm.$emit('change', text)
    field.vm.$emit('blur')
  }
  for (const field of wrapper.findAllComponents(ElSelect)) {
    const v = field.props('modelValue') as Json
    field.vm.$emit('update:modelValue', Array.isArray(v) ? [...v] : v)
    field.vm.$emit('change', v)
  }
  await nextTick()
  expect([...editor.unfit], 'what cannot be put into the document').toEqual([])
  expect(now(editor), 'typed again').toEqual(plain(doc))
  wrapper.unmount()
}, 20_000)

/** A tariff with every key of the format at once, to hold that each has a field. */
const everything: Doc = {
  name: { zh: '甲', en: 'A' }, tz: 'Asia/Shanghai', currency: 'CNY', precision: 'minute', rounding: { unit: 100, mode: 'up', per: 'cycle' }, grace_after_payment: 900, after_payment: 'new_stay',
  reentry: { within: 3600, outside: 'skipped' }, passes: [{ id: 'night', name: { zh: '夜卡', en: 'Night' }, windows: [{ from: '20:00', to: '08:00', day_types: ['workday'] }], rest: 'through', free: 'none' }],
  booking: { early: 900, rest: 'separate', free: 'stay' }, coupons: { order: ['amount', 'percent', 'minutes', 'full'], minutes: 'value' },
  plans: [
    {
      id: 'some', name: { zh: '大车', en: 'Large' }, classes: ['large'], entitlements: ['bus'], day_types: ['workday'], entry_rounding: { unit: 900, mode: 'up' },
      cycle: { kind: 'day', starts: [{ at: '07:00', day_types: ['workday'] }, { at: '09:00' }], full_price: 3000 }, position: 'cycle', counted: 'elapsed', boundary: 'pause', end: 'tail', tail: 300,
      free: { up_to: 900, inclusive: true, then: 'deduct', scope: 'run', bands: ['day'], times: 2, once_per: { window: 'rolling', length: 7200 } },
      bands: [{ id: 'day', name: { zh: '白天', en: 'Day' }, day_types: ['workday'], day_begins: '06:00', day_of: 'cycle', from: '08:00', to: '20:00', steps: [{ up_to: 3600, unit: 1800, price: '490/60', end: 'tail', tail: 300, cross: 'through' }, { price: 0 }] }],
      caps: [
        { amount: 4000, window: 'block', length: 86400, clock: 'wall', times: 1, skip: 1 }, { amount: 4000, window: 'day', starts: [{ at: '05:00', day_types: ['weekend'] }], per_cycle: true },
        { amount: 900, window: 'clock', from: '20:00', to: '08:00', day_types: ['workday'], bands: ['day'] },
      ],
      shared_caps: [{ amount: 5000, window: 'day', at: '06:00' }, { amount: 6000, window: 'rolling', length: 86400 }],
      guards: [
        { id: 'early', name: { zh: '早鸟', en: 'Early' }, scope: 'cycle', entry: { from: '06:00', to: '09:00', day_types: ['workday'] }, exit: { from: '15:00', from_day: 1, to: '19:00', to_day: 2 }, inclusive: true, at_most: 36000, cheaper: true, price: 1400 },
        { id: 'late', at_most: 7200, plan: { bands: [{ id: 'x', steps: [{ unit: 3600, price: 100 }] }], caps: [{ amount: 300, window: 'stay' }] } },
      ],
      minimum: 100, multiplier: '3/2', multiplier_name: { zh: '柴油', en: 'Diesel' }, max_stay: { length: 14400, counted: 'elapsed' },
    },
    { id: 'all', bands: [] },
  ],
}
test('every key of the format has a field, and its place is where faults are shown', async () => {
  const { editor, wrapper } = form(everything)
  await nextTick()
  expect(wrapper.findAll('.others').map((o) => o.text())).toEqual([])
  expect(now(editor)).toEqual(plain(everything))
  const places = new Set(wrapper.findAll('[data-place]').map((x) => x.attributes('data-place')!))
  const told: string[] = []
  const walk = (v: Json, place: string) => {
    if (Array.isArray(v) && v.some(isDoc)) v.forEach((x, i) => walk(x, `${place}[${i}]`))
    else if (isDoc(v) && !('zh' in v)) for (const [k, x] of Object.entries(v)) walk(x, place ? `${place}.${k}` : k)
    else if (!/(^|\.|\])(id)$/.test(place) && !places.has(place)) told.push(place)
  }
  walk(everything, '')
  expect(told, 'without a field').toEqual([])
  wrapper.unmount()
})
test('what is turned on begins with something that makes sense, and turned off it is gone', async () => {
  const { editor, wrapper } = form({ name: 'x', tz: 'UTC', currency: 'CNY', plans: [{ id: 'all', free: { up_to: 60 }, bands: [{ id: 'b', steps: [{ unit: 3600, price: 500 }] }] }] })
  await nextTick()
  const before = editor.text.value
  const turn = async (label: keyof typeof words, on: boolean) => {
    wrapper.findAllComponents(ElSwitch).find((s) => (words[label] as readonly string[]).includes(String(s.props('ariaLabel'))))!.vm.$emit('update:modelValue', on)
    await nextTick()
  }
  const got: Json[] = []
  for (const [label, path] of [['form.reentry', ['reentry']], ['form.booking', ['booking']], ['form.coupons', ['coupons']], ['form.max_stay', ['plans', 0, 'max_stay']], ['form.entry_rounding', ['plans', 0, 'entry_rounding']], ['form.once', ['plans', 0, 'free', 'once_per']]] as const) {
    await turn(label, true)
    got.push(editor.get(path)!)
    await turn(label, false)
    expect(editor.get(path), label).toBeUndefined()
  }
  expect(got).toEqual([{ within: 3600 }, { early: 900 }, { minutes: 'trim_end' }, { length: 14400 }, { unit: 900, mode: 'up' }, { window: 'day' }])
  expect(now(editor)).toEqual(plain(JSON.parse(before) as Json))
  wrapper.unmount()
})
test('the words of all that can be chosen are there', () => {
  const areas = { window: 'form.window', clock: 'form.clock', day_of: 'form.day_of', visits: 'form.visits', guard: 'form.guard.scope', entry: 'form.entry_rounding.mode', max_stay: 'form.max_stay.counted', outside: 'form.reentry.outside', rest: 'form.rest', freetest: 'form.freetest', minutes: 'form.coupons.minutes', coupon: 'coupon' } as const
  for (const [set, area] of Object.entries(areas)) for (const k of choices[set as keyof typeof areas]) expect(words, `${area}.${k}`).toHaveProperty([`${area}.${k}`])
  expect(inner(everything).plans).toBeDefined()
  expect(known.plan).toContain('guards')
})
