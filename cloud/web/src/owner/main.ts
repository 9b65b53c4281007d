import { createApp } from 'vue'
import { newI18n } from '@/i18n'
import { common } from '@/i18n/common'
import OwnerApp from './OwnerApp.vue'
import { words } from './words'
import '@/ui/tokens.css'
import '@/ui/base.css'

createApp(OwnerApp).use(newI18n({ ...common, ...words })).mount('#app')
