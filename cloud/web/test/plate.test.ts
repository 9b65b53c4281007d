import { mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { newI18n } from '@/i18n'
import { common } from '@/i18n/common'
import { words } from '@/owner/words'
import PlateInput from '@/owner/PlateInput.vue'
import { back, emptyEntry, fromText, keys, moveTo, press, textOf, whole } from '@/plate/entry'
import { complete, likelyColour, provinces, split, tidy } from '@/plate/plate'
import PlateMark from '@/ui/PlateMark.vue'

const type = (text: string, from = emptyEntry()) => [...text].reduce(press, from)

test('31 provinces, each once', () => expect([provinces.length, new Set(provinces).size]).toEqual([31, 31]))
test.each(['粤BD90218', '粤B12345', '京A1234挂', '粤Z1234港', '沪A1234警', '粤B1234学', '粤AD12345', '粤A12345D', '粤B12345F'])('%s can be typed and is whole', (text) => {
  const e = type(text)
  expect(textOf(e)).toBe(text)
  expect(whole(e)).toBe(true)
})
test.each(['', '粤', '粤B1234', 'BB12345', '粤I12345', '粤B123456', '粤BO2345', '粤B1挂345'])('%s is not whole', (text) => expect(complete(text)).toBe(false))
test('only keys that may stand at a place are there', () => {
  expect(keys(type(''))).toEqual(provinces)
  expect(keys(type('粤'))).not.toContain('I')
  expect(keys(type('粤'))).not.toContain('1')
  expect(keys(type('粤B'))).not.toContain('O')
  expect(keys(type('粤B1234'))).toContain('警')
  expect(keys(type('粤B123'))).not.toContain('警')
})
test('a key out of place changes nothing', () => {
  expect(type('B')).toEqual(emptyEntry())
  expect(textOf(type('粤1'))).toBe('粤')
  expect(textOf(type('粤B12O'))).toBe('粤B12')
})
test('the ninth key takes the place of the eighth', () => expect(textOf(type('粤AD123456'))).toBe('粤AD12346'))
test('delete takes the last, then the one before', () => {
  let e = type('粤B12')
  e = back(e)
  expect(textOf(e)).toBe('粤B1')
  for (let i = 0; i < 9; i++) e = back(e)
  expect(e).toEqual(emptyEntry())
  expect(textOf(back(type('粤AD12345')))).toBe('粤AD1234')
})
test('a box can be typed over, and none past the first empty one can be reached', () => {
  const e = press(moveTo(type('粤B12345'), 3), '9')
  expect(textOf(e)).toBe('粤B19345')
  expect(moveTo(type('粤B'), 7).at).toBe(2)
})
test('what is pasted is tidied', () => {
  expect(textOf(fromText('粤b·d90 218'))).toBe('粤BD90218')
  expect(tidy('粤Ｂ１２３４５')).toBe('粤B12345')
})
test.each([
  [{ text: '粤B12345', colour: 'unknown' }, 'blue'], [{ text: '粤BD90218', colour: 'unknown' }, 'green'], [{ text: '粤B12345', colour: 'yellow' }, 'yellow'],
  [{ text: '粤Z123港', colour: 'unknown', class: 'hong-kong' }, 'black'], [{ text: 'ABC-123', colour: 'unknown', class: 'foreign' }, 'unknown'], [{ text: '沪A12345F', colour: 'unknown', class: 'new-energy-large' }, 'yellow-green'],
] as const)('%o is drawn %s', (p, want) => expect(likelyColour(p)).toBe(want))
test('the dot stands behind the city', () => {
  expect(split('粤BD90218')).toEqual({ head: '粤B', tail: 'D90218' })
  expect(split('粤B·**345')).toEqual({ head: '粤B', tail: '**345' })
  expect(split('WJ1234')).toEqual({ head: '', tail: 'WJ1234' })
})

localStorage.setItem('lotkeeper.locale', 'zh')
const global = { plugins: [newI18n({ ...common, ...words })] }
test('a plate says what it is to who cannot see it', () => {
  const w = mount(PlateMark, { props: { plate: { text: '粤BD90218', colour: 'green' } }, global })
  expect(w.attributes('aria-label')).toBe('粤BD90218 绿牌')
  expect(w.text()).toBe('粤BD90218')
  expect(w.classes()).toContain('plate-green')
})
test('no plate says so', () => {
  for (const plate of [null, undefined, { text: '', colour: 'unknown' as const }]) expect(mount(PlateMark, { props: { plate }, global }).text()).toBe('无牌车')
})
test('the keyboard gives a plate once it is whole, and nothing before', async () => {
  const w = mount(PlateInput, { props: { modelValue: '' }, global })
  const key = (k: string) => w.findAll('.keys button').find((b) => b.text() === k)!.trigger('click')
  for (const k of '粤B1234') await key(k)
  expect(w.emitted('update:modelValue')?.flat().filter(Boolean)).toBeUndefined()
  await key('5')
  expect(w.emitted('update:modelValue')?.at(-1)).toEqual(['粤B12345'])
  await w.find('.del').trigger('click')
  expect(w.emitted('update:modelValue')?.at(-1)).toEqual([''])
})
test('a real keyboard works too', async () => {
  const w = mount(PlateInput, { props: { modelValue: '' }, global })
  const boxes = w.find('.boxes')
  for (const k of ['粤', 'b', '1', '2', '3', '4', '5']) await boxes.trigger('keydown', { key: k })
  expect(w.emitted('update:modelValue')?.at(-1)).toEqual(['粤B12345'])
  await boxes.trigger('keydown', { key: 'Enter' })
  await w.setProps({ modelValue: '粤B12345' })
  await boxes.trigger('keydown', { key: 'Enter' })
  expect(w.emitted('done')?.length).toBeGreaterThan(0)
})
