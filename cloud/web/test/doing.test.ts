import { createApp, defineComponent, h } from 'vue'
import { expect, test } from 'vitest'
import { Problem } from '@/api/problem'
import { useDoing, type Doing } from '@/desk/doing'
import { newI18n } from '@/i18n'

function doing(): Doing {
  let made: Doing | undefined
  const app = createApp(defineComponent({ setup: () => { made = useDoing(); return () => h('p') } }))
  app.use(newI18n({})).mount(document.createElement('div'))
  return made!
}
test('while it runs it is busy; what went wrong is told until the next try', async () => {
  const d = doing()
  let end = () => {}
  const first = d.run(() => new Promise<void>((done) => (end = done)))
  expect(d.busy.value).toBe(true)
  end()
  expect([await first, d.busy.value, d.fault.value]).toEqual([true, false, ''])
  const bad = new Problem(409, 'tariff.changed', { zh: '已被修改', en: 'changed' }, [{ where: 'body', text: { zh: '请刷新', en: 'load again' } }])
  expect(await d.run(async () => { throw bad })).toBe(false)
  expect([d.busy.value, d.problem.value, ['已被修改：请刷新', 'changed: load again'].includes(d.fault.value)]).toEqual([false, bad, true])
  const second = d.run(async () => {})
  expect(d.fault.value).toBe('')
  expect(await second).toBe(true)
})
test('what the page refuses is told in the place of an older fault', async () => {
  const d = doing()
  await d.run(async () => { throw new Error('x') })
  d.refuse('no name')
  expect([d.problem.value, d.fault.value]).toEqual([undefined, 'no name'])
  d.forget()
  expect(d.fault.value).toBe('')
})
