import { createRouter, createWebHistory } from 'vue-router'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the page's name. */
    title?: string
    /** Which entry of the menu it belongs to. */
    menu?: string
  }
}

export const router = createRouter({
  history: createWebHistory('/admin/'),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', redirect: '/lots' },
    { path: '/lots', name: 'lots', component: () => import('./pages/LotsPage.vue'), meta: { title: 'menu.lots', menu: '/lots' } },
    {
      path: '/lots/:lot',
      component: () => import('./pages/LotPage.vue'),
      props: true,
      meta: { menu: '/lots' },
      children: [
        { path: '', name: 'lot-live', component: () => import('./pages/LotLive.vue'), props: true, meta: { title: 'lot.live', menu: '/lots' } },
        { path: 'settings', name: 'lot-settings', component: () => import('./pages/LotSettings.vue'), props: true, meta: { title: 'lot.settings', menu: '/lots' } },
      ],
    },
    { path: '/sessions', name: 'sessions', component: () => import('./pages/SessionsPage.vue'), meta: { title: 'menu.sessions', menu: '/sessions' } },
    {
      path: '/lots/:lot/sessions/:id',
      name: 'session',
      component: () => import('./pages/SessionPage.vue'),
      props: true,
      meta: { title: 'd.title', menu: '/sessions' },
    },
    { path: '/passages', name: 'passages', component: () => import('./pages/PassagesPage.vue'), meta: { title: 'menu.passages', menu: '/passages' } },
    { path: '/:rest(.*)*', name: 'nowhere', component: () => import('./pages/NowherePage.vue'), meta: { title: 'error.404' } },
  ],
})
