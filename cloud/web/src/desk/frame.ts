import { createPinia } from 'pinia'
import { createApp, type Component, type Plugin } from 'vue'
import { newI18n, type Words } from '@/i18n'
import { common } from '@/i18n/common'
import { desk } from './words'
import 'element-plus/es/components/message/style/css'
import 'element-plus/es/components/message-box/style/css'
import '@/ui/tokens.css'
import '@/ui/base.css'
import '@/ui/element.css'

/** Starts a desk page: Element Plus in our design, one store, both languages. */
export function startDesk(root: Component, words: Words, plugins: Plugin[] = []): void {
  const app = createApp(root)
  app.use(createPinia())
  app.use(newI18n({ ...common, ...desk, ...words }))
  for (const p of plugins) app.use(p)
  app.mount('#app')
}
