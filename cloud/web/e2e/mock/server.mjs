// Stands in for the cloud while its API does not exist: the contract with made-up data, the built pages, the live
// websocket. Test code; nothing of it is shipped.
//   node e2e/mock/server.mjs [port] [folder of the built pages]
import { createServer } from 'node:http'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { picture } from './picture.mjs'
import { accept } from './socket.mjs'
import { makeTariffs, tariffRoutes } from './tariff.mjs'
import { iso, makePlate, makeWorld, photo, photos, sessionDetail, text } from './world.mjs'

const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8', '.json': 'application/json' }
const problem = (status, code, zh, en) => ({ status, body: { type: 'about:blank', title: code, status, code, kind: 'invalid', detail: zh, zh, en, request_id: 'mock00000001' } })
const me = { user: { id: 'u1', name: 'admin', full_name: '陈敏', role: 'admin', operator: { id: 'o1', name: '滨江停车' }, must_change: false }, permissions: ['lot.read', 'session.read', 'barrier.open', 'tariff.read', 'tariff.write', 'user.read'] }

export function startMock({ port = 0, dist } = {}) {
  const world = { ...makeWorld(Date.now()), tariff: makeTariffs(Date.now()) }
  const sockets = new Set()
  const tell = (topic, type, data) => sockets.forEach((s) => s.topics.has(topic) && s.ws.send({ topic, type, data }))
  const queue = () => Object.entries(world.lanes).filter(([, x]) => x.waiting).map(([k, x]) => ({ lot: k.split('/')[0], lane: x.lane, since: x.waiting, live: x })).sort((a, b) => a.since.localeCompare(b.since))
  const lotLanes = (lot) => Object.entries(world.lanes).filter(([k]) => k.startsWith(lot + '/')).map(([, x]) => x)
  const setLane = (key, change) => {
    const x = (world.lanes[key] = { ...world.lanes[key], ...change, at: iso(Date.now()), mono: String(BigInt(world.lanes[key].mono) + 1n) })
    tell('lot:' + key.split('/')[0], 'lane', x)
  }

  const routes = [
    ...tariffRoutes(world),
    ['POST', '/api/v1/sign-in', ({ body }) => (body.password === 'wrong' ? problem(401, 'sign_in.wrong', '用户名或密码不正确', 'Wrong name or password') : { body: me, headers: { 'Set-Cookie': 'lotkeeper=1; Path=/; HttpOnly; SameSite=Lax' } })],
    ['POST', '/api/v1/sign-out', () => ({ status: 204, headers: { 'Set-Cookie': 'lotkeeper=; Path=/; Max-Age=0' } })],
    ['GET', '/api/v1/me', () => ({ body: me })],
    ['GET', '/api/v1/users', () => ({ body: { users: [{ id: 'u1', name: 'admin', full_name: '陈敏' }] } })],
    ['POST', '/api/v1/me/password', () => ({ status: 204 })],
    ['GET', '/api/v1/lots', ({ q }) => { const items = world.lots.filter((x) => (!q.get('kind') || x.kind === q.get('kind')) && (!q.get('q') || (x.name.zh + x.id).includes(q.get('q')))); return { body: { items, total: items.length } } }],
    ['GET', '/api/v1/lots/:lot', ({ p }) => { const x = world.lots.find((l) => l.id === p.lot); return x ? { body: { ...world.detail, ...x, lanes: p.lot === 'riverside' ? world.detail.lanes : [], booths: world.detail.booths } } : problem(404, 'lot.not_found', '没有这个车场', 'there is no such lot') }],
    ['GET', '/api/v1/lots/:lot/live', ({ p }) => ({ body: { inside: 347, capacity: 420, lanes: lotLanes(p.lot) } })],
    ['POST', '/api/v1/lots/:lot/booths/:booth/codes', () => ({ body: { code: '7KQ4-M2XD-9TPA', expires_at: iso(Date.now() + 15 * 60e3) } })],
    ['GET', '/api/v1/sessions', ({ q }) => {
      const all = world.sessions.filter((s) => (!q.get('state') || s.state === q.get('state')) && (!q.get('plate') || s.plate.text.includes(q.get('plate'))) && (!q.get('min_debt') || s.money.debt > 0) && (!q.get('flag') || s.flags.includes(q.get('flag'))))
      const sort = q.get('sort') || '-entered_at'
      const key = sort.replace('-', '')
      all.sort((a, b) => String(a[key] ?? '').localeCompare(String(b[key] ?? '')) * (sort.startsWith('-') ? -1 : 1))
      const size = Number(q.get('size') || 20)
      const page = Number(q.get('page') || 1)
      const sum = (k) => all.reduce((t, s) => t + s.money[k], 0)
      return { body: { items: all.slice((page - 1) * size, page * size), total: all.length, totals: { gross: sum('gross'), free: sum('free'), paid: sum('paid'), debt: sum('debt') } } }
    }],
    ['GET', '/api/v1/lots/:lot/sessions/:id', ({ p }) => { const s = world.sessions.find((x) => x.id === p.id); return s ? { body: sessionDetail(s, Date.now()) } : problem(404, 'session.not_found', '没有这个订单', 'there is no such session') }],
    ['GET', '/api/v1/passages', ({ q }) => { const size = Number(q.get('size') || 20); const page = Number(q.get('page') || 1); const all = world.passages.filter((x) => !q.get('dir') || x.dir === q.get('dir')); return { body: { items: all.slice((page - 1) * size, page * size), total: all.length } } }],
    ['GET', '/api/v1/seat/queue', () => ({ body: { items: queue(), total: queue().length } })],
    ['POST', '/api/v1/seat/commands', ({ body }) => {
      const id = 'cmd' + (world.commands.size + 1)
      const key = body.lot + '/' + body.lane
      world.commands.set(id, 'sent')
      const silent = body.lot === 'hospital' // a booth that does not answer
      if (!silent) setTimeout(() => {
        world.commands.set(id, 'done')
        tell('seat', 'result', { command: id, lot: body.lot, lane: body.lane, verdict: 'done', text: '' })
        if (body.action === 'open') {
          setLane(key, { arm: 'moving', action: 'open', reason: 'command', waiting: null })
          setTimeout(() => { setLane(key, { arm: 'up' }); tell('seat', 'queue', queue()) }, 900)
        }
        if (body.action === 'correct') setLane(key, { plate: body.plate, reason: 'unpaid', due: 1300, similar: [] })
      }, 700)
      return { status: 202, body: { command: id, expires_at: iso(Date.now() + (silent ? 1000 : 10e3)) } }
    }],
    ['GET', '/api/v1/seat/commands/:id', ({ p }) => ({ body: { state: world.commands.get(p.id) ?? 'expired' } })],
    ['POST', '/api/v1/owner/quotes', ({ body }) => {
      if (body.plate === '粤B00000') return problem(404, 'owner.not_inside', '没有找到这辆车的在场记录，请核对车牌，或联系现场人员', 'no car with this plate is inside; check the plate or ask the staff')
      const plate = body.plate ?? '粤BD90218'
      return { status: 201, body: makeQuote(plate) }
    }],
    ['GET', '/api/v1/owner/quotes/:quote', ({ p }) => ({ body: makeQuote(decodeURIComponent(p.quote).slice(2)) })],
    ['POST', '/api/v1/owner/quotes/:quote/orders', ({ p, host }) => {
      const id = 'LK2026112215410700' + (world.orders.size + 1)
      world.orders.set(id, { order: id, state: 'pending', amount: 2500, currency: 'CNY', paid_at: null, quote: p.quote })
      return { status: 201, body: { order: id, amount: 2500, pay_url: `http://${host}/cashier/${id}` } }
    }],
    ['GET', '/api/v1/owner/orders/:order', ({ p }) => { const o = world.orders.get(p.order); return o ? { body: o } : problem(404, 'order.not_found', '没有这个订单', 'there is no such order') }],
    ['GET', '/api/v1/photos/:sha', ({ p }) => (photos.has(p.sha) ? { type: 'image/svg+xml', raw: picture(photos.get(p.sha)) } : problem(404, 'photo.not_found', '没有照片', 'no photo'))],
    ['GET', '/api/v1/lots/:lot/lanes/:lane/qr.png', () => ({ type: 'image/svg+xml', raw: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 21 21"><rect width="21" height="21" fill="#fff"/>' + Array.from({ length: 220 }, (_, i) => `<rect x="${(i * 7) % 21}" y="${(i * 11 + Math.floor(i / 21)) % 21}" width="1" height="1"/>`).join('') + '</svg>' })],
    ['GET', '/api/v1/sessions.csv', () => ({ type: 'text/csv', raw: '\ufeffid,plate\n' + world.sessions.map((s) => s.id + ',' + s.plate.text).join('\n') })],
    ['GET', '/cashier/:order', ({ p }) => ({ type: 'text/html; charset=utf-8', raw: `<button onclick="fetch('/cashier/${p.order}/pay',{method:'POST'}).then(()=>location='/pay?lot=riverside&lane=exit-1&order=${p.order}')">付款</button>` })],
    ['POST', '/cashier/:order/pay', ({ p }) => { Object.assign(world.orders.get(p.order), { state: 'paid', paid_at: iso(Date.now()), receipt: { no: 'R-0001-8842', lot_name: world.lots[0].name, plate: '粤B·***218', leave_by: iso(Date.now() + 900e3) } }); return { status: 204 } }],
  ]
  const makeQuote = (plate) => {
    const now = Date.now()
    const paid = [...world.orders.values()].some((o) => o.state === 'paid' && decodeURIComponent(o.quote).slice(2) === plate)
    const lines = [
      { kind: 'charge', text: text('首小时', 'First hour'), amount: 1000 }, { kind: 'charge', text: text('之后 5 × 30 分钟 × ¥3.00', 'Then 5 × 30 min at ¥3.00'), amount: 1500 },
      ...(paid ? [{ kind: 'paid', text: text('已支付', 'Paid'), amount: -2500 }] : []),
    ]
    return { quote: 'q-' + plate, lot_name: world.lots[0].name, plate, entered_at: iso(now - 3.2 * 3600e3), duration_s: Math.floor(3.2 * 3600), gross: 2500, free: 0, paid: paid ? 2500 : 0, due: paid ? 0 : 2500, currency: 'CNY', lines, valid_until: iso(now + 300e3), tariff: text('城市日夜费率\n' + world.detail.tariff.text.zh, 'City, day and night\n' + world.detail.tariff.text.en), state: paid ? 'paid' : 'due', payable: true, leave_by: paid ? iso(now + 900e3) : null }
  }

  const server = createServer(async (req, res) => {
    const url = new URL(req.url, 'http://mock')
    let raw = ''
    for await (const chunk of req) raw += chunk
    for (const [method, pattern, handle] of routes) {
      const m = method === req.method && new RegExp('^' + pattern.replace(/\./g, '\\.').replace(/:(\w+)/g, '(?<$1>[^/]+)') + '$').exec(url.pathname)
      if (!m) continue
      const open = /sign-in|owner|cashier/.test(pattern)
      const got = open || /lotkeeper=1/.test(req.headers.cookie ?? '')
        ? handle({ p: { ...m.groups }, q: url.searchParams, body: raw ? JSON.parse(raw) : {}, host: req.headers.host })
        : problem(401, 'sign_in.required', '请先登录', 'sign in first')
      const status = got.status ?? 200
      res.writeHead(status, { 'Content-Type': got.type ?? (status >= 400 ? 'application/problem+json' : 'application/json'), ...got.headers })
      return res.end(got.raw ?? (got.body === undefined ? undefined : JSON.stringify(got.body)))
    }
    if (url.pathname.startsWith('/api/')) {
      res.writeHead(404, { 'Content-Type': 'application/problem+json' })
      return res.end(JSON.stringify(problem(404, 'request.no_such_route', '没有这个地址', 'there is nothing at this address').body))
    }
    let file = join(dist, normalize(url.pathname))
    if (!existsSync(file) || statSync(file).isDirectory()) file = join(dist, url.pathname.split('/')[1], 'index.html')
    if (!existsSync(file)) return res.writeHead(404).end()
    // The policy of the real server, so that what it would forbid fails here too.
    res.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'" })
    res.end(readFileSync(file))
  })
  server.on('upgrade', (req, socket) => {
    const s = { topics: new Set(), ws: undefined }
    s.ws = accept(req, socket, (line) => {
      for (const topic of JSON.parse(line).subscribe ?? []) {
        s.topics.add(topic)
        if (topic === 'seat') s.ws.send({ topic, type: 'queue', data: queue() })
        else lotLanes(topic.slice(4)).forEach((x) => s.ws.send({ topic, type: 'lane', data: x }))
      }
    })
    sockets.add(s)
    socket.on('close', () => sockets.delete(s))
  })
  const traffic = setInterval(() => {
    const p = makePlate()
    const entry = Math.random() < 0.55
    const lane = entry ? 'entry-1' : 'exit-1'
    const amount = entry ? undefined : Math.ceil(Math.random() * 12) * 300
    tell('lot:riverside', 'event', { at: iso(Date.now()), kind: 'passage', lane, plate: p.text, text: entry ? text(`${p.text} 入场`, `${p.text} entered`) : text(`${p.text} 离场，微信支付`, `${p.text} left, paid by WeChat`), amount })
    if (entry) setLane('riverside/entry-1', { plate: p, photo: photo(p.text), token: { boot: 'r1', mono: String(Date.now()), car: world.lanes['riverside/entry-1'].token.car + 1 } })
  }, 900)
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done({
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => sockets.forEach((s) => s.ws.close()),
    close: () => { clearInterval(traffic); sockets.forEach((s) => s.ws.close()); server.closeAllConnections(); return new Promise((r) => server.close(r)) },
  })))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({ port: Number(process.argv[2] || 8090), dist: process.argv[3] ?? fileURLToPath(new URL('../../dist', import.meta.url)) })
  console.log(mock.url)
}
