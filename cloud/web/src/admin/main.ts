import { startDesk } from '@/desk/frame'
import AdminApp from './AdminApp.vue'
import { router } from './router'
import { words } from './words'

startDesk(AdminApp, words, [router])
