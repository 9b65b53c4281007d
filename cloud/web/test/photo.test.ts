import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { nextTick } from 'vue'
import { newI18n } from '@/i18n'
import { common } from '@/i18n/common'
import PhotoView from '@/ui/PhotoView.vue'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())
const show = (sha256: string) => mount(PhotoView, { props: { sha256, alt: 'car' }, global: { plugins: [newI18n(common)] } })
const src = (w: ReturnType<typeof show>) => (w.find('img').exists() ? w.find('img').attributes('src') : undefined)

test('a photo that has not arrived is asked for again, ever more slowly, and not for ever', async () => {
  const w = show('aa')
  expect(src(w)).toBe('/api/v1/photos/aa')
  let asked = 0
  for (let seconds = 1; seconds <= 32; seconds *= 2) {
    await w.find('img').trigger('error')
    expect(src(w)).toBeUndefined()
    await vi.advanceTimersByTimeAsync(seconds * 1000 - 1)
    expect(src(w)).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(src(w)).toBe(`/api/v1/photos/aa?try=${++asked}`)
  }
  await w.find('img').trigger('error')
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(src(w)).toBeUndefined()
})
test('the next car\'s photo begins anew, and the last one\'s wait is over', async () => {
  const w = show('aa')
  await w.find('img').trigger('error')
  await w.setProps({ sha256: 'bb' })
  expect(src(w)).toBe('/api/v1/photos/bb')
  await vi.advanceTimersByTimeAsync(60_000)
  await nextTick()
  expect(src(w)).toBe('/api/v1/photos/bb')
})
