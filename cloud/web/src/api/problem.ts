// What went wrong, in words for both languages and a code to act on.

import type { Text } from './types'

/** Codes made here, for what never reached the server or came back as something else. */
export const OFFLINE = 'client.offline'
export const BROKEN = 'client.bad_answer'
export const PAGE = 'client.page'

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly text: Text,
    readonly fields: { where: string; text: Text }[] = [],
    readonly requestId = '',
    readonly retryAfter = 0,
  ) {
    super(`${code}: ${text.en}`)
    this.name = 'Problem'
  }

  in(locale: string): string {
    const zh = locale.startsWith('zh')
    const fields = this.fields.map((f) => (zh ? f.text.zh : f.text.en)).filter(Boolean)
    const head = zh ? this.text.zh : this.text.en
    return fields.length === 0 ? head : head + (zh ? '：' : ': ') + fields.join(zh ? '；' : '; ')
  }
}

export const offline = () =>
  new Problem(0, OFFLINE, { zh: '连接不上服务器，请检查网络', en: 'The server cannot be reached. Check the network.' })

// For answers that are not problem+json: a proxy's page, an older server.
const byStatus: Record<number, Text> = {
  400: { zh: '请求有误', en: 'The request is not valid.' },
  401: { zh: '请先登录', en: 'Sign in first.' },
  403: { zh: '没有权限', en: 'You may not do this.' },
  404: { zh: '没有找到', en: 'Not found.' },
  409: { zh: '与当前状态冲突，请刷新后重试', en: 'This conflicts with the present state. Refresh and try again.' },
  413: { zh: '内容过大', en: 'Too large.' },
  422: { zh: '请求有误', en: 'The request is not valid.' },
  429: { zh: '操作太频繁，请稍后再试', en: 'Too many attempts. Try again later.' },
  502: { zh: '服务暂时不可用', en: 'The service is not available now.' },
  503: { zh: '服务暂时不可用', en: 'The service is not available now.' },
  504: { zh: '服务暂时不可用', en: 'The service is not available now.' },
}
const unexpected: Text = { zh: '服务器出错，请稍后再试', en: 'The server failed. Try again later.' }

const text = (v: unknown) => (typeof v === 'string' ? v : '')
const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {})

/** problemOf reads an error answer; it never throws, whatever the body is. */
export function problemOf(status: number, body: unknown, retryAfter?: string | null): Problem {
  const p = record(body)
  const general = byStatus[status] ?? unexpected
  const words: Text = {
    zh: text(p.zh) || text(p.detail_zh) || general.zh,
    en: text(p.en) || text(p.detail_en) || text(p.detail) || general.en,
  }
  const fields = (Array.isArray(p.errors) ? p.errors : []).map(record).map((e) => ({
    where: text(e.where),
    text: { zh: text(e.zh), en: text(e.en) },
  }))
  const wait = Number(retryAfter)
  return new Problem(status, text(p.code) || BROKEN, words, fields, text(p.request_id), wait > 0 ? wait : 0)
}

/** What was thrown, as a problem; anything but a Problem is a fault of this page and is not blamed on the network. */
export const asProblem = (e: unknown): Problem =>
  e instanceof Problem ? e : new Problem(0, PAGE, { zh: `页面出错：${String(e)}`, en: `This page failed: ${String(e)}` })
