// A made-up lot with a believable day behind it. The same every time.

let seed = 20261122
const random = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648)
const pick = (list) => list[Math.floor(random() * list.length)]
export const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
export const text = (zh, en) => ({ zh, en })

const serial = (n) => Array.from({ length: n }, () => pick([...'0123456789ABCDEFGHJKLMNPQRSTUVWXYZ0123456789'])).join('')
export function makePlate() {
  const r = random()
  const head = pick(['粤B', '粤B', '粤B', '粤A', '粤S', '湘A', '沪A', '京A', '浙A'])
  if (r < 0.3) return { text: head + pick([...'DFAB']) + serial(5), colour: 'green', class: 'new-energy-small' }
  if (r < 0.36) return { text: head + serial(5), colour: 'yellow', class: 'large' }
  if (r < 0.39) return { text: '粤Z' + serial(4) + '港', colour: 'black', class: 'hong-kong' }
  if (r < 0.41) return { text: head + serial(4) + '警', colour: 'white', class: 'police' }
  return { text: head + serial(5), colour: 'blue', class: 'small' }
}
const hash = () => Array.from({ length: 64 }, () => pick([...'0123456789abcdef'])).join('')
export const photos = new Map()
export function photo(plate, kind = 'scene') {
  const h = hash()
  photos.set(h, { plate, kind })
  return h
}

export function makeWorld(now) {
  const lots = [
    { id: 'riverside', name: text('滨江国际停车场', 'Riverside International'), kind: 'off_street', tz: 'Asia/Shanghai', currency: 'CNY', capacity: 420, inside: 347, lanes: 2, booths: 2, booths_online: 2, alarms: 0 },
    { id: 'east-gate', name: text('东门广场', 'East Gate Plaza'), kind: 'off_street', tz: 'Asia/Shanghai', currency: 'CNY', capacity: 186, inside: 183, lanes: 4, booths: 3, booths_online: 2, alarms: 2 },
    { id: 'hospital', name: text('市第一人民医院', 'First People’s Hospital'), kind: 'off_street', tz: 'Asia/Shanghai', currency: 'CNY', capacity: 950, inside: 412, lanes: 8, booths: 4, booths_online: 4, alarms: 0 },
    { id: 'binhe-road', name: text('滨河路（文化街—桥头）', 'Binhe Road (Wenhua St. to the bridge)'), kind: 'on_street', tz: 'Asia/Shanghai', currency: 'CNY', capacity: 64, inside: 51, lanes: 0, booths: 1, booths_online: 1, alarms: 0 },
  ]
  const detail = {
    ...lots[0],
    lanes: [
      { id: 'entry-1', name: text('滨江路入口', 'Riverside Road entry'), dir: 'entry', booth: 'booth-a', devices: [{ id: 'cam-in', role: 'camera', kind: 'cameravz' }, { id: 'arm-in', role: 'barrier', kind: 'barriermodbus' }, { id: 'led-in', role: 'display', kind: 'displayfk' }] },
      { id: 'exit-1', name: text('滨江路出口', 'Riverside Road exit'), dir: 'exit', booth: 'booth-b', devices: [{ id: 'cam-out', role: 'camera', kind: 'cameravz' }, { id: 'arm-out', role: 'barrier', kind: 'barriermodbus' }, { id: 'led-out', role: 'display', kind: 'displayfk' }] },
    ],
    booths: [
      { id: 'booth-a', name: text('入口岗亭', 'Entry booth'), online: true, seen_at: iso(now - 2000), author: 'b4qk2m9x', seq: 18231, lag: 0, config: 14, software: 'v0.1.0' },
      { id: 'booth-b', name: text('出口岗亭', 'Exit booth'), online: false, seen_at: iso(now - 260000), author: 'c8zt5n1w', seq: 17750, lag: 12, config: 13, software: 'v0.1.0' },
    ],
    config_number: 14,
    tariff: { id: 'city-day-night', version: 3, text: text('30 分钟内免费。\n白天（07:30–21:30）：首小时 ¥10.00，之后每 30 分钟 ¥3.00，不足 30 分钟按 30 分钟计。\n夜间（21:30–次日 07:30）：每小时 ¥2.00，整夜最高 ¥10.00。\n任意连续 24 小时最高 ¥60.00。', 'The first 30 minutes are free.\nDay (07:30–21:30): ¥10.00 for the first hour, then ¥3.00 for each begun 30 minutes.\nNight (21:30–07:30): ¥2.00 an hour, at most ¥10.00 a night.\nAt most ¥60.00 in any 24 hours.') },
  }
  const live = (lane, dir, more) => ({ lane, dir, at: iso(now), mono: '1', token: { boot: 'r1', mono: '1', car: 0 }, due: 0, currency: 'CNY', arm: 'down', loop: false, booth_online: true, seen_at: iso(now - 1000), ...more })
  const held = { text: '粤BD90218', colour: 'green', class: 'new-energy-small' }
  const lanes = {
    'riverside/entry-1': live('entry-1', 'entry', { token: { boot: 'r1', mono: '7', car: 411 }, plate: { text: '粤B6F1K3', colour: 'blue', class: 'small' }, photo: photo('粤B6F1K3'), action: 'open', reason: 'entry', arm: 'up', loop: true }),
    'riverside/exit-1': live('exit-1', 'exit', { token: { boot: 'r2', mono: '9', car: 388 }, plate: held, photo: photo(held.text), action: 'hold', reason: 'unpaid', session: 'b4qk2m9x.17902', entered: iso(now - 3 * 3600e3 - 12 * 60e3), due: 2500, loop: true, waiting: iso(now - 47e3) }),
    'east-gate/exit-2': live('exit-2', 'exit', { token: { boot: 'r3', mono: '3', car: 96 }, plate: { text: '湘A8B0Q7', colour: 'blue', class: 'small' }, photo: photo('湘A8B0Q7'), action: 'hold', reason: 'no_entry', due: 0, loop: true, waiting: iso(now - 128e3), similar: [{ session: 'e1.1', plate: { text: '湘A88DQ7', colour: 'blue' }, entered: iso(now - 5 * 3600e3) }, { session: 'e1.2', plate: { text: '湘A8B007', colour: 'blue' }, entered: iso(now - 26 * 3600e3) }] }),
    'hospital/exit-5': live('exit-5', 'exit', { token: { boot: 'r4', mono: '5', car: 12 }, plate: null, photo: photo(''), action: 'hold', reason: 'unlicensed', due: 0, loop: true, waiting: iso(now - 9e3) }),
  }
  return { lots, detail, lanes, sessions: makeSessions(now), passages: makePassages(now), orders: new Map(), commands: new Map() }
}

function makeSessions(now) {
  return Array.from({ length: 137 }, (_, n) => {
    const entered = now - 60e3 - n * 401e3 - random() * 300e3
    const inside = n < 4 || random() < 0.12
    const stay = Math.floor(300 + (random() * (now - entered)) / 1400)
    const gross = inside ? 0 : Math.max(0, Math.ceil((stay - 1800) / 1800)) * 300 + (stay > 1800 ? 700 : 0)
    const free = gross > 0 && random() < 0.15 ? Math.min(gross, 500) : 0
    const debt = gross > 0 && random() < 0.08 ? gross - free : 0
    const flags = random() < 0.08 ? [pick(['no_entry', 'renamed', 'paired', 'overpaid', 'doubled'])] : []
    return {
      lot: 'riverside', id: `b4qk2m9x.${17902 - n * 3}`, plate: n === 0 ? { text: '粤BD90218', colour: 'green', class: 'new-energy-small' } : makePlate(),
      state: inside ? 'inside' : random() < 0.02 ? 'lost' : 'left', entered_at: iso(entered), entry_lane: 'entry-1',
      left_at: inside ? null : iso(entered + stay * 1000), exit_lane: inside ? '' : 'exit-1', duration_s: inside ? Math.floor((now - entered) / 1000) : stay,
      money: { gross, free, paid: gross - free - debt, debt, excess: flags[0] === 'overpaid' ? 300 : 0 }, currency: 'CNY', flags, grade: 'both', billed: !inside,
    }
  })
}

function makePassages(now) {
  return Array.from({ length: 90 }, (_, n) => {
    const exit = random() < 0.5
    const p = random() < 0.04 ? null : makePlate()
    const hold = exit && random() < 0.3
    return {
      id: `b4qk2m9x.${18200 - n * 2}`, lot: 'riverside', at: iso(now - n * 74e3), lane: exit ? 'exit-1' : 'entry-1', dir: exit ? 'exit' : 'entry', plate: p ?? { text: '', colour: 'unknown', class: 'none' }, reason_text: text('', ''),
      confidence: Math.floor(70 + random() * 30), outcome: n === 0 ? '' : pick(['passed', 'passed', 'passed', 'passed', 'passed', 'passed', 'reversed', 'gone']),
      decision: hold ? 'hold' : 'open', reason: exit ? (hold ? 'unpaid' : pick(['paid', 'free', 'zero', 'permit'])) : 'entry',
      photo: random() < 0.9 ? photo(p?.text ?? '') : '', session: p ? `b4qk2m9x.${17902 - n * 3}` : '', late: false,
    }
  })
}

/** A whole session: an exit of two and a half hours with a cap, a coupon and two payments. */
export function sessionDetail(s, now) {
  const at = Date.parse(s.entered_at)
  const left = s.left_at ? Date.parse(s.left_at) : 0
  const lines = s.billed && s.money.gross > 0
    ? [
        { kind: 'charge', text: text('首小时', 'First hour'), from: iso(at), to: iso(at + 3600e3), amount: 1000 },
        ...(s.money.gross > 1000 ? [{ kind: 'charge', text: text(`之后 ${(s.money.gross - 1000) / 300} × 30 分钟 × ¥3.00`, `Then ${(s.money.gross - 1000) / 300} × 30 min at ¥3.00`), from: iso(at + 3600e3), to: iso(left), amount: s.money.gross - 1000 }] : []),
        ...(s.money.free ? [{ kind: 'free', text: text('商户优惠券', 'Shop coupon'), amount: -s.money.free }] : []),
      ]
    : [{ kind: 'free', text: text('30 分钟内免费', 'Free within 30 minutes'), from: iso(at), to: iso(left || now), amount: 0 }]
  const facts = [
    ['plate.read', 0, 'booth-a', `入口岗亭的相机在滨江路入口识别到 ${s.plate.text}，置信度 97。`, `The camera at the Riverside Road entry read ${s.plate.text} with confidence 97.`],
    ['lane.decided', 0.2, 'booth-a', '车道决定放行：正常入场，适用费率 city-day-night 第 3 版。', 'The lane let it in; the stay is priced with city-day-night version 3.'],
    ['barrier.moved', 1.1, 'booth-a', '道闸已抬起。', 'The barrier opened.'],
    ['passage', 6, 'booth-a', '车辆驶过地感线圈，入场。', 'The vehicle crossed the loop and is inside.'],
  ]
  const tail = left
    ? [
        ['plate.read', 0, 'booth-b', `出口岗亭的相机在滨江路出口识别到 ${s.plate.text}，置信度 95。`, `The camera at the Riverside Road exit read ${s.plate.text} with confidence 95.`],
        ['lane.decided', 0.2, 'booth-b', '车道拦停：待缴费。', 'The lane held it: unpaid.'],
        ...(s.money.paid ? [['payment.received', 31, 'cloud', `云端收到微信支付 ¥${(s.money.paid / 100).toFixed(2)}。`, `The cloud received ¥${(s.money.paid / 100).toFixed(2)} by WeChat Pay.`]] : []),
        ['bill', 32, 'booth-b', `出口岗亭出账：应收 ¥${(s.money.gross / 100).toFixed(2)}。`, `The exit booth wrote the bill: ¥${(s.money.gross / 100).toFixed(2)}.`],
        ['barrier.moved', 33, 'booth-b', '道闸已抬起。', 'The barrier opened.'],
        ['passage', 38, 'booth-b', '车辆驶过地感线圈，离场。', 'The vehicle crossed the loop and left.'],
      ]
    : []
  const rows = [...facts.map((f) => [...f, at]), ...tail.map((f) => [...f, left])]
  return {
    ...s,
    entry: s.flags.includes('no_entry') ? null : { fact: s.id, at: s.entered_at, lane: 'entry-1', basis: 'crossed', photos: [{ kind: 'scene', sha256: photo(s.plate.text) }, { kind: 'plate', sha256: photo(s.plate.text, 'plate') }] },
    exit: left ? { fact: 'c8zt5n1w.9', at: s.left_at, lane: 'exit-1', basis: 'crossed', photos: [{ kind: 'scene', sha256: photo(s.plate.text) }] } : null,
    bill: s.billed ? { tariff: 'city-day-night', version: 3, lines } : null,
    payments: s.money.paid ? [{ at: iso(left - 20e3), amount: s.money.paid + s.money.excess, method: 'wechat', order: 'LK20261122154107' + s.id.slice(-5) }] : [],
    aliases: s.flags.includes('paired') ? ['c8zt5n1w.17221'] : [],
    facts: rows.map(([kind, offset, booth, zh, en, base], n) => ({ id: `${booth === 'booth-a' ? 'b4qk2m9x' : booth === 'cloud' ? 'a0cloud1' : 'c8zt5n1w'}.${17902 + n}`, at: iso(base + offset * 1000), kind, author: booth === 'booth-a' ? 'b4qk2m9x' : 'c8zt5n1w', booth, text: text(zh, en), body: { lane: booth === 'booth-a' ? 'entry-1' : 'exit-1', config: 14 } })),
  }
}
