import { createRouter, createWebHistory } from 'vue-router'
import CalendarPage from './pages/CalendarPage.vue'
import CalendarsPage from './pages/CalendarsPage.vue'
import LotLive from './pages/LotLive.vue'
import LotPage from './pages/LotPage.vue'
import LotRules from './pages/LotRules.vue'
import LotSettings from './pages/LotSettings.vue'
import LotsPage from './pages/LotsPage.vue'
import NowherePage from './pages/NowherePage.vue'
import PassagesPage from './pages/PassagesPage.vue'
import RehearsalPage from './pages/RehearsalPage.vue'
import RehearsalsPage from './pages/RehearsalsPage.vue'
import SessionPage from './pages/SessionPage.vue'
import SessionsPage from './pages/SessionsPage.vue'
import TariffPage from './pages/TariffPage.vue'
import TariffVersionPage from './pages/TariffVersionPage.vue'
import TariffsPage from './pages/TariffsPage.vue'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the page's name. */
    title?: string
    /** Which entry of the menu it belongs to. */
    menu?: string
  }
}

// All pages at once: one loaded later cannot be reached while the network is away, or after an update of the server.
export const router = createRouter({
  history: createWebHistory('/admin/'),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', redirect: '/lots' },
    { path: '/lots', name: 'lots', component: LotsPage, meta: { title: 'menu.lots', menu: '/lots' } },
    {
      path: '/lots/:lot',
      component: LotPage,
      props: true,
      meta: { menu: '/lots' },
      children: [
        { path: '', name: 'lot-live', component: LotLive, props: true, meta: { title: 'lot.live', menu: '/lots' } },
        { path: 'rules', name: 'lot-rules', component: LotRules, props: true, meta: { title: 'lot.rules', menu: '/lots' } },
        { path: 'settings', name: 'lot-settings', component: LotSettings, props: true, meta: { title: 'lot.settings', menu: '/lots' } },
      ],
    },
    { path: '/sessions', name: 'sessions', component: SessionsPage, meta: { title: 'menu.sessions', menu: '/sessions' } },
    {
      path: '/lots/:lot/sessions/:id',
      name: 'session',
      component: SessionPage,
      props: true,
      meta: { title: 'd.title', menu: '/sessions' },
    },
    { path: '/passages', name: 'passages', component: PassagesPage, meta: { title: 'menu.passages', menu: '/passages' } },
    { path: '/tariffs', name: 'tariffs', component: TariffsPage, meta: { title: 'menu.tariffs', menu: '/tariffs' } },
    { path: '/tariffs/:tariff', name: 'tariff', component: TariffPage, props: true, meta: { title: 'menu.tariffs', menu: '/tariffs' } },
    { path: '/tariffs/:tariff/versions/:version', name: 'tariff-version', component: TariffVersionPage, props: true, meta: { title: 'menu.tariffs', menu: '/tariffs' } },
    { path: '/calendars', name: 'calendars', component: CalendarsPage, meta: { title: 'menu.calendars', menu: '/calendars' } },
    { path: '/calendars/:calendar', name: 'calendar', component: CalendarPage, props: true, meta: { title: 'menu.calendars', menu: '/calendars' } },
    { path: '/rehearsals', name: 'rehearsals', component: RehearsalsPage, meta: { title: 'menu.rehearsals', menu: '/rehearsals' } },
    { path: '/rehearsals/:rehearsal', name: 'rehearsal', component: RehearsalPage, props: true, meta: { title: 'menu.rehearsals', menu: '/rehearsals' } },
    { path: '/:rest(.*)*', name: 'nowhere', component: NowherePage, meta: { title: 'error.404' } },
  ],
})
