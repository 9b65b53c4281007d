// Cars for the browser tests, sent to the lot's simulated hardware. The traffic is calmed first, so that only the tests'
// own cars are at the lanes; what the booths make of them is asked of the booths.
import { booth, booths, entry, exit, sim } from './env.mjs'

export async function until(what, ok, patience = 30_000) {
  const end = Date.now() + patience
  for (let last; ; await new Promise((wake) => setTimeout(wake, 100))) {
    try {
      const got = await ok()
      if (got) return got
      last = got
    } catch (e) {
      last = e.message
    }
    if (Date.now() > end) throw new Error(`not within ${patience / 1000} s: ${what} (last: ${JSON.stringify(last)})`)
  }
}

async function ask(base, path, body, headers = {}) {
  const r = await fetch(base + path, body === undefined ? { headers } : { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })
  const text = await r.text()
  if (!r.ok) throw new Error(`${path} answers ${r.status}: ${text}`)
  return JSON.parse(text)
}
const simulator = (path, body) => ask(sim, path, body)

const tokens = {}
/** The state of a booth, as its console tells an operator. */
export async function boothState(id) {
  tokens[id] ??= ask(booths[id], '/api/sign-in', { name: booth.name, code: booth.password }).then((x) => x.token)
  return ask(booths[id], '/api/state', undefined, { Authorization: `Bearer ${await tokens[id]}` })
}
export const exitLane = async () => (await boothState(exit.booth)).lanes.find((l) => l.lane === exit.lane)

/** Nobody sets out any more, and whoever was at a lane has left it. */
export async function calm() {
  await simulator('/calm', { on: true })
  await until('the lanes are empty', async () => {
    const { lanes } = await simulator('/state')
    return lanes.every((l) => !l.car && !(l.queue?.length > 0) && l.arm === 'down') && !(await exitLane()).token.car
  }, 100_000)
}

let count = 0
/** A plate that no other test has: letters of the clock, then a number. Its neighbours differ in more than one place. */
export function newPlate() {
  const keys = 'ABCDEFGHJKLMNPQRSTUVWXYZ'
  const n = (Math.floor(Date.now() / 1000) * 31 + 7919 * ++count) % 24 ** 3
  const two = (x) => String(x % 100).padStart(2, '0')
  return `粤${keys[n % 24]}${two(count * 37 + 11)}${keys[Math.floor(n / 24) % 24]}${two(count * 53 + 29)}`
}

/** A car that came in hours ago, while the entry's camera was off line; both booths know it when this returns. */
export async function parked(plate = newPlate(), hours = 2) {
  const before = (await boothState(exit.booth)).inside
  await simulator('/remember', { lane: entry.lane, plate, colour: 'blue', at: new Date(Date.now() - hours * 3_600_000).toISOString() })
  await until(`${plate} is inside, to both booths`, async () => (await boothState(exit.booth)).inside > before)
  return plate
}

/** Sends a car to the exit. It pays as told; with "nothing" it waits for somebody to do something, for 40 s. */
export async function toExit(plate, pays) {
  await simulator('/asked', { lane: exit.lane }) // what the tests open is no barrier opened wrongly
  const { car } = await simulator('/arrive', { lane: exit.lane, plate, colour: 'blue', kind: 'visitor', pays })
  return car
}

/** A car that is held at the exit; returns its id and the lane as the booth has it. */
export async function held(plate, reason = 'unpaid') {
  const car = await toExit(plate, 'nothing')
  const lane = await until(`${plate} is held: ${reason}`, async () => {
    const l = await exitLane()
    return l.waiting && l.plate?.text === plate && l.reason === reason && l
  })
  return { car, lane }
}

/** Waits until the car has gone through the exit. */
export const left = (car) => until(`${car} has left`, async () => (await simulator('/truth')).cars.find((c) => c.id === car)?.state === 'left')
export const report = () => simulator('/report')
