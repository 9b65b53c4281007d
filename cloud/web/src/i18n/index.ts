import { createI18n, useI18n } from 'vue-i18n'
import { currentLocale, htmlLang, keepLocale, type Locale } from './locale'

/** A text in Chinese and English, side by side, so that neither can be missing. */
export type Pair = readonly [zh: string, en: string]
export type Words = Record<string, Pair>

// Sorted, so that "a.b" comes before "a.b.c": the library would let a later "a.b" take the place of all below it.
const pick = (words: Words, i: 0 | 1) => Object.fromEntries(Object.entries(words).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, pair]) => [k, pair[i]]))

export function newI18n(words: Words) {
  const locale = currentLocale()
  document.documentElement.lang = htmlLang(locale)
  return createI18n({
    legacy: false,
    flatJson: true,
    locale,
    fallbackLocale: 'zh',
    missingWarn: false,
    fallbackWarn: false,
    messages: { zh: pick(words, 0), en: pick(words, 1) },
  })
}

/** The words of a page: t of a key, the language, and l(text) for texts that come in both. */
export function useWords() {
  const { t, te, locale } = useI18n()
  const l = (text: { zh: string; en: string } | null | undefined) =>
    (locale.value === 'zh' ? text?.zh || text?.en : text?.en || text?.zh) ?? ''
  /** The word for a code of an open set; the code itself when there is none yet. */
  const code = (area: string, c: string | null | undefined) => (c ? (te(`${area}.${c}`) ? t(`${area}.${c}`) : c) : '–')
  function setLocale(to: Locale) {
    locale.value = to
    document.documentElement.lang = htmlLang(to)
    keepLocale(to)
  }
  return { t, l, code, locale, setLocale }
}
