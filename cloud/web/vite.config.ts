import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { VantResolver } from '@vant/auto-import-resolver'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import Components from 'unplugin-vue-components/vite'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

// One page for each kind of person. They share src/ui, src/api and src/format, and nothing of each other.
const pages = ['admin', 'seat', 'pay']

// Where the pages find the API while developing.
const api = process.env.LOTKEEPER_URL ?? 'http://127.0.0.1:8080'

// Vant's buttons bring its icon font: 30 kB that no page shows, with a second copy fetched from somebody else's host.
const noIconFont: Plugin = {
  name: 'no-icon-font',
  enforce: 'pre',
  resolveId: (source, importer) =>
    /(^|\/)icon\/index\.css$/.test(source) && (source.includes('vant') || importer?.includes('/vant/')) ? '\0no-icon-font.css' : null,
  load: (id) => (id === '\0no-icon-font.css' ? '' : null),
}

export default defineConfig({
  plugins: [
    noIconFont,
    vue(),
    Components({
      dirs: [],
      dts: false, // tsconfig.json names the types: a file written by each build would differ by what it found
      resolvers: [ElementPlusResolver({ importStyle: 'css' }), VantResolver()],
    }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  // The published tariffs that the engine is tested by are tried on the form too.
  server: { proxy: { '/api': { target: api, ws: true } }, fs: { allow: ['.', '../../shared/tariff/testdata'] } },
  build: {
    target: 'es2022',
    manifest: 'manifest.json',
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      // The charts change with their library only: a browser keeps them over our own updates.
      output: { codeSplitting: { groups: [{ name: 'charts', test: /node_modules[\\/](echarts|zrender)[\\/]/ }] } },
      input: Object.fromEntries(pages.map((p) => [p, fileURLToPath(new URL(`${p}/index.html`, import.meta.url))])),
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['test/**/*.test.ts'],
    server: { deps: { inline: ['element-plus', 'vant'] } },
  },
})
