// What the browser tests are told about the system they run against.
import { startMock } from './mock/server.mjs'
import { fileURLToPath } from 'node:url'

export const lot = process.env.LOTKEEPER_LOT ?? 'riverside'
export const exitLane = process.env.LOTKEEPER_EXIT_LANE ?? 'exit-1'
export const admin = { name: process.env.LOTKEEPER_ADMIN ?? 'admin', password: process.env.LOTKEEPER_ADMIN_PASSWORD ?? 'admin' }
export const seat = { name: process.env.LOTKEEPER_SEAT ?? 'seat', password: process.env.LOTKEEPER_SEAT_PASSWORD ?? 'seat' }
/** A plate that is inside and owes something; without it the tests take one from the list of sessions. */
export const plate = process.env.LOTKEEPER_PLATE

/** The system's address. LOTKEEPER_URL=mock stands for the mock, to work on these tests themselves. */
export async function system() {
  const url = process.env.LOTKEEPER_URL
  if (!url) throw new Error('LOTKEEPER_URL is not set: start the system (make demo) and say where it is')
  if (url !== 'mock') return { url, close: async () => undefined }
  return startMock({ dist: process.env.LOTKEEPER_DIST ?? fileURLToPath(new URL('../dist', import.meta.url)) })
}
