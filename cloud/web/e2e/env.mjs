// What the browser tests are told about the system they run against: the file that the demo writes where DEMO_URLS says.
import { readFileSync } from 'node:fs'

const file = process.env.LOTKEEPER_URLS
if (!file) throw new Error('LOTKEEPER_URLS is not set: npm run e2e starts a system and sets it')
export const { cloud, sim, booths, lot, entry, exit, admin, seat, booth } = JSON.parse(readFileSync(file, 'utf8'))
