import { startDesk } from '@/desk/frame'
import SeatApp from './SeatApp.vue'
import { words } from './words'

startDesk(SeatApp, words)
