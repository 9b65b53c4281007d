// Which of the two languages this person reads. Kept in the browser, shared by all pages.

export type Locale = 'zh' | 'en'
const KEY = 'lotkeeper.locale'

/** ?lang= in the address wins, then the choice made before, then the browser; Chinese when in doubt. */
export function currentLocale(): Locale {
  const asked = new URLSearchParams(location.search).get('lang') ?? stored() ?? ''
  if (asked === 'zh' || asked === 'en') return asked
  return navigator.language?.toLowerCase().startsWith('en') ? 'en' : 'zh'
}

export function keepLocale(l: Locale): void {
  try {
    localStorage.setItem(KEY, l)
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
  const u = new URL(location.href)
  if (u.searchParams.has('lang')) {
    u.searchParams.delete('lang')
    history.replaceState(history.state, '', u)
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

export const htmlLang = (l: Locale) => (l === 'zh' ? 'zh-CN' : 'en')
